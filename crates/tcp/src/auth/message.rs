//! Which octets a signature covers: pseudo-header, header, data.

use super::Rejection;
use crate::Endpoints;
use arrayvec::ArrayVec;
use core::net::{IpAddr, SocketAddr};
use core::ops::Range;
use sockeye_wire::ip::protocol;
use sockeye_wire::tcp::options::{Options, kind};
use sockeye_wire::tcp::{MAX_HEADER_BYTES, MIN_HEADER_BYTES, OptionBytes, TcpHeader, TcpOption};

/// A header as it is covered.
pub(super) type Covered = ArrayVec<u8, MAX_HEADER_BYTES>;

/// Where the checksum stands; it counts as zero.
const CHECKSUM: Range<usize> = 16..18;

/// The pseudo-header of a segment of `len` octets (RFC 9293 §3.1, RFC 8200 §8.1).
pub(super) fn pseudo_header(from: SocketAddr, to: SocketAddr, len: usize) -> ArrayVec<u8, 40> {
    let mut out = ArrayVec::new();
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend(from.octets());
            out.extend(to.octets());
            out.extend([0, protocol::TCP]);
            out.extend((len as u16).to_be_bytes());
        }
        (from, to) => {
            out.extend(octets_v6(from));
            out.extend(octets_v6(to));
            out.extend((len as u32).to_be_bytes());
            out.extend([0, 0, 0, protocol::TCP]);
        }
    }
    out
}

fn octets_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The header without any option (RFC 2385 §2.0).
pub(super) fn bare_header(header: &[u8]) -> Covered {
    let mut covered: Covered = header.iter().copied().take(MIN_HEADER_BYTES).collect();
    covered[CHECKSUM].fill(0);
    covered
}

/// The header with the code zero, and of the options all or TCP-AO alone (RFC 5925 §5.1). `option` is where TCP-AO stands.
pub(super) fn ao_header(header: &[u8], option: Range<usize>, covers_options: bool) -> Covered {
    let mut whole: Covered = header.iter().copied().take(MAX_HEADER_BYTES).collect();
    whole[CHECKSUM].fill(0);
    whole[option.start + 4..option.end].fill(0);
    if covers_options {
        return whole;
    }
    whole[..MIN_HEADER_BYTES].iter().chain(&whole[option]).copied().collect()
}

/// Where in a header the one signature stands that it must have, kind and length included.
///
/// # Errors
/// [`Rejection::Missing`] if there is none of this kind, [`Rejection::Unexpected`] if there are two signatures
/// (RFC 5925 §2.2, §7.5).
pub(super) fn find_signature(header: &[u8], wanted: u8) -> Result<Range<usize>, Rejection> {
    let mut found = None;
    let mut at = MIN_HEADER_BYTES;
    while let Some(&kind) = header.get(at) {
        let len = match kind {
            kind::END_OF_LIST => break,
            kind::NO_OPERATION => 1,
            _ => header.get(at + 1).map_or(0, |len| usize::from(*len)),
        };
        if len == 0 || at + len > header.len() || (len == 1 && kind != kind::NO_OPERATION) {
            break;
        }
        if matches!(kind, kind::MD5 | kind::AUTHENTICATION) {
            if found.is_some() {
                return Err(Rejection::Unexpected);
            }
            found = Some((kind, at..at + len));
        }
        at += len;
    }
    match found {
        Some((kind, place)) if kind == wanted => Ok(place),
        _ => Err(Rejection::Missing),
    }
}

/// Puts a signature in front of the options of a header, as Linux does. None if it does not fit.
pub(super) fn with_signature(
    header: &TcpHeader,
    signature: &[TcpOption<'_>],
) -> Option<OptionBytes> {
    let mut options = OptionBytes::new();
    for option in signature {
        options.push(option).ok()?;
    }
    for option in Options::new(header.options.as_slice()).map_while(Result::ok) {
        options.push(&option).ok()?;
    }
    Some(options)
}

/// Both ends in the order of a segment that we send.
pub(super) const fn outward(endpoints: &Endpoints) -> (SocketAddr, SocketAddr) {
    (endpoints.local, endpoints.remote)
}

/// Both ends in the order of a segment that we receive.
pub(super) const fn inward(endpoints: &Endpoints) -> (SocketAddr, SocketAddr) {
    (endpoints.remote, endpoints.local)
}
