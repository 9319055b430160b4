mod rules;
mod vectors;

use super::{Algorithm, Authenticator, Key, Pattern};
use crate::{Endpoints, Transmit};
use bytes::Bytes;
use core::net::SocketAddr;
use sockeye_wire::tcp::{MAX_HEADER_BYTES, OptionBytes, TcpHeader, TcpOption};
use sockeye_wire::{Flags, SeqNumber};
use std::vec::Vec;

pub(super) const ISS_A: SeqNumber = SeqNumber(1_000);
pub(super) const ISS_B: SeqNumber = SeqNumber(u32::MAX - 10);

/// The ends as A sees them.
pub(super) fn at_a(six: bool) -> Endpoints {
    let end = |host: u16, port| {
        if six {
            SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, host], port))
        } else {
            SocketAddr::from(([10, 0, 0, host as u8], port))
        }
    };
    Endpoints { local: end(1, 40_000), remote: end(2, 179) }
}

pub(super) fn swapped(endpoints: Endpoints) -> Endpoints {
    Endpoints { local: endpoints.remote, remote: endpoints.local }
}

pub(super) fn authenticator(
    keys: impl IntoIterator<Item = Key>,
    endpoints: &Endpoints,
) -> Authenticator {
    Authenticator::select(&keys.into_iter().collect(), endpoints).unwrap()
}

pub(super) fn ao(send: u8, receive: u8, algorithm: Algorithm) -> Key {
    let secret = [send.min(receive), send.max(receive)];
    Key::ao(Pattern::default(), send, receive, algorithm, &secret)
}

pub(super) fn segment(flags: Flags, seq: SeqNumber, data: &'static [u8]) -> Transmit {
    let mut options = OptionBytes::new();
    options.push(&TcpOption::MaximumSegmentSize(1_460)).unwrap();
    options.push_timestamps(7, 9).unwrap();
    let header = TcpHeader { seq, flags, window: 512, options, ..TcpHeader::default() };
    Transmit { header, payload: Bytes::from_static(data).into(), ..Transmit::default() }
}

/// The header as it goes on the wire.
pub(super) fn wire(endpoints: &Endpoints, transmit: &Transmit) -> Vec<u8> {
    let header = TcpHeader {
        source_port: endpoints.local.port(),
        destination_port: endpoints.remote.port(),
        ..transmit.header.clone()
    };
    let mut bytes = [0; MAX_HEADER_BYTES];
    let len = header.emit(&mut bytes);
    // The checksum is not covered.
    bytes[16] = 0x5a;
    bytes[..len].to_vec()
}

pub(super) fn pieces(transmit: &Transmit) -> impl Iterator<Item = &[u8]> + Clone {
    transmit.payload.pieces().iter().map(|piece| &piece[..])
}
