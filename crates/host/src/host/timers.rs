//! Time passes.

use super::Host;
use crate::timer::TimerOwner;
use sockeye_wire::Instant;

impl Host {
    /// When [`on_timer`](Self::on_timer) is to be called next, exactly; `None` if nothing waits. Ask after
    /// [`poll_transmit`](Self::poll_transmit) gave `None`.
    pub fn deadline(&mut self) -> Option<Instant> {
        self.wheel.deadline()
    }

    /// Does what is due; harmless if nothing is.
    pub fn on_timer(&mut self, now: Instant) {
        self.chunks.expire(now);
        let mut due = core::mem::take(&mut self.due);
        self.wheel.expire(now, &mut due);
        for key in due.drain(..) {
            match key.owner() {
                TimerOwner::Connection(index) => {
                    if let Some(record) = self.connections.at_mut(index) {
                        record.connection.on_timer(now);
                        self.changed(now, index);
                        self.finish(now, index);
                    }
                }
                TimerOwner::HalfOpen(index) => self.on_half_open_timer(now, index),
                TimerOwner::Held(index) => self.on_held_timer(now, index),
                TimerOwner::TimeWait(index) => {
                    // A place may have changed hands since it was found due.
                    let over = |deadline| deadline <= now;
                    let record = self.time_wait.at(index);
                    if record.is_some_and(|record| over(record.time_wait.deadline())) {
                        self.forget_time_wait(index);
                    }
                }
                TimerOwner::Neighbour(index) => self.on_neighbour_timer(now, index),
                TimerOwner::Reassembly => {
                    let expired = self.network.reassembly.expire(now);
                    self.counters.dropped_fragment += expired as u64;
                    self.wheel.set(self.reassembly_timer, self.network.reassembly.deadline());
                }
            }
        }
        self.due = due;
    }
}
