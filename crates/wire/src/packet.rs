//! What links and hosts hand each other: a packet and what is known about it.

use crate::{Instant, Payload};
use arrayvec::ArrayVec;
use bytes::{Bytes, BytesMut};

/// Room for Ethernet with VLAN tags (22), IPv6 with a small extension (44) and TCP (60) headers.
pub const MAX_HEADER_BYTES: usize = 128;

/// Headers built in place, without allocation.
pub type HeaderBytes = ArrayVec<u8, MAX_HEADER_BYTES>;

/// Appends octets to headers that are being built.
///
/// # Panics
/// If there is no room for them: every header has a known largest size, so that is a mistake of the caller's.
#[inline]
pub fn append(headers: &mut HeaderBytes, octets: &[u8]) {
    let fits = headers.try_extend_from_slice(octets).is_ok();
    assert!(fits, "headers exceed {MAX_HEADER_BYTES} bytes");
}

/// What is known of a packet's transport checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ChecksumState {
    /// Nobody looked: verify it before use.
    #[default]
    Unverified,
    /// Verified by a device or built right by us.
    Valid,
    /// The field holds the pseudo-header's sum only; a device completes it, or the packet never leaves this machine.
    Partial,
}

/// The ECN field of the IP header (RFC 3168 §5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Ecn {
    /// Not ECN-capable.
    #[default]
    NotEct = 0,
    /// ECT(1), for L4S (RFC 9331).
    Ect1 = 1,
    /// ECT(0), the classic mark of an ECN-capable transport.
    Ect0 = 2,
    /// Congestion experienced.
    Ce = 3,
}

impl Ecn {
    /// From the low two bits of the traffic class.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::NotEct,
            1 => Self::Ect1,
            2 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// The two bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// What is known about a packet besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// When the packet arrived at the link (not when it is processed).
    pub arrival: Instant,
    /// State of the transport checksum.
    pub checksum: ChecksumState,
    /// Segments on the wire that this packet stands for: more than 1 after receive coalescing or before segmentation.
    pub wire_segments: u16,
    /// Payload bytes of each wire segment when `wire_segments > 1`; 0 otherwise.
    pub gso_size: u16,
    /// ECN field of the IP header.
    pub ecn: Ecn,
    /// Sent to a link-layer broadcast or multicast address: TCP must not answer (RFC 9293 MUST-57).
    pub link_broadcast: bool,
}

impl Meta {
    /// An ordinary packet that arrived at `arrival`, nothing verified.
    #[must_use]
    pub const fn at(arrival: Instant) -> Self {
        Self {
            arrival,
            checksum: ChecksumState::Unverified,
            wire_segments: 1,
            gso_size: 0,
            ecn: Ecn::NotEct,
            link_broadcast: false,
        }
    }

    /// The packet came with `payload_len` octets of data, coalesced from segments of `size` octets, if that is more than one.
    #[must_use]
    pub fn coalesced_from(self, payload_len: usize, size: u16) -> Self {
        if size == 0 || payload_len <= usize::from(size) {
            return self;
        }
        Self { wire_segments: payload_len.div_ceil(size.into()) as u16, gso_size: size, ..self }
    }
}

/// A packet: either one contiguous buffer as a device delivers it, or headers in a fixed array and shared payload slices
/// as a stack sends it.
///
/// A link that needs contiguous bytes copies there ([`copy_to`](Self::copy_to)); one that does not passes slices on.
#[derive(Clone, Debug)]
pub struct Packet {
    /// What is known about it.
    pub meta: Meta,
    headers: HeaderBytes,
    payload: Payload,
}

impl Packet {
    /// A contiguous packet, as received.
    #[inline]
    #[must_use]
    pub fn from_bytes(meta: Meta, bytes: Bytes) -> Self {
        Self { meta, headers: HeaderBytes::new_const(), payload: bytes.into() }
    }

    /// Headers and payload, as sent.
    #[inline]
    #[must_use]
    pub const fn new(meta: Meta, headers: HeaderBytes, payload: Payload) -> Self {
        Self { meta, headers, payload }
    }

    /// Nothing yet: the place for a packet that is [built](Self::build) where it stays.
    #[inline]
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Meta::at(Instant::ZERO), HeaderBytes::new_const(), Payload::empty())
    }

    /// Becomes another packet, whose headers `write` appends: moving one is a copy of its header array.
    #[inline]
    pub fn build(&mut self, meta: Meta, payload: Payload, write: impl FnOnce(&mut HeaderBytes)) {
        self.meta = meta;
        self.payload = payload;
        self.headers.clear();
        write(&mut self.headers);
    }

    /// Octets in all.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.headers.len() + self.payload.len()
    }

    /// Whether there is not a single octet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The contiguous beginning, in which all headers must lie to be understood: the header array if there is one,
    /// otherwise the first piece.
    #[inline]
    #[must_use]
    pub fn front(&self) -> &[u8] {
        if !self.headers.is_empty() {
            return &self.headers;
        }
        self.payload.pieces().first().map_or(&[], |piece| &piece[..])
    }

    /// The header array, to be written over: a link-layer address that was not known when the packet was built. Empty in a
    /// packet as received.
    #[inline]
    pub fn headers_mut(&mut self) -> &mut [u8] {
        &mut self.headers
    }

    /// All pieces in order, none empty.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let headers = (!self.headers.is_empty()).then_some(&self.headers[..]);
        headers.into_iter().chain(self.payload.pieces().iter().map(|piece| &piece[..]))
    }

    /// Takes octets `from..to` out as payload, sharing the buffers; a part that lies in the header array is copied.
    ///
    /// Bounds beyond the end are cut to it.
    #[must_use]
    pub fn into_payload(self, from: usize, to: usize) -> Payload {
        let (from, to) = (from.min(self.len()), to.min(self.len()));
        let inline = self.headers.len();
        if from >= inline {
            let mut payload = self.payload;
            payload.truncate(to - inline);
            payload.advance(from - inline);
            return payload;
        }
        let mut whole = Payload::from(Bytes::copy_from_slice(&self.headers));
        for piece in self.payload {
            whole.push(piece);
        }
        whole.truncate(to);
        whole.advance(from);
        whole
    }

    /// As [`into_payload`](Self::into_payload) with everything from octet `from` on, leaving nothing behind: for whoever
    /// has the packet by reference, because moving one is a copy of its header array.
    #[inline]
    #[must_use]
    pub fn take_payload(&mut self, from: usize) -> Payload {
        let len = self.len();
        let mut payload = core::mem::take(&mut self.payload);
        if let Some(beyond) = from.checked_sub(self.headers.len()) {
            self.headers.clear();
            payload.advance(beyond);
            return payload;
        }
        let headers = core::mem::take(&mut self.headers);
        Self { meta: self.meta, headers, payload }.into_payload(from, len)
    }

    /// Drops the last octets so that `len` remain, as a link's padding must be (Ethernet's minimum frame).
    pub fn truncate(&mut self, len: usize) {
        if len >= self.headers.len() {
            self.payload.truncate(len - self.headers.len());
        } else {
            self.payload = Payload::empty();
            self.headers.truncate(len);
        }
    }

    /// Copies the packet to the front of `out` and says how long it is.
    ///
    /// # Panics
    /// If `out` is shorter than [`len`](Self::len).
    pub fn copy_to(&self, out: &mut [u8]) -> usize {
        let inline = self.headers.len();
        out[..inline].copy_from_slice(&self.headers);
        self.payload.copy_to(&mut out[inline..]);
        self.len()
    }

    /// The packet as one buffer; copies only if it is in several pieces.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        if let ([], [piece]) = (&self.headers[..], self.payload.pieces()) {
            return piece.clone();
        }
        let mut out = BytesMut::zeroed(self.len());
        self.copy_to(&mut out);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderBytes, Meta, Packet};
    use crate::{Instant, Payload};
    use bytes::Bytes;

    #[test]
    fn headers_can_be_written_over() {
        let headers = HeaderBytes::try_from(&[1, 2, 3][..]).unwrap();
        let payload = Payload::from(Bytes::from_static(b"data"));
        let mut packet = Packet::new(Meta::at(Instant::ZERO), headers, payload);
        packet.headers_mut()[..2].copy_from_slice(&[8, 9]);
        assert_eq!(&packet.to_bytes()[..], b"\x08\x09\x03data");
        let whole = packet.clone().into_payload(1, 7);
        assert_eq!(packet.take_payload(1), whole);
        assert!(packet.is_empty());
        let mut received = Packet::from_bytes(Meta::at(Instant::ZERO), Bytes::from_static(b"x"));
        assert!(received.headers_mut().is_empty());
    }
}
