//! Signed segments, by the RFCs and not by the code under test: the MD5 option (RFC 2385) and TCP-AO (RFC 5925, RFC 5926).

use super::build::{Addresses, tcp_segment};
use crate::script::{OptionSpec, SignatureKind, TcpSpec};
use cmac::Cmac;
use hmac::{Hmac, KeyInit, Mac};
use md5::Digest;
use sha1::Sha1;
use sockeye_wire::ip::protocol;
use sockeye_wire::tcp::options::kind;
use std::net::IpAddr;

/// Octets of a TCP-AO code: both algorithms' are cut to 96 bits (RFC 5926 §3.2).
const MAC_BYTES: usize = 12;
const DIGEST_BYTES: usize = 16;
const HEADER_BYTES: usize = 20;

/// How a master key becomes traffic keys and codes (RFC 5926 §3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Algorithm {
    HmacSha1,
    AesCmac,
}

/// A master key tuple (RFC 5925 §3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AoKey {
    pub(crate) send: u8,
    pub(crate) receive: u8,
    pub(crate) algorithm: Algorithm,
    pub(crate) covers_options: bool,
    pub(crate) secret: Vec<u8>,
}

/// The keys that the script has set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Keys {
    pub(crate) md5: Option<Vec<u8>>,
    pub(crate) ao: Vec<AoKey>,
}

/// Initial sequence numbers of a segment's source and destination; the latter is 0 where it is not known yet (RFC 5925 §5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Isns {
    pub(crate) source: u32,
    pub(crate) destination: u32,
}

/// Replaces `md5 valid`, `ao … wrong` in a segment to the stack by octets; the payload is zeros. `tcp` is in the wire's numbers.
///
/// # Errors
/// A message, if the script has set no such key.
pub(crate) fn sign(
    addresses: Addresses,
    tcp: &mut TcpSpec,
    keys: &Keys,
    isns: Isns,
) -> Result<(), String> {
    let Some((index, signature, valid)) = find(tcp) else { return Ok(()) };
    let payload = vec![0; usize::from(tcp.len)];
    let (kind, mut data) = match signature {
        SignatureKind::Md5 => (kind::MD5, vec![0; DIGEST_BYTES]),
        SignatureKind::Ao { key, next } => {
            (kind::AUTHENTICATION, [&[key, next], &[0; MAC_BYTES][..]].concat())
        }
    };
    put(tcp, index, OptionSpec::Other { kind, data: data.clone() });
    let code = match signature {
        SignatureKind::Md5 => {
            keys.md5.as_deref().map(|key| md5_digest(addresses, tcp, &payload, key))
        }
        SignatureKind::Ao { key, .. } => {
            let key = keys.ao.iter().find(|known| known.receive == key);
            key.map(|key| ao_code(addresses, tcp, &payload, key, isns))
        }
    };
    let mut code = code.ok_or("the script has set no key for this signature")?;
    if !valid {
        code[0] ^= 1;
    }
    let start = data.len() - code.len();
    data[start..].copy_from_slice(&code);
    put(tcp, index, OptionSpec::Other { kind, data });
    Ok(())
}

/// Verifies the signature of a segment from the stack, if it has one and the script has set a key of that kind, and puts `valid` in
/// its place.
///
/// # Errors
/// A message, if it is not right.
pub(crate) fn verify(
    addresses: Addresses,
    tcp: &mut TcpSpec,
    payload: &[u8],
    keys: &Keys,
    isns: Isns,
) -> Result<(), String> {
    let mut options = tcp.options.iter().flatten();
    let signed = |option: &OptionSpec| match option {
        OptionSpec::Other { kind: kind::MD5, data } if data.len() == DIGEST_BYTES => true,
        OptionSpec::Other { kind: kind::AUTHENTICATION, data } => data.len() == 2 + MAC_BYTES,
        _ => false,
    };
    let Some(index) = options.position(signed) else { return Ok(()) };
    let Some(OptionSpec::Other { data, .. }) = tcp.options.iter().flatten().nth(index).cloned()
    else {
        return Ok(());
    };
    let (signature, code) = match data[..] {
        [key, next, ref code @ ..] if code.len() == MAC_BYTES => {
            if keys.ao.is_empty() {
                return Ok(());
            }
            let Some(known) = keys.ao.iter().find(|known| known.send == key) else {
                return Err(format!("signature: no key of the script has the KeyID {key}"));
            };
            let right = ao_code(addresses, tcp, payload, known, isns);
            (SignatureKind::Ao { key, next }, right == code)
        }
        ref digest => {
            let Some(key) = &keys.md5 else { return Ok(()) };
            (SignatureKind::Md5, md5_digest(addresses, tcp, payload, key) == digest)
        }
    };
    if !code {
        return Err("signature: it is not right".into());
    }
    put(tcp, index, OptionSpec::Signature { kind: signature, valid: true });
    Ok(())
}

fn find(tcp: &TcpSpec) -> Option<(usize, SignatureKind, bool)> {
    tcp.options.iter().flatten().enumerate().find_map(|(index, option)| match option {
        OptionSpec::Signature { kind, valid } => Some((index, *kind, *valid)),
        _ => None,
    })
}

fn put(tcp: &mut TcpSpec, index: usize, option: OptionSpec) {
    if let Some(place) = tcp.options.iter_mut().flatten().nth(index) {
        *place = option;
    }
}

/// RFC 2385 §2.0: pseudo-header, header without options and checksum, data, key.
fn md5_digest(addresses: Addresses, tcp: &TcpSpec, payload: &[u8], key: &[u8]) -> Vec<u8> {
    let segment = tcp_segment(addresses, tcp, payload);
    let mut digest = md5::Md5::new();
    digest.update(pseudo_header(addresses, segment.len()));
    digest.update(&segment[..HEADER_BYTES]);
    digest.update(payload);
    digest.update(key);
    digest.finalize().to_vec()
}

/// RFC 5925 §5.1: SNE, pseudo-header, header with its options (or TCP-AO alone) with the code and the checksum zero, data.
fn ao_code(
    addresses: Addresses,
    tcp: &TcpSpec,
    payload: &[u8],
    key: &AoKey,
    isns: Isns,
) -> Vec<u8> {
    let zeroed = |option: &OptionSpec| match option {
        OptionSpec::Other { kind: kind::AUTHENTICATION, data } => OptionSpec::Other {
            kind: kind::AUTHENTICATION,
            data: [&data[..2], &[0; MAC_BYTES][..]].concat(),
        },
        other => other.clone(),
    };
    let options: Vec<OptionSpec> = tcp.options.iter().flatten().map(zeroed).collect();
    let covered = TcpSpec { options: Some(options.clone()), ..tcp.clone() };
    let mut segment = tcp_segment(addresses, &covered, payload);
    let len = segment.len();
    if !key.covers_options {
        let is_ao = |option: &&OptionSpec| {
            matches!(option, OptionSpec::Other { kind: kind::AUTHENTICATION, .. })
        };
        let only = options.iter().filter(is_ao).cloned().collect();
        let only = tcp_segment(addresses, &TcpSpec { options: Some(only), ..tcp.clone() }, &[]);
        let header = segment[..HEADER_BYTES].to_vec();
        segment = [&header[..], &only[HEADER_BYTES..], payload].concat();
    }
    // The number has wrapped since the SYN (§6.2); no script sends 4 GiB.
    let extension = u32::from(tcp.seq < isns.source).to_be_bytes();
    let message = [&extension[..], &pseudo_header(addresses, len), &segment].concat();
    let mut code = mac(key.algorithm, &traffic_key(addresses, key, isns), &message);
    code.truncate(MAC_BYTES);
    code
}

/// RFC 5926 §3.1.1.
fn traffic_key(addresses: Addresses, key: &AoKey, isns: Isns) -> Vec<u8> {
    let (bits, master) = match (key.algorithm, key.secret.len()) {
        (Algorithm::HmacSha1, _) => (160_u16, key.secret.clone()),
        (Algorithm::AesCmac, 16) => (128, key.secret.clone()),
        (Algorithm::AesCmac, _) => (128, mac(Algorithm::AesCmac, &[0; 16], &key.secret)),
    };
    let input = [
        b"\x01TCP-AO",
        &octets(addresses.source.ip())[..],
        &octets(addresses.destination.ip()),
        &addresses.source.port().to_be_bytes(),
        &addresses.destination.port().to_be_bytes(),
        &isns.source.to_be_bytes(),
        &isns.destination.to_be_bytes(),
        &bits.to_be_bytes(),
    ];
    mac(key.algorithm, &master, &input.concat())
}

fn mac(algorithm: Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    fn with<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
        // Keys of a length that cannot be do not occur: HMAC takes any, AES gets its 16 octets from above.
        M::new_from_slice(key)
            .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
            .unwrap_or_default()
    }
    match algorithm {
        Algorithm::HmacSha1 => with::<Hmac<Sha1>>(key, message),
        Algorithm::AesCmac => with::<Cmac<aes::Aes128>>(key, message),
    }
}

fn pseudo_header(addresses: Addresses, len: usize) -> Vec<u8> {
    let (source, destination) = (addresses.source.ip(), addresses.destination.ip());
    let rest = if source.is_ipv4() {
        [&[0, protocol::TCP], &(len as u16).to_be_bytes()[..]].concat()
    } else {
        [&(len as u32).to_be_bytes()[..], &[0, 0, 0, protocol::TCP]].concat()
    };
    [octets(source), octets(destination), rest].concat()
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}
