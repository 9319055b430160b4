//! A line a request.

use crate::tun::explain::Seconds;
use hyper::{Method, StatusCode};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Instant;

/// A request that is being answered; its line is written on standard output when this is dropped.
pub(crate) struct Pending {
    peer: SocketAddr,
    method: Method,
    path: String,
    begin: Instant,
    status: StatusCode,
    /// Octets of the body that are to be sent, and those handed to the connection.
    promised: u64,
    sent: u64,
    trouble: Option<String>,
}

impl Pending {
    pub(crate) fn new(peer: SocketAddr, method: Method, path: &str) -> Self {
        Self {
            peer,
            method,
            path: path.escape_debug().to_string(),
            begin: Instant::now(),
            status: StatusCode::OK,
            promised: 0,
            sent: 0,
            trouble: None,
        }
    }

    pub(crate) fn answer(&mut self, status: StatusCode, promised: u64) {
        self.status = status;
        self.promised = promised;
    }

    pub(crate) fn count(&mut self, octets: usize) {
        self.sent += octets as u64;
    }

    pub(crate) fn fail(&mut self, why: impl ToString) {
        self.trouble = Some(why.to_string());
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Self { peer, method, path, status, sent, promised, .. } = self;
        let time = Seconds(self.begin.elapsed());
        let mut line = format!("{peer} {method} {path} {} {sent} bytes {time}", status.as_u16());
        if let Some(trouble) = &self.trouble {
            line.push_str(&format!(" failed: {trouble}"));
        } else if sent < promised {
            line.push_str(&format!(" broken off before {promised} bytes"));
        }
        // A log that nobody takes must not end the service.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}
