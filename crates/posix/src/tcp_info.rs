//! `struct tcp_info`, by name and in Linux's layout.

use core::time::Duration;
use sockeye_tcp::{EcnMode, Info, Phase};
use sockeye_wire::{Instant, StateName};

/// `tcpi_options`: timestamps are in use.
pub const TCPI_OPT_TIMESTAMPS: u8 = 1;
/// `tcpi_options`: SACK is in use.
pub const TCPI_OPT_SACK: u8 = 2;
/// `tcpi_options`: window scaling is in use.
pub const TCPI_OPT_WSCALE: u8 = 4;
/// `tcpi_options`: ECN is in use.
pub const TCPI_OPT_ECN: u8 = 8;
/// `tcpi_options`: a packet with the ECN capability was received.
pub const TCPI_OPT_ECN_SEEN: u8 = 16;
/// `tcpi_options`: data in our SYN was acknowledged by the SYN-ACK, or accepted from the peer's SYN.
pub const TCPI_OPT_SYN_DATA: u8 = 32;

/// Linux's `TCP_ACCECN_ACE_FAIL_RECV`.
const ACE_FAIL_RECV: u8 = 2;
/// Linux's `TCP_INFINITE_SSTHRESH`.
const INFINITE_THRESHOLD: u32 = 0x7fff_ffff;

macro_rules! tcp_info {
    (
        bytes { $($(#[$byte_doc:meta])* $byte:ident,)+ }
        bits { $($(#[$bit_doc:meta])* $bit:ident,)+ }
        rest { $($(#[$doc:meta])* $name:ident: $kind:ty,)+ }
        ecn { $($(#[$ecn_doc:meta])* $ecn:ident,)+ }
    ) => {
        /// What `getsockopt(TCP_INFO)` tells. Fields have Linux's names without `tcpi_`, and Linux's units: microseconds
        /// unless said otherwise, segments where Linux counts segments.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        #[non_exhaustive]
        pub struct TcpInfo {
            $($(#[$byte_doc])* pub $byte: u8,)+
            $($(#[$bit_doc])* pub $bit: u8,)+
            $($(#[$doc])* pub $name: $kind,)+
            $($(#[$ecn_doc])* pub $ecn: u8,)+
        }

        impl TcpInfo {
            /// The names of all fields, as Linux has them.
            pub const NAMES: &'static [&'static str] = &[
                $(concat!("tcpi_", stringify!($byte)),)+
                $(concat!("tcpi_", stringify!($bit)),)+
                $(concat!("tcpi_", stringify!($name)),)+
                $(concat!("tcpi_", stringify!($ecn)),)+
            ];

            /// A field by Linux's name, `tcpi_rtt` for example; none if there is no such field.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<u64> {
                match name.strip_prefix("tcpi_")? {
                    $(stringify!($byte) => Some(u64::from(self.$byte)),)+
                    $(stringify!($bit) => Some(u64::from(self.$bit)),)+
                    $(stringify!($name) => Some(u64::from(self.$name)),)+
                    $(stringify!($ecn) => Some(u64::from(self.$ecn)),)+
                    _ => None,
                }
            }

            /// In Linux's layout, which has no padding.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let mut bytes = vec![$(self.$byte,)+];
                bytes.push(self.snd_wscale | self.rcv_wscale << 4);
                bytes.push(self.delivery_rate_app_limited | self.fastopen_client_fail << 1);
                $(bytes.extend_from_slice(&self.$name.to_ne_bytes());)+
                let ecn = self.ecn_mode | self.accecn_opt_seen << 2 | self.accecn_fail_mode << 4;
                bytes.extend_from_slice(&u32::from(ecn).to_ne_bytes());
                bytes
            }
        }
    };
}

tcp_info! {
    bytes {
        /// State, in Linux's numbers.
        state,
        /// State of congestion control: 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss.
        ca_state,
        /// Consecutive retransmission timeouts.
        retransmits,
        /// Unanswered window and keep-alive probes.
        probes,
        /// Exponent of the timeout's backoff.
        backoff,
        /// [`TCPI_OPT_TIMESTAMPS`] and so on.
        options,
    }
    bits {
        /// The peer's window shift.
        snd_wscale,
        /// Our window shift.
        rcv_wscale,
        /// The delivery rate was limited by the application.
        delivery_rate_app_limited,
        /// Why Fast Open failed: 0 it did not, 1 no cookie, 2 data not acknowledged, 3 SYN lost.
        fastopen_client_fail,
    }
    rest {
        /// Retransmission timeout.
        rto: u32,
        /// Delay of acknowledgements.
        ato: u32,
        /// Payload of a full segment to the peer.
        snd_mss: u32,
        /// Estimate of the peer's full segments.
        rcv_mss: u32,
        /// Segments in flight; of a listener the length of the accept queue.
        unacked: u32,
        /// Segments that the peer reported by SACK; of a listener the backlog.
        sacked: u32,
        /// Segments believed lost.
        lost: u32,
        /// Retransmissions in flight.
        retrans: u32,
        /// Always 0, as in Linux.
        fackets: u32,
        /// Milliseconds since data was sent.
        last_data_sent: u32,
        /// Always 0, as in Linux.
        last_ack_sent: u32,
        /// Milliseconds since data was received.
        last_data_recv: u32,
        /// Milliseconds since an acknowledgement was received.
        last_ack_recv: u32,
        /// Path MTU.
        pmtu: u32,
        /// Size up to which our window may grow.
        rcv_ssthresh: u32,
        /// Smoothed round-trip time.
        rtt: u32,
        /// Its variation.
        rttvar: u32,
        /// Slow-start threshold in segments; 0x7fffffff while there is none.
        snd_ssthresh: u32,
        /// Congestion window in segments.
        snd_cwnd: u32,
        /// MSS that we announced.
        advmss: u32,
        /// Segments by which reordering is believed possible.
        reordering: u32,
        /// Round-trip time as the receiver estimates it.
        rcv_rtt: u32,
        /// Octets that the application reads in a round trip.
        rcv_space: u32,
        /// Segments retransmitted.
        total_retrans: u32,
        /// Octets a second; all ones if unlimited.
        pacing_rate: u64,
        /// Octets a second; all ones if unlimited.
        max_pacing_rate: u64,
        /// Octets acknowledged.
        bytes_acked: u64,
        /// Octets received in order.
        bytes_received: u64,
        /// Segments sent.
        segs_out: u32,
        /// Segments received.
        segs_in: u32,
        /// Octets not sent yet.
        notsent_bytes: u32,
        /// Lowest round-trip time.
        min_rtt: u32,
        /// Segments with data received.
        data_segs_in: u32,
        /// Segments with data sent.
        data_segs_out: u32,
        /// Octets a second.
        delivery_rate: u64,
        /// Time during which data was outstanding.
        busy_time: u64,
        /// Time during which the peer's window was the limit.
        rwnd_limited: u64,
        /// Time during which the send buffer was the limit.
        sndbuf_limited: u64,
        /// Segments delivered, retransmissions included.
        delivered: u32,
        /// Of these, those that met congestion.
        delivered_ce: u32,
        /// Octets sent, retransmissions included.
        bytes_sent: u64,
        /// Octets retransmitted.
        bytes_retrans: u64,
        /// D-SACK blocks received.
        dsack_dups: u32,
        /// Reorderings seen.
        reord_seen: u32,
        /// Segments received out of order.
        rcv_ooopack: u32,
        /// The peer's window in octets.
        snd_wnd: u32,
        /// Our window in octets.
        rcv_wnd: u32,
        /// Times that another path was tried.
        rehash: u32,
        /// Retransmission timeouts.
        total_rto: u16,
        /// Recoveries that began with one.
        total_rto_recoveries: u16,
        /// Milliseconds spent in them.
        total_rto_time: u32,
        /// Segments received with CE.
        received_ce: u32,
        /// AccECN: octets delivered with ECT(1).
        delivered_e1_bytes: u32,
        /// AccECN: octets delivered with ECT(0).
        delivered_e0_bytes: u32,
        /// AccECN: octets delivered with CE.
        delivered_ce_bytes: u32,
        /// AccECN: octets received with ECT(1).
        received_e1_bytes: u32,
        /// AccECN: octets received with ECT(0).
        received_e0_bytes: u32,
        /// AccECN: octets received with CE.
        received_ce_bytes: u32,
    }
    ecn {
        /// ECN agreed on: 0 none, 1 classic, 2 accurate.
        ecn_mode,
        /// Of the peer's AccECN option was seen: 0 nothing, 1 empty ones, 2 counters.
        accecn_opt_seen,
        /// Which part of AccECN's feedback does not get through; bit 1: the field in the header that arrives.
        accecn_fail_mode,
    }
}

/// Linux's number for a state.
#[must_use]
pub const fn state_number(state: StateName) -> u8 {
    match state {
        StateName::Established => 1,
        StateName::SynSent => 2,
        StateName::SynReceived => 3,
        StateName::FinWait1 => 4,
        StateName::FinWait2 => 5,
        StateName::TimeWait => 6,
        StateName::Closed => 7,
        StateName::CloseWait => 8,
        StateName::LastAck => 9,
        StateName::Listen => 10,
        StateName::Closing => 11,
    }
}

impl TcpInfo {
    /// Of a socket without connection.
    pub(crate) fn of_state(state: StateName) -> Self {
        Self { state: state_number(state), ..Self::default() }
    }

    /// Of a connection.
    pub(crate) fn of_connection(now: Instant, info: &Info) -> Self {
        let mss = u32::from(info.send_mss).max(1);
        let segments = |octets: u32| octets.div_ceil(mss);
        let activity = &info.activity;
        // Linux: what is lost stays lost until it is acknowledged, sent again or not.
        let repairing = matches!(info.phase, Phase::Recovery | Phase::Loss);
        let lost = info.lost + if repairing { info.resent } else { 0 };
        let delivered = info.delivered.div_ceil(u64::from(mss)) as u32;
        Self {
            ca_state: phase_number(info.phase),
            retransmits: info.timeouts,
            probes: info.window_probes,
            backoff: info.backoff,
            options: options(info),
            snd_wscale: info.window_scale.0,
            rcv_wscale: info.window_scale.1,
            delivery_rate_app_limited: u8::from(info.delivery_rate_app_limited),
            fastopen_client_fail: info.fast_open_failure as u8,
            rto: micros(info.rto),
            ato: micros(info.delayed_ack),
            snd_mss: u32::from(info.send_mss),
            rcv_mss: u32::from(info.peer_segment),
            unacked: segments(info.in_flight),
            sacked: segments(info.sacked),
            lost: segments(lost),
            retrans: segments(info.resent),
            last_data_sent: millis_since(now, info.last_sent),
            last_data_recv: millis_since(now, info.last_received),
            last_ack_recv: millis_since(now, info.last_heard),
            rcv_ssthresh: info.receive_window,
            rtt: info.rtt.map_or(0, micros),
            rttvar: micros(info.rtt_variation),
            snd_ssthresh: match info.slow_start_threshold {
                0 => 0,
                u32::MAX => INFINITE_THRESHOLD,
                threshold => (threshold / mss).max(1),
            },
            snd_cwnd: info.congestion_window / mss,
            advmss: u32::from(info.receive_mss),
            // Linux's default is the least; losses are told by time here (RFC 8985), whatever this is.
            reordering: u32::from(info.reordering_segments).max(3),
            rcv_rtt: info.receive_rtt.map_or(0, micros),
            // Before anything was read: what an initial window brings, if our window takes it.
            rcv_space: match info.receive_space {
                0 => {
                    let timestamps = if info.timestamps { 12 } else { 0 };
                    let mss = info.receive_mss.saturating_sub(timestamps);
                    info.receive_window.min(10 * u32::from(mss))
                }
                space => space,
            },
            total_retrans: u32::try_from(info.retransmissions).unwrap_or(u32::MAX),
            pacing_rate: info.pacing_rate.unwrap_or(u64::MAX),
            max_pacing_rate: u64::MAX,
            bytes_acked: info.bytes_acked,
            bytes_received: info.bytes_received,
            notsent_bytes: info.unsent,
            min_rtt: info.min_rtt.map_or(u32::MAX, micros),
            delivery_rate: info.delivery_rate.unwrap_or(0),
            busy_time: long_micros(activity.busy(now)),
            rwnd_limited: long_micros(activity.receive_window_limited(now)),
            sndbuf_limited: long_micros(activity.send_buffer_limited(now)),
            // Our SYN or SYN-ACK was delivered, too, with what data it had.
            delivered: delivered
                + u32::from(!matches!(info.state, StateName::SynSent | StateName::SynReceived)),
            delivered_ce: info.ecn_marks.0,
            reord_seen: u32::from(info.reorderings),
            snd_wnd: info.send_window,
            rcv_wnd: info.receive_window,
            received_ce: info.ecn_marks.1,
            ecn_mode: match info.ecn {
                EcnMode::Off => 0,
                EcnMode::Classic => 1,
                EcnMode::Accurate => 2,
            },
            accecn_fail_mode: if info.ecn_tampered { ACE_FAIL_RECV } else { 0 },
            ..Self::of_tally(info)
        }
    }

    /// What was counted, and the state.
    fn of_tally(info: &Info) -> Self {
        let tally = info.tally.unwrap_or_default();
        Self {
            // Linux's counters go round.
            segs_out: tally.segments_out as u32,
            segs_in: tally.segments_in as u32,
            data_segs_in: tally.data_segments_in as u32,
            data_segs_out: tally.data_segments_out as u32,
            bytes_sent: tally.bytes_sent,
            bytes_retrans: tally.bytes_retransmitted,
            dsack_dups: tally.duplicates_reported as u32,
            rcv_ooopack: tally.out_of_order_segments_in as u32,
            total_rto: tally.timeouts as u16,
            total_rto_recoveries: tally.timeout_episodes as u16,
            total_rto_time: tally.timeout_duration.as_millis() as u32,
            delivered_e1_bytes: tally.ecn_delivered.ect1 as u32,
            delivered_e0_bytes: tally.ecn_delivered.ect0 as u32,
            delivered_ce_bytes: tally.ecn_delivered.ce as u32,
            received_e1_bytes: tally.ecn_received.ect1 as u32,
            received_e0_bytes: tally.ecn_received.ect0 as u32,
            received_ce_bytes: tally.ecn_received.ce as u32,
            accecn_opt_seen: tally.acc_ecn_option as u8,
            ..Self::of_state(info.state)
        }
    }

    /// Of a connection that is over.
    pub(crate) fn of_closed(info: &Info) -> Self {
        Self {
            options: options(info) & TCPI_OPT_SYN_DATA,
            fastopen_client_fail: info.fast_open_failure as u8,
            bytes_acked: info.bytes_acked,
            bytes_received: info.bytes_received,
            state: state_number(StateName::Closed),
            ..Self::of_tally(info)
        }
    }
}

const fn phase_number(phase: Phase) -> u8 {
    match phase {
        Phase::Open => 0,
        Phase::Disorder => 1,
        Phase::Reduced => 2,
        Phase::Recovery => 3,
        Phase::Loss => 4,
    }
}

fn options(info: &Info) -> u8 {
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    flag(info.timestamps, TCPI_OPT_TIMESTAMPS)
        | flag(info.sack, TCPI_OPT_SACK)
        | flag(info.window_scale != (0, 0), TCPI_OPT_WSCALE)
        | flag(info.ecn != EcnMode::Off, TCPI_OPT_ECN)
        | flag(info.ecn != EcnMode::Off && info.ecn_marks.1 > 0, TCPI_OPT_ECN_SEEN)
        | flag(info.syn_data_acked, TCPI_OPT_SYN_DATA)
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

fn long_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn millis_since(now: Instant, event: Option<Instant>) -> u32 {
    event.map_or(0, |at| u32::try_from(now.since(at).as_millis()).unwrap_or(u32::MAX))
}
