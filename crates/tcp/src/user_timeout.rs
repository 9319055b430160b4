//! The User Timeout option (RFC 5482): each end tells how long it is ready to wait for the other.

use crate::Config;
use core::time::Duration;
use sockeye_wire::tcp::TcpOption;

/// L_LIMIT and U_LIMIT (RFC 5482 §3.1): no peer makes us give up sooner, or hold on longer.
const LEAST: Duration = Duration::from_secs(100);
const MOST: Duration = Duration::from_secs(3_600);
/// The option is sent so many times, for nothing acknowledges it.
const TIMES: u8 = 2;
/// The granularity bit: minutes rather than seconds.
const MINUTES: u16 = 0x8000;

/// What the peer told, and what it is still to be told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UserTimeout {
    /// REMOTE_UTO as it stands in the option; 0 if none came.
    remote: u16,
    /// ADV_UTO in the same form.
    own: u16,
    due: u8,
}

impl UserTimeout {
    /// A connection begins; the peer is told if the option is in use.
    pub(crate) fn new(config: &Config) -> Self {
        let mut new = Self::default();
        new.announce(config.advertised_user_timeout);
        new
    }

    /// Our value is `timeout` from now on; `None` tells the peer nothing more.
    pub(crate) fn announce(&mut self, timeout: Option<Duration>) {
        self.own = timeout.map_or(0, encode);
        self.due = if self.own == 0 { 0 } else { TIMES };
    }

    /// The peer's option as it stands in the segment, 0 if there was none: a value of 0 is reserved and ignored (RFC 5482 §3).
    #[inline]
    pub(crate) fn on_option(&mut self, field: u16) {
        if field & !MINUTES != 0 {
            self.remote = field;
        }
    }

    /// REMOTE_UTO.
    pub(crate) fn remote(self) -> Option<Duration> {
        let unit = if self.remote & MINUTES != 0 { 60 } else { 1 };
        let value = u64::from(self.remote & !MINUTES);
        (value > 0).then(|| Duration::from_secs(value * unit))
    }

    /// The timeout in force: the application's own is not changeable; otherwise the longer of what both ends told, within limits
    /// (RFC 5482 §3.1).
    pub(crate) fn in_force(self, config: &Config) -> Option<Duration> {
        if config.user_timeout.is_some() {
            return config.user_timeout;
        }
        let own = config.advertised_user_timeout?;
        Some(own.max(self.remote()?).clamp(LEAST, MOST))
    }

    /// The option, if it is to be sent.
    #[inline]
    pub(crate) fn take_option(&mut self) -> Option<TcpOption<'static>> {
        if self.due == 0 {
            return None;
        }
        self.due -= 1;
        Some(TcpOption::UserTimeout {
            minutes: self.own & MINUTES != 0,
            value: self.own & !MINUTES,
        })
    }
}

/// In seconds if they fit, otherwise in minutes; never 0.
fn encode(timeout: Duration) -> u16 {
    let (seconds, most) = (timeout.as_secs().max(1), u64::from(!MINUTES));
    if seconds <= most { seconds as u16 } else { seconds.div_ceil(60).min(most) as u16 | MINUTES }
}
