//! TCP Fast Open (RFC 7413): data on the SYN, for those whose address a cookie proves.

mod client;
mod cookie;
mod server;

pub use client::{FastOpenReport, FastOpenStart};
pub use cookie::{FastOpenCookie, FastOpenKeys, KeyUsed};
pub(crate) use server::FastOpened;

use sockeye_wire::tcp::options::kind;
use sockeye_wire::tcp::{OptionBytes, TcpOption};

/// How options of the experiment that preceded RFC 7413 begin (RFC 6994).
const EXPERIMENT_ID: [u8; 2] = [0xf9, 0x89];

/// A Fast Open option of a SYN or SYN-ACK.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FastOpenOption {
    /// The cookie; none asks for one.
    pub cookie: Option<FastOpenCookie>,
    /// In the form of the experiment (kind 254), which Linux still speaks.
    pub experimental: bool,
}

impl FastOpenOption {
    /// Reads the option, in either form; none if it is another one or the cookie's length is illegal (RFC 7413 §4.1.1).
    pub(crate) fn decode(option: &TcpOption<'_>) -> Option<Self> {
        let (data, experimental) = match *option {
            TcpOption::FastOpen(data) => (data, false),
            TcpOption::Unknown { kind: kind::EXPERIMENT_2, data } => {
                (data.strip_prefix(&EXPERIMENT_ID)?, true)
            }
            _ => return None,
        };
        let cookie = if data.is_empty() { None } else { Some(FastOpenCookie::new(data)?) };
        Some(Self { cookie, experimental })
    }

    /// Appends the option behind all others, padded as Linux pads it; left out if it does not fit.
    pub(crate) fn push(&self, options: &mut OptionBytes) {
        let cookie = self.cookie.as_ref().map_or(&[][..], FastOpenCookie::as_bytes);
        let mut data = arrayvec::ArrayVec::<u8, 18>::new();
        if self.experimental {
            data.extend(EXPERIMENT_ID);
        }
        data.extend(cookie.iter().copied());
        let option = if self.experimental {
            TcpOption::Unknown { kind: kind::EXPERIMENT_2, data: &data }
        } else {
            TcpOption::FastOpen(&data)
        };
        if options.push(&option).is_ok() {
            while !options.as_slice().len().is_multiple_of(4)
                && options.push(&TcpOption::NoOperation).is_ok()
            {}
        }
    }
}

/// Why data on a SYN did not do what it was meant to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FastOpenFailure {
    /// It did, or was not tried.
    #[default]
    None,
    /// No cookie was known.
    CookieUnavailable,
    /// The SYN-ACK acknowledged the SYN alone.
    DataNotAcked,
    /// The same, and the SYN had been sent again.
    SynRetransmitted,
}

/// What a connection remembers of Fast Open, from either end.
#[derive(Debug)]
pub(crate) struct FastOpen {
    /// What the first SYN, or SYN-ACK, carries; none for data without a cookie.
    pub(crate) option: Option<FastOpenOption>,
    /// The data on the SYN was acknowledged whole, by whichever end.
    pub(crate) syn_data_acked: bool,
    pub(crate) failure: FastOpenFailure,
    /// News for the cache of cookies.
    pub(crate) report: Option<FastOpenReport>,
}
