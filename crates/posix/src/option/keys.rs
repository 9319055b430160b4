//! Keys as Linux's programs give them: `struct tcp_md5sig`, `tcp_ao_add`, `tcp_ao_del`, `tcp_ao_info_opt`.

use crate::address::{Address, unmapped};
use crate::errno::Errno;
use core::net::IpAddr;
use sockeye_host::auth::Algorithm;
use sockeye_host::{Key, KeyId, Pattern};

/// `struct sockaddr_storage`.
const ADDRESS_BYTES: usize = 128;
const MD5_BYTES: usize = 216;
const AO_ADD_BYTES: usize = 288;
const AO_DELETE_BYTES: usize = 144;
const AO_INFO_BYTES: usize = 48;
/// Longest key (`TCP_MD5SIG_MAXKEYLEN`, `TCP_AO_MAXKEYLEN`).
const KEY_BYTES: usize = 80;
/// `TCP_MD5SIG_FLAG_PREFIX`.
const MD5_PREFIX: u8 = 1;
/// `TCP_AO_KEYF_EXCLUDE_OPT`.
const AO_EXCLUDE_OPTIONS: u8 = 2;
/// Octets of the signature on the wire that RFC 5926 gives both algorithms.
const MAC_BYTES: u8 = 12;

/// What a program wants of a key.
#[derive(Clone, Debug)]
pub(crate) enum KeyChange {
    Add { key: Key, choose: Choose },
    Remove { pattern: Pattern, id: KeyId, choose: Choose },
}

/// Which keys are to be used from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Choose {
    /// SendID of the key to sign with.
    pub(crate) current: Option<u8>,
    /// RecvID of the key that the peer is to sign with.
    pub(crate) next: Option<u8>,
}

/// Reads a `struct tcp_md5sig`; `extended` for `TCP_MD5SIG_EXT`, whose prefix counts. A key of no octets is removed.
pub(crate) fn md5(bytes: &[u8], extended: bool) -> Result<KeyChange, Errno> {
    let bytes = bytes.first_chunk::<MD5_BYTES>().ok_or(Errno::EINVAL)?;
    let [flags, prefix] = [bytes[ADDRESS_BYTES], bytes[ADDRESS_BYTES + 1]];
    let len = usize::from(u16::from_ne_bytes([bytes[ADDRESS_BYTES + 2], bytes[ADDRESS_BYTES + 3]]));
    if len > KEY_BYTES {
        return Err(Errno::EINVAL);
    }
    let prefix = (extended && flags & MD5_PREFIX != 0).then_some(prefix);
    let pattern = pattern(&bytes[..ADDRESS_BYTES], prefix)?;
    let secret = &bytes[ADDRESS_BYTES + 8..][..len];
    Ok(if secret.is_empty() {
        KeyChange::Remove { pattern, id: KeyId::Md5, choose: Choose::default() }
    } else {
        KeyChange::Add { key: Key::md5(pattern, secret), choose: Choose::default() }
    })
}

/// Reads a `struct tcp_ao_add`.
pub(crate) fn ao_add(bytes: &[u8]) -> Result<KeyChange, Errno> {
    let bytes = bytes.first_chunk::<AO_ADD_BYTES>().ok_or(Errno::EINVAL)?;
    let name = bytes[ADDRESS_BYTES..ADDRESS_BYTES + 64].split(|byte| *byte == 0).next();
    let algorithm = match name.unwrap_or(&[]) {
        b"hmac(sha1)" => Algorithm::HmacSha1,
        b"cmac(aes128)" => Algorithm::Aes128Cmac,
        _ => return Err(Errno::ENOENT),
    };
    let flags = word(bytes, 196);
    let [prefix, send, receive, mac, manner, len] =
        [bytes[202], bytes[203], bytes[204], bytes[205], bytes[206], bytes[207]];
    let len = usize::from(len);
    if flags & !3 != 0 || bytes[200..202] != [0, 0] || len > KEY_BYTES {
        return Err(Errno::EINVAL);
    }
    if (mac != 0 && mac != MAC_BYTES) || manner & !AO_EXCLUDE_OPTIONS != 0 {
        return Err(Errno::EINVAL);
    }
    let pattern = pattern(&bytes[..ADDRESS_BYTES], Some(prefix))?;
    let key = Key::ao(pattern, send, receive, algorithm, &bytes[208..208 + len]);
    let key = if manner & AO_EXCLUDE_OPTIONS != 0 { key.without_options() } else { key };
    let choose = Choose {
        current: (flags & 1 != 0).then_some(send),
        next: (flags & 2 != 0).then_some(receive),
    };
    Ok(KeyChange::Add { key, choose })
}

/// Reads a `struct tcp_ao_del`.
pub(crate) fn ao_delete(bytes: &[u8]) -> Result<KeyChange, Errno> {
    let bytes = bytes.first_chunk::<AO_DELETE_BYTES>().ok_or(Errno::EINVAL)?;
    let flags = word(bytes, 132);
    // Without waiting for what still uses it (`del_async`): keys are shared here, and never pulled away.
    if flags & !7 != 0 {
        return Err(Errno::EINVAL);
    }
    let [prefix, send, receive, current, next] =
        [bytes[138], bytes[139], bytes[140], bytes[141], bytes[142]];
    Ok(KeyChange::Remove {
        pattern: pattern(&bytes[..ADDRESS_BYTES], Some(prefix))?,
        id: KeyId::Ao { send, receive },
        choose: choose(flags, current, next),
    })
}

/// Reads a `struct tcp_ao_info_opt`: which keys to use, and whether ICMP is believed.
pub(crate) fn ao_info(bytes: &[u8]) -> Result<(Choose, bool), Errno> {
    let bytes = bytes.first_chunk::<AO_INFO_BYTES>().ok_or(Errno::EINVAL)?;
    let flags = word(bytes, 0);
    // That a connection without keys is refused (`ao_required`) and counters that are set are not there.
    if flags & !(1 | 2 | 16) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok((choose(flags, bytes[6], bytes[7]), flags & 16 != 0))
}

/// Writes a `struct tcp_ao_info_opt`.
pub(crate) fn encode_ao_info(info: &sockeye_host::auth::AuthInfo) -> Vec<u8> {
    let flag = |known: Option<u8>, bit: u32| if known.is_some() { bit } else { 0 };
    let flags = flag(info.current_key, 1) | flag(info.next_key, 2);
    let mut bytes = flags.to_ne_bytes().to_vec();
    bytes.extend([0, 0, info.current_key.unwrap_or(0), info.next_key.unwrap_or(0)]);
    for count in [info.verified, info.rejected, 0, 0, 0] {
        bytes.extend(count.to_ne_bytes());
    }
    bytes
}

fn choose(flags: u32, current: u8, next: u8) -> Choose {
    Choose { current: (flags & 1 != 0).then_some(current), next: (flags & 2 != 0).then_some(next) }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    word.map_or(0, |word| u32::from_ne_bytes(*word))
}

/// The peers that a key is for: one, or those with the same prefix. As in Linux their port does not count; an unspecified
/// address with a prefix of 0 is everybody.
fn pattern(address: &[u8], prefix: Option<u8>) -> Result<Pattern, Errno> {
    let Address::Inet(address) = Address::decode(address)? else { return Err(Errno::EINVAL) };
    let was_mapped = address.is_ipv6();
    let address = unmapped(address).ip();
    let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
    let len = match prefix {
        None => bits,
        Some(0) if address.is_unspecified() => return Ok(Pattern::default()),
        Some(len) if was_mapped && address.is_ipv4() => len.checked_sub(96).ok_or(Errno::EINVAL)?,
        Some(len) => len,
    };
    if len > bits || has_more_bits(address, len) {
        return Err(Errno::EINVAL);
    }
    Ok(Pattern::peers(address, len))
}

/// Whether an address has bits beyond its prefix, which Linux refuses.
fn has_more_bits(address: IpAddr, len: u8) -> bool {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_shl(u32::from(len)).is_some_and(|rest| rest != 0),
        IpAddr::V6(v6) => v6.to_bits().checked_shl(u32::from(len)).is_some_and(|rest| rest != 0),
    }
}
