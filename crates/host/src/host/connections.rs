//! The application's calls on a connection, and what follows from any change of one.

use super::budget::writable_under_pressure;
use super::{Announcement, Host};
use crate::demux::Target;
use crate::events::for_application;
use crate::ids::ConnectionId;
use crate::record::{Record, TimeWaitRecord};
use crate::timer::TimerOwner;
use crate::wheel::Links;
use bytes::Bytes;
use core::time::Duration;
use sockeye_tcp::congestion::Algorithm;
use sockeye_tcp::{Buffered, Config, Connection, Endpoints, Error, Events, KeepAlive};
use sockeye_wire::Instant;

impl Host {
    /// A connection, to look at: state, error, info, what can be read.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.connections.get(id.0).map(|record| &record.connection)
    }

    /// The two ends of a connection.
    #[must_use]
    pub fn endpoints(&self, id: ConnectionId) -> Option<Endpoints> {
        self.connections.get(id.0).map(|record| record.ends.get())
    }

    /// SEND: copies as much of `data` as the send buffer takes; see [`Connection::write`].
    ///
    /// # Errors
    /// As [`Connection::write`]; [`Error::NotConnected`] if the connection is gone.
    pub fn write(&mut self, now: Instant, id: ConnectionId, data: &[u8]) -> Result<usize, Error> {
        let record = self.connections.get_mut(id.0).ok_or(Error::NotConnected)?;
        let before = record.connection.buffered();
        let most = writable_under_pressure(&self.budget, record, data.len());
        let allocate = &mut |bytes| self.chunks.take(now, bytes);
        let written = if most == 0 && !data.is_empty() {
            record.connection.writable().and_then(|_| {
                record.connection.want_room();
                Err(Error::WouldBlock)
            })
        } else {
            record.connection.write_into(now, &data[..most], allocate)
        };
        self.budget.changed(before, record.connection.buffered());
        self.changed(now, id.0.index);
        written
    }

    /// SEND without copying; see [`Connection::write_chunk`].
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_chunk(
        &mut self,
        now: Instant,
        id: ConnectionId,
        chunk: Bytes,
    ) -> Result<usize, Error> {
        let record = self.connections.get_mut(id.0).ok_or(Error::NotConnected)?;
        // A chunk is taken whole, as where the connection's own buffer is nearly full.
        if writable_under_pressure(&self.budget, record, 1) == 0 {
            record.connection.writable()?;
            record.connection.want_room();
            return Err(Error::WouldBlock);
        }
        self.call(now, id, |connection| connection.write_chunk(now, chunk))?
    }

    /// SEND with URG; see [`Connection::write_urgent`].
    ///
    /// # Errors
    /// As [`Connection::write_urgent`]; [`Error::NotConnected`] if the connection is gone.
    pub fn write_urgent(
        &mut self,
        now: Instant,
        id: ConnectionId,
        data: &[u8],
    ) -> Result<usize, Error> {
        self.call(now, id, |connection| connection.write_urgent(now, data))?
    }

    /// RECEIVE: copies what has arrived to the front of `out`; `Ok(0)` is the end of the peer's data.
    ///
    /// # Errors
    /// As [`Connection::read`]; [`Error::NotConnected`] if the connection is gone.
    pub fn read(&mut self, now: Instant, id: ConnectionId, out: &mut [u8]) -> Result<usize, Error> {
        let record = self.connections.get_mut(id.0).ok_or(Error::NotConnected)?;
        let before = record.connection.buffered();
        let count = record.connection.read(out)?;
        if count > 0 {
            self.budget.changed(before, record.connection.buffered());
            record.connection.on_read(now);
            self.changed(now, id.0.index);
        }
        Ok(count)
    }

    /// Copies what [`read`](Self::read) would, from `skip` octets on, and leaves it to be read; see [`Connection::peek`].
    pub fn peek(&mut self, id: ConnectionId, skip: usize, out: &mut [u8]) -> usize {
        self.connections.get_mut(id.0).map_or(0, |record| record.connection.peek(skip, out))
    }

    /// RECEIVE without copying: at most `max` octets; an empty chunk is the end of the peer's data.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_chunk(
        &mut self,
        now: Instant,
        id: ConnectionId,
        max: usize,
    ) -> Result<Bytes, Error> {
        let record = self.connections.get_mut(id.0).ok_or(Error::NotConnected)?;
        let before = record.connection.buffered();
        let chunk = record.connection.read_chunk(max)?;
        if !chunk.is_empty() {
            self.budget.changed(before, record.connection.buffered());
            record.connection.on_read(now);
            self.changed(now, id.0.index);
        }
        Ok(chunk)
    }

    /// CLOSE of our direction: FIN follows what was written; reading goes on.
    pub fn shutdown(&mut self, now: Instant, id: ConnectionId) {
        // A connection that is gone is as shut as it can be.
        let _ = self.call(now, id, |connection| connection.shutdown(now));
    }

    /// The application reads no more; see [`Connection::stop_reading`].
    pub fn stop_reading(&mut self, now: Instant, id: ConnectionId) {
        let _ = self.call(now, id, Connection::stop_reading);
    }

    /// Whether acknowledgements leave at once; see [`Connection::acknowledge_at_once`].
    pub fn acknowledge_at_once(&mut self, now: Instant, id: ConnectionId, on: bool) {
        let _ = self.call(now, id, |connection| connection.acknowledge_at_once(on));
    }

    /// The application lets go: the id is dead. The connection closes in order, or resets if something was left unread
    /// (RFC 9293 SHLD-3), and is forgotten when that is done.
    pub fn close(&mut self, now: Instant, id: ConnectionId) {
        let Some(record) = self.connections.get_mut(id.0) else { return };
        record.released = true;
        record.pending = Events::NONE;
        let before = record.connection.buffered();
        record.connection.close(now);
        self.budget.changed(before, record.connection.buffered());
        self.changed(now, id.0.index);
        self.finish(id.0.index);
    }

    /// ABORT: a reset to the peer, nothing more is sent or delivered. The id stays until [`close`](Self::close).
    pub fn abort(&mut self, now: Instant, id: ConnectionId) {
        let _ = self.call(now, id, |connection| connection.abort(now));
    }

    /// Nagle's rule on or off; see [`Connection::set_nagle`].
    pub fn set_nagle(&mut self, now: Instant, id: ConnectionId, on: bool) {
        let _ = self.call(now, id, |connection| connection.set_nagle(on));
    }

    /// Whether more will follow what was written so far; see [`Connection::set_more`].
    pub fn set_more(&mut self, now: Instant, id: ConnectionId, more: bool) {
        let _ = self.call(now, id, |connection| connection.set_more(more));
    }

    /// The application has more to send than there is room for; see [`Connection::want_room`].
    pub fn want_room(&mut self, now: Instant, id: ConnectionId) {
        let _ = self.call(now, id, Connection::want_room);
    }

    /// What was written so far ends a record; see [`Connection::end_record`].
    pub fn end_record(&mut self, now: Instant, id: ConnectionId) {
        let _ = self.call(now, id, Connection::end_record);
    }

    /// What was written need not wait for more; see [`Connection::push`].
    pub fn push(&mut self, now: Instant, id: ConnectionId) {
        let _ = self.call(now, id, Connection::push);
    }

    /// Keep-alive on or off; see [`Connection::set_keep_alive`].
    pub fn set_keep_alive(
        &mut self,
        now: Instant,
        id: ConnectionId,
        keep_alive: Option<KeepAlive>,
    ) {
        let _ = self.call(now, id, |connection| connection.set_keep_alive(keep_alive));
    }

    /// Another congestion control; see [`Connection::set_congestion`].
    pub fn set_congestion(&mut self, now: Instant, id: ConnectionId, algorithm: Algorithm) {
        let _ = self.call(now, id, |connection| connection.set_congestion(algorithm));
    }

    /// How long sent data may stay unacknowledged; see [`Connection::set_user_timeout`].
    pub fn set_user_timeout(&mut self, now: Instant, id: ConnectionId, timeout: Option<Duration>) {
        let _ = self.call(now, id, |connection| connection.set_user_timeout(timeout));
    }

    /// Sizes of the buffers in octets; see [`Connection::set_buffers`].
    pub fn set_buffers(&mut self, now: Instant, id: ConnectionId, receive: u32, send: u32) {
        let _ = self.call(now, id, |connection| connection.set_buffers(receive, send));
    }

    /// Size of the receive buffer in octets; see [`Connection::set_receive_buffer`].
    pub fn set_receive_buffer(&mut self, now: Instant, id: ConnectionId, bytes: u32) {
        let _ = self.call(now, id, |connection| connection.set_receive_buffer(bytes));
    }

    /// Size of the send buffer in octets; see [`Connection::set_send_buffer`].
    pub fn set_send_buffer(&mut self, now: Instant, id: ConnectionId, bytes: u32) {
        let _ = self.call(now, id, |connection| connection.set_send_buffer(bytes));
    }

    /// TTL or hop limit of a connection's packets (RFC 9293 MUST-49).
    pub fn set_hop_limit(&mut self, id: ConnectionId, hop_limit: u8) {
        if let Some(record) = self.connections.get_mut(id.0) {
            record.path.hop_limit = hop_limit;
        }
    }

    /// Whether routers may cut a connection's IPv4 packets up: they leave without the don't-fragment bit, so that a path that is
    /// narrower than known reports nothing (RFC 1191 §3 asks for the bit; some paths lose the reports).
    pub fn set_may_fragment(&mut self, id: ConnectionId, may_fragment: bool) {
        if let Some(record) = self.connections.get_mut(id.0) {
            record.path.may_fragment = may_fragment;
        }
    }

    /// Differentiated services code point of the last packet that arrived for a connection (RFC 9293 MAY-9); none if the
    /// connection is gone or nothing arrived since its handshake.
    #[must_use]
    pub fn received_dscp(&self, id: ConnectionId) -> Option<u8> {
        let path = &self.connections.get(id.0)?.path;
        (path.received_hop_limit != 0).then_some(path.received_dscp)
    }

    /// TTL or hop limit of the last packet that arrived for a connection; none as for [`received_dscp`](Self::received_dscp).
    #[must_use]
    pub fn received_hop_limit(&self, id: ConnectionId) -> Option<u8> {
        let path = &self.connections.get(id.0)?.path;
        (path.received_hop_limit != 0).then_some(path.received_hop_limit)
    }

    /// Differentiated services code point of a connection's packets, 6 bits, at any time, passed on as it is (RFC 9293
    /// MUST-48, SHLD-21, SHLD-22).
    pub fn set_dscp(&mut self, id: ConnectionId, dscp: u8) {
        if let Some(record) = self.connections.get_mut(id.0) {
            record.path.dscp = dscp & 0x3f;
        }
    }

    /// TTL or hop limit, and differentiated services code point, of a connection's packets; none if it is gone.
    #[must_use]
    pub fn marks(&self, id: ConnectionId) -> Option<(u8, u8)> {
        self.connections.get(id.0).map(|record| (record.path.hop_limit, record.path.dscp))
    }

    /// Whether every acknowledgement of data is announced by [`Events::FORWARD_PROGRESS`], for a caller who bounds the send
    /// buffer in its own way. Off at first.
    pub fn set_tells_progress(&mut self, id: ConnectionId, on: bool) {
        if let Some(record) = self.connections.get_mut(id.0) {
            record.tells_progress = on;
        }
    }

    /// Changes settings of a connection; see [`Connection::configure`].
    pub fn configure(&mut self, now: Instant, id: ConnectionId, change: impl FnOnce(&mut Config)) {
        let _ = self.call(now, id, |connection| connection.configure(change));
    }

    /// Settings in force on a connection.
    #[must_use]
    pub fn connection_config(&self, id: ConnectionId) -> Option<&Config> {
        self.connections.get(id.0).map(|record| record.connection.config())
    }

    #[inline]
    fn call<T>(
        &mut self,
        now: Instant,
        id: ConnectionId,
        call: impl FnOnce(&mut Connection) -> T,
    ) -> Result<T, Error> {
        let record = self.connections.get_mut(id.0).ok_or(Error::NotConnected)?;
        let before = record.connection.buffered();
        let result = call(&mut record.connection);
        self.budget.changed(before, record.connection.buffered());
        self.changed(now, id.0.index);
        Ok(result)
    }

    /// After anything that a connection was told: it may have something to send, other deadlines, and news.
    #[inline]
    pub(super) fn changed(&mut self, now: Instant, index: u32) {
        let Some(record) = self.connections.at_mut(index) else { return };
        if !core::mem::replace(&mut record.ready, true) {
            self.egress.ready.push_back(index);
        }
        let owner = TimerOwner::Connection(index).into();
        self.timers.arm(&mut record.timer, owner, record.connection.deadline());
        let events = record.connection.take_events();
        if record.fast_opening {
            self.settle_fast_open(now, index);
        }
        if events == Events::NONE {
            return;
        }
        if events.intersects(Events::CONNECTED | Events::CLOSED) {
            self.on_milestone(now, index, events);
        }
        let Some(record) = self.connections.at_mut(index) else { return };
        if events.intersects(Events::FORWARD_PROGRESS) && self.network.neighbours.len() > 0 {
            let hop = record.path.hop(record.ends.remote_ip());
            self.network.neighbours.confirm(now, hop.interface, hop.next);
        }
        if events.intersects(Events::PATH_SUSPECT) {
            let hop = record.path.hop(record.ends.remote_ip());
            self.network.neighbours.suspect(hop.interface, hop.next);
        }
        let mut news = for_application(events);
        if record.tells_progress && events.intersects(Events::FORWARD_PROGRESS) {
            news |= Events::FORWARD_PROGRESS;
        }
        if news == Events::NONE || record.released {
            return;
        }
        record.pending |= news;
        // Until it is accepted nobody knows of it.
        if !record.to_accept
            && let Some(key) = self.connections.key_at(index)
        {
            self.announce(ConnectionId(key));
        }
    }

    pub(super) fn announce(&mut self, id: ConnectionId) {
        if let Some(record) = self.connections.get_mut(id.0)
            && !core::mem::replace(&mut record.announced, true)
        {
            self.events.push_back(Announcement::Connection(id));
        }
    }

    #[inline]
    pub(super) fn mark_ready(&mut self, index: u32) {
        if let Some(record) = self.connections.at_mut(index)
            && !core::mem::replace(&mut record.ready, true)
        {
            self.egress.ready.push_back(index);
        }
    }

    /// Forgets a connection that the application let go of and that has nothing left to say; one in TIME-WAIT leaves its
    /// small record.
    pub(super) fn finish(&mut self, index: u32) {
        let Some(record) = self.connections.at(index) else { return };
        if !record.released {
            return;
        }
        if record.connection.is_done() {
            if let Some(record) = self.remove_connection(index) {
                self.demux.remove(record.hash, Target::Connection(index));
                self.ports.disconnected(record.ends.local_port());
            }
        } else if let Some(time_wait) = record.connection.time_wait() {
            let Some(record) = self.remove_connection(index) else { return };
            let old = Target::Connection(index);
            if self.time_wait.len() >= self.config.limits.time_wait {
                self.demux.remove(record.hash, old);
                self.ports.disconnected(record.ends.local_port());
                return;
            }
            let place = self.time_wait.insert(TimeWaitRecord {
                time_wait,
                ends: record.ends,
                hash: record.hash,
                links: Links::UNLINKED,
                auth: record.auth,
            });
            self.demux.replace(record.hash, old, Target::TimeWait(place));
        }
    }

    fn remove_connection(&mut self, index: u32) -> Option<Record> {
        let record = self.connections.remove(index)?;
        self.timers.remove(record.timer);
        self.budget.changed(record.connection.buffered(), Buffered::default());
        if self.connections.len() == 0 {
            self.chunks.forget();
        }
        Some(record)
    }

    pub(super) fn forget_time_wait(&mut self, index: u32) {
        if let Some(record) = self.time_wait.remove(index) {
            self.demux.remove(record.hash, Target::TimeWait(index));
            self.ports.disconnected(record.ends.local_port());
        }
    }
}
