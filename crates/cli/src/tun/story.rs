//! A connection's handshake, changes of state and close, a line each.

use sockeye::{Direction, Endpoints, Flags, Instant, SegmentTrace, SeqNumber, StateName};
use std::collections::HashMap;
use std::fmt::Write;

/// Connections told about at the same time. Those that vanish without a segment, as half-open ones do, are forgotten when there
/// are more.
const MAX_CONNECTIONS: usize = 65_536;

/// Picks the segments that open, change or close a connection.
#[derive(Default)]
pub(crate) struct Story {
    connections: HashMap<Endpoints, Connection>,
    /// Several connections are told about, so each line begins with the peer.
    names_peers: bool,
}

/// What is known of a connection from its segments.
struct Connection {
    begin: Instant,
    state: StateName,
    /// The number of our SYN or FIN that the peer has not acknowledged.
    unacknowledged: Option<SeqNumber>,
    /// The number of the peer's SYN or FIN that we have not acknowledged.
    owed: Option<SeqNumber>,
    /// The number of the last SYN or FIN that we sent.
    last_sent: Option<SeqNumber>,
}

impl Story {
    pub(crate) fn of_many() -> Self {
        Self { names_peers: true, ..Self::default() }
    }

    /// The line for a segment, if it deserves one.
    pub(crate) fn line(&mut self, trace: &SegmentTrace) -> Option<String> {
        if self.connections.len() >= MAX_CONNECTIONS
            && !self.connections.contains_key(&trace.endpoints)
        {
            self.connections.clear();
        }
        let connection =
            self.connections.entry(trace.endpoints).or_insert_with(|| Connection::new(trace.time));
        let told = connection.tell(trace);
        let is_over = match trace.state {
            StateName::Closed => true,
            StateName::TimeWait => connection.owed.is_none(),
            _ => false,
        };
        if is_over {
            self.connections.remove(&trace.endpoints);
        }
        let told = told?;
        Some(if self.names_peers { format!("{} {told}", trace.endpoints.remote) } else { told })
    }
}

impl Connection {
    fn new(begin: Instant) -> Self {
        Self { begin, state: StateName::Closed, unacknowledged: None, owed: None, last_sent: None }
    }

    fn tell(&mut self, trace: &SegmentTrace) -> Option<String> {
        let is_sent = trace.direction == Direction::Out;
        let announces = trace.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST);
        let changes_state = std::mem::replace(&mut self.state, trace.state) != trace.state;
        let awaited = if is_sent { self.owed } else { self.unacknowledged };
        let check = awaited.filter(|_| trace.flags.ack()).map(|number| Check { number, trace });
        let is_acknowledged = check.as_ref().is_some_and(Check::holds);
        if !announces && !changes_state && !is_acknowledged {
            return None;
        }
        // Data may be acknowledged while a FIN is under way: that says nothing of the FIN.
        let check = check.filter(|check| check.holds() || trace.flags.syn());
        let mut line = self.segment(trace);
        if let Some(check) = check {
            line.push_str(&check.text());
        }
        if is_acknowledged {
            *(if is_sent { &mut self.owed } else { &mut self.unacknowledged }) = None;
        }
        if trace.flags.intersects(Flags::SYN | Flags::FIN) {
            let number = trace.seq + trace.payload_len as u32;
            if is_sent {
                if self.last_sent.replace(number) == Some(number) {
                    line.push_str(" (again)");
                }
                self.unacknowledged = Some(number);
            } else {
                self.owed = Some(number);
            }
        }
        // Writing to a string cannot fail.
        let _ = write!(line, " [{}]", trace.state);
        Some(line)
    }

    fn segment(&self, trace: &SegmentTrace) -> String {
        let time = trace.time.since(self.begin).as_secs_f64() * 1e3;
        let arrow = if trace.direction == Direction::Out { '→' } else { '←' };
        let flags = trace.flags.names().collect::<Vec<_>>().join(",");
        let mut line = format!("{time:>9.3} ms {arrow} {flags:<7} seq={}", trace.seq.0);
        if trace.flags.ack() {
            let _ = write!(line, " ack={}", trace.ack.0);
        }
        if trace.payload_len > 0 {
            let _ = write!(line, " len={}", trace.payload_len);
        }
        line
    }
}

/// Whether a segment acknowledges a SYN or FIN: by the number after it (RFC 9293 §3.4).
struct Check<'a> {
    number: SeqNumber,
    trace: &'a SegmentTrace,
}

impl Check<'_> {
    fn holds(&self) -> bool {
        self.trace.ack == self.number + 1
    }

    fn text(&self) -> String {
        let (is, mark) = if self.holds() { ('=', '✓') } else { ('≠', '✗') };
        format!(" (ack {is} {} + 1 {mark})", self.number.0)
    }
}
