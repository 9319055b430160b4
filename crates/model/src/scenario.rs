//! What the two ends do, and how bad the channel between them may be.

use crate::Fault;
use sockeye_tcp::{Config, KeepAlive};
use std::time::Duration;

/// How an end begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// Passive OPEN; after a connection it listens again, as a server does.
    Listen,
    /// Active OPEN.
    Connect,
    /// No TCP user at this port.
    Nobody,
}

/// What an application does, in this order, each step at any time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    /// SEND.
    Write(&'static [u8]),
    /// CLOSE of the sending direction.
    Shutdown,
    /// Letting go of the connection.
    Close,
    /// ABORT.
    Abort,
    /// Active OPEN once more, on the same 4-tuple, as soon as the connection before is over.
    Connect,
}

/// How everything has to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Both ends ESTABLISHED, and of one mind about the sequence numbers.
    Established,
    /// Both ends CLOSED, all data delivered, no error anywhere.
    ClosedInOrder,
    /// Both ends CLOSED.
    Closed,
}

/// One experiment.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How the ends begin.
    pub start: [Start; 2],
    /// What their applications do.
    pub calls: [&'static [Call]; 2],
    /// Settings of both.
    pub config: Config,
    /// Segments that the channel may lose.
    pub losses: u8,
    /// Segments that it may deliver and yet keep.
    pub repeats: u8,
    /// How often time may pass until the next deadline although segments are on their way.
    pub delays: u8,
    /// A SYN of an earlier incarnation, from A to B, is still in the channel.
    pub old_syn: bool,
    /// The channel may break for good, at any moment.
    pub may_break: bool,
    /// How it has to end.
    pub ending: Ending,
    /// What is broken on purpose.
    pub fault: Option<Fault>,
}

impl Scenario {
    /// A client and a server, no calls, a perfect channel.
    #[must_use]
    pub fn open() -> Self {
        Self {
            start: [Start::Connect, Start::Listen],
            calls: [&[], &[]],
            // Timestamps would make moments differ that are the same in all else.
            config: Config { timestamps: false, ..Config::default() },
            losses: 0,
            repeats: 0,
            delays: 0,
            old_syn: false,
            may_break: false,
            ending: Ending::Established,
            fault: None,
        }
    }

    /// Both ends open at the same time.
    #[must_use]
    pub fn simultaneous() -> Self {
        Self { start: [Start::Connect, Start::Connect], ..Self::open() }
    }

    /// Each end does `calls`, and everything closes in order.
    #[must_use]
    pub fn calls(self, calls: [&'static [Call]; 2]) -> Self {
        Self { calls, ending: Ending::ClosedInOrder, ..self }
    }

    /// How bad the channel may be.
    #[must_use]
    pub fn channel(self, losses: u8, repeats: u8, delays: u8) -> Self {
        Self { losses, repeats, delays, ..self }
    }

    /// Idle ends ask whether the other is still there: without that an ESTABLISHED end may rightly wait for ever.
    #[must_use]
    pub fn keep_alive(mut self) -> Self {
        let (idle, interval) = (Duration::from_secs(7_200), Duration::from_secs(75));
        self.config.keep_alive = Some(KeepAlive { idle, interval, probes: 2 });
        self
    }

    /// Ends give up sooner, so that there are fewer time-outs to walk through.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        (self.config.syn_retries, self.config.syn_ack_retries, self.config.retries) = (2, 2, 3);
        self
    }

    /// With `fault`.
    #[must_use]
    pub fn with(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }
}
