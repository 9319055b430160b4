//! Errors of connections, in words that say what to do.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// Why no connection came about.
pub(crate) fn connecting(remote: SocketAddr, error: &io::Error, after: Duration) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("{remote} refused the connection: nothing listens on that port there")
        }
        ErrorKind::ConnectionReset => {
            format!("{remote} reset the connection before it was open")
        }
        ErrorKind::TimedOut => format!(
            "connecting to {remote} timed out: no answer within {}; is the address right, is the host up, and does it have a \
             route back to us?",
            Seconds(after)
        ),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            format!("{remote} cannot be reached ({error}): a router on the way said so")
        }
        _ => format!("connecting to {remote}: {error}"),
    }
}

/// Why an open connection ended before its time.
pub(crate) fn connected(remote: SocketAddr, error: &io::Error, counts: Transferred) -> String {
    match error.kind() {
        ErrorKind::ConnectionReset => {
            format!("{remote} reset the connection ({counts}); what was still on its way is lost")
        }
        ErrorKind::TimedOut => {
            format!(
                "the connection to {remote} timed out: nothing was acknowledged any more ({counts})"
            )
        }
        ErrorKind::BrokenPipe => {
            format!("{remote} takes nothing more ({counts}); what was still to be sent is lost")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            format!("{remote} cannot be reached any more ({error}; {counts})")
        }
        _ => format!("the connection to {remote} failed: {error} ({counts})"),
    }
}

/// Octets written and read by the application.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Transferred {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl fmt::Display for Transferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes sent, {} received", self.sent, self.received)
    }
}

/// `0.4 ms`, `2.5 s`.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(1) {
            write!(f, "{:.1} ms", self.0.as_secs_f64() * 1e3)
        } else {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        }
    }
}
