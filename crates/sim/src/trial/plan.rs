//! What is to happen in a trial.

use crate::apps::Talk;
use crate::seed::Dice;
use sockeye_host::Policy;
use sockeye_link::Impairment;
use sockeye_tcp::Config;
use sockeye_tcp::auth::Signature;
use sockeye_tcp::congestion::Algorithm;
use sockeye_wire::Instant;
use std::time::Duration;

/// Writes of one end.
const MOST_WRITES: u64 = 2_000;
/// Connections that may wait to be accepted.
const BACKLOG: usize = 4;
/// Writes of one end that pauses after each.
const MOST_PAUSES: u64 = 60;

/// Which host of a pair: the client, which opens, or the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// It opens.
    Client,
    /// It listens, unless both open.
    Server,
}

impl Role {
    /// Both, in the order of every array here.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The place in such an array.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The other one.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Hosts, what lies between them, and their conversations. Arrays of two are in the order of [`Role::BOTH`].
#[derive(Clone, Debug)]
pub struct Plan {
    /// IPv6 instead of IPv4.
    pub ipv6: bool,
    /// Octets of the largest IP packet on the hosts' links.
    pub mtu: u16,
    /// What happens to what the clients send, and to what the servers send: on the only cable, or at the bottleneck.
    pub path: [Impairment; 2],
    /// Delays, each way, of the pairs' own cables to a bottleneck that all share; one pair and one cable if empty.
    pub access: Vec<Duration>,
    /// The conversations.
    pub flows: Vec<Flow>,
    /// What may be switched of the hosts, the same on all of them.
    pub policy: Policy,
    /// Connections of each listener that may wait, and as many that may be half open.
    pub backlog: usize,
    /// What else happens, in order of time.
    pub changes: Vec<Change>,
    /// What has to be true in the end.
    pub expectation: Expectation,
    /// The network's time by which all must be over.
    pub limit: Duration,
}

/// One conversation.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Which pair of hosts.
    pub pair: usize,
    /// When it is opened.
    pub opens_at: Instant,
    /// Both ends open at once, instead of one listening.
    pub simultaneous: bool,
    /// What each end does.
    pub talks: [Talk; 2],
    /// Settings of each end.
    pub tcp: [Config; 2],
    /// The initial sequence numbers, if they are not to be chosen by the hosts.
    pub isn: Option<[u32; 2]>,
    /// What signs the segments of both ends (RFC 5925, RFC 2385).
    pub signature: Signature,
    /// The client begins with data, as far as it has a cookie; the server takes it (RFC 7413).
    pub fast_open: bool,
}

/// Something that happens at a fixed time.
#[derive(Clone, Debug)]
pub struct Change {
    /// When.
    pub at: Instant,
    /// What.
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Happening {
    /// From now on this happens to what the hosts of this role send.
    Path(Role, Impairment),
    /// From now on the path takes no larger packets, in both directions.
    PathMtu {
        /// Octets, IP header included; any if `None`.
        bytes: Option<u16>,
        /// Routers tell senders of it.
        told: bool,
    },
    /// A stranger sends a segment to one end of the first flow, in the name of the other.
    Forgery(Role, Forgery),
    /// So many strangers, who do not exist, ask the first flow's server for a connection (RFC 4987 §2).
    Flood(u32),
    /// This end of the first flow asks its peer for another key (RFC 5925 §3.3, RNextKeyID).
    NextKey(Role),
}

/// What a stranger sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forgery {
    /// A reset that must be believed (RFC 5961 §3.2): its number is the next expected.
    ExactReset,
    /// A reset somewhere in the window: it must be challenged.
    WindowReset,
    /// A reset outside of the window.
    OutsideReset,
    /// A SYN in the window (RFC 5961 §4).
    WindowSyn,
    /// Data in the window with an acknowledgement from nowhere (RFC 5961 §5).
    BlindData,
    /// Data that whoever takes no timestamps must believe: the next expected, with an acknowledgement of what was.
    ExactData,
    /// The same with the end of data.
    ExactFin,
    /// Data that must be believed, signed by somebody who has no key.
    SignedData(Signature),
    /// A reset that must be believed, signed by somebody who has no key.
    SignedReset(Signature),
}

/// What has to be true in the end, besides what always has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// Every octet arrives and no application hears of an error.
    Whole,
    /// Every connection ends. What arrived is what was sent, up to where it ends.
    Ends,
}

impl Plan {
    /// Both hosts send and receive over a path without fault. What scenarios have in common: family, sizes, pauses, ways to close.
    #[must_use]
    pub fn mixed(dice: &mut Dice) -> Self {
        let ipv6 = dice.happens(0.5);
        let rtt = Duration::from_micros(dice.spread(0..=200_000));
        let rate_bps = dice.pick(&[None, Some(10_000_000), Some(100_000_000), Some(1_000_000_000)]);
        let path = Impairment { delay: rtt / 2, rate_bps, ..Impairment::default() };
        Self {
            ipv6,
            mtu: dice.pick(&if ipv6 {
                [1_500, 1_280, 1_500, 9_000]
            } else {
                [1_500, 1_280, 576, 9_000]
            }),
            path: [path.clone(), path],
            access: Vec::new(),
            flows: vec![Flow::mixed(dice)],
            policy: Policy::default(),
            backlog: BACKLOG,
            changes: Vec::new(),
            expectation: Expectation::Whole,
            limit: Duration::from_secs(3_600),
        }
    }

    /// Does something to the path in each direction.
    #[must_use]
    pub fn impaired(mut self, mut change: impl FnMut(&mut Impairment)) -> Self {
        self.path.iter_mut().for_each(&mut change);
        self
    }

    /// Adds something that happens.
    pub fn happens(&mut self, at: Instant, what: Happening) {
        self.changes.push(Change { at, what });
        self.changes.sort_by_key(|change| change.at);
    }

    /// Pauses and small pieces cost time on the network's clock or steps of ours: each end makes some thousands of writes at most, and
    /// few with pauses.
    #[must_use]
    pub(super) fn bounded(mut self) -> Self {
        for talk in self.flows.iter_mut().flat_map(|flow| &mut flow.talks) {
            let most = if talk.write_pause.is_zero() { MOST_WRITES } else { MOST_PAUSES };
            talk.write_bytes = talk.write_bytes.max((talk.bytes / most + 1) as usize);
        }
        self
    }

    /// The only flow of a plan that has but one.
    pub fn flow(&mut self) -> &mut Flow {
        if self.flows.is_empty() {
            self.flows.push(Flow::new());
        }
        &mut self.flows[0]
    }
}

impl Flow {
    /// Opened at once, nothing sent, closed.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pair: 0,
            opens_at: Instant::ZERO,
            simultaneous: false,
            talks: Default::default(),
            tcp: Default::default(),
            isn: None,
            signature: Signature::None,
            fast_open: false,
        }
    }

    pub(crate) fn mixed(dice: &mut Dice) -> Self {
        use crate::apps::Ending::{AfterPeer, WhenWritten};
        let mut flow = Self::new();
        for role in Role::BOTH {
            let talk = &mut flow.talks[role.index()];
            talk.bytes = dice.spread(0..=400_000);
            talk.write_bytes = dice.spread(1..=65_536) as usize;
            talk.read_bytes = dice.spread(64..=65_536) as usize;
            talk.nagle = dice.happens(0.7);
            if dice.happens(0.2) {
                talk.write_pause = dice.millis(1..=300);
            }
            let tcp = &mut flow.tcp[role.index()];
            tcp.nagle = talk.nagle;
            tcp.congestion = dice.pick(&Algorithm::ALL);
            tcp.pacing = dice.happens(0.2);
        }
        let endings = dice.pick(&[
            [WhenWritten, WhenWritten],
            [WhenWritten, AfterPeer],
            [AfterPeer, WhenWritten],
        ]);
        for role in Role::BOTH {
            flow.talks[role.index()].ending = endings[role.index()];
        }
        if dice.happens(0.3) {
            // Sequence numbers wrap within the transfer.
            flow.isn = Some([0; 2].map(|_: u32| u32::MAX - dice.spread(0..=100_000) as u32));
        }
        flow
    }
}

impl Default for Flow {
    fn default() -> Self {
        Self::new()
    }
}
