//! Fast Open as Linux's programs ask for it: `MSG_FASTOPEN`, `TCP_FASTOPEN_CONNECT` and the listener's options (RFC 7413).

use super::Sockets;
use crate::address::Address;
use crate::errno::Errno;
use crate::files::FileId;
use crate::operation::Send;
use crate::socket::{Options, Phase};
use core::time::Duration;
use sockeye_host::{FastOpenKeys, ListenerId};
use sockeye_wire::Instant;

/// How a send with `MSG_FASTOPEN` goes on.
pub(super) enum Start {
    /// As any other.
    Send,
    /// The SYN took so many octets; the call is over if it may not wait.
    Opened(usize),
}

impl Sockets {
    /// Linux's `tcp_sendmsg_fastopen`: `connect` and the first `write` in one.
    ///
    /// # Errors
    /// [`Errno::EOPNOTSUPP`] if it is switched off, [`Errno::EALREADY`], [`Errno::EISCONN`], and as
    /// [`connect`](Self::connect).
    pub(super) fn start_fast_open(
        &mut self,
        now: Instant,
        file: FileId,
        to: Option<Address>,
        data: &[u8],
        may_wait: bool,
    ) -> Result<Start, Errno> {
        let policy = self.host.config().policy.fast_open;
        if !policy.client || to == Some(Address::Unspecified) {
            return Err(Errno::EOPNOTSUPP);
        }
        let status = self.status(file);
        let socket = self.files.socket_mut(file)?;
        let deferred = socket.deferred.take();
        if let Phase::Linked(link) = &mut socket.phase {
            return match status {
                Some(status) if status.is_opening() && !may_wait => Err(Errno::EALREADY),
                Some(status) if status.is_opening() || status.over => Ok(Start::Send),
                // Nobody was told yet that the connection is open: Linux's socket is not "connected" before.
                _ if core::mem::replace(&mut link.connecting, false) => Ok(Start::Send),
                _ => Err(Errno::EISCONN),
            };
        }
        let address = deferred.or(to).ok_or(Errno::EINVAL)?;
        let taken = self.begin_connecting(now, file, address, Some(data))?;
        self.note_on_syn(file, taken);
        Ok(Start::Opened(taken))
    }

    /// What the SYN took lies in the send buffer.
    fn note_on_syn(&mut self, file: FileId, taken: usize) {
        let Some(status) = self.status(file) else { return };
        if let Ok(socket) = self.files.socket_mut(file)
            && let Some(link) = socket.link_mut()
            && taken > 0
        {
            link.send.fill(status.sending, taken as u32);
        }
    }

    /// `connect` with `TCP_FASTOPEN_CONNECT`: true if it waits for the first write, whose data goes with the SYN.
    pub(super) fn defer_connecting(
        &mut self,
        now: Instant,
        file: FileId,
        address: Address,
    ) -> Result<bool, Errno> {
        let socket = self.files.socket(file)?;
        let remote = super::connect::remote_of(socket, address)?;
        let without_cookie = socket.options.fast_open_no_cookie;
        let can = self.host.can_fast_open(now, remote.ip(), without_cookie);
        if can {
            self.files.socket_mut(file)?.deferred = Some(address);
        }
        Ok(can)
    }

    /// The call waited for the handshake: what the SYN took counts from now on.
    pub(super) fn count_on_syn(&mut self, file: FileId, send: &mut Send<'_>) {
        send.at += core::mem::take(&mut send.on_syn);
        if send.fast_open
            && let Ok(socket) = self.files.socket_mut(file)
            && let Some(link) = socket.link_mut()
        {
            link.connecting = false;
        }
    }

    /// A listener's options, to its host.
    pub(super) fn apply_listen_options(&mut self, listeners: &[ListenerId], options: &Options) {
        let limit = self.config.backlog_limit as usize;
        for id in listeners {
            let four = self.host.listener_address(*id).is_some_and(|local| local.is_ipv4());
            if let Some(listen) = self.host.listen_options_mut(*id) {
                listen.fast_open = options.fast_open.map(|pending| pending.min(limit));
                listen.without_cookie = options.fast_open_no_cookie;
                listen.fast_open_keys = options.fast_open_keys;
                listen.defer_accept = options.defer_accept;
                listen.dscp = if four { options.tos } else { options.traffic_class } >> 2;
                listen.hop_limit = options.hop_limit;
                listen.may_fragment = options.may_fragment();
            }
        }
    }
}

/// `TCP_FASTOPEN_KEY`: one key, or two of which the second is accepted only.
pub(super) fn keys(value: &[u8]) -> Result<FastOpenKeys, Errno> {
    let (primary, backup) = value.split_first_chunk::<16>().ok_or(Errno::EINVAL)?;
    match (backup.is_empty(), backup.first_chunk::<16>()) {
        (true, _) => Ok(FastOpenKeys { primary: *primary, backup: None }),
        (false, Some(key)) if backup.len() == 16 => {
            Ok(FastOpenKeys { primary: *primary, backup: Some(*key) })
        }
        _ => Err(Errno::EINVAL),
    }
}

/// The longest time between two SYN-ACKs, in seconds.
const LONGEST: u64 = 120;

/// `TCP_DEFER_ACCEPT`: seconds, as a number of times that a SYN-ACK is sent again (`secs_to_retrans`).
pub(super) fn retransmissions_in(seconds: i32) -> u8 {
    let Ok(seconds @ 1..) = u64::try_from(seconds) else { return 0 };
    let (mut count, mut timeout, mut period) = (1u8, 1, 1);
    while seconds > period && count < u8::MAX {
        count += 1;
        timeout = (timeout * 2).min(LONGEST);
        period += timeout;
    }
    count
}

/// The other way round (`retrans_to_secs`).
pub(super) fn seconds_of(retransmissions: u8) -> Duration {
    let timeouts = (0..u32::from(retransmissions)).map(|at| (1u64 << at.min(7)).min(LONGEST));
    Duration::from_secs(timeouts.sum())
}
