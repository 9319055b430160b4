//! Senders that send all they can, receivers that read all there is.

use crate::apps::{BulkReceiver, BulkSender, Stream};
use crate::network::{Network, NodeId, Script};
use sockeye_host::{Error, Event, Host};
use sockeye_wire::Instant;
use std::net::SocketAddr;
use std::time::Duration;

/// More than any link carries in a simulated lifetime.
const ENDLESS: u64 = u64::MAX / 2;

/// All flows, from the first data on.
pub(super) struct Race {
    lanes: Vec<Lane>,
    pub(super) length: Duration,
    /// When the first data was sent.
    began: Option<Instant>,
    failure: Option<(NodeId, Error)>,
}

/// One flow.
pub(super) struct Lane {
    sender: NodeId,
    receiver: NodeId,
    remote: SocketAddr,
    opens_at: Instant,
    stream: Stream,
    sending: Option<BulkSender>,
    receiving: Option<BulkReceiver>,
}

impl Lane {
    pub(super) fn new(
        sender: NodeId,
        receiver: NodeId,
        remote: SocketAddr,
        offset: Duration,
        seed: u64,
    ) -> Self {
        let (opens_at, stream) = (Instant::ZERO + offset, Stream::new(seed));
        Self { sender, receiver, remote, opens_at, stream, sending: None, receiving: None }
    }
}

impl Race {
    pub(super) const fn new(lanes: Vec<Lane>, length: Duration) -> Self {
        Self { lanes, length, began: None, failure: None }
    }

    fn end(&self) -> Option<Instant> {
        self.began.map(|began| began + self.length)
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.end().is_some_and(|end| end <= now)
    }

    /// Whose connection was lost, and why.
    pub(super) const fn failure(&self) -> Option<(NodeId, Error)> {
        self.failure
    }

    /// What each receiver has read.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u64> {
        self.lanes.iter().map(|lane| lane.receiving.as_ref().map_or(0, BulkReceiver::bytes))
    }
}

impl Script for Race {
    fn on_event(&mut self, node: NodeId, now: Instant, host: &mut Host, event: Event) {
        if self.is_over(now) {
            return;
        }
        let lanes = self.lanes.iter_mut();
        for lane in lanes.filter(|lane| node == lane.sender || node == lane.receiver) {
            let result = match (event, &mut lane.sending, &mut lane.receiving) {
                (Event::Listener { id }, ..) => {
                    let accepted = host.accept(id).map(|(connection, _)| connection);
                    lane.receiving = accepted.map(BulkReceiver::new);
                    Ok(())
                }
                (_, Some(sending), _) if node == lane.sender => {
                    self.began.get_or_insert(now);
                    sending.advance(now, host)
                }
                (_, _, Some(receiving)) => receiving.advance(now, host),
                _ => Ok(()),
            };
            if let Err(error) = result {
                self.failure.get_or_insert((node, error));
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let opening = self.lanes.iter().filter(|lane| lane.sending.is_none());
        opening.map(|lane| lane.opens_at).chain(self.end()).min()
    }

    fn on_time(&mut self, network: &mut Network) {
        let now = network.now();
        for lane in &mut self.lanes {
            if lane.sending.is_none() && lane.opens_at <= now {
                match network.host_mut(lane.sender).connect(now, lane.remote, None) {
                    Ok(id) => {
                        let stream = lane.stream.clone();
                        lane.sending = Some(BulkSender::new(id, stream, ENDLESS));
                    }
                    Err(_) => self.failure = Some((lane.sender, Error::NotConnected)),
                }
            }
        }
    }
}
