//! Whatever arrives, nothing panics, and bounds hold.

use super::transfer::Flow;
use super::world::{A, B, World, lan, tun, v4, v6};
use core::time::Duration;
use proptest::prelude::*;
use sockeye_wire::{Checksum, ChecksumState, HeaderBytes, Instant, Meta, Packet, Payload};
use std::vec::Vec;

/// A ring of packets is fed in one batch, as a device would.
const RING: usize = 32;

fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

/// Bytes that look like IP for host B up to some point.
fn ip_like() -> impl Strategy<Value = Vec<u8>> {
    let protocol = prop::sample::select(&[6u8, 6, 6, 1, 58, 17, 0, 43, 44, 60][..]);
    (any_packet(), any::<bool>(), protocol, 0u16..0x4000).prop_map(
        |(body, six, protocol, fragment)| {
            let mut out = HeaderBytes::new();
            let ip = if six { v6 } else { v4 };
            sockeye_wire::ip::IpHeader::new(ip(A), ip(B), protocol, body.len()).emit(&mut out);
            let mut bytes = out.to_vec();
            if !six && fragment < 0x100 {
                bytes[6..8].copy_from_slice(&(fragment << 6 | fragment & 0xf).to_be_bytes());
                bytes[10..12].fill(0);
                let sum = Checksum::new().with(&bytes).finish();
                bytes[10..12].copy_from_slice(&sum.to_be_bytes());
            }
            bytes.extend(body);
            bytes
        },
    )
}

fn tcp_like() -> impl Strategy<Value = Vec<u8>> {
    let body = (any::<[u8; 16]>(), prop::collection::vec(any::<u8>(), 0..80), 0u16..0x200, 5u8..16);
    (body, any::<bool>(), prop::sample::select(&[80u16, 81][..])).prop_map(
        |((fields, rest, flags, offset), six, port)| {
            let ip = if six { v6 } else { v4 };
            let mut tcp = Vec::from([0x12, 0x34]);
            tcp.extend(port.to_be_bytes());
            tcp.extend(&fields[..8]);
            tcp.extend((u16::from(offset) << 12 | flags).to_be_bytes());
            tcp.extend(&fields[8..14]);
            tcp.extend(&rest);
            let mut out = HeaderBytes::new();
            sockeye_wire::ip::IpHeader::new(ip(A), ip(B), 6, tcp.len()).emit(&mut out);
            let mut bytes = out.to_vec();
            bytes.extend(tcp);
            bytes
        },
    )
}

fn feed(world: &mut World, packets: Vec<(Vec<u8>, bool)>) {
    let now = world.now;
    let batch: Vec<Packet> = packets
        .into_iter()
        .map(|(bytes, split)| {
            // Valid, so that garbage gets past the checksum.
            let meta = Meta { checksum: ChecksumState::Valid, ..Meta::at(now) };
            if split && bytes.len() > 30 {
                let headers = HeaderBytes::try_from(&bytes[..30]).unwrap();
                Packet::new(
                    meta,
                    headers,
                    Payload::from(bytes::Bytes::copy_from_slice(&bytes[30..])),
                )
            } else {
                Packet::from_bytes(meta, bytes.into())
            }
        })
        .collect();
    world.hosts[B].on_batch(now, world.interface[B], batch);
    while world.hosts[B].poll_transmit(now).is_some() {}
    while world.hosts[B].poll_event().is_some() {}
    world.run_for(Duration::from_millis(300));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_do_no_harm(
        packets in prop::collection::vec((prop_oneof![any_packet(), ip_like(), tcp_like()], any::<bool>()), RING),
        ethernet: bool,
    ) {
        let mut world = World::new(if ethernet { lan } else { tun });
        world.listen(B, "0.0.0.0:80".parse().unwrap());
        world.listen(B, "[::]:80".parse().unwrap());
        let packets = packets
            .into_iter()
            .map(|(bytes, split)| {
                if !ethernet {
                    return (bytes, split);
                }
                let kind = match bytes.first().map(|first| first >> 4) {
                    Some(6) => [0x86, 0xdd],
                    Some(1) => [0x08, 0x06],
                    _ => [0x08, 0x00],
                };
                let mut frame = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1].to_vec();
                frame.extend(kind);
                frame.extend(bytes);
                (frame, split)
            })
            .collect();
        feed(&mut world, packets);
    }

    /// Into the middle of a transfer: the bytes still arrive, unless a forged segment was right by accident.
    #[test]
    fn a_transfer_survives_garbage(packets in prop::collection::vec((any_packet(), any::<bool>()), RING)) {
        let mut world = World::new(tun);
        let (a, b) = world.connected(v4);
        let mut flow = Flow::new((A, a), (B, b), 50_000);
        flow.pump(&mut world);
        world.flush();
        let now = world.now;
        for (bytes, _) in packets {
            world.hosts[A].on_packet(now, world.interface[A], Packet::from_bytes(Meta::at(now), bytes.into()));
        }
        world.run_until(Duration::from_secs(10), |world| {
            flow.pump(world);
            flow.is_done()
        });
    }
}

#[test]
fn an_unknown_interface_is_no_reason_to_panic() {
    let mut world = World::new(tun);
    let packet = Packet::from_bytes(Meta::at(Instant::ZERO), bytes::Bytes::from_static(b"x"));
    world.hosts[A].on_packet(Instant::ZERO, crate::InterfaceId(99), packet);
    assert_eq!(world.hosts[A].counters().dropped_frame, 1);
}
