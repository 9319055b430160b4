//! Congestion control: a small trait and what implements it.

mod reno;
#[cfg(test)]
mod tests;

pub use reno::Reno;

/// Which congestion control a connection uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// RFC 5681.
    #[default]
    Reno,
}

/// How much may be outstanding. Windows are in bytes; `mss` is the payload of a full segment.
///
/// Loss detection and recovery are the sender's business: a controller only learns their outcome.
pub trait CongestionControl {
    /// The congestion window.
    fn window(&self) -> u32;

    /// The slow-start threshold.
    fn slow_start_threshold(&self) -> u32;

    /// `acked` new bytes were acknowledged outside of recovery. Called only while the window was the limit (RFC 7661,
    /// tcp-requirements §3.27: no growth while the application is).
    fn on_acknowledged(&mut self, acked: u32, mss: u32);

    /// Loss was found by duplicate acknowledgements with `in_flight` bytes outstanding.
    fn on_loss(&mut self, in_flight: u32, mss: u32);

    /// The retransmission timer expired; `first` is false for repeated timeouts of one segment (RFC 5681 §3.1).
    fn on_timeout(&mut self, in_flight: u32, mss: u32, first: bool);

    /// The connection was idle for longer than a retransmission timeout (RFC 5681 §4.1).
    fn on_idle(&mut self, restart_window: u32);
}

/// The controller of a connection: an enum, so that it lives in the connection and its calls are direct.
#[derive(Clone, Debug)]
pub(crate) enum Controller {
    Reno(Reno),
}

impl Controller {
    pub(crate) fn new(algorithm: Algorithm, initial_window: u32) -> Self {
        match algorithm {
            Algorithm::Reno => Self::Reno(Reno::new(initial_window)),
        }
    }

    fn get(&self) -> &impl CongestionControl {
        match self {
            Self::Reno(reno) => reno,
        }
    }

    fn get_mut(&mut self) -> &mut impl CongestionControl {
        match self {
            Self::Reno(reno) => reno,
        }
    }
}

impl CongestionControl for Controller {
    fn window(&self) -> u32 {
        self.get().window()
    }

    fn slow_start_threshold(&self) -> u32 {
        self.get().slow_start_threshold()
    }

    fn on_acknowledged(&mut self, acked: u32, mss: u32) {
        self.get_mut().on_acknowledged(acked, mss);
    }

    fn on_loss(&mut self, in_flight: u32, mss: u32) {
        self.get_mut().on_loss(in_flight, mss);
    }

    fn on_timeout(&mut self, in_flight: u32, mss: u32, first: bool) {
        self.get_mut().on_timeout(in_flight, mss, first);
    }

    fn on_idle(&mut self, restart_window: u32) {
        self.get_mut().on_idle(restart_window);
    }
}

/// The initial window of RFC 6928 §2, `segments` being its 10.
pub(crate) fn initial_window(mss: u32, segments: u8) -> u32 {
    let segments = u32::from(segments.max(1));
    (segments * mss).min((2 * mss).max(1_460 * segments))
}
