//! What a link does for a stack besides carrying packets.

/// The largest IP packet there is without jumbograms (RFC 791 §3.1): what a link that cuts super-segments usually takes.
pub const LARGEST_PACKET_BYTES: u32 = 65_535;

/// Work that a link takes over from whoever sends on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Offload {
    /// Octets of the largest IP packet that the link cuts into segments of
    /// [`Meta::gso_size`](sockeye_wire::Meta::gso_size) itself; 0 if it cuts none. Such a link completes the checksums of what it cuts.
    pub segmentation_bytes: u32,
    /// The link completes [`Partial`](sockeye_wire::ChecksumState::Partial) transport checksums.
    pub checksum: bool,
}

impl Offload {
    /// A link that carries what it is given and does nothing else.
    pub const NONE: Self = Self { segmentation_bytes: 0, checksum: false };

    /// A link that cuts super-segments as large as an IP packet may be, and completes checksums.
    pub const FULL: Self = Self { segmentation_bytes: LARGEST_PACKET_BYTES, checksum: true };
}
