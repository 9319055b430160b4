//! Peers that mean harm: what one of them can make the host hold and do is bounded.

use super::raw::{Peer, buffers_alive, sent};
use super::world::{B, World, tun, v4};
use crate::ListenerId;
use core::net::SocketAddr;
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::tcp::{OptionBytes, TcpOption};
use std::vec;

/// B with a listener.
fn victim() -> (World, ListenerId) {
    let mut world = World::with(tun, |config| {
        let tcp = std::sync::Arc::make_mut(&mut config.tcp);
        tcp.receive_buffer_bytes = 64 << 10;
        tcp.send_buffer_bytes = 128 << 10;
    });
    let listener = world.listen(B, SocketAddr::new(v4(B), 80));
    (world, listener)
}

fn pass(world: &mut World, time: Duration) -> usize {
    let end = world.now + time;
    let mut count = sent(world).len();
    while let Some(next) = world.hosts[B].deadline().filter(|next| *next <= end) {
        world.now = world.now.max(next);
        world.hosts[B].on_timer(world.now);
        count += sent(world).len();
    }
    world.now = end;
    count
}

/// A payload of one octet in a packet buffer of 64 KiB, in order and out of order, a thousand times: no buffer stays.
#[test]
fn single_octets_pin_no_buffers() {
    for step in [1, 2] {
        let (mut world, listener) = victim();
        let peer = Peer::open(&mut world, listener, 5_000, &[]);
        for at in 0..1_000 {
            peer.send(&mut world, at * step, 0, &[at as u8]);
            sent(&mut world);
        }
        let connection = world.hosts[B].connection(peer.id).unwrap();
        assert_eq!(connection.readable(), if step == 1 { 1_000 } else { 1 });
        assert_eq!(buffers_alive(), 0);
    }
}

/// Octets with a hole before each: so many ranges and no more. Octets one by one behind one hole: so many as the buffer's size allows,
/// what each costs included.
#[test]
fn single_octets_out_of_order_are_bounded() {
    for step in [2, 1] {
        let (mut world, listener) = victim();
        let peer = Peer::open(&mut world, listener, 5_000, &[TcpOption::SackPermitted]);
        for at in 0..20_000 {
            peer.send(&mut world, 1 + at * step, 0, &[at as u8]);
            let answers = sent(&mut world);
            assert!(answers.len() <= 1);
            assert!(answers.iter().all(|answer| answer.sack_blocks <= 4));
            let held = world.counts(B).buffered_out_of_order_bytes;
            let most = if step == 2 { 256 * 129 } else { 3 * (64 << 10) + 129 };
            assert!(held <= most, "{held} octets after {at} segments");
        }
        // The hole is filled, and the connection is as good as ever.
        peer.send(&mut world, 0, 0, &[0]);
        sent(&mut world);
        let readable = world.hosts[B].connection(peer.id).unwrap().readable();
        assert!(readable >= if step == 2 { 2 } else { 1_000 });
        assert_eq!(world.counts(B).buffered_out_of_order_bytes > 0, step == 2);
    }
}

/// Acknowledgements that say nothing new, or lie outside of everything, ten thousand of each: hardly one is answered.
#[test]
fn storms_of_acknowledgements_are_not_answered() {
    let (mut world, listener) = victim();
    let peer = Peer::open(&mut world, listener, 5_000, &[]);
    world.hosts[B].write(world.now, peer.id, &[7; 5_000]).unwrap();
    sent(&mut world);
    peer.send(&mut world, 0, 5_000, &[]);
    for (at, acked) in [(0, 5_000), (u32::MAX / 2, 5_000), (0, 5_001), (0, u32::MAX / 2)] {
        let mut answers = 0;
        for _ in 0..10_000 {
            peer.send(&mut world, at, acked, &[]);
            answers += sent(&mut world).len();
            world.now += Duration::from_micros(10);
        }
        // One in half a second (RFC 5961 §7).
        assert!(answers <= 2, "{answers} answers to {at} {acked}");
    }
}

/// An acknowledgement of what was never sent opens no window (RFC 9293 §3.10.7.4), and none of what was sent in halves opens it further than
/// the octets do (RFC 3465).
#[test]
fn optimistic_acknowledgements_gain_nothing() {
    let (mut world, listener) = victim();
    let peer = Peer::open(&mut world, listener, 5_000, &[TcpOption::MaximumSegmentSize(1_000)]);
    world.hosts[B].write(world.now, peer.id, &[7; 60_000]).unwrap();
    let first: usize = sent(&mut world).iter().map(|sent| sent.len).sum();
    assert_eq!(first, 10_000, "the initial window");
    for beyond in 1..1_000 {
        peer.send(&mut world, 0, first as u32 + beyond, &[]);
        world.now += Duration::from_micros(10);
        assert!(sent(&mut world).iter().all(|sent| sent.len == 0));
    }
    let mut more = 0;
    for part in 1..=100 {
        peer.send(&mut world, 0, part * 10, &[]);
        more += sent(&mut world).iter().map(|sent| sent.len).sum::<usize>();
    }
    assert!(more <= 2_000, "1,000 octets acknowledged bring 2,000 in slow start, {more} did");
}

/// A window of one octet: it is filled, and then the peer is asked now and then.
#[test]
fn tiny_windows_cost_little() {
    let (mut world, listener) = victim();
    let mut peer = Peer::open(&mut world, listener, 5_000, &[]);
    peer.window = 1;
    peer.send(&mut world, 0, 0, &[]);
    sent(&mut world);
    let mut taken = 0;
    while let Ok(count) = world.hosts[B].write(world.now, peer.id, &[7; 100_000]) {
        taken += count;
    }
    assert!(taken <= 128 << 10 && world.counts(B).buffered_send_bytes == taken);
    let count = pass(&mut world, Duration::from_secs(60));
    assert!(count <= 20, "{count} segments in a minute");
    // For every segment that the peer sends one is sent, no more.
    let mut answers = 0;
    for acked in 1..=500 {
        peer.send(&mut world, 0, acked, &[]);
        answers += pass(&mut world, Duration::from_millis(10));
    }
    assert!(answers <= 501, "{answers} segments");
}

/// Selective acknowledgements of every second small segment, over and over: each is answered by few segments, and what is kept of them is
/// bounded by what is in flight.
#[test]
fn selective_acknowledgements_of_many_holes_cost_little() {
    let (mut world, listener) = victim();
    let options = [TcpOption::SackPermitted, TcpOption::MaximumSegmentSize(48)];
    let peer = Peer::open(&mut world, listener, 5_000, &options);
    world.hosts[B].set_nagle(world.now, peer.id, false);
    world.hosts[B].write(world.now, peer.id, &vec![7; 100_000]).unwrap();
    let (mut acked, mut segment) = (0, 0);
    for _ in 0..12 {
        // Honest first, so that there is much in flight.
        let end =
            sent(&mut world).iter().map(|sent| sent.seq.since(peer.irs) + sent.len as u32).max();
        acked = end.unwrap_or(acked);
        peer.send(&mut world, 0, acked, &[]);
        world.now += Duration::from_millis(5);
    }
    let flight = sent(&mut world);
    segment = flight.iter().map(|sent| sent.len as u32).max().unwrap_or(segment);
    assert!(flight.len() > 100 && segment <= 48, "{} segments of {segment}", flight.len());
    let (mut answers, mut rounds) = (0, 0);
    for at in (0..flight.len() as u32).step_by(2).cycle().take(5_000) {
        let left = peer.irs + acked + (at + 1) * segment;
        let mut all = OptionBytes::new();
        let blocks = [SackBlock { left, right: left + segment }];
        all.push_sack(&blocks).unwrap();
        peer.send_with(&mut world, 0, acked, &[], all);
        answers += sent(&mut world).len();
        rounds += 1;
        world.now += Duration::from_micros(10);
    }
    assert!(answers <= 3 * rounds, "{answers} segments for {rounds}");
    assert!(world.counts(B).buffered_send_bytes <= 100_000);
    peer.send(&mut world, 0, 100_000, &[]);
    pass(&mut world, Duration::from_secs(1));
}

/// A peer that takes data and is never heard again: a bounded number of segments, then nothing is left of it.
#[test]
fn peers_that_vanish_are_forgotten() {
    let (mut world, listener) = victim();
    let peers: std::vec::Vec<_> =
        (0..10).map(|at| Peer::open(&mut world, listener, 5_000 + at, &[])).collect();
    for peer in &peers {
        world.hosts[B].write(world.now, peer.id, &[7; 50_000]).unwrap();
        world.hosts[B].close(world.now, peer.id);
    }
    assert_eq!(world.counts(B).buffered_send_bytes, 500_000);
    let count = pass(&mut world, Duration::from_secs(1_200));
    assert!(count <= 40 * peers.len(), "{count} segments");
    let counts = world.counts(B);
    assert_eq!((counts.connections, counts.buffered_send_bytes, counts.time_wait), (0, 0, 0));
}
