//! Keys of signatures: `struct tcp_md5sig` and `struct tcp_ao_add`, as Linux lays them out, for the script's other end.

use super::super::symbols::int;
use crate::packet::{Algorithm, AoKey, Keys};
use crate::script::Expr;
use sockeye_posix::Address;

/// `struct sockaddr_storage`.
const ADDRESS_BYTES: usize = 128;
/// Room for the name of an algorithm.
const NAME_BYTES: usize = 64;
const MD5_BYTES: usize = 216;
const AO_BYTES: usize = 288;
/// `TCP_AO_KEYF_EXCLUDE_OPT`.
const EXCLUDE_OPTIONS: u8 = 2;

/// A key that a call sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::run) enum NewKey {
    /// Of no octets: it is removed.
    Md5(Vec<u8>),
    Ao(AoKey),
}

impl NewKey {
    /// The structure and the key, if `value` is one.
    pub(super) fn read(value: &Expr, peer: Address) -> Result<Option<(Vec<u8>, Self)>, String> {
        let mut bytes = peer.encode();
        bytes.resize(ADDRESS_BYTES, 0);
        Ok(Some(match value {
            Expr::Md5Key(secret) => {
                bytes.extend([0, 0]);
                bytes.extend((secret.len() as u16).to_ne_bytes());
                bytes.extend([0; 4]);
                bytes.extend(secret);
                bytes.resize(MD5_BYTES, 0);
                (bytes, Self::Md5(secret.clone()))
            }
            Expr::AoKey(secret, further) => {
                let fields = Fields::read(further)?;
                bytes.extend(&fields.algorithm_name);
                bytes.resize(ADDRESS_BYTES + NAME_BYTES, 0);
                bytes.extend([0; 4]);
                bytes.extend(fields.flags.to_ne_bytes());
                let prefix_len = if bytes[..2] == 2_u16.to_ne_bytes() { 32 } else { 128 };
                bytes.extend([0, 0, prefix_len, fields.send, fields.receive, 0]);
                bytes.extend([fields.manner, secret.len() as u8]);
                bytes.extend(secret);
                bytes.resize(AO_BYTES, 0);
                let key = AoKey {
                    send: fields.send,
                    receive: fields.receive,
                    algorithm: fields.algorithm(),
                    covers_options: fields.manner & EXCLUDE_OPTIONS == 0,
                    secret: secret.clone(),
                };
                (bytes, Self::Ao(key))
            }
            _ => return Ok(None),
        }))
    }

    /// The stack has taken it.
    pub(super) fn install(self, keys: &mut Keys) {
        match self {
            Self::Md5(secret) => keys.md5 = (!secret.is_empty()).then_some(secret),
            Self::Ao(key) => keys.ao.push(key),
        }
    }
}

/// Fields of a `struct tcp_ao_add` besides the key.
struct Fields {
    algorithm_name: Vec<u8>,
    flags: u32,
    send: u8,
    receive: u8,
    manner: u8,
}

impl Fields {
    fn read(fields: &[(String, Expr)]) -> Result<Self, String> {
        let mut read = Self {
            algorithm_name: b"hmac(sha1)".to_vec(),
            flags: 0,
            send: 0,
            receive: 0,
            manner: 0,
        };
        for (name, value) in fields {
            if let ("alg_name", Expr::Str(text)) = (name.as_str(), value) {
                read.algorithm_name = text.iter().copied().take(NAME_BYTES - 1).collect();
                continue;
            }
            let value = u8::try_from(int(value)?).map_err(|_| format!("{name} has 8 bits"))?;
            match name.as_str() {
                "sndid" => read.send = value,
                "rcvid" => read.receive = value,
                "keyflags" => read.manner = value,
                "set_current" => read.flags |= u32::from(value != 0),
                "set_rnext" => read.flags |= u32::from(value != 0) << 1,
                _ => return Err(format!("a key has no field `{name}`")),
            }
        }
        Ok(read)
    }

    /// What the stack does not know it refuses.
    fn algorithm(&self) -> Algorithm {
        if self.algorithm_name.starts_with(b"cmac") {
            Algorithm::AesCmac
        } else {
            Algorithm::HmacSha1
        }
    }
}
