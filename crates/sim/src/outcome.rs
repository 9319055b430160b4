//! What did happen.

use crate::story::Step;
use sockeye_eye::{ConnectionReport, Summary};
use sockeye_host::Counts;
use sockeye_link::impair::ImpairmentCounts;
use std::time::Duration;

/// What happened in a run, told by the stack, the applications and the eye. All but [`wall`](Self::wall) follows from the scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed that it follows from.
    pub seed: u64,
    /// From the SYN until both ends were ESTABLISHED.
    pub handshake: Vec<Step>,
    /// From the first FIN until both ends were CLOSED.
    pub close: Vec<Step>,
    /// Octets that B read.
    pub bytes: u64,
    /// Octets that A was to write.
    pub expected_bytes: u64,
    /// XXH3 of what A wrote.
    pub sent_hash: u64,
    /// XXH3 of what B read.
    pub received_hash: u64,
    /// Segments that either end sent again, SYN and FIN included, as the stack counts them.
    pub retransmissions: u64,
    /// Network time from the SYN to the last packet, without the wait in TIME-WAIT.
    pub virtual_time: Duration,
    /// Time that the transfer took in this machine: what stack, network, eye and hashes cost together.
    pub wall: Duration,
    /// Packets sent by both hosts.
    pub packets: u64,
    /// What the network did to them: those from A, those from B.
    pub channels: [ImpairmentCounts; 2],
    /// What the hosts still hold when all is over.
    pub left_behind: [Counts; 2],
    /// What the eye says of each connection.
    pub reports: Vec<ConnectionReport>,
    /// What the eye counted.
    pub summary: Summary,
}

impl Outcome {
    /// Whether B read exactly what A wrote.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.bytes == self.expected_bytes && self.sent_hash == self.received_hash
    }

    /// Payload bits per second of this machine's time.
    #[must_use]
    pub fn throughput_bps(&self) -> f64 {
        let seconds = self.wall.as_secs_f64();
        if seconds > 0.0 { self.bytes as f64 * 8.0 / seconds } else { 0.0 }
    }
}
