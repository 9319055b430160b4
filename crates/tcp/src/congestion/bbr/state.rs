//! The states, and how each sends (draft-ietf-ccwg-bbr §5.6.1).

/// BBR.state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// The rate doubles each round trip until the pipe is full.
    Startup,
    /// The queue that Startup left is drained.
    Drain,
    /// ProbeBW_DOWN: slower than the path delivers.
    Down,
    /// ProbeBW_CRUISE: as fast.
    Cruise,
    /// ProbeBW_REFILL: as fast, without the short-term bounds, so that the pipe is full when probing begins.
    Refill,
    /// ProbeBW_UP: faster.
    Up,
    /// Little is in flight, so that the least round trip shows.
    ProbeRtt,
}

impl State {
    /// BBR.pacing_gain in percent.
    pub(super) const fn pacing_gain(self) -> u64 {
        match self {
            Self::Startup => 277,
            Self::Drain => 50,
            Self::Down => 90,
            Self::Cruise | Self::Refill | Self::ProbeRtt => 100,
            Self::Up => 125,
        }
    }

    /// BBR.cwnd_gain in percent.
    pub(super) const fn window_gain(self) -> u64 {
        match self {
            Self::Startup | Self::Drain | Self::Down | Self::Cruise | Self::Refill => 200,
            Self::Up => 225,
            Self::ProbeRtt => 50,
        }
    }

    /// The share of the bandwidth, in percent, that is used by choice.
    pub(super) const fn sent_share(self) -> u64 {
        match self {
            Self::Startup | Self::Cruise | Self::Refill | Self::Up => 100,
            Self::Drain | Self::Down => self.pacing_gain(),
            Self::ProbeRtt => self.window_gain(),
        }
    }

    /// IsInAProbeBWState.
    pub(super) const fn is_probe_bw(self) -> bool {
        matches!(self, Self::Down | Self::Cruise | Self::Refill | Self::Up)
    }

    /// IsProbingBW: more than is known to fit may be in flight, so loss has to be expected.
    pub(super) const fn is_probing(self) -> bool {
        matches!(self, Self::Startup | Self::Refill | Self::Up)
    }
}
