//! The transfer's two applications.

use super::{A, B};
use crate::apps::{BulkReceiver, BulkSender};
use crate::network::{NodeId, Script};
use sockeye_host::{Error, Event, Host};
use sockeye_wire::Instant;

pub(super) struct Bulk {
    pub(super) sender: BulkSender,
    pub(super) receiver: BulkReceiver,
    pub(super) failure: Option<(NodeId, Error)>,
}

impl Bulk {
    /// Lets the application of `node` do what it can.
    pub(super) fn start(&mut self, now: Instant, host: &mut Host, node: NodeId) {
        let result = match node {
            A => self.sender.advance(now, host),
            _ => self.receiver.advance(now, host),
        };
        // A sender that has written everything still has to hear of a connection lost under it.
        let id = if node == A { self.sender.connection() } else { self.receiver.connection() };
        let lost = host.connection(id).and_then(|connection| connection.error());
        if let Some(error) = result.err().or(lost) {
            self.failure.get_or_insert((node, error));
        }
    }
}

impl Script for Bulk {
    fn on_event(&mut self, node: NodeId, now: Instant, host: &mut Host, event: Event) {
        debug_assert!(node == A || node == B);
        if let Event::Connection { .. } = event {
            self.start(now, host, node);
        }
    }
}
