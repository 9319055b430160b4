//! The client's side: what goes with the SYN, and what the SYN-ACK tells of it (RFC 7413 §4.2.1, §4.1.3).

use super::{FastOpen, FastOpenCookie, FastOpenFailure, FastOpenOption};
use crate::options::Opening;
use crate::{Config, Connection, Segment};
use alloc::sync::Arc;
use sockeye_wire::Instant;

/// Room left on a SYN for options of ours and of middleboxes that add some, as Linux leaves it.
const OPTION_ROOM_BYTES: u16 = 40;

/// How a Fast Open begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FastOpenStart {
    /// No cookie is known: the SYN asks for one and carries no data.
    Ask {
        /// In the form of the experiment.
        experimental: bool,
    },
    /// A cookie is known.
    Show {
        /// The cookie.
        cookie: FastOpenCookie,
        /// In the form of the experiment.
        experimental: bool,
        /// The MSS that the server announced with it.
        mss: u16,
    },
    /// Client and server trust each other's addresses without.
    WithoutCookie {
        /// The MSS that the server announced last, if known.
        mss: Option<u16>,
    },
}

/// What a SYN-ACK told about Fast Open at the server, to be remembered for the next connection (RFC 7413 §4.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FastOpenReport {
    /// The server's MSS.
    pub mss: u16,
    /// A new cookie and the form that it came in.
    pub cookie: Option<(FastOpenCookie, bool)>,
    /// The SYN with data seems to have been lost because of it: repeated, that is a negative answer.
    pub syn_lost: bool,
    /// A cookie was asked for in vain, in this form (true: the experiment's).
    pub refused: Option<bool>,
}

impl Connection {
    /// Active OPEN with data on the SYN. Says how much of `data` the SYN takes; what it does not take is not kept.
    #[must_use]
    pub fn connect_fast_open(
        config: Arc<Config>,
        opening: Opening,
        start: FastOpenStart,
        data: &[u8],
        now: Instant,
    ) -> (Self, usize) {
        let (option, mss) = match start {
            FastOpenStart::Ask { experimental } => {
                (Some(FastOpenOption { cookie: None, experimental }), None)
            }
            FastOpenStart::Show { cookie, experimental, mss } => {
                (Some(FastOpenOption { cookie: Some(cookie), experimental }), Some(mss))
            }
            // As Linux: who does without cookies knows the path. RFC 7413 §4.1.3 asks for 536 where no MSS is known.
            FastOpenStart::WithoutCookie { mss } => (None, Some(mss.unwrap_or(opening.path_mss))),
        };
        let limit =
            mss.map_or(0, |mss| mss.min(opening.path_mss).saturating_sub(OPTION_ROOM_BYTES));
        let taken = data.len().min(usize::from(limit)).min(config.send_buffer_bytes as usize);
        let failure =
            if mss.is_none() { FastOpenFailure::CookieUnavailable } else { FastOpenFailure::None };
        let mut connection = Self::connect(config, opening, now);
        connection.carry_on_syn(&data[..taken]);
        let fast_open = FastOpen { option, syn_data_acked: false, failure, report: None };
        connection.extras.set_fast_open(fast_open);
        (connection, taken)
    }

    /// What the SYN-ACK told about Fast Open, once.
    pub fn take_fast_open_report(&mut self) -> Option<FastOpenReport> {
        self.extras.fast_open_mut()?.report.take()
    }
}

impl FastOpen {
    /// The SYN-ACK came: `sent` octets had gone with the SYN, which was sent again `retransmissions` times; `all_acked` if the
    /// server took them all.
    pub(crate) fn on_syn_ack(
        &mut self,
        syn_ack: &Segment,
        mss: u16,
        sent: u16,
        all_acked: bool,
        retransmissions: u8,
    ) {
        let had_data = sent > 0;
        self.syn_data_acked = had_data && all_acked;
        if had_data && !all_acked {
            self.failure = if retransmissions > 0 {
                FastOpenFailure::SynRetransmitted
            } else {
                FastOpenFailure::DataNotAcked
            };
        }
        // A cookie that was not asked for is not kept.
        let answer = syn_ack.options.fast_open.as_deref().filter(|_| self.option.is_some());
        let cookie =
            answer.and_then(|answer| answer.cookie.map(|cookie| (cookie, answer.experimental)));
        let repeated = retransmissions > 0;
        self.report = Some(FastOpenReport {
            mss,
            cookie,
            syn_lost: repeated
                && answer.is_none()
                && had_data
                && !all_acked
                && self.option.is_some(),
            refused: self
                .option
                .filter(|_| !repeated && answer.is_none() && !had_data)
                .map(|option| option.experimental),
        });
    }
}
