//! What a sender spends its time on: being busy, waiting for the peer's window, waiting for the application to be let in
//! (`tcpi_busy_time`, `tcpi_rwnd_limited`, `tcpi_sndbuf_limited`).

use core::time::Duration;
use sockeye_wire::Instant;

/// What holds the sender up at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Limit {
    /// Nothing is outstanding, and nothing waits.
    #[default]
    Idle,
    /// The network, or congestion control's view of it.
    Network,
    /// The peer's window.
    ReceiveWindow,
    /// The send buffer: all of it was sent, and the application was refused more room.
    SendBuffer,
}

/// Times so far, and what goes on since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Activity {
    limit: Limit,
    since: Instant,
    network: Duration,
    receive_window: Duration,
    send_buffer: Duration,
}

impl Activity {
    /// From now on `limit` is what holds the sender up.
    pub(super) fn observe(&mut self, now: Instant, limit: Limit) {
        if limit != self.limit {
            *self = Self { limit, since: now, ..self.until(now) };
        }
    }

    fn until(mut self, now: Instant) -> Self {
        let passed = now.since(self.since);
        match self.limit {
            Limit::Idle => {}
            Limit::Network => self.network += passed,
            Limit::ReceiveWindow => self.receive_window += passed,
            Limit::SendBuffer => self.send_buffer += passed,
        }
        self
    }

    /// What holds the sender up.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// Time until `now` in which something was outstanding or waited to be sent.
    #[must_use]
    pub fn busy(&self, now: Instant) -> Duration {
        let until = self.until(now);
        until.network + until.receive_window + until.send_buffer
    }

    /// Time until `now` in which the peer's window was what kept data back.
    #[must_use]
    pub fn receive_window_limited(&self, now: Instant) -> Duration {
        self.until(now).receive_window
    }

    /// Time until `now` in which a larger send buffer would have kept the sender going.
    #[must_use]
    pub fn send_buffer_limited(&self, now: Instant) -> Duration {
        self.until(now).send_buffer
    }
}
