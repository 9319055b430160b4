//! Keys, and the segments that are signed and verified with them: TCP-AO (RFC 5925) and MD5 (RFC 2385).
//!
//! A listener's keys are for the connections that it accepts, a connection's for itself. What follows from them is beside
//! each record ([`Authenticator`]), so that a connection without keys costs a look at an empty place.

use super::Host;
use crate::demux::Target;
use crate::ids::{ConnectionId, ListenerId};
use alloc::boxed::Box;
use sockeye_tcp::auth::{
    AuthInfo, Authenticator, Key, KeyError, KeyId, KeyRing, Pattern, Rejection, Signature,
};
use sockeye_tcp::{Endpoints, Segment, Transmit};
use sockeye_wire::icmp::ErrorKind;
use sockeye_wire::{Packet, StateName};

/// Whose a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyOwner {
    /// A listener's: for those of its connections that match the key's pattern and begin from now on.
    Listener(ListenerId),
    /// A connection's. The first key must come before its SYN is polled for
    /// ([`Host::poll_transmit`]), directly after [`Host::connect`]; more may come at any time.
    Connection(ConnectionId),
}

impl Host {
    /// Adds a key. Segments that it is for are signed, and refused without a right signature (RFC 5925 §7, RFC 2385 §2). An MD5
    /// key takes the place of the one with the same pattern.
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`] if the owner is gone, [`KeyError::InUse`] if a key for the same connections has one of its ids,
    /// [`KeyError::Mixed`] for the other kind than is there; for a connection also [`KeyError::TooLate`] if its handshake
    /// began without signatures, and [`KeyError::Elsewhere`] if the key's pattern is not for it.
    pub fn add_key(&mut self, owner: KeyOwner, key: Key) -> Result<(), KeyError> {
        match owner {
            KeyOwner::Listener(id) => self.listeners.change_keys(id, |keys| keys.add(key)),
            KeyOwner::Connection(id) => self.add_connection_key(id, key),
        }
    }

    fn add_connection_key(&mut self, id: ConnectionId, key: Key) -> Result<(), KeyError> {
        let record = self.connections.get_mut(id.0).ok_or(KeyError::NoSuchKey)?;
        if let Some(auth) = &mut record.auth {
            return if key.is_for(&record.ends.get()) {
                auth.add(key)
            } else {
                Err(KeyError::Elsewhere)
            };
        }
        let ring: KeyRing = [key].into_iter().collect();
        let auth = Authenticator::select(&ring, &record.ends.get()).ok_or(KeyError::Elsewhere)?;
        if !record.connection.set_signature(auth.signature()) {
            return Err(KeyError::TooLate);
        }
        record.auth = Some(Box::new(auth));
        Ok(())
    }

    /// Takes a key away. A listener's connections keep it; a connection stays signed.
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`]; [`KeyError::InUse`] if a connection signs with it or asks the peer to, or has no
    /// other.
    pub fn remove_key(
        &mut self,
        owner: KeyOwner,
        pattern: &Pattern,
        id: KeyId,
    ) -> Result<(), KeyError> {
        match owner {
            KeyOwner::Listener(listener) => {
                self.listeners.change_keys(listener, |keys| keys.remove(pattern, id))
            }
            KeyOwner::Connection(connection) => self.auth_of(connection)?.remove(id),
        }
    }

    /// Signs a connection's segments with the key of this SendID; see [`Authenticator::set_current_key`].
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`].
    pub fn set_current_key(&mut self, id: ConnectionId, send_id: u8) -> Result<(), KeyError> {
        self.auth_of(id)?.set_current_key(send_id)
    }

    /// Asks a connection's peer to sign with the key of this RecvID; see [`Authenticator::set_next_key`].
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`].
    pub fn set_next_key(&mut self, id: ConnectionId, receive_id: u8) -> Result<(), KeyError> {
        self.auth_of(id)?.set_next_key(receive_id)
    }

    /// Whether ICMP's hard errors are believed on a connection with TCP-AO too; see [`Authenticator::set_accepts_icmp`].
    ///
    /// # Errors
    /// [`KeyError::NoSuchKey`] if the connection has no key.
    pub fn set_auth_accepts_icmp(&mut self, id: ConnectionId, on: bool) -> Result<(), KeyError> {
        self.auth_of(id)?.set_accepts_icmp(on);
        Ok(())
    }

    /// What is known of a connection's signatures; none if it has no key.
    #[must_use]
    pub fn auth_info(&self, id: ConnectionId) -> Option<AuthInfo> {
        self.connections.get(id.0)?.auth.as_ref().map(|auth| auth.info())
    }

    fn auth_of(&mut self, id: ConnectionId) -> Result<&mut Authenticator, KeyError> {
        let record = self.connections.get_mut(id.0).ok_or(KeyError::NoSuchKey)?;
        record.auth.as_deref_mut().ok_or(KeyError::NoSuchKey)
    }

    fn auth_at(&mut self, target: Target) -> Option<&mut Authenticator> {
        match target {
            Target::Connection(at) => self.connections.at_mut(at)?.auth.as_deref_mut(),
            Target::HalfOpen(at) => self.half_open.at_mut(at)?.auth.as_deref_mut(),
            Target::TimeWait(at) => self.time_wait.at_mut(at)?.auth.as_deref_mut(),
            Target::Held(_) => None,
        }
    }

    /// Whether a segment for `target` may have to be signed.
    #[inline]
    pub(super) fn may_need_signature(&self, target: Option<Target>, is_syn: bool) -> bool {
        match target {
            // A SYN may be for the listener again, if it finds TIME-WAIT.
            Some(Target::Connection(at)) => {
                self.connections.at(at).is_some_and(|record| record.auth.is_some())
                    || is_syn && self.listeners.have_keys()
            }
            Some(Target::HalfOpen(at)) => {
                self.half_open.at(at).is_some_and(|record| record.auth.is_some())
            }
            Some(Target::Held(_)) => false,
            Some(Target::TimeWait(at)) => {
                self.time_wait.at(at).is_some_and(|record| record.auth.is_some())
                    || is_syn && self.listeners.have_keys()
            }
            None => self.listeners.have_keys(),
        }
    }

    /// Verifies a segment whose header lies at `at`; for one that a listener may answer, what its keys say from now on.
    ///
    /// # Errors
    /// [`Rejection`], already counted: the segment is to be dropped.
    pub(super) fn admit(
        &mut self,
        target: Option<Target>,
        endpoints: &Endpoints,
        segment: &Segment,
        packet: &Packet,
        (at, data_at): (usize, usize),
    ) -> Result<Option<Box<Authenticator>>, Rejection> {
        let header = packet.front().get(at..data_at).unwrap_or(&[]);
        let data = pieces_from(packet, data_at);
        let outcome = match target.and_then(|target| self.auth_at(target)) {
            Some(auth) => auth.verify(endpoints, header, data.clone()),
            None => Ok(()),
        };
        let listened = match target {
            None => true,
            Some(Target::TimeWait(_)) => segment.flags.syn(),
            Some(Target::Connection(at)) => segment.flags.syn() && self.is_over(at),
            Some(Target::HalfOpen(_) | Target::Held(_)) => false,
        };
        let outcome = outcome.and_then(|()| {
            let mut auth = listened.then(|| self.listeners.authenticator(endpoints)).flatten();
            if let Some(auth) = &mut auth {
                auth.verify(endpoints, header, data)?;
            } else if target.is_none_or(|target| self.auth_at(target).is_none()) {
                // An MD5 option is refused as by Linux. TCP-AO's sender cannot know that nobody verifies.
                let refused = match segment.options.signature {
                    Signature::None => false,
                    Signature::Md5 => true,
                    Signature::Ao => self.config.refuse_unknown_ao,
                };
                if refused {
                    return Err(Rejection::Unexpected);
                }
            }
            Ok(auth)
        });
        if let Err(rejection) = outcome {
            *match rejection {
                Rejection::Missing => &mut self.counters.dropped_auth_missing,
                Rejection::Unexpected => &mut self.counters.dropped_auth_unexpected,
                Rejection::UnknownKey => &mut self.counters.dropped_auth_unknown_key,
                Rejection::Wrong => &mut self.counters.dropped_auth_wrong,
            } += 1;
        }
        outcome
    }

    /// Whether a SYN may begin a new connection with the same name.
    fn is_over(&self, index: u32) -> bool {
        self.connections.at(index).is_some_and(|record| {
            matches!(record.connection.state(), StateName::TimeWait | StateName::Closed)
        })
    }

    /// Signs a segment that `signer` sends, if it has keys; false if that cannot be done.
    pub(super) fn sign_for(
        &mut self,
        signer: Target,
        endpoints: &Endpoints,
        transmit: &mut Transmit,
    ) -> bool {
        let signed = self.auth_at(signer).is_none_or(|auth| auth.sign(endpoints, transmit));
        self.counters.dropped_auth_unsigned += u64::from(!signed);
        signed
    }

    /// RFC 5925 §7.8: what could break an authenticated connection is not believed unless it is asked for, because anybody can
    /// send it. Before the handshake is complete there is nothing to protect.
    pub(super) fn is_icmp_distrusted(&self, index: u32, kind: ErrorKind) -> bool {
        let Some(record) = self.connections.at(index) else { return false };
        let Some(auth) = &record.auth else { return false };
        let opening = matches!(
            record.connection.state(),
            StateName::SynSent | StateName::SynReceived | StateName::Closed
        );
        let hard = match kind {
            ErrorKind::PortUnreachable => true,
            // IPv4 3/2 and 3/4, IPv6 1/1.
            ErrorKind::ProtocolUnreachable | ErrorKind::PacketTooBig { .. } => {
                record.ends.remote_ip().is_ipv4()
            }
            ErrorKind::Prohibited => record.ends.remote_ip().is_ipv6(),
            _ => false,
        };
        hard && !opening && auth.signature() == Signature::Ao && !auth.accepts_icmp()
    }
}

/// Everything of a packet from `at` on.
pub(super) fn pieces_from(packet: &Packet, at: usize) -> impl Iterator<Item = &[u8]> + Clone {
    packet.pieces().scan(at, |skip, piece| {
        let from = (*skip).min(piece.len());
        *skip -= from;
        Some(&piece[from..])
    })
}
