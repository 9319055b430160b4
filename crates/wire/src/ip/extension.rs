//! IPv6 extension headers (RFC 8200 §4), walked up to the transport header or a fragment.

use super::protocol;
use super::view::{Fragment, IpError};

/// More headers than any honest packet carries.
const MAX_HEADERS: usize = 8;

/// Where the walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extensions {
    /// The first header that is no extension.
    pub protocol: u8,
    /// Octets walked over.
    pub len: usize,
    /// Set if the walk ended behind a fragment header: what follows is a piece of the rest.
    pub fragment: Option<Fragment>,
    /// A routing header wants the packet forwarded.
    pub source_routed: bool,
}

/// Walks the extension headers in front of `bytes`, the first of kind `next`.
///
/// An atomic fragment (RFC 6946) is walked over like any other header.
///
/// # Errors
/// [`IpError::Truncated`] if a header does not end within `bytes`, [`IpError::BadExtension`] if one stands where it must
/// not, there are too many, or an option forbids to go on (RFC 8200 §4.2).
#[inline]
pub fn walk_extensions(next: u8, bytes: &[u8]) -> Result<Extensions, IpError> {
    let mut at = Extensions { protocol: next, len: 0, fragment: None, source_routed: false };
    for index in 0..=MAX_HEADERS {
        if !is_extension(at.protocol) {
            return Ok(at);
        }
        if index == MAX_HEADERS || (at.protocol == protocol::HOP_BY_HOP && index > 0) {
            return Err(IpError::BadExtension { kind: at.protocol });
        }
        step(&mut at, bytes)?;
        if at.fragment.is_some() {
            return Ok(at);
        }
    }
    Ok(at)
}

const fn is_extension(kind: u8) -> bool {
    matches!(
        kind,
        protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::FRAGMENT
            | protocol::DESTINATION_OPTIONS
    )
}

fn step(at: &mut Extensions, bytes: &[u8]) -> Result<(), IpError> {
    let rest = &bytes[at.len..];
    let kind = at.protocol;
    let len = match rest {
        _ if kind == protocol::FRAGMENT => 8,
        [_, words, ..] => (usize::from(*words) + 1) * 8,
        _ => 8,
    };
    let Some(header) = rest.get(..len) else {
        return Err(IpError::Truncated { have: bytes.len(), need: at.len + len });
    };
    match kind {
        protocol::FRAGMENT => {
            let offset_and_more = u16::from_be_bytes([header[2], header[3]]);
            let fragment = Fragment {
                id: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
                offset: usize::from(offset_and_more & !7),
                more: offset_and_more & 1 != 0,
            };
            if fragment.offset != 0 || fragment.more {
                at.fragment = Some(fragment);
            }
        }
        protocol::ROUTING => at.source_routed |= header[3] != 0,
        _ => check_options(kind, &header[2..])?,
    }
    at.protocol = header[0];
    at.len += len;
    Ok(())
}

/// RFC 8200 §4.2: the two high bits of an option that is not understood say whether the packet may still be used.
fn check_options(kind: u8, mut options: &[u8]) -> Result<(), IpError> {
    const PAD_1: u8 = 0;
    while let Some((&option, rest)) = options.split_first() {
        if option == PAD_1 {
            options = rest;
            continue;
        }
        if option & 0xc0 != 0 {
            return Err(IpError::BadExtension { kind });
        }
        options = match rest.split_first() {
            Some((&len, data)) if usize::from(len) <= data.len() => &data[usize::from(len)..],
            _ => return Err(IpError::BadExtension { kind }),
        };
    }
    Ok(())
}
