//! Events for `tracing`, and counters for `metrics`.

use sockeye_host::{Endpoints, Host, Milestone, Monitor};
use std::io;
use std::net::SocketAddr;

/// Has the host tell what becomes of its connections, if anything here can pass it on.
pub(crate) fn watch(host: &mut Host) {
    if cfg!(any(feature = "tracing", feature = "metrics")) {
        host.set_monitor(Some(Box::new(Telemetry)));
    }
}

/// A link is gone for good.
pub(crate) fn link_failed(index: usize, error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "sockeye", link = index, %error, "link failed");
    #[cfg(feature = "metrics")]
    metrics::counter!("sockeye_link_failures_total").increment(1);
    let _unused = (index, error);
}

/// Called while the stack is locked.
struct Telemetry;

impl Monitor for Telemetry {
    fn milestone(&mut self, endpoints: &Endpoints, is_passive: bool, milestone: Milestone) {
        #[cfg(feature = "tracing")]
        trace(endpoints, is_passive, milestone);
        #[cfg(feature = "metrics")]
        count(is_passive, milestone);
        let _unused = (endpoints, is_passive, milestone);
    }

    fn listener_full(&mut self, listener: SocketAddr) {
        #[cfg(feature = "tracing")]
        tracing::warn!(target: "sockeye", %listener, "listener full");
        #[cfg(feature = "metrics")]
        metrics::counter!("sockeye_listener_full_total").increment(1);
        let _unused = listener;
    }
}

#[cfg(feature = "tracing")]
fn trace(endpoints: &Endpoints, is_passive: bool, milestone: Milestone) {
    let Endpoints { local, remote } = endpoints;
    match milestone {
        Milestone::Opened => {
            tracing::debug!(target: "sockeye", %local, %remote, is_passive, "connection opened");
        }
        Milestone::Closed(None) => {
            tracing::debug!(target: "sockeye", %local, %remote, is_passive, "connection closed");
        }
        Milestone::Closed(Some(error)) => {
            tracing::info!(target: "sockeye", %local, %remote, is_passive, %error, "connection closed");
        }
        Milestone::Failed(error) => {
            let error = error.as_ref().map(tracing::field::display);
            tracing::info!(target: "sockeye", %local, %remote, is_passive, error, "connection failed");
        }
    }
}

#[cfg(feature = "metrics")]
fn count(is_passive: bool, milestone: Milestone) {
    let opening = if is_passive { "passive" } else { "active" };
    let name = match milestone {
        Milestone::Opened => "sockeye_connections_opened_total",
        Milestone::Closed(None) => "sockeye_connections_closed_total",
        Milestone::Closed(Some(_)) => "sockeye_connections_aborted_total",
        Milestone::Failed(_) => "sockeye_connections_failed_total",
    };
    metrics::counter!(name, "opening" => opening).increment(1);
}

/// Hands the host's figures to the recorder, whose names are those of their fields.
#[cfg(feature = "metrics")]
pub(crate) fn publish(counters: &sockeye_host::Counters, counts: &sockeye_host::Counts) {
    macro_rules! counters {
        ($($field:ident)*) => {$(
            metrics::counter!(concat!("sockeye_", stringify!($field), "_total"))
                .absolute(counters.$field);
        )*};
    }
    macro_rules! gauges {
        ($($field:ident)*) => {$(
            metrics::gauge!(concat!("sockeye_", stringify!($field))).set(counts.$field as f64);
        )*};
    }
    counters! {
        received sent segments_received segments_sent resets_sent resets_limited
        icmp_errors_sent icmp_errors_limited echoes_answered icmp_errors_obeyed
        icmp_errors_ignored reassembled dropped_frame dropped_ip_header dropped_checksum
        dropped_source dropped_not_ours dropped_broadcast dropped_source_routed dropped_unwanted
        dropped_malformed dropped_fragment dropped_auth_missing dropped_auth_unexpected
        dropped_auth_unknown_key dropped_auth_wrong dropped_auth_unsigned syns_held
        syns_held_again held_expired strays syn_cookies_sent syn_cookies_valid
        syn_cookies_invalid fast_opens fast_opens_refused fast_open_cookies_sent
        dropped_half_open_full dropped_held_full dropped_strays_full dropped_backlog_full
        dropped_connections_full dropped_memory_syn dropped_memory_out_of_order
        dropped_memory_in_order dropped_no_route dropped_neighbour dropped_queue_full
    }
    gauges! {
        connections half_open held time_wait listeners to_accept buffered_send_bytes
        buffered_receive_bytes buffered_out_of_order_bytes neighbours destinations reassembling
        ports_in_use timers
    }
}
