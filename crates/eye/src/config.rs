//! What the eye is told before it looks.

use std::time::Duration;

/// Where the packets were taken, which decides what may be concluded from them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Vantage {
    /// Anywhere on the path or at one end. Packets may have been lost, reordered or changed before they were seen, and the
    /// capture itself may have missed some.
    #[default]
    Path,
    /// Every packet of both ends, each as its sender emitted it and in that order, before any network touched it. Only this
    /// makes rules about an end's own sending exact, such as acknowledging data that was never sent.
    Senders,
}

/// Settings of an [`Eye`](crate::Eye).
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the packets were taken.
    pub vantage: Vantage,
    /// How long a closed connection is kept after its last packet, in capture time: what comes later on its addresses and
    /// ports still belongs to it.
    pub closed_linger: Duration,
    /// How long an attempt that was never established is kept after its last packet, in capture time.
    pub attempt_linger: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vantage: Vantage::Path,
            // Twice RFC 9293's TIME-WAIT of 2 × MSL = 4 minutes would be safe for any stack; none in use waits more than
            // 2 minutes.
            closed_linger: Duration::from_secs(120),
            // Linux gives up a SYN after 127 s, its last retransmission 63 s after the one before.
            attempt_linger: Duration::from_secs(300),
        }
    }
}

impl Config {
    /// For packets tapped at their senders, as a simulation can.
    #[must_use]
    pub fn at_senders() -> Self {
        Self { vantage: Vantage::Senders, ..Self::default() }
    }
}
