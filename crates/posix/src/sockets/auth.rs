//! Keys of a socket: TCP-AO (RFC 5925) and MD5 signatures (RFC 2385).

use super::Sockets;
use crate::errno::Errno;
use crate::files::FileId;
use crate::option::SocketOption as Opt;
use crate::option::keys::{self, Choose, KeyChange};
use crate::socket::{Phase, Socket};
use sockeye_host::auth::KeyRing;
use sockeye_host::{ConnectionId, Key, KeyError, KeyId, KeyOwner, ListenerId, Pattern};

impl Sockets {
    /// Whether an option is about keys; then it was set.
    pub(super) fn set_keys(
        &mut self,
        file: FileId,
        option: Opt,
        value: &[u8],
    ) -> Result<bool, Errno> {
        let change = match option {
            Opt::Md5Signature => keys::md5(value, false)?,
            Opt::Md5SignatureExtended => keys::md5(value, true)?,
            Opt::AoAddKey => keys::ao_add(value)?,
            Opt::AoDeleteKey => keys::ao_delete(value)?,
            Opt::AoInfo => {
                let (choose, icmp) = keys::ao_info(value)?;
                let socket = self.files.socket(file)?;
                let id = socket.link().ok_or(Errno::EINVAL)?.id;
                self.choose(id, choose)?;
                self.host.set_auth_accepts_icmp(id, icmp).map_err(errno)?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        match change {
            KeyChange::Add { key, choose } => self.add_key(file, key, choose)?,
            KeyChange::Remove { pattern, id, choose } => {
                self.remove_key(file, &pattern, id, choose)?;
            }
        }
        Ok(true)
    }

    fn add_key(&mut self, file: FileId, key: Key, choose: Choose) -> Result<(), Errno> {
        match owners(self.files.socket(file)?) {
            Owners::Connection(id) => {
                self.host.add_key(KeyOwner::Connection(id), key).map_err(errno)?;
                self.choose(id, choose)
            }
            Owners::Listeners(ids) => {
                for id in &ids {
                    self.host.add_key(KeyOwner::Listener(*id), key.clone()).map_err(errno)?;
                }
                self.keep_key(file, key)
            }
        }
    }

    /// A key for a connection to come.
    fn keep_key(&mut self, file: FileId, key: Key) -> Result<(), Errno> {
        let kept = &mut self.files.socket_mut(file)?.options.keys;
        let mut ring: KeyRing = kept.iter().cloned().collect();
        ring.add(key.clone()).map_err(errno)?;
        // An MD5 key takes the place of the one for the same peers.
        kept.retain(|known| {
            key.id() != KeyId::Md5 || known.id() != KeyId::Md5 || known.pattern() != key.pattern()
        });
        kept.push(key);
        Ok(())
    }

    fn remove_key(
        &mut self,
        file: FileId,
        pattern: &Pattern,
        key: KeyId,
        choose: Choose,
    ) -> Result<(), Errno> {
        match owners(self.files.socket(file)?) {
            Owners::Connection(id) => {
                self.choose(id, choose)?;
                let removed = self.host.remove_key(KeyOwner::Connection(id), pattern, key);
                removed.map_err(|error| match error {
                    KeyError::InUse => Errno::EBUSY,
                    error => errno(error),
                })
            }
            Owners::Listeners(ids) => {
                for id in ids {
                    self.host.remove_key(KeyOwner::Listener(id), pattern, key).map_err(errno)?;
                }
                let kept = &mut self.files.socket_mut(file)?.options.keys;
                let before = kept.len();
                kept.retain(|known| known.id() != key || known.pattern() != pattern);
                if kept.len() == before { Err(Errno::ENOENT) } else { Ok(()) }
            }
        }
    }

    fn choose(&mut self, id: ConnectionId, choose: Choose) -> Result<(), Errno> {
        if let Some(current) = choose.current {
            self.host.set_current_key(id, current).map_err(errno)?;
        }
        if let Some(next) = choose.next {
            self.host.set_next_key(id, next).map_err(errno)?;
        }
        Ok(())
    }

    /// Gives a new connection the keys that are for it, before its SYN leaves.
    pub(super) fn sign_connection(&mut self, file: FileId, id: ConnectionId) -> Result<(), Errno> {
        let endpoints = self.host.endpoints(id).ok_or(Errno::ENOTCONN)?;
        let kept = self.files.socket(file)?.options.keys.clone();
        for key in kept.into_iter().filter(|key| key.is_for(&endpoints)) {
            self.host.add_key(KeyOwner::Connection(id), key).map_err(errno)?;
        }
        Ok(())
    }

    /// Gives a new listener its socket's keys.
    pub(super) fn sign_listener(&mut self, file: FileId, id: ListenerId) -> Result<(), Errno> {
        let kept = self.files.socket(file)?.options.keys.clone();
        for key in kept {
            self.host.add_key(KeyOwner::Listener(id), key).map_err(errno)?;
        }
        Ok(())
    }

    /// `TCP_AO_INFO` of a connection.
    pub(super) fn auth_option(&self, socket: &Socket) -> Result<Vec<u8>, Errno> {
        let id = socket.link().ok_or(Errno::ENOENT)?.id;
        self.host.auth_info(id).map(|info| keys::encode_ao_info(&info)).ok_or(Errno::ENOENT)
    }
}

/// Whose a socket's keys are.
enum Owners {
    Connection(ConnectionId),
    /// None before `listen` and `connect`: the socket keeps the keys until then.
    Listeners(Vec<ListenerId>),
}

fn owners(socket: &Socket) -> Owners {
    match &socket.phase {
        Phase::Linked(link) => Owners::Connection(link.id),
        Phase::Listening(listeners) => Owners::Listeners(listeners.clone()),
        Phase::Idle => Owners::Listeners(Vec::new()),
    }
}

const fn errno(error: KeyError) -> Errno {
    match error {
        KeyError::InUse => Errno::EEXIST,
        KeyError::NoSuchKey => Errno::ENOENT,
        KeyError::Mixed => Errno::EKEYREJECTED,
        KeyError::TooLate | KeyError::Elsewhere => Errno::EINVAL,
    }
}
