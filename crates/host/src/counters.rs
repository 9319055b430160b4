//! What happened to packets, and what the host holds.

/// A struct of numbers that can be added up, over the shards of a stack.
macro_rules! summed {
    ($(#[$outer:meta])* pub struct $name:ident {
        $($(#[$inner:meta])* pub $field:ident: $number:ty,)*
    }) => {
        $(#[$outer])*
        pub struct $name {
            $($(#[$inner])* pub $field: $number,)*
        }

        impl core::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)*
            }
        }
    };
}

summed! {
/// Packets by what became of them. Each dropped packet counts once, under the first reason found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Packets handed in by links, and looped back.
    pub received: u64,
    /// Packets handed to links, and looped back.
    pub sent: u64,
    /// TCP segments (wire segments, after coalescing undone) received with a right checksum.
    pub segments_received: u64,
    /// TCP wire segments sent.
    pub segments_sent: u64,
    /// Resets sent for segments that belonged nowhere.
    pub resets_sent: u64,
    /// Resets not sent because of the rate limit.
    pub resets_limited: u64,
    /// ICMP errors sent.
    pub icmp_errors_sent: u64,
    /// ICMP errors not sent because of the rate limit.
    pub icmp_errors_limited: u64,
    /// Echo requests answered.
    pub echoes_answered: u64,
    /// ICMP errors that matched a connection.
    pub icmp_errors_obeyed: u64,
    /// ICMP errors that matched none, or quoted what was never sent.
    pub icmp_errors_ignored: u64,
    /// Datagrams put together from fragments.
    pub reassembled: u64,

    /// Frames for another station, of an unknown EtherType or a VLAN, or cut short.
    pub dropped_frame: u64,
    /// No IP packet, or one with a bad header.
    pub dropped_ip_header: u64,
    /// Wrong TCP or ICMP checksum.
    pub dropped_checksum: u64,
    /// Sent from an address that cannot send (RFC 9293 MUST-63).
    pub dropped_source: u64,
    /// Sent to an address that is not the host's.
    pub dropped_not_ours: u64,
    /// TCP to a broadcast or multicast address (RFC 9293 MUST-57).
    pub dropped_broadcast: u64,
    /// With a source route.
    pub dropped_source_routed: u64,
    /// A protocol or message that the host does not answer.
    pub dropped_unwanted: u64,
    /// Bad TCP header or ARP, ICMP or NDP message.
    pub dropped_malformed: u64,
    /// Fragments that overlapped, came too late or found no room.
    pub dropped_fragment: u64,
    /// Segments without the signature that their connection's keys ask for (RFC 5925 §7.5, RFC 2385 §2).
    pub dropped_auth_missing: u64,
    /// Segments signed though there is no key, or twice.
    pub dropped_auth_unexpected: u64,
    /// Segments with a KeyID that no key has.
    pub dropped_auth_unknown_key: u64,
    /// Segments whose signature was wrong.
    pub dropped_auth_wrong: u64,
    /// Segments to be sent that could not be signed, because too little was known of the peer.
    pub dropped_auth_unsigned: u64,
    /// SYNs that were held for a decision.
    pub syns_held: u64,
    /// SYNs that came again while they were held.
    pub syns_held_again: u64,
    /// SYNs forgotten because nobody had decided about them in time.
    pub held_expired: u64,
    /// Packets of other protocols kept for whoever asked for them.
    pub strays: u64,
    /// SYNs answered with a cookie, because there was no room to remember them.
    pub syn_cookies_sent: u64,
    /// Acknowledgements whose cookie opened a connection.
    pub syn_cookies_valid: u64,
    /// Acknowledgements to a listener that were none of a cookie, while such were out.
    pub syn_cookies_invalid: u64,
    /// SYNs with data that a listener took (RFC 7413).
    pub fast_opens: u64,
    /// SYNs with a cookie that was not valid, or without room for another Fast Open.
    pub fast_opens_refused: u64,
    /// Fast Open cookies given to clients.
    pub fast_open_cookies_sent: u64,
    /// SYNs that found the half-open table or the listener's share of it full.
    pub dropped_half_open_full: u64,
    /// SYNs to be held that found no room.
    pub dropped_held_full: u64,
    /// Packets of other protocols that found the queue of whoever asked for them full.
    pub dropped_strays_full: u64,
    /// Segments of handshakes that found the accept queue full.
    pub dropped_backlog_full: u64,
    /// SYNs and last steps of handshakes that found the limit on connections reached.
    pub dropped_connections_full: u64,
    /// SYNs that found memory short.
    pub dropped_memory_syn: u64,
    /// Segments with data behind a hole, dropped or forgotten because memory was short.
    pub dropped_memory_out_of_order: u64,
    /// Segments with data in order whose data was dropped, unacknowledged, because memory had run out.
    pub dropped_memory_in_order: u64,
    /// Packets to be sent, without a route.
    pub dropped_no_route: u64,
    /// Packets to be sent, whose next hop did not answer or whose waiting place was taken.
    pub dropped_neighbour: u64,
    /// Packets to be sent, for which an own queue had no room.
    pub dropped_queue_full: u64,
}
}

summed! {
/// What the host holds at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Connections in any state but those counted below, TIME-WAIT ones not yet let go of included.
    pub connections: usize,
    /// Half-open connections of listeners.
    pub half_open: usize,
    /// SYNs held for a decision.
    pub held: usize,
    /// TIME-WAIT records.
    pub time_wait: usize,
    /// Listeners.
    pub listeners: usize,
    /// Connections waiting to be accepted; they also count as connections.
    pub to_accept: usize,
    /// Octets written to connections and not yet acknowledged.
    pub buffered_send_bytes: usize,
    /// Octets that arrived in order and were not yet read.
    pub buffered_receive_bytes: usize,
    /// What data behind holes costs, in octets.
    pub buffered_out_of_order_bytes: usize,
    /// Neighbour cache entries.
    pub neighbours: usize,
    /// Destinations of which something is remembered.
    pub destinations: usize,
    /// Datagrams being reassembled.
    pub reassembling: usize,
    /// Local ports with a listener, a reservation, a connection or a TIME-WAIT record.
    pub ports_in_use: usize,
    /// Timers, running or not.
    pub timers: usize,
}
}
