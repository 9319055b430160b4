//! The sending direction: SND.* of RFC 9293 §3.3.1.

mod activity;
mod buffer;
mod expiry;
mod flow;
mod frto;
mod handshake;
mod hold;
mod in_flight;
mod min_rtt;
mod mtu_search;
mod newreno;
mod on_ack;
mod output;
mod pacing;
mod prr;
mod rack;
mod rate;
mod record;
mod recovery;
mod rtt;
mod tail_probe;
#[cfg(test)]
mod tests;
mod timer;
mod validation;

pub use activity::{Activity, Limit};
pub(crate) use buffer::SendBuffer;
pub(crate) use expiry::Expired;
pub(crate) use output::Planned;
pub use recovery::Phase;
pub(crate) use rtt::RttEstimator;
pub use timer::TimerKind;

use crate::Config;
use crate::congestion::{Algorithm, Controller, Start, initial_window};
use crate::options::Negotiated;
use alloc::boxed::Box;
use flow::Flow;
use hold::Hold;
use in_flight::InFlight;
use mtu_search::MtuSearch;
use rack::Rack;
use recovery::Recovery;
use sockeye_wire::{Instant, SeqNumber};
use tail_probe::TailProbe;
use timer::RetransmissionTimer;

/// Everything that is known of our direction.
#[derive(Debug)]
pub(crate) struct Sender {
    /// SND.UNA.
    pub(crate) una: SeqNumber,
    /// SND.NXT: retransmissions never move it back, they are taken from the in-flight records.
    pub(crate) nxt: SeqNumber,
    /// SND.WND in bytes; all windows are, and in 32 bits (RFC 9293 REC-1).
    pub(crate) window: u32,
    /// SND.WL1 and SND.WL2.
    wl1: SeqNumber,
    wl2: SeqNumber,
    /// The largest window that the peer ever offered (RFC 9293 §3.8.6.2.1, RFC 5961 §5.2).
    pub(crate) max_window: u32,
    /// Payload of a full segment, and the least that it is ever made by guessing.
    mss: u16,
    least_mss: u16,
    shift: u8,
    fin: Fin,
    /// End of the last segment smaller than the MSS (Minshall's variant of Nagle's rule).
    small_end: SeqNumber,
    hold: Hold,
    /// SND.UP: the octet after the urgent data, while some of it is not acknowledged.
    urgent: Option<SeqNumber>,
    pub(crate) buffer: SendBuffer,
    pub(crate) rtt: RttEstimator,
    controller: Controller,
    recovery: Recovery,
    in_flight: InFlight,
    /// The peer reports what it holds (RFC 2018).
    sack: bool,
    rack: Rack,
    tail_probe: TailProbe,
    /// Absent unless segments larger or smaller than the ends' MSS are tried.
    mtu: Option<Box<MtuSearch>>,
    /// See [`Config::limit_bursts`].
    limits_bursts: bool,
    /// The application was refused room in the buffer, and has not been let in since.
    pub(crate) starved: bool,
    /// Later partial acknowledgements of one recovery leave the timer alone (RFC 6582).
    rto_frozen: bool,
    timer: RetransmissionTimer,
    last_sent: Instant,
    /// Pacing, the use of the window, the delivery rate; absent before the first data.
    flow: Option<Box<Flow>>,
    pub(crate) retransmissions: u32,
    pub(crate) bytes_acked: u64,
}

/// How far our FIN has come; it takes the sequence number after the buffer's last octet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fin {
    /// The application may still write.
    None,
    /// The application has closed; the FIN waits behind the data.
    Queued,
    /// Sent, SND.NXT is beyond it.
    Sent,
    /// Acknowledged.
    Acked,
}

impl Sender {
    /// A sender whose SYN (at `iss`) was acknowledged; `window` is the peer's, in bytes.
    pub(crate) fn new(
        config: &Config,
        negotiated: &Negotiated,
        iss: SeqNumber,
        window: u32,
        segment: (SeqNumber, SeqNumber),
        buffer: SendBuffer,
        rtt: RttEstimator,
    ) -> Self {
        let mss = negotiated.effective_mss();
        let nxt = iss + 1;
        let rack = Rack::new(rtt.smoothed());
        let start = Start {
            window: initial_window(u32::from(mss), config.initial_window_segments),
            threshold: u32::MAX,
            mss: u32::from(mss),
            rtt: rtt.smoothed(),
            seed: iss.0,
        };
        let mut sender = Self {
            una: nxt,
            nxt,
            window,
            wl1: segment.0,
            wl2: segment.1,
            max_window: window,
            mss,
            least_mss: negotiated.least_payload(),
            shift: negotiated.send_shift,
            fin: Fin::None,
            small_end: nxt,
            hold: Hold::Nothing,
            urgent: None,
            buffer,
            rtt,
            controller: Controller::new(config.congestion, &start),
            recovery: Recovery::new(iss),
            in_flight: InFlight::default(),
            sack: negotiated.sack,
            rack,
            tail_probe: TailProbe::default(),
            mtu: None,
            limits_bursts: config.limit_bursts,
            starved: false,
            rto_frozen: false,
            timer: RetransmissionTimer::default(),
            last_sent: Instant::ZERO,
            flow: None,
            retransmissions: 0,
            bytes_acked: 0,
        };
        sender.begin_mtu_search(config);
        sender
    }

    #[inline]
    pub(crate) fn mss(&self) -> u32 {
        u32::from(self.mss)
    }

    /// Lowers or raises the payload of a full segment (path MTU); records in flight are cut again as they are sent again.
    fn set_mss(&mut self, mss: u16) {
        self.mss = mss.max(1);
    }

    /// A path does not carry full segments: everything is cut smaller and sent again at once, which says nothing about congestion
    /// (RFC 1191 §6.4).
    pub(crate) fn on_too_big(&mut self, mss: u16) {
        self.set_mss(mss);
        self.limit_mtu_search(mss);
        self.in_flight.mark_all_lost();
    }

    /// Somebody says that the segment at `quoted` was too large for the path, which takes `mss` octets.
    pub(crate) fn hold_path_claim(&mut self, mss: u16, quoted: SeqNumber) {
        self.in_flight.hold_path_claim(mss, quoted);
    }

    /// What was said, if that segment is still missing.
    pub(crate) fn take_path_claim(&mut self) -> Option<u16> {
        let (mss, quoted) = self.in_flight.take_path_claim()?;
        quoted.at_or_after(self.una).then_some(mss)
    }

    /// Whether the peer owes us an acknowledgement or a window.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        !self.is_all_acked() || self.unsent() > 0 || self.fin == Fin::Queued
    }

    /// What congestion control halves after a loss: FlightSize, less what duplicate ACKs let out beyond the window, for a flight that
    /// recovery itself inflated would raise the threshold (RFC 5681 §3.1: "no more than").
    fn flight_to_reduce(&self) -> u32 {
        self.flight_size().min(self.controller.window())
    }

    /// SND.NXT − SND.UNA.
    #[inline]
    pub(crate) fn flight_size(&self) -> u32 {
        self.nxt.since(self.una)
    }

    /// Whether losses are being repaired.
    pub(crate) fn is_recovering(&self) -> bool {
        self.recovery.episode().is_some()
    }

    /// Whether everything sent was acknowledged.
    #[inline]
    pub(crate) fn is_all_acked(&self) -> bool {
        self.una == self.nxt
    }

    /// The sequence number after the last octet of the buffer, or after the acknowledged FIN.
    #[inline]
    fn buffer_end(&self) -> SeqNumber {
        self.una + self.buffer.len() as u32
    }

    /// Octets written and not sent.
    #[inline]
    pub(crate) fn unsent(&self) -> u32 {
        self.buffer_end().since(self.nxt)
    }

    /// Octets written and not sent, up to the end of their record.
    #[inline]
    fn unsent_of_record(&self) -> u32 {
        self.buffer.rest_of_record(self.nxt.since(self.una) as usize) as u32
    }

    /// The application closes its direction.
    pub(crate) fn queue_fin(&mut self) {
        if self.fin == Fin::None {
            self.fin = Fin::Queued;
        }
    }

    /// Whether the application has closed its direction.
    pub(crate) fn is_closing(&self) -> bool {
        self.fin != Fin::None
    }

    /// The urgent data ends with the octets written so far (RFC 9293 §3.8.5, SND.UP).
    pub(crate) fn mark_urgent(&mut self) {
        self.urgent = Some(self.buffer_end());
    }

    /// Another congestion control takes over.
    pub(crate) fn set_congestion(&mut self, algorithm: Algorithm) {
        if algorithm == self.controller.algorithm() {
            return;
        }
        let start = Start {
            window: self.controller.window(),
            threshold: self.controller.slow_start_threshold(),
            mss: self.mss(),
            rtt: self.rtt.smoothed(),
            seed: self.nxt.0,
        };
        self.controller = Controller::new(algorithm, &start);
        if !self.recovery.is_loss_free() && self.controller.get().steers_recovery() {
            let flight = self.flight_size();
            self.controller.get_mut().on_loss(flight, start.mss);
        }
    }

    /// The congestion window as it is between recoveries, and as the send buffer is to provide for it.
    pub(crate) fn unreduced_window(&self) -> u32 {
        self.controller.get().provision()
    }

    #[cfg(test)]
    pub(crate) fn controller(&self) -> &Controller {
        &self.controller
    }

    pub(crate) fn congestion_window(&self) -> (u32, u32) {
        // Where the controller says what recovery sends, that is the window in force.
        let window = self.recovery.window().filter(|_| !self.controller.get().steers_recovery());
        (window.unwrap_or_else(|| self.controller.window()), self.controller.slow_start_threshold())
    }

    /// Whether the congestion window was reduced since this was last asked.
    pub(crate) fn take_reduced(&mut self) -> bool {
        self.recovery.take_reduced()
    }

    /// What goes on between us and the network.
    fn phase(&self) -> Phase {
        match self.recovery.phase() {
            Phase::Open if self.in_flight.sacked() > 0 => Phase::Disorder,
            phase => phase,
        }
    }

    pub(crate) fn timeouts(&self) -> u8 {
        self.timer.timeouts
    }

    pub(crate) fn backoff(&self) -> u8 {
        self.timer.backoff
    }
}
