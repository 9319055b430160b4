//! A snapshot of a connection for people and programs.

use crate::congestion::Algorithm;
use crate::fast_open::{FastOpen, FastOpenFailure};
use crate::send::{Activity, Phase, TimerKind};
use crate::state::State;
use crate::{Config, EcnMode, Tally};
use core::time::Duration;
use sockeye_wire::{Instant, SeqNumber, StateName};

/// What `TCP_INFO` shows, as far as it exists here.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub struct Info {
    /// State.
    pub state: StateName,
    /// Payload bytes of a full segment to the peer.
    pub send_mss: u16,
    /// MSS that we advertised.
    pub receive_mss: u16,
    /// Smoothed round-trip time (RFC 6298); `None` before the first sample.
    pub rtt: Option<Duration>,
    /// Its variation.
    pub rtt_variation: Duration,
    /// Current retransmission timeout.
    pub rto: Duration,
    /// Congestion window in bytes.
    pub congestion_window: u32,
    /// Slow-start threshold in bytes.
    pub slow_start_threshold: u32,
    /// Congestion control in use; `None` before there is any.
    pub congestion: Option<Algorithm>,
    /// Bytes sent and not acknowledged.
    pub in_flight: u32,
    /// Bytes of those that the peer holds above a gap (RFC 2018).
    pub sacked: u32,
    /// Bytes of those that are believed lost and have not been sent again.
    pub lost: u32,
    /// Bytes of payload that have arrived at the peer, acknowledged or held above a gap; without those that its SYN-ACK
    /// acknowledged.
    pub delivered: u64,
    /// The last delivery rate measured, in bytes of payload a second; `None` if there was none.
    pub delivery_rate: Option<u64>,
    /// The application, not the network, limited that rate.
    pub delivery_rate_app_limited: bool,
    /// Bytes of payload a second at which segments leave, if they are paced.
    pub pacing_rate: Option<u64>,
    /// The least round-trip time measured; `None` before the first sample.
    pub min_rtt: Option<Duration>,
    /// Losses are being repaired.
    pub recovering: bool,
    /// When something is sent though nothing arrives: again, a probe, or what may have been reordered. `None` while the peer owes nothing.
    pub retransmit_at: Option<Instant>,
    /// What the one timer of our direction waits for, while it is open.
    pub timer: TimerKind,
    /// The peer's window in bytes.
    pub send_window: u32,
    /// The largest window that the peer ever offered, in bytes.
    pub max_send_window: u32,
    /// Our window in bytes.
    pub receive_window: u32,
    /// Bytes written and not sent.
    pub unsent: u32,
    /// The peer's FIN was received, and everything before it.
    pub peer_finished: bool,
    /// First sequence number not acknowledged.
    pub snd_una: SeqNumber,
    /// Next sequence number to send.
    pub snd_nxt: SeqNumber,
    /// Next sequence number expected.
    pub rcv_nxt: SeqNumber,
    /// Segments retransmitted so far.
    pub retransmissions: u64,
    /// What goes on between the sender and the network.
    pub phase: Phase,
    /// What the sender spends its time on.
    pub activity: Activity,
    /// When a segment with sequence space was last sent.
    pub last_sent: Option<Instant>,
    /// When data last arrived, or else the connection was established.
    pub last_received: Option<Instant>,
    /// When the peer was last heard.
    pub last_heard: Option<Instant>,
    /// Window and keep-alive probes that were not answered.
    pub window_probes: u8,
    /// Sequence numbers sent again and not acknowledged.
    pub resent: u32,
    /// How many acknowledgements told that segments had overtaken each other; 255 and more are 255.
    pub reorderings: u8,
    /// The farthest that a segment arrived behind a later one, in segments from its start to the end of that one; 255 and more are 255.
    pub reordering_segments: u8,
    /// Payload of the largest segment that the peer is known to send.
    pub peer_segment: u16,
    /// Payload bytes that the peer acknowledged.
    pub bytes_acked: u64,
    /// Payload bytes received in order.
    pub bytes_received: u64,
    /// Size of the receive buffer now, in octets.
    pub receive_buffer: u32,
    /// Timestamps are in use.
    pub timestamps: bool,
    /// SACK is in use.
    pub sack: bool,
    /// Window shifts: the peer's, ours.
    pub window_scale: (u8, u8),
    /// Doublings of the retransmission timeout in force.
    pub backoff: u8,
    /// Consecutive retransmission timeouts without progress.
    pub timeouts: u8,
    /// The user timeout that the peer told (RFC 5482), and the one in force.
    pub user_timeouts: (Option<Duration>, Option<Duration>),
    /// Explicit congestion notification in use.
    pub ecn: EcnMode,
    /// Packets marked "congestion experienced" that the peer told of (for classic ECN: acknowledgements with ECE), and that arrived here.
    pub ecn_marks: (u32, u32),
    /// The path changes what accurate ECN feeds back, so that no packet is sent ECN-capable (RFC 9768 §3.2.2.4).
    pub ecn_tampered: bool,
    /// Longest delay of an acknowledgement.
    pub delayed_ack: Duration,
    /// The round trip as the receiver of data sees it; measured while the receive buffer may grow, or with [`Config::tally`].
    pub receive_rtt: Option<Duration>,
    /// Octets that the application reads in such a round trip.
    pub receive_space: u32,
    /// Counters, if [`Config::tally`] asks for them.
    pub tally: Option<Tally>,
    /// Still in the handshake, but data may be read and written already: a listener's connection whose SYN brought a Fast Open cookie.
    pub open_early: bool,
    /// All data on the SYN was acknowledged, by whichever end received it (RFC 7413).
    pub syn_data_acked: bool,
    /// Why Fast Open failed, at the client.
    pub fast_open_failure: FastOpenFailure,
}

impl Info {
    /// Zero where a state has no such thing.
    pub(crate) fn of(
        state: &State,
        config: &Config,
        fast_open: Option<&FastOpen>,
        tally: Option<&Tally>,
    ) -> Self {
        let mut info = Self {
            state: state.name(),
            send_mss: 0,
            receive_mss: 0,
            rtt: None,
            rtt_variation: Duration::ZERO,
            rto: Duration::ZERO,
            congestion_window: 0,
            slow_start_threshold: 0,
            congestion: None,
            in_flight: 0,
            sacked: 0,
            lost: 0,
            delivered: 0,
            delivery_rate: None,
            delivery_rate_app_limited: false,
            pacing_rate: None,
            min_rtt: None,
            recovering: false,
            retransmit_at: None,
            timer: TimerKind::Idle,
            send_window: 0,
            max_send_window: 0,
            receive_window: 0,
            unsent: 0,
            peer_finished: false,
            snd_una: SeqNumber(0),
            snd_nxt: SeqNumber(0),
            rcv_nxt: SeqNumber(0),
            retransmissions: 0,
            phase: Phase::default(),
            activity: Activity::default(),
            last_sent: None,
            last_received: None,
            last_heard: None,
            window_probes: 0,
            resent: 0,
            reorderings: 0,
            reordering_segments: 0,
            peer_segment: 0,
            bytes_acked: 0,
            bytes_received: 0,
            receive_buffer: 0,
            timestamps: false,
            sack: false,
            window_scale: (0, 0),
            backoff: 0,
            timeouts: 0,
            user_timeouts: (None, None),
            ecn: EcnMode::Off,
            ecn_marks: (0, 0),
            ecn_tampered: false,
            delayed_ack: config.delayed_ack,
            receive_rtt: None,
            receive_space: 0,
            tally: tally.copied(),
            open_early: matches!(state, State::FastOpened(_)),
            syn_data_acked: fast_open.is_some_and(|fast_open| fast_open.syn_data_acked),
            fast_open_failure: fast_open
                .map_or_else(Default::default, |fast_open| fast_open.failure),
        };
        match state {
            State::SynSent(syn_sent) => {
                info.snd_una = syn_sent.opening.iss;
                info.snd_nxt = syn_sent.opening.iss + 1 + u32::from(syn_sent.syn_data());
                info.receive_mss = syn_sent.opening.mss;
                info.retransmissions = u64::from(syn_sent.retransmissions());
            }
            State::SynReceived(received) => {
                info.snd_una = received.half.iss();
                info.snd_nxt = received.half.iss() + 1;
                info.rcv_nxt = received.half.irs() + 1;
            }
            State::TimeWait(time_wait, _) => {
                info.snd_una = time_wait.snd_nxt();
                info.snd_nxt = time_wait.snd_nxt();
                info.rcv_nxt = time_wait.rcv_nxt();
                info.peer_finished = true;
            }
            State::Closed(closed) => info.peer_finished = closed.finished,
            _ => {}
        }
        if let Some(open) = state.open() {
            let (send, receive, negotiated) = (&open.send, &open.receive, &open.negotiated);
            (info.congestion_window, info.slow_start_threshold) = send.congestion_window();
            info.send_mss = send.mss() as u16;
            info.receive_mss = negotiated.own_mss;
            info.rtt = send.rtt.smoothed();
            info.rtt_variation = send.rtt.variation();
            info.rto = send.rtt.timeout(send.backoff());
            info.in_flight = send.flight_size();
            send.describe_flow(&mut info, config);
            info.recovering = send.is_recovering();
            info.retransmit_at = Some(send.deadline()).filter(|at| *at != Instant::FAR_FUTURE);
            info.send_window = send.window;
            info.max_send_window = send.max_window;
            info.receive_window = receive.window();
            info.unsent = send.unsent();
            info.peer_finished = receive.is_finished();
            info.snd_una = send.una;
            info.snd_nxt = send.nxt;
            info.rcv_nxt = receive.nxt;
            info.retransmissions = u64::from(send.retransmissions);
            info.bytes_acked = send.bytes_acked;
            info.bytes_received = receive.bytes_received;
            info.receive_buffer = receive.limit();
            (info.receive_rtt, info.receive_space) = receive.reading();
            info.last_received = Some(receive.last_received);
            info.last_heard = Some(open.heard);
            info.window_probes = info.window_probes.max(open.keep_alive_probes);
            info.peer_segment = receive.ack.full_segment();
            info.timestamps = negotiated.timestamps;
            info.sack = negotiated.sack;
            info.window_scale = (negotiated.send_shift, negotiated.receive_shift);
            info.backoff = send.backoff();
            info.timeouts = send.timeouts();
            info.user_timeouts = (open.user_timeout.remote(), open.user_timeout.in_force(config));
            if let Some(ecn) = &open.ecn {
                info.ecn = ecn.mode();
                info.ecn_marks = ecn.marks();
                info.ecn_tampered = ecn.is_tampered();
            }
        }
        info
    }
}
