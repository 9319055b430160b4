//! Time passes.

use super::Host;
use crate::timer::TimerOwner;
use sockeye_wire::Instant;

impl Host {
    /// When [`on_timer`](Self::on_timer) is to be called next, exactly; `None` if nothing waits. Ask after
    /// [`poll_transmit`](Self::poll_transmit) gave `None`.
    pub fn deadline(&mut self) -> Option<Instant> {
        let small = [self.half_open.next_deadline(), self.time_wait.next_deadline()];
        small.into_iter().chain([self.timers.deadline()]).flatten().min()
    }

    /// Does what is due; harmless if nothing is.
    pub fn on_timer(&mut self, now: Instant) {
        self.chunks.expire(now);
        let mut due = core::mem::take(&mut self.due);
        self.timers.expire(now, &mut due);
        for key in due.drain(..) {
            match key.owner() {
                TimerOwner::Connection(index) => {
                    if self.counted(index, |record| record.connection.on_timer(now)).is_some() {
                        self.changed(now, index);
                        self.finish(index);
                    }
                }
                TimerOwner::Held(index) => self.on_held_timer(now, index),
                TimerOwner::Neighbour(index) => self.on_neighbour_timer(now, index),
                TimerOwner::Reassembly => {
                    let expired = self.network.reassembly.expire(now);
                    self.counters.dropped_fragment += expired as u64;
                    self.timers.set(self.reassembly_timer, self.network.reassembly.deadline());
                }
            }
        }
        self.due = due;
        let mut due = core::mem::take(&mut self.due_records);
        self.half_open.expire(now, &mut due);
        due.drain(..).for_each(|index| self.on_half_open_timer(now, index));
        self.time_wait.expire(now, &mut due);
        due.drain(..).for_each(|index| self.forget_time_wait(index));
        self.due_records = due;
    }
}
