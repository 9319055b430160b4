//! Two ends joined by a channel with a delay, and one end facing hand-written segments.

use crate::options::SegmentOptions;
use crate::{
    Config, Connection, HalfOpen, HalfOpenEvent, Opening, Reset, Segment, Timestamps, Transmit,
};
use core::time::Duration;
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{Ecn, Flags, Instant, Meta, Payload, SeqNumber, StateName};
use std::collections::VecDeque;
use std::sync::Arc;
use std::vec::Vec;

pub(super) const ISS_A: SeqNumber = SeqNumber(1_234_567);
pub(super) const ISS_B: SeqNumber = SeqNumber(7_654_321);
pub(super) const MSS: u16 = 1_460;

pub(crate) fn opening(iss: SeqNumber) -> Opening {
    Opening {
        mss: MSS,
        path_mss: MSS,
        default_mss: 536,
        iss,
        timestamp_offset: iss.0,
        signature: Default::default(),
    }
}

/// A transmitted segment through its bytes, as the peer decodes it.
pub(crate) fn deliver(transmit: &Transmit, now: Instant) -> Segment {
    let mut bytes = [0; 60];
    let len = transmit.header.emit(&mut bytes);
    let view = TcpView::parse(&bytes[..len]).unwrap();
    let mut segment = Segment::decode(&view, &Meta::at(now));
    segment.wire_segments = transmit.wire_segments;
    segment.payload = transmit.payload.clone();
    segment.ecn = transmit.ecn;
    segment
}

/// One side of the pair.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "two of them in a test")]
pub(crate) enum End {
    Listen { config: Arc<Config>, iss: SeqNumber },
    Half { half: HalfOpen, config: Arc<Config> },
    Open(Connection),
}

impl End {
    pub(crate) fn on_segment(&mut self, now: Instant, segment: Segment) -> Option<Reset> {
        match self {
            Self::Listen { config, iss } => {
                if segment.flags.syn() && !segment.flags.ack() {
                    let half = HalfOpen::on_syn(config, opening(*iss), &segment, now);
                    *self = Self::Half { half, config: Arc::clone(config) };
                    return None;
                }
                Reset::for_segment(&segment)
            }
            Self::Half { half, config } => match half.on_segment(now, config, segment) {
                HalfOpenEvent::Waiting => None,
                HalfOpenEvent::Reset(reset) => Some(reset),
                HalfOpenEvent::Gone => {
                    *self = Self::Listen { config: Arc::clone(config), iss: half.iss() };
                    None
                }
                HalfOpenEvent::Established(connection) => {
                    *self = Self::Open(connection);
                    None
                }
            },
            Self::Open(connection) => connection.on_segment(now, segment),
        }
    }

    pub(crate) fn poll_transmit(&mut self, now: Instant, max_payload: usize) -> Option<Transmit> {
        match self {
            Self::Listen { .. } => None,
            Self::Half { half, config } => half.poll_transmit(now, config),
            Self::Open(connection) => connection.poll_transmit(now, max_payload),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Listen { .. } => None,
            Self::Half { half, .. } => Some(half.deadline()),
            Self::Open(connection) => connection.deadline(),
        }
    }

    pub(crate) fn on_timer(&mut self, now: Instant) {
        match self {
            Self::Listen { .. } => {}
            Self::Half { half, config } => {
                if !half.on_timer(now, config, 0) {
                    *self = Self::Listen { config: Arc::clone(config), iss: half.iss() };
                }
            }
            Self::Open(connection) => connection.on_timer(now),
        }
    }

    pub(crate) fn state(&self) -> StateName {
        match self {
            Self::Listen { .. } => StateName::Listen,
            Self::Half { .. } => StateName::SynReceived,
            Self::Open(connection) => connection.state(),
        }
    }
}

/// A line of what was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) at: Instant,
    pub(super) from_a: bool,
    pub(super) header: sockeye_wire::tcp::TcpHeader,
    pub(super) len: usize,
    pub(super) ecn: Ecn,
}

/// What the channel does with a segment: the number of copies and what is added to the delay.
pub(super) type Fate = std::boxed::Box<dyn FnMut(&Sent, usize) -> Vec<Duration>>;

/// Two ends and the network between them.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) a: End,
    pub(super) b: End,
    pub(super) delay: Duration,
    pub(super) fate: Fate,
    /// Which segments the network marks "congestion experienced", if they are ECN-capable.
    pub(super) mark: fn(&Sent, usize) -> bool,
    pub(super) sent: Vec<Sent>,
    pub(super) max_payload: usize,
    in_flight: VecDeque<(Instant, bool, Segment)>,
}

impl Pair {
    pub(super) fn new(config_a: Config, config_b: Config) -> Self {
        let now = Instant::from_millis(1_000);
        Self {
            now,
            a: End::Open(Connection::connect(Arc::new(config_a), opening(ISS_A), now)),
            b: End::Listen { config: Arc::new(config_b), iss: ISS_B },
            delay: Duration::from_millis(10),
            fate: std::boxed::Box::new(|_, _| std::vec![Duration::ZERO]),
            mark: |_, _| false,
            sent: Vec::new(),
            max_payload: 0,
            in_flight: VecDeque::new(),
        }
    }

    /// A pair whose handshake is complete.
    pub(super) fn established(config_a: Config, config_b: Config) -> Self {
        let mut pair = Self::new(config_a, config_b);
        pair.run_for(Duration::from_millis(30));
        assert_eq!(
            (pair.a.state(), pair.b.state()),
            (StateName::Established, StateName::Established)
        );
        pair
    }

    pub(super) fn a(&mut self) -> &mut Connection {
        match &mut self.a {
            End::Open(connection) => connection,
            other => panic!("A is {:?}", other.state()),
        }
    }

    pub(super) fn b(&mut self) -> &mut Connection {
        match &mut self.b {
            End::Open(connection) => connection,
            other => panic!("B is {:?}", other.state()),
        }
    }

    fn transmit(&mut self) {
        for from_a in [true, false] {
            loop {
                let end = if from_a { &mut self.a } else { &mut self.b };
                let Some(transmit) = end.poll_transmit(self.now, self.max_payload) else { break };
                self.carry(from_a, &transmit);
            }
        }
    }

    fn carry(&mut self, from_a: bool, transmit: &Transmit) {
        let sent = Sent {
            at: self.now,
            from_a,
            header: transmit.header.clone(),
            len: transmit.payload.len(),
            ecn: transmit.ecn,
        };
        let marked = transmit.ecn != Ecn::NotEct && (self.mark)(&sent, self.sent.len());
        for extra in (self.fate)(&sent, self.sent.len()) {
            let arrival = self.now + self.delay + extra;
            let position = self.in_flight.partition_point(|(at, ..)| *at <= arrival);
            let mut segment = deliver(transmit, arrival);
            if marked {
                segment.ecn = Ecn::Ce;
            }
            self.in_flight.insert(position, (arrival, !from_a, segment));
        }
        self.sent.push(sent);
    }

    /// One event: the next arrival or deadline; false if there is none before `until`.
    pub(super) fn step(&mut self, until: Instant) -> bool {
        self.transmit();
        let arrival = self.in_flight.front().map(|(at, ..)| *at);
        let next = [arrival, self.a.deadline(), self.b.deadline()].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            let (_, to_a, segment) = self.in_flight.pop_front().unwrap();
            let end = if to_a { &mut self.a } else { &mut self.b };
            if let Some(reset) = end.on_segment(self.now, segment) {
                self.carry(to_a, &reset.into_transmit());
            }
        } else {
            self.a.on_timer(self.now);
            self.b.on_timer(self.now);
        }
        self.transmit();
        true
    }

    pub(super) fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.step(until) {}
    }

    /// The flags, and relative numbers, of everything sent from `index` on.
    pub(super) fn flags_since(&self, index: usize) -> Vec<(char, std::string::String)> {
        let line = |sent: &Sent| {
            (if sent.from_a { 'A' } else { 'B' }, std::format!("{}", sent.header.flags.compact()))
        };
        self.sent[index..].iter().map(line).collect()
    }
}

/// One established end whose peer is the test itself: peer's ISS is [`ISS_B`], its window 65,535 unscaled, no timestamps.
pub(super) struct Solo {
    pub(super) now: Instant,
    pub(super) connection: Connection,
}

impl Solo {
    pub(super) fn config() -> Config {
        Config { timestamps: false, window_scaling: false, sack: false, ..Config::default() }
    }

    pub(super) fn established(config: Config) -> Self {
        let mut solo = Self::syn_sent(config);
        let segment = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
        let mut segment = segment;
        segment.options.mss = Some(MSS);
        assert_eq!(solo.on(segment), None);
        assert_eq!(solo.connection.state(), StateName::Established);
        assert_eq!(solo.drain().len(), 1);
        solo
    }

    pub(super) fn syn_sent(config: Config) -> Self {
        let now = Instant::from_millis(5_000);
        let mut connection = Connection::connect(Arc::new(config), opening(ISS_A), now);
        let syn = connection.poll_transmit(now, 0).unwrap();
        assert!(syn.header.flags.syn() && !syn.header.flags.ack());
        Self { now, connection }
    }

    pub(super) fn on(&mut self, mut segment: Segment) -> Option<Reset> {
        segment.arrival = self.now;
        self.connection.on_segment(self.now, segment)
    }

    pub(super) fn drain(&mut self) -> Vec<Transmit> {
        core::iter::from_fn(|| self.connection.poll_transmit(self.now, 0)).collect()
    }

    /// Time passes; timers fire when they are due; what is sent is collected with its time.
    pub(super) fn wait(&mut self, duration: Duration) -> Vec<(Instant, Transmit)> {
        let until = self.now + duration;
        let mut sent: Vec<_> =
            self.drain().into_iter().map(|transmit| (self.now, transmit)).collect();
        while let Some(deadline) = self.connection.deadline().filter(|deadline| *deadline <= until)
        {
            self.now = self.now.max(deadline);
            self.connection.on_timer(self.now);
            sent.extend(self.drain().into_iter().map(|transmit| (self.now, transmit)));
        }
        self.now = until;
        sent
    }
}

/// A segment written by hand; window 65,535.
pub(super) fn segment(
    flags: Flags,
    seq: SeqNumber,
    ack: SeqNumber,
    data: &'static [u8],
) -> Segment {
    Segment {
        seq,
        ack,
        flags,
        window: 65_535,
        urgent_pointer: 0,
        options: SegmentOptions::default(),
        payload: Payload::from(bytes::Bytes::from_static(data)),
        arrival: Instant::ZERO,
        wire_segments: 1,
        ecn: sockeye_wire::Ecn::NotEct,
    }
}

pub(super) fn with_timestamps(mut segment: Segment, value: u32, echo: u32) -> Segment {
    segment.options.timestamps = Some(Timestamps { value, echo });
    segment
}
