//! SYN cookies (RFC 4987 §3.6): what a flood of SYNs meets.

use super::Host;
use super::tcp::trace_in;
use crate::ids::ListenerId;
use crate::net::Hop;
use crate::policy::CookiePolicy;
use crate::trace::SegmentTrace;
use core::time::Duration;
use sockeye_tcp::{Endpoints, HalfOpenEvent, Segment};
use sockeye_wire::{Instant, StateName};

/// A cookie is good for less than this: nobody need look for one later.
const MEMORY: Duration = Duration::from_secs(120);

impl Host {
    /// Whether a SYN for this listener is to be answered with a cookie; `full` if there is no room to remember it.
    pub(super) fn wants_cookie(&self, full: bool) -> bool {
        match self.config.policy.syn_cookies {
            CookiePolicy::Off => false,
            CookiePolicy::WhenFull => full,
            CookiePolicy::Always => true,
        }
    }

    pub(super) fn send_syn_cookie(
        &mut self,
        now: Instant,
        id: ListenerId,
        endpoints: &Endpoints,
        hop: &Hop,
        syn: &Segment,
    ) {
        let config = self.config_of(id);
        let opening = self.opening(now, endpoints, hop, None, &config);
        let transmit = self.syn_cookies.answer(now, &config, endpoints, opening, syn);
        self.counters.syn_cookies_sent += 1;
        self.cookie_sent_at = Some(now);
        self.observe_out(now, None, endpoints, &transmit, StateName::Listen);
        self.send_segment(now, endpoints, transmit, None);
    }

    /// An acknowledgement to a listener may be that of a cookie; true if it opened a connection, or would have had there been room.
    pub(super) fn redeem_cookie(
        &mut self,
        now: Instant,
        hash: u32,
        endpoints: &Endpoints,
        segment: &Segment,
    ) -> bool {
        let recent = self.cookie_sent_at.is_some_and(|at| now.since(at) < MEMORY);
        if !recent || segment.flags.syn() || segment.flags.rst() || !segment.flags.ack() {
            return false;
        }
        let Some(id) = self.listeners.find(endpoints.local) else { return false };
        let Some(hop) = self.network.hop(endpoints.remote) else { return false };
        let config = self.config_of(id);
        let opening = self.opening(now, endpoints, &hop, None, &config);
        let redeemed = self.syn_cookies.redeem(now, &config, endpoints, opening, segment);
        let Some(mut half) = redeemed else {
            self.counters.syn_cookies_invalid += 1;
            return false;
        };
        let full = self.listeners.get(id).is_none_or(|listener| listener.is_full());
        if full || self.connections.len() >= self.config.limits.connections {
            self.counters.dropped_backlog_full += 1;
            return true;
        }
        let HalfOpenEvent::Established(connection) = half.on_segment(now, &config, segment.clone())
        else {
            return false;
        };
        self.counters.syn_cookies_valid += 1;
        let state = connection.state();
        let connection = self.take_in(now, (hash, hop), id, endpoints, connection);
        let trace = trace_in(now, endpoints, segment);
        self.observe(|| SegmentTrace { state, connection: Some(connection), ..trace });
        true
    }
}
