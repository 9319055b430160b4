//! Which queue, where its frames are taken, and what was lost on it.

/// Which queue of which interface to take over, and how.
#[derive(Clone, Debug)]
pub struct XdpConfig {
    /// The interface's name.
    pub interface: String,
    /// The receive and transmit queue; 0 where there is only one.
    pub queue: u32,
    /// Where the program runs.
    pub mode: XdpMode,
    /// Believe the checksums of what arrives. For the virtual interfaces of one machine: the other end of a veth pair leaves
    /// checksums open, because nothing can damage a packet there, and AF_XDP does not say so.
    pub trust_checksums: bool,
}

impl XdpConfig {
    /// Queue 0, the fastest mode that there is, checksums verified.
    #[must_use]
    pub fn new(interface: impl Into<String>) -> Self {
        let mode = XdpMode::Fastest;
        Self { interface: interface.into(), queue: 0, mode, trust_checksums: false }
    }
}

/// Where in the kernel frames are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum XdpMode {
    /// In the driver if it can, else as [`Generic`](Self::Generic).
    Fastest,
    /// After Linux has made a packet of its own of it: slow, and possible with every driver.
    Generic,
}

/// Frames that an [`Xdp`](super::Xdp) lost, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct XdpCounts {
    /// Sent, longer than a frame may be.
    pub dropped_refused: u64,
}

impl XdpMode {
    /// XDP_FLAGS_ of linux/if_link.h.
    pub(super) const fn flags(self) -> u32 {
        match self {
            Self::Fastest => 0,
            Self::Generic => 2,
        }
    }
}
