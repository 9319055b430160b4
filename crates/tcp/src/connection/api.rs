//! The application's calls (RFC 9293 §3.9.1, §3.10.1 to §3.10.6).

use super::Connection;
use crate::congestion::Algorithm;
use crate::fast_open::FastOpened;
use crate::send::SendBuffer;
use crate::state::State;
use crate::{Config, Error, Events, KeepAlive};
use alloc::sync::Arc;
use bytes::{Bytes, BytesMut};
use core::time::Duration;
use sockeye_wire::Instant;

impl Connection {
    /// SEND: copies as much of `data` as the send buffer takes and says how much that was.
    ///
    /// # Errors
    /// [`Error::WouldBlock`] if the buffer is full; [`Error::Closing`] after [`shutdown`](Self::shutdown) or a close by the
    /// state; the reason of the end if the connection is over.
    pub fn write(&mut self, now: Instant, data: &[u8]) -> Result<usize, Error> {
        self.write_into(now, data, &mut BytesMut::with_capacity)
    }

    /// As [`write`](Self::write), into chunks from `allocate`, which is asked for one that takes at least so many octets, 64 KiB at most.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_into(
        &mut self,
        now: Instant,
        data: &[u8],
        allocate: &mut dyn FnMut(usize) -> BytesMut,
    ) -> Result<usize, Error> {
        let room = self.writable()?;
        if data.is_empty() {
            return Ok(0);
        }
        if room < data.len() {
            self.want_room();
        }
        if room == 0 {
            return Err(Error::WouldBlock);
        }
        let count = data.len().min(room);
        self.note_first_unsent(now);
        self.send_buffer()?.append(&data[..count], allocate);
        Ok(count)
    }

    /// SEND without copying: the chunk is shared until it is acknowledged. Taken whole or not at all, so that the buffer may be
    /// exceeded by one chunk.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_chunk(&mut self, now: Instant, chunk: Bytes) -> Result<usize, Error> {
        if self.writable()? == 0 {
            self.want_room();
            return Err(Error::WouldBlock);
        }
        let count = chunk.len();
        self.note_first_unsent(now);
        self.send_buffer()?.append_chunk(chunk);
        Ok(count)
    }

    /// SEND with URG: the urgent data ends with the last octet of `data` that was taken (RFC 9293 MUST-30). New applications
    /// should not use it (SHLD-13).
    ///
    /// # Errors
    /// As [`write`](Self::write), and [`Error::NotConnected`] before the handshake is complete.
    pub fn write_urgent(&mut self, now: Instant, data: &[u8]) -> Result<usize, Error> {
        if self.state.open().is_none() && self.error().is_none() {
            return Err(Error::NotConnected);
        }
        let count = self.write(now, data)?;
        if let Some(open) = self.state.open_mut() {
            open.send.mark_urgent();
        }
        Ok(count)
    }

    /// Room in the send buffer, in bytes.
    ///
    /// # Errors
    /// As [`write`](Self::write), without `WouldBlock`.
    pub fn writable(&self) -> Result<usize, Error> {
        let buffered = match &self.state {
            State::Closed(closed) => return Err(closed.error.unwrap_or(Error::Closing)),
            State::SynSent(syn_sent) if !syn_sent.closing => syn_sent.buffer.len(),
            State::SynReceived(received) if !received.closing => received.buffer.len(),
            State::FastOpened(opened) if !opened.open.send.is_closing() => {
                opened.open.send.buffer.len()
            }
            State::Established(open) | State::CloseWait(open) => open.send.buffer.len(),
            _ => return Err(Error::Closing),
        };
        Ok(self.send_limit().saturating_sub(buffered))
    }

    /// The application has more to send than the buffer takes: from now until there is room, the buffer is what holds the sender up
    /// ([`Activity`](crate::Activity)). Before the handshake is complete it says that more data will leave as soon as it is.
    pub fn want_room(&mut self) {
        if let State::SynSent(syn_sent) = &mut self.state {
            syn_sent.starved = true;
        } else if let Some(open) = self.state.open_mut() {
            open.send.starved = true;
        }
    }

    fn send_buffer(&mut self) -> Result<&mut SendBuffer, Error> {
        match &mut self.state {
            State::SynSent(syn_sent) => Ok(&mut syn_sent.buffer),
            State::SynReceived(received) => Ok(&mut received.buffer),
            State::FastOpened(FastOpened { open, .. })
            | State::Established(open)
            | State::CloseWait(open) => Ok(&mut open.send.buffer),
            _ => Err(Error::Closing),
        }
    }

    /// The user timeout counts from when the peer began to owe us something.
    fn note_first_unsent(&mut self, now: Instant) {
        if self
            .state
            .open()
            .is_some_and(|open| open.send.is_all_acked() && open.send.buffer.is_empty())
        {
            self.stalled_since = now;
        }
    }

    /// RECEIVE: copies what has arrived to the front of `out` and says how much; `Ok(0)` is the end of the peer's data, an error
    /// that it was cut off (RFC 9293 MUST-12).
    ///
    /// # Errors
    /// [`Error::WouldBlock`] if nothing is there yet; the reason if the connection ended otherwise than by the peer's FIN.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        if out.is_empty() {
            return Ok(0);
        }
        match self.state.unread_mut() {
            Some(unread) if !unread.is_empty() => Ok(unread.read(out)),
            _ => self.nothing_to_read().map(|()| 0),
        }
    }

    /// Copies what [`read`](Self::read) would, from `skip` octets on, and leaves it to be read; says how much, 0 if nothing is there.
    pub fn peek(&mut self, skip: usize, out: &mut [u8]) -> usize {
        self.state.unread_mut().map_or(0, |unread| unread.peek(skip, out))
    }

    /// RECEIVE without copying: at most `max` octets of what arrived next; an empty chunk is the end of the peer's data.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_chunk(&mut self, max: usize) -> Result<Bytes, Error> {
        match self.state.unread_mut().and_then(|unread| unread.read_chunk(max)) {
            Some(chunk) => Ok(chunk),
            None => self.nothing_to_read().map(|()| Bytes::new()),
        }
    }

    /// `Ok` at the end of data.
    fn nothing_to_read(&self) -> Result<(), Error> {
        match &self.state {
            State::Closed(closed) if closed.finished => Ok(()),
            State::Closed(closed) => closed.error.map_or(Ok(()), Err),
            State::TimeWait(..) => Ok(()),
            State::SynSent(_) | State::SynReceived(_) => Err(Error::WouldBlock),
            _ if self.state.open().is_some_and(|open| open.receive.is_finished()) => Ok(()),
            _ => Err(Error::WouldBlock),
        }
    }

    /// Octets that can be read now.
    #[must_use]
    pub fn readable(&self) -> usize {
        match &self.state {
            State::Closed(closed) => closed.unread.len(),
            State::TimeWait(_, leftover) => leftover.unread.len(),
            state => state.open().map_or(0, |open| open.receive.queue.len()),
        }
    }

    /// Whether the peer has closed its direction and everything before that has arrived.
    #[must_use]
    pub fn is_read_closed(&self) -> bool {
        self.nothing_to_read() != Err(Error::WouldBlock)
    }

    /// Octets that the peer has not acknowledged, unsent ones included.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        match &self.state {
            State::SynSent(syn_sent) => syn_sent.buffer.len(),
            State::SynReceived(received) => received.buffer.len(),
            state => state.open().map_or(0, |open| open.send.buffer.len()),
        }
    }

    /// Octets written and not sent yet.
    #[must_use]
    pub fn unsent(&self) -> usize {
        match &self.state {
            State::SynSent(syn_sent) => syn_sent.buffer.len(),
            State::SynReceived(received) => received.buffer.len(),
            state => state.open().map_or(0, |open| open.send.unsent() as usize),
        }
    }

    /// Urgent octets that are still to be read; 0 at or past the mark (RFC 9293 MUST-33).
    #[must_use]
    pub fn urgent_ahead(&self) -> u32 {
        self.state.open().map_or(0, |open| open.receive.urgent_ahead())
    }

    /// CLOSE of our direction: FIN follows what was written; reading goes on (RFC 9293 §3.6, half-close).
    pub fn shutdown(&mut self, now: Instant) {
        self.note_first_unsent(now);
        match &mut self.state {
            State::SynSent(syn_sent) => syn_sent.closing = true,
            State::SynReceived(received) => received.closing = true,
            State::FastOpened(opened) => opened.open.send.queue_fin(),
            State::Established(open) => {
                open.send.queue_fin();
                self.state.advance(State::FinWait1);
            }
            State::CloseWait(open) => {
                open.send.queue_fin();
                self.state.advance(State::LastAck);
            }
            _ => {}
        }
    }

    /// The application reads no more, and once it has [shut](Self::shutdown) its own direction, too, data that arrives is answered
    /// by a reset: the peer must not believe that somebody read it (Linux's `SHUT_RDWR`; RFC 1122 §4.2.2.13). Before that it is
    /// taken in silence.
    pub fn stop_reading(&mut self) {
        self.deaf = true;
    }

    /// Whether acknowledgements leave without waiting for a reply to carry them (Linux's `TCP_QUICKACK`).
    #[must_use]
    pub fn acknowledges_at_once(&self) -> bool {
        self.state.open().is_none_or(|open| !open.receive.ack.waits_for_reply())
    }

    /// Whether acknowledgements leave without waiting for a reply to carry them, from the next one on: the first reply changes that
    /// again. One that is being waited with leaves now.
    pub fn acknowledge_at_once(&mut self, on: bool) {
        if let Some(open) = self.state.open_mut() {
            open.receive.ack.at_once(on);
        }
    }

    /// The application lets go: closes in order if everything was read, otherwise resets, so that the peer learns that its data was
    /// not (RFC 9293 MAY-1, SHLD-3).
    pub fn close(&mut self, now: Instant) {
        self.orphaned = true;
        match &self.state {
            State::SynSent(syn_sent) if syn_sent.buffer.is_empty() => self.end(None, None),
            State::SynSent(_) => self.shutdown(now),
            _ if self.readable() > 0 && self.state.open().is_some() => self.abort(now),
            State::FinWait2(_) => self.stalled_since = now,
            State::TimeWait(_, _) => {
                if let Some(unread) = self.state.unread_mut() {
                    *unread = Default::default();
                }
            }
            _ => self.shutdown(now),
        }
    }

    /// ABORT: a reset to the peer, nothing more is sent or delivered (RFC 9293 §3.10.5), whether or not the peer answers or opens
    /// its window (RFC 6429 §4).
    pub fn abort(&mut self, now: Instant) {
        let farewell = match &self.state {
            State::SynReceived(received) => Some(received.half.farewell(now)),
            // Both FINs were exchanged: there is nothing to reset (RFC 9293 §3.10.5).
            State::Closing(_) | State::LastAck(_) => None,
            state => state.open().map(|open| open.farewell(now)),
        };
        if !matches!(self.state, State::Closed(_)) {
            self.end(Some(Error::Aborted), farewell);
        }
        if let State::Closed(closed) = &mut self.state {
            closed.unread = Default::default();
        }
    }

    /// Nagle's rule on or off; off sends small writes at once (RFC 9293 MUST-17).
    pub fn set_nagle(&mut self, on: bool) {
        if self.config.nagle != on {
            Arc::make_mut(&mut self.config).nagle = on;
        }
    }

    /// Whether more will follow what was written so far: a partial segment then waits for it, for a segment of the peer's, or for a
    /// timer, and is sent without PSH (Linux's `MSG_MORE`).
    pub fn set_more(&mut self, more: bool) {
        if let Some(open) = self.state.open_mut() {
            open.send.set_more(more);
        }
    }

    /// What was written so far ends a record: no segment carries octets from both sides of its end, also when they are sent again
    /// (Linux's `MSG_EOR`). The peer sees a stream as ever.
    pub fn end_record(&mut self) {
        if let Ok(buffer) = self.send_buffer() {
            buffer.end_record();
        }
    }

    /// What was written need not wait for more.
    pub fn push(&mut self) {
        if let Some(open) = self.state.open_mut() {
            open.send.stop_waiting_for_more();
        }
    }

    /// Keep-alive on or off (RFC 9293 MUST-24).
    pub fn set_keep_alive(&mut self, keep_alive: Option<KeepAlive>) {
        if self.config.keep_alive != keep_alive {
            Arc::make_mut(&mut self.config).keep_alive = keep_alive;
        }
    }

    /// How long sent data may stay unacknowledged; `None` leaves it to R2 (RFC 9293 MUST-21).
    pub fn set_user_timeout(&mut self, timeout: Option<Duration>) {
        if self.config.user_timeout != timeout {
            Arc::make_mut(&mut self.config).user_timeout = timeout;
        }
    }

    /// Another congestion control, which goes on with the window there is.
    pub fn set_congestion(&mut self, algorithm: Algorithm) {
        self.configure(|config| config.congestion = algorithm);
    }

    /// Changes settings; those that only matter while a connection opens come too late. Buffers have
    /// [`set_buffers`](Self::set_buffers).
    pub fn configure(&mut self, change: impl FnOnce(&mut Config)) {
        let config = Arc::make_mut(&mut self.config);
        change(config);
        let algorithm = config.congestion;
        if let Some(open) = self.state.open_mut() {
            open.send.set_congestion(algorithm);
        }
    }

    /// Tells the peer how long we wait, now and if it changes, and heeds what the peer tells (RFC 5482); `None` does neither any more.
    pub fn advertise_user_timeout(&mut self, timeout: Option<Duration>) {
        if self.config.advertised_user_timeout != timeout {
            Arc::make_mut(&mut self.config).advertised_user_timeout = timeout;
            if let Some(open) = self.state.open_mut() {
                open.user_timeout.announce(timeout);
            }
        }
    }

    /// Sizes of the two buffers; see [`set_receive_buffer`](Self::set_receive_buffer) and [`set_send_buffer`](Self::set_send_buffer).
    pub fn set_buffers(&mut self, receive_bytes: u32, send_bytes: u32) {
        self.set_receive_buffer(receive_bytes);
        self.set_send_buffer(send_bytes);
    }

    /// Size of the receive buffer, in bytes; it does not change by itself any more. The window shift was fixed by the handshake, so
    /// that a later growth may not be advertised in full.
    pub fn set_receive_buffer(&mut self, bytes: u32) {
        let config = Arc::make_mut(&mut self.config);
        config.receive_buffer_bytes = bytes;
        config.initial_receive_buffer_bytes = bytes;
        if let Some(open) = self.state.open_mut() {
            open.receive.set_limit(bytes);
        }
    }

    /// Size of the send buffer, in bytes; it does not change by itself any more.
    pub fn set_send_buffer(&mut self, bytes: u32) {
        let config = Arc::make_mut(&mut self.config);
        config.send_buffer_bytes = bytes;
        config.initial_send_buffer_bytes = bytes;
        self.events |= Events::WRITABLE;
    }
}
