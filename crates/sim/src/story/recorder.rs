//! From the hosts' traces and the network's decisions to steps.

use super::{Header, Step, StepKind};
use crate::network::NodeId;
use sockeye_host::{Direction, Observer, SegmentTrace};
use sockeye_wire::ip::IpView;
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{Packet, SeqNumber, StateName};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Collects what all hosts of a network do.
pub(crate) struct Recorder {
    inbox: Arc<Mutex<Vec<(NodeId, SegmentTrace)>>>,
    ends: Vec<End>,
    steps: Vec<Step>,
    pub(crate) watching: bool,
}

/// What is known of a host.
#[derive(Clone, Copy)]
struct End {
    state: StateName,
    /// The sequence number after the last one sent.
    sent_to: Option<SeqNumber>,
}

impl Recorder {
    pub(crate) fn new(nodes: usize) -> Self {
        let end = End { state: StateName::Closed, sent_to: None };
        Self { inbox: Arc::default(), ends: vec![end; nodes], steps: Vec::new(), watching: false }
    }

    pub(crate) fn observer(&self, node: NodeId) -> Box<dyn Observer> {
        let inbox = Arc::clone(&self.inbox);
        Box::new(move |trace: &SegmentTrace| lock(&inbox).push((node, *trace)))
    }

    /// Watches from now on; which numbers were sent while nobody watched is not known.
    pub(crate) fn begin(&mut self) {
        self.watching = true;
        for end in &mut self.ends {
            end.sent_to = None;
        }
    }

    /// Says how often a packet that a host has just sent will arrive.
    pub(crate) fn departed(&mut self, from: NodeId, sent: Header, arrivals: usize) {
        self.take_in();
        let step = self.steps.iter_mut().rev().find(|step| {
            step.node == from
                && step.header() == Some(&sent)
                && matches!(step.kind, StepKind::Sent { .. })
        });
        if let Some(Step { kind: StepKind::Sent { copies, .. }, .. }) = step {
            *copies = arrivals;
        }
    }

    pub(crate) fn take_steps(&mut self) -> Vec<Step> {
        self.take_in();
        std::mem::take(&mut self.steps)
    }

    /// The state of a host as far as its segments tell.
    pub(crate) fn set_state(&mut self, node: NodeId, state: StateName) {
        self.ends[node.0].state = state;
    }

    fn take_in(&mut self) {
        let Self { inbox, ends, steps, .. } = self;
        for (node, trace) in lock(inbox).drain(..) {
            let end = &mut ends[node.0];
            let header = Header {
                flags: trace.flags,
                seq: trace.seq,
                ack: trace.ack,
                payload_len: trace.payload_len,
            };
            let kind = match trace.direction {
                Direction::In => StepKind::Received { header },
                Direction::Out => {
                    let before = end.sent_to.filter(|sent_to| header.seq.before(*sent_to));
                    let again = before.is_some() && header.end() != header.seq;
                    let sent_to = end.sent_to.unwrap_or(header.end());
                    end.sent_to = Some(sent_to.max(header.end()));
                    StepKind::Sent { header, again, copies: 1 }
                }
            };
            let before = std::mem::replace(&mut end.state, trace.state);
            steps.push(Step { time: trace.time, node, kind, before, after: trace.state });
        }
    }
}

/// The header of a packet as hosts send it.
pub(crate) fn header_of(packet: &Packet) -> Option<Header> {
    let ip = IpView::parse(packet.front(), packet.len()).ok()?;
    let tcp = TcpView::parse(packet.front().get(ip.header_len..)?).ok()?;
    let payload_len = ip.total_len.checked_sub(ip.header_len + tcp.header_len())?;
    Some(Header { flags: tcp.flags(), seq: tcp.seq(), ack: tcp.ack(), payload_len })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
