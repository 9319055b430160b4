//! What can be set on a connection while it runs.

use super::TcpStream;
use crate::core::Core;
use crate::error;
use sockeye_host::Connection;
use sockeye_tcp::congestion::Algorithm;
use sockeye_tcp::{Config, Error, KeepAlive};
use sockeye_wire::Instant;
use std::io;
use std::time::Duration;

/// Linux's `SOCK_MIN_RCVBUF`: less would let a connection stand still.
const MIN_BUFFER_BYTES: u32 = 2_304;

/// Options. All of them fail with [`NotConnected`](io::ErrorKind::NotConnected) once nothing of the connection is left.
impl TcpStream {
    /// Whether small writes are sent at once, without Nagle's algorithm (RFC 9293 MUST-17).
    ///
    /// # Errors
    /// [`NotConnected`](io::ErrorKind::NotConnected) once nothing of the connection is left.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.config(|config| !config.nagle)
    }

    /// Sends small writes at once, or not.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.change(|core, now| core.host.set_nagle(now, self.id, !nodelay))
    }

    /// Whether acknowledgements leave at once, without waiting for a reply to carry them (Linux's `TCP_QUICKACK`).
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn quickack(&self) -> io::Result<bool> {
        self.look(Connection::acknowledges_at_once)
    }

    /// Acknowledges at once from the next segment on, or not; the first reply changes that again, as on Linux.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        self.change(|core, now| core.host.acknowledge_at_once(now, self.id, quickack))
    }

    /// How dropping the stream treats data that has not been acknowledged: `None` goes on sending it for as long as it takes, zero
    /// resets the connection at once, another time does so when the peer has acknowledged nothing for that long.
    ///
    /// Dropping never blocks.
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.handle.lock().waiters.set_linger(self.id, linger);
        Ok(())
    }

    /// Dropping the stream resets the connection: nothing is sent any more, and the peer learns so.
    ///
    /// # Errors
    /// None; the signature is that of tokio.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// See [`set_linger`](Self::set_linger).
    ///
    /// # Errors
    /// None; the signature is that of the standard library.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.handle.lock().waiters.linger(self.id))
    }

    /// When an idle peer is asked whether it is still there; `None` is never.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn keep_alive(&self) -> io::Result<Option<KeepAlive>> {
        self.config(|config| config.keep_alive)
    }

    /// Asks an idle peer now and then whether it is still there (RFC 9293 §3.8.4); `None` does not.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn set_keep_alive(&self, keep_alive: Option<KeepAlive>) -> io::Result<()> {
        self.change(|core, now| core.host.set_keep_alive(now, self.id, keep_alive))
    }

    /// See [`set_user_timeout`](Self::set_user_timeout).
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn user_timeout(&self) -> io::Result<Option<Duration>> {
        self.config(|config| config.user_timeout)
    }

    /// How long sent data may go unacknowledged before the connection fails; `None` leaves that to the number of retransmissions
    /// (RFC 9293 §3.8.3).
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.change(|core, now| core.host.set_user_timeout(now, self.id, timeout))
    }

    /// Octets of the receive buffer as it is now.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        self.look(|connection| connection.info().receive_buffer)
    }

    /// Octets of the receive buffer, which then does not grow by itself; at least 2,304. The window scale was fixed by the handshake:
    /// for more than 64 KiB set it on a [`TcpSocket`](crate::TcpSocket).
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        let size = checked_buffer(size);
        self.change(|core, now| core.host.set_receive_buffer(now, self.id, size))
    }

    /// Octets of the send buffer as it is now.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        self.look(|connection| connection.config().send_buffer(connection.info().congestion_window))
    }

    /// Octets of the send buffer, which then does not grow by itself; at least 2,304.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        let size = checked_buffer(size);
        self.change(|core, now| core.host.set_send_buffer(now, self.id, size))
    }

    /// The congestion control in use.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn congestion_control(&self) -> io::Result<Algorithm> {
        self.config(|config| config.congestion)
    }

    /// Goes on with another congestion control, from the window that there is.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn set_congestion_control(&self, algorithm: Algorithm) -> io::Result<()> {
        self.change(|core, now| core.host.set_congestion(now, self.id, algorithm))
    }

    /// Time to live (IPv4) or hop limit (IPv6) of what is sent (RFC 9293 MUST-49).
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn hop_limit(&self) -> io::Result<u8> {
        self.mark(|core| core.host.marks(self.id).map(|(hop_limit, _)| hop_limit))
    }

    /// See [`hop_limit`](Self::hop_limit).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for 0, and as [`nodelay`](Self::nodelay).
    pub fn set_hop_limit(&self, hop_limit: u8) -> io::Result<()> {
        self.set_ttl(hop_limit.into())
    }

    /// [`hop_limit`](Self::hop_limit) under tokio's name.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn ttl(&self) -> io::Result<u32> {
        self.hop_limit().map(u32::from)
    }

    /// [`set_hop_limit`](Self::set_hop_limit) under tokio's name.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) unless it is 1 to 255, and as [`nodelay`](Self::nodelay).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let hop_limit = checked_hop_limit(ttl)?;
        self.change(|core, _now| core.host.set_hop_limit(self.id, hop_limit))
    }

    /// Differentiated services code point of what is sent, 6 bits (RFC 9293 MUST-48).
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn dscp(&self) -> io::Result<u8> {
        self.mark(|core| core.host.marks(self.id).map(|(_, dscp)| dscp))
    }

    /// See [`dscp`](Self::dscp).
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for 64 and above, and as [`nodelay`](Self::nodelay).
    pub fn set_dscp(&self, dscp: u8) -> io::Result<()> {
        let dscp = checked_dscp(dscp)?;
        self.change(|core, _now| core.host.set_dscp(self.id, dscp))
    }

    /// Differentiated services code point of the last packet that arrived (RFC 9293 MAY-9); none before one has after the handshake.
    #[must_use]
    pub fn received_dscp(&self) -> Option<u8> {
        self.handle.lock().host.received_dscp(self.id)
    }

    /// Time to live or hop limit that the last packet arrived with; none as for [`received_dscp`](Self::received_dscp).
    #[must_use]
    pub fn received_hop_limit(&self) -> Option<u8> {
        self.handle.lock().host.received_hop_limit(self.id)
    }

    /// Changes any other setting; those that matter only while a connection opens come too late.
    ///
    /// `change` is called while the stack is locked and must not call anything of it.
    ///
    /// # Errors
    /// As [`nodelay`](Self::nodelay).
    pub fn configure(&self, change: impl FnOnce(&mut Config)) -> io::Result<()> {
        self.change(|core, now| core.host.configure(now, self.id, change))
    }

    fn config<T>(&self, read: impl FnOnce(&Config) -> T) -> io::Result<T> {
        self.look(|connection| read(connection.config()))
    }

    fn look<T>(&self, look: impl FnOnce(&Connection) -> T) -> io::Result<T> {
        self.mark(|core| core.host.connection(self.id).map(look))
    }

    fn mark<T>(&self, read: impl FnOnce(&Core) -> Option<T>) -> io::Result<T> {
        read(&self.handle.lock()).ok_or_else(gone)
    }

    fn change(&self, change: impl FnOnce(&mut Core, Instant)) -> io::Result<()> {
        self.handle.call(|core, now| {
            core.host.connection(self.id).ok_or_else(gone)?;
            change(core, now);
            Ok(())
        })
    }
}

fn gone() -> io::Error {
    error::of_connection(Error::NotConnected)
}

/// A hop limit that a packet can leave with.
pub(crate) fn checked_hop_limit(hop_limit: u32) -> io::Result<u8> {
    u8::try_from(hop_limit)
        .ok()
        .filter(|hop_limit| *hop_limit > 0)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a hop limit is 1 to 255"))
}

/// A code point that fits into its field.
pub(crate) fn checked_dscp(dscp: u8) -> io::Result<u8> {
    if dscp < 64 {
        Ok(dscp)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "a DSCP is 0 to 63"))
    }
}

/// A size that works.
pub(crate) fn checked_buffer(bytes: u32) -> u32 {
    bytes.max(MIN_BUFFER_BYTES)
}
