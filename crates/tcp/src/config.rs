//! What can be set, with its defaults.

use crate::EcnConfig;
use crate::congestion::Algorithm;
use core::time::Duration;

/// Settings of a connection. Shared by all connections of a host; a connection that changes one gets its own copy.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Most unread bytes held for the application; also bounds the advertised window.
    pub receive_buffer_bytes: u32,
    /// Size of the receive buffer at first, from where it grows as the application reads; as large as
    /// `receive_buffer_bytes`, or larger, it never changes.
    pub initial_receive_buffer_bytes: u32,
    /// Most bytes held that the peer has not acknowledged.
    pub send_buffer_bytes: u32,
    /// Size of the send buffer at first, from where it grows with twice the congestion window.
    pub initial_send_buffer_bytes: u32,
    /// Offer window scaling (RFC 7323 §2).
    pub window_scaling: bool,
    /// Offer timestamps (RFC 7323 §3).
    pub timestamps: bool,
    /// Drop segments without timestamps once both ends have agreed on them (RFC 7323 §3.2: SHOULD); Linux takes them.
    pub require_timestamps: bool,
    /// Offer selective acknowledgement (RFC 2018).
    pub sack: bool,
    /// Explicit congestion notification (RFC 3168, RFC 9768).
    pub ecn: EcnConfig,
    /// Coalesce small writes (RFC 896, in Minshall's variant).
    pub nagle: bool,
    /// Hold partial segments back until they are full (Linux's `TCP_CORK`), the direction is closed, or a timer runs out.
    pub cork: bool,
    /// Whether segments of other sizes are tried where the network does not tell what it carries (RFC 4821).
    pub mtu_probing: MtuProbing,
    /// Believe a report of a narrower path (RFC 1191, RFC 8201) only once the segment that it quotes also timed out, as long as
    /// segments of that size used to arrive: forged reports then do nothing (RFC 5927 §7.2). Off, a report counts at once.
    pub confirm_path_mtu: bool,
    /// End a handshake at the first soft ICMP error, so that the application can try another address (RFC 5461 §4.1), as Linux
    /// does. Otherwise only hard errors end it (RFC 9293 MUST-56) and soft ones are told by
    /// [`Events::SOFT_ERROR`](crate::Events::SOFT_ERROR).
    pub soft_errors_end_opening: bool,
    /// What is tried first when nothing gets through, and where a search begins: payload of a segment in octets.
    pub base_mss: u16,
    /// Congestion control.
    pub congestion: Algorithm,
    /// Let one acknowledgement add at most eight segments to the window in slow start, unless segments are paced (RFC 9406's L);
    /// Linux does not.
    pub limit_bursts: bool,
    /// Reduce a congestion window that was not used for longer than a retransmission timeout (RFC 5681 §4.1, RFC 2861).
    pub slow_start_after_idle: bool,
    /// Wire segments of an item that may leave whatever the rate is, on a link that cuts items up itself (Linux's `tcp_min_tso_segs`).
    pub min_item_segments: u16,
    /// Pace what is sent by the window; BBR always paces.
    pub pacing: bool,
    /// Most octets of payload a second; pacing is on if this is set.
    pub max_pacing_rate: Option<u64>,
    /// Segments of the initial window (RFC 6928).
    pub initial_window_segments: u8,
    /// Retransmission timeout before any measurement (RFC 6298 §2.1).
    pub initial_rto: Duration,
    /// Lower bound of the retransmission timeout; Linux's 200 ms rather than RFC 6298's 1 s.
    pub min_rto: Duration,
    /// Upper bound of the retransmission timeout and of the interval between window probes.
    pub max_rto: Duration,
    /// Largest segment to announce and to send, below what the path takes; Linux's TCP_MAXSEG.
    pub max_segment_size: Option<u16>,
    /// Retransmissions of a SYN before an active open fails. 7 span 247 s (RFC 9293 MUST-23: at least 3 minutes).
    pub syn_retries: u8,
    /// Retransmissions of a SYN-ACK before a half-open connection is dropped.
    pub syn_ack_retries: u8,
    /// R1: retransmissions of one segment after which the path is suspect (RFC 9293 MUST-20, SHLD-10).
    pub retries_suspect: u8,
    /// R2: retransmissions of one segment, or unanswered window probes, after which the connection is closed (RFC 9293 MUST-20, SHLD-11);
    /// 255 for never (MUST-21).
    pub retries: u8,
    /// Longest wait for an acknowledgement of sent data, in place of R2; `None` leaves R2 alone (RFC 9293 MUST-21).
    pub user_timeout: Option<Duration>,
    /// Tell the peer that we wait this long, and heed what it tells while `user_timeout` is unset (RFC 5482); off if `None`.
    pub advertised_user_timeout: Option<Duration>,
    /// Least time between two answers of a connection to segments that may be an attacker's: challenge ACKs (RFC 5961 §7); zero
    /// answers each. Connections have no limit in common, for how much of it is left would tell an attacker of the others
    /// (CVE-2016-5696).
    pub challenge_interval: Duration,
    /// Longest delay of an acknowledgement; must be below 500 ms (RFC 9293 MUST-40).
    pub delayed_ack: Duration,
    /// Keep-alive, off unless set (RFC 9293 MUST-25).
    pub keep_alive: Option<KeepAlive>,
    /// 2·MSL: how long TIME-WAIT lasts (RFC 9293 §3.6.1).
    pub time_wait: Duration,
    /// Keep a [`Tally`](crate::Tally), and measure what the application reads even where the receive buffer cannot grow: an
    /// allocation for each connection, and a little time for each segment.
    pub tally: bool,
    /// How long FIN-WAIT-2 lasts once the application has let go of the connection.
    pub fin_wait_2: Duration,
}

/// Packetization-layer path MTU discovery (RFC 4821), as Linux's `tcp_mtu_probing`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MtuProbing {
    /// Only ICMP tells (RFC 1191, RFC 8201).
    Off,
    /// Smaller segments are tried after repeated timeouts, and larger ones again later.
    #[default]
    BlackHole,
    /// Every connection begins small and searches.
    Always,
}

/// When an idle peer is asked whether it is still there (RFC 9293 MAY-5, MUST-27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Silence between probes.
    pub interval: Duration,
    /// Unanswered probes after which the connection is dead.
    pub probes: u8,
}

impl Default for KeepAlive {
    /// 7,200 s (RFC 9293 MUST-28), 75 s, 9 probes.
    fn default() -> Self {
        Self { idle: Duration::from_secs(7_200), interval: Duration::from_secs(75), probes: 9 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            receive_buffer_bytes: 6 << 20,
            initial_receive_buffer_bytes: 128 << 10,
            send_buffer_bytes: 4 << 20,
            initial_send_buffer_bytes: 128 << 10,
            window_scaling: true,
            timestamps: true,
            require_timestamps: true,
            sack: true,
            ecn: EcnConfig::default(),
            nagle: true,
            cork: false,
            mtu_probing: MtuProbing::default(),
            confirm_path_mtu: false,
            soft_errors_end_opening: false,
            base_mss: 1_024,
            congestion: Algorithm::default(),
            limit_bursts: true,
            slow_start_after_idle: true,
            min_item_segments: 2,
            pacing: false,
            max_pacing_rate: None,
            initial_window_segments: 10,
            initial_rto: Duration::from_secs(1),
            min_rto: Duration::from_millis(200),
            max_rto: Duration::from_secs(120),
            max_segment_size: None,
            syn_retries: 7,
            syn_ack_retries: 5,
            retries_suspect: 3,
            retries: 15,
            user_timeout: None,
            advertised_user_timeout: None,
            challenge_interval: crate::challenge::DEFAULT_INTERVAL,
            delayed_ack: Duration::from_millis(40),
            keep_alive: None,
            time_wait: Duration::from_secs(60),
            tally: false,
            fin_wait_2: Duration::from_secs(60),
        }
    }
}

/// The settings by which an arriving segment is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checks {
    pub(crate) require_timestamps: bool,
    pub(crate) challenge_interval: Duration,
}

/// How the receive buffer grows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiveTuning {
    pub(crate) most_bytes: u32,
    /// What the application reads is measured even if the buffer cannot grow.
    pub(crate) always: bool,
}

impl Config {
    #[inline]
    pub(crate) fn receive_tuning(&self) -> ReceiveTuning {
        ReceiveTuning { most_bytes: self.receive_buffer_bytes, always: self.tally }
    }

    #[inline]
    pub(crate) fn checks(&self) -> Checks {
        Checks {
            require_timestamps: self.require_timestamps,
            challenge_interval: self.challenge_interval,
        }
    }

    /// Whether so many attempts in a row are all there will be.
    pub(crate) const fn is_exhausted(&self, attempts: u8) -> bool {
        self.retries != u8::MAX && attempts >= self.retries
    }

    /// Size of the receive buffer at first.
    #[must_use]
    pub fn initial_receive_buffer(&self) -> u32 {
        self.initial_receive_buffer_bytes.min(self.receive_buffer_bytes)
    }

    /// Size of the send buffer of a connection with this congestion window.
    #[must_use]
    pub fn send_buffer(&self, congestion_window: u32) -> u32 {
        let wanted = congestion_window.saturating_mul(2).max(self.initial_send_buffer_bytes);
        wanted.min(self.send_buffer_bytes)
    }

    /// The window shift to offer: enough for the whole receive buffer (RFC 7323 §2.3), at most 14.
    #[must_use]
    pub fn window_shift(&self) -> u8 {
        let needed = (32 - self.receive_buffer_bytes.leading_zeros()).saturating_sub(16);
        needed.min(14) as u8
    }
}
