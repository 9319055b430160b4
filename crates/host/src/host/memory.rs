//! What connections leave for those that come after them (RFC 9040), at the moments when they do.

use super::Host;
use crate::monitor::Milestone;
use crate::record::Told;
use sockeye_tcp::Events;
use sockeye_wire::Instant;

impl Host {
    /// A connection has opened, or is over.
    #[cold]
    pub(super) fn on_milestone(&mut self, now: Instant, index: u32, events: Events) {
        if events.intersects(Events::CONNECTED) {
            self.tell(index, Milestone::Opened);
        }
        let save = self.config.policy.save_metrics;
        let Some(record) = self.connections.at_mut(index) else { return };
        let remote = record.ends.remote_ip();
        let destinations = &mut self.network.destinations;
        if events.intersects(Events::CONNECTED) {
            if let Some(report) = record.connection.take_fast_open_report() {
                destinations.on_fast_open(now, remote, &report);
            }
            if let Some(metrics) = destinations.metrics(now, remote).filter(|_| save) {
                record.connection.seed(&metrics);
            }
        }
        if events.intersects(Events::CLOSED) && save {
            let mut metrics = record.connection.path_metrics();
            if !self.config.policy.save_threshold {
                metrics.slow_start_threshold = None;
            }
            destinations.learn(now, remote, &metrics);
        }
        if events.intersects(Events::CLOSED) {
            self.tell_end(index);
        }
    }

    /// A connection has ended, or is only a TIME-WAIT, of whose end nobody needs to hear again.
    fn tell_end(&mut self, index: u32) {
        let Some(record) = self.connections.at(index) else { return };
        let error = record.connection.error();
        match record.told {
            Told::Nothing => self.tell(index, Milestone::Failed(error)),
            Told::Opened => self.tell(index, Milestone::Closed(error)),
            Told::Ended => {}
        }
    }

    fn tell(&mut self, index: u32, milestone: Milestone) {
        let Some(record) = self.connections.at_mut(index) else { return };
        record.told = if milestone == Milestone::Opened { Told::Opened } else { Told::Ended };
        if let Some(monitor) = &mut self.monitor {
            monitor.milestone(&record.ends.get(), record.listener.is_some(), milestone);
        }
    }

    /// Forgets what was learned of all destinations, Fast Open cookies included.
    pub fn forget_destinations(&mut self) {
        self.network.destinations.clear();
    }
}
