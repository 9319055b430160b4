use super::transfer::Flow;
use super::world::{A, B, World, lan, tun, v4, v6};
use crate::Error;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_wire::icmp::{ErrorKind, IcmpHeader, IcmpView, Quoted};
use sockeye_wire::ip::{IpHeader, IpView, protocol};
use sockeye_wire::{Checksum, HeaderBytes, Packet, Payload, StateName};
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

pub(super) fn icmp_packet(
    source: IpAddr,
    destination: IpAddr,
    header: IcmpHeader,
    data: &[u8],
) -> Vec<u8> {
    let kind = if source.is_ipv4() { protocol::ICMP } else { protocol::ICMPV6 };
    let data = Payload::from(bytes::Bytes::copy_from_slice(data));
    let mut out = HeaderBytes::new();
    IpHeader::new(source, destination, kind, 8 + data.len()).emit(&mut out);
    header.emit(source, destination, &data, &mut out);
    let mut bytes = out.to_vec();
    data.pieces().iter().for_each(|piece| bytes.extend_from_slice(piece));
    bytes
}

/// The only packet that a host has to send, its IP header and transport part.
fn answer(world: &mut World, host: usize) -> Option<(IpView, Vec<u8>)> {
    let (_, packet) = world.hosts[host].poll_transmit(world.now)?;
    assert!(world.hosts[host].poll_transmit(world.now).is_none());
    let bytes = packet.to_bytes();
    let ip = IpView::parse(&bytes, bytes.len()).unwrap();
    Some((ip, bytes[ip.header_len..].to_vec()))
}

fn parse(ip: &IpView, bytes: &[u8]) -> Option<IcmpView<'static>> {
    let bytes: &'static [u8] = Vec::leak(bytes.to_vec());
    if ip.source.is_ipv4() {
        IcmpView::parse_v4(bytes)
    } else {
        IcmpView::parse_v6(ip.source, ip.destination, bytes)
    }
}

#[test]
fn echo_is_answered() {
    for ip in [v4, v6] {
        let mut world = World::new(tun);
        let request = IcmpHeader::echo_request(ip(B), [1, 2, 3, 4]);
        world.inject(B, icmp_packet(ip(A), ip(B), request, b"are you there?"));
        let (head, bytes) = answer(&mut world, B).unwrap();
        assert_eq!((head.source, head.destination), (ip(B), ip(A)));
        let reply = IcmpView::EchoReply { token: [1, 2, 3, 4], data: b"are you there?" };
        assert_eq!(parse(&head, &bytes), Some(reply));
    }
    // Not to a whole network (RFC 1122 §3.2.2.6 leaves it open; smurf attacks settled it).
    let mut world = World::new(tun);
    let everyone = IpAddr::from([10, 0, 0, 255]);
    let request = IcmpHeader::echo_request(everyone, [0; 4]);
    world.inject(B, icmp_packet(v4(A), everyone, request, b""));
    assert!(answer(&mut world, B).is_none());
}

fn datagram(source: IpAddr, destination: IpAddr, protocol: u8) -> Vec<u8> {
    let mut out = HeaderBytes::new();
    IpHeader::new(source, destination, protocol, 12).emit(&mut out);
    out.extend([0x12, 0x34, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4]);
    out.to_vec()
}

#[test]
fn unknown_ports_and_protocols_are_told() {
    for ip in [v4, v6] {
        for (protocol, kind) in
            [(17, ErrorKind::PortUnreachable), (132, ErrorKind::ProtocolUnreachable)]
        {
            let mut world = World::new(tun);
            let sent = datagram(ip(A), ip(B), protocol);
            world.inject(B, sent.clone());
            let (head, bytes) = answer(&mut world, B).unwrap();
            let Some(IcmpView::Error { kind: told, quoted }) = parse(&head, &bytes) else {
                panic!()
            };
            assert_eq!((told, quoted), (kind, &sent[..]));
        }
    }
    // Nobody is told about what was sent to many, or by nobody.
    for (source, destination) in
        [("10.0.0.1", "10.0.0.255"), ("10.0.0.1", "224.0.0.1"), ("0.0.0.0", "10.0.0.2")]
    {
        let mut world = World::new(tun);
        world.inject(B, datagram(source.parse().unwrap(), destination.parse().unwrap(), 17));
        assert!(answer(&mut world, B).is_none());
    }
}

#[test]
fn errors_are_rate_limited() {
    let mut world = World::new(tun);
    for _ in 0..1_000 {
        world.inject(B, datagram(v4(A), v4(B), 17));
    }
    let counters = *world.hosts[B].counters();
    assert_eq!((counters.icmp_errors_sent, counters.icmp_errors_limited), (100, 900));
}

/// A host that notes the packets of a connection and lets a test quote them.
pub(super) fn quoting_world(ip: fn(usize) -> IpAddr) -> (World, crate::ConnectionId, Vec<u8>) {
    let mut world = World::new(tun);
    let (a, _) = world.connected(ip);
    world.run_for(Duration::from_millis(50));
    world.hosts[A].write(world.now, a, &[1; 1_000]).unwrap();
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let note = Arc::clone(&seen);
    world.filter = Some(Box::new(move |from, packet: &Packet| {
        if from == A {
            *note.lock().unwrap() = packet.to_bytes().to_vec();
        }
        false
    }));
    world.flush();
    let quote = seen.lock().unwrap()[..60].to_vec();
    assert!(Quoted::parse(&quote).unwrap().is_tcp());
    (world, a, quote)
}

/// RFC 9293 MUST-47, MUST-54, MUST-56, SHLD-25, RFC 5927 §4: believed if it quotes what is in the network, and never fatal to an open connection.
#[test]
fn soft_errors_are_remembered() {
    for ip in [v4, v6] {
        let (mut world, a, mut quote) = quoting_world(ip);
        let header = IcmpHeader::error(ip(A), ErrorKind::PortUnreachable).unwrap();
        world.inject(A, icmp_packet(ip(B), ip(A), header, &quote));
        let connection = world.hosts[A].connection(a).unwrap();
        assert_eq!(connection.state(), StateName::Established);
        assert_eq!(connection.soft_error(), Some(Error::Refused));
        assert_eq!(world.hosts[A].counters().icmp_errors_obeyed, 1);
        // Another connection's.
        quote[if ip(A).is_ipv4() { 20 } else { 40 }] ^= 1;
        world.inject(A, icmp_packet(ip(B), ip(A), header, &quote));
        assert_eq!(world.hosts[A].counters().icmp_errors_ignored, 1);
    }
}

/// RFC 9293 SHLD-26, RFC 5461.
#[test]
fn a_port_unreachable_ends_an_opening() {
    let mut world = World::new(tun);
    let a = world.hosts[A].connect(world.now, SocketAddr::new(v4(B), 80), None).unwrap();
    let (_, syn) = world.hosts[A].poll_transmit(world.now).unwrap();
    let header = IcmpHeader::error(v4(A), ErrorKind::PortUnreachable).unwrap();
    world.inject(A, icmp_packet(v4(B), v4(A), header, &syn.to_bytes()));
    assert_eq!(world.hosts[A].connection(a).unwrap().error(), Some(Error::Refused));
}

/// RFC 1191, RFC 8201: a router in the middle whose next link takes fewer octets (RFC 9293 SHLD-6): it drops and tells, the sender shrinks, the data arrives.
#[test]
fn a_narrow_path_shrinks_segments() {
    for (ip, mtu) in [(v4 as fn(usize) -> IpAddr, 1_000u16), (v6, 1_300)] {
        let mut world = World::new(tun);
        let (a, b) = world.connected(ip);
        let dropped: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let note = Arc::clone(&dropped);
        world.filter = Some(Box::new(move |_, packet| {
            let fits = packet.len() <= usize::from(mtu);
            if !fits {
                note.lock().unwrap().push(packet.to_bytes().to_vec());
            }
            fits
        }));
        let mut flow = Flow::new((A, a), (B, b), 300_000);
        world.run_until(Duration::from_secs(5), |world| {
            flow.pump(world);
            world.flush();
            let quotes = core::mem::take(&mut *dropped.lock().unwrap());
            for quote in quotes {
                let kind = ErrorKind::PacketTooBig { mtu: mtu.into() };
                let header = IcmpHeader::error(ip(A), kind).unwrap();
                world.inject(A, icmp_packet(ip(B), ip(A), header, &quote[..68]));
            }
            flow.is_done()
        });
        let headers = if ip(A).is_ipv4() { 40 } else { 60 };
        let info = world.hosts[A].connection(a).unwrap().info();
        assert_eq!(info.send_mss, mtu - headers - 12, "timestamps take 12");
        // The next connection knows it from the start.
        let remote = SocketAddr::new(ip(B), 81);
        let hop = world.hosts[A].network.hop(remote).unwrap();
        let now = world.now;
        assert_eq!(world.hosts[A].network.mss(now, ip(B), &hop).path, mtu - headers);
        assert_eq!(world.hosts[A].network.mss(now, ip(B), &hop).own, 1_500 - headers);
        // After ten minutes the path may have become wider.
        let later = now + Duration::from_secs(601);
        assert_eq!(world.hosts[A].network.mss(later, ip(B), &hop).path, 1_500 - headers);
    }
}

/// RFC 5927 §7: nothing that was not sent, and never below the floors.
#[test]
fn forged_path_reports_do_little() {
    // RFC 8201 §4: a report below 1,280 is discarded.
    for (ip, floor) in [(v4 as fn(usize) -> IpAddr, 552), (v6, 1_500)] {
        let (mut world, a, quote) = quoting_world(ip);
        let before = world.hosts[A].connection(a).unwrap().info().send_mss;
        let header = IcmpHeader::error(ip(A), ErrorKind::PacketTooBig { mtu: 70 }).unwrap();
        let at = if ip(A).is_ipv4() { 24 } else { 44 };
        let mut forged = quote.clone();
        forged[at] ^= 0x40;
        world.inject(A, icmp_packet(ip(B), ip(A), header, &forged));
        assert_eq!(world.hosts[A].connection(a).unwrap().info().send_mss, before);
        world.inject(A, icmp_packet(ip(B), ip(A), header, &quote));
        let now = world.now;
        let hop = world.hosts[A].network.hop((ip(B), 80).into()).unwrap();
        assert_eq!(world.hosts[A].network.mtu(now, ip(B), &hop).0, floor);
    }
}

/// RFC 9293 MUST-57 and MUST-63, and what else no honest sender sends.
#[test]
fn impossible_segments_are_dropped_silently() {
    let syn = |source: &str, destination: &str| {
        let (source, destination): (IpAddr, IpAddr) =
            (source.parse().unwrap(), destination.parse().unwrap());
        let mut tcp = [0; 60];
        let header = sockeye_wire::tcp::TcpHeader {
            source_port: 999,
            destination_port: 80,
            flags: sockeye_wire::Flags::SYN,
            ..Default::default()
        };
        let len = header.emit(&mut tcp);
        let sum = Checksum::pseudo_header(source, destination, 6, 20).with(&tcp[..len]);
        tcp[16..18].copy_from_slice(&sum.finish().to_be_bytes());
        let mut out = HeaderBytes::new();
        IpHeader::new(source, destination, 6, len).emit(&mut out);
        out.extend(tcp[..len].iter().copied());
        out.to_vec()
    };
    for (source, destination) in [
        ("10.0.0.1", "10.0.0.255"),
        ("10.0.0.1", "255.255.255.255"),
        ("10.0.0.1", "224.0.0.1"),
        ("10.0.0.1", "127.0.0.1"),
        ("10.0.0.1", "10.0.0.9"),
        ("0.0.0.0", "10.0.0.2"),
        ("127.0.0.1", "10.0.0.2"),
        ("224.0.0.1", "10.0.0.2"),
        ("10.0.0.255", "10.0.0.2"),
        ("255.255.255.255", "10.0.0.2"),
        ("10.0.0.2", "10.0.0.2"),
        ("::", "2001:db8::2"),
        ("::1", "2001:db8::2"),
        ("ff02::1", "2001:db8::2"),
        ("2001:db8::1", "ff02::1"),
        ("2001:db8::1", "::1"),
    ] {
        let mut world = World::new(tun);
        world.listen(B, "0.0.0.0:80".parse().unwrap());
        world.listen(B, "[::]:80".parse().unwrap());
        world.inject(B, syn(source, destination));
        assert!(answer(&mut world, B).is_none(), "{source} → {destination}");
        assert_eq!(world.counts(B).half_open, 0);
    }
    let mut world = World::new(tun);
    world.listen(B, "0.0.0.0:80".parse().unwrap());
    let mut damaged = syn("10.0.0.1", "10.0.0.2");
    damaged[33] ^= 1;
    world.inject(B, damaged);
    assert_eq!(world.hosts[B].counters().dropped_checksum, 1);
    world.inject(B, syn("10.0.0.1", "10.0.0.2"));
    assert!(answer(&mut world, B).is_some());
    // Our address in a frame for everyone.
    let mut world = World::new(lan);
    world.listen(B, "0.0.0.0:80".parse().unwrap());
    let mut frame = [0xff; 14].to_vec();
    frame[12..14].copy_from_slice(&[8, 0]);
    frame.extend(syn("10.0.0.1", "10.0.0.2"));
    world.inject(B, frame);
    assert_eq!(world.hosts[B].counters().dropped_broadcast, 1);
}

/// A ping that came in pieces, in any order, is answered once.
#[test]
fn fragments_are_put_together() {
    let mut world = World::new(tun);
    let whole = icmp_packet(v4(A), v4(B), IcmpHeader::echo_request(v4(B), [9; 4]), &[0xab; 3_000]);
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for (number, data) in whole[20..].chunks(1_000).enumerate() {
        let more = (number + 1) * 1_000 < whole.len() - 20;
        let mut piece = whole[..20].to_vec();
        piece[2..4].copy_from_slice(&(20 + data.len() as u16).to_be_bytes());
        let offset = (number as u16 * 125) | (u16::from(more) << 13);
        piece[6..8].copy_from_slice(&offset.to_be_bytes());
        piece[10..12].fill(0);
        let sum = Checksum::new().with(&piece).finish();
        piece[10..12].copy_from_slice(&sum.to_be_bytes());
        piece.extend(data);
        pieces.push(piece);
    }
    assert_eq!(pieces.len(), 4);
    for number in [2, 0, 3] {
        world.inject(B, pieces[number].clone());
        assert!(answer(&mut world, B).is_none());
    }
    assert_eq!(world.counts(B).reassembling, 1);
    world.inject(B, pieces[1].clone());
    let (head, bytes) = answer(&mut world, B).unwrap();
    let Some(IcmpView::EchoReply { data, .. }) = parse(&head, &bytes) else { panic!() };
    assert_eq!(data, [0xab; 3_000]);
    assert_eq!((world.counts(B).reassembling, world.hosts[B].counters().reassembled), (0, 1));
    // What stays incomplete is given up.
    world.inject(B, pieces[0].clone());
    world.run_for(Duration::from_secs(29));
    assert_eq!(world.counts(B).reassembling, 1);
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.counts(B).reassembling, 0);
}

/// RFC 9293 MUST-50: options that mean nothing to us are ignored; source routes are dropped by policy (MUST-53).
#[test]
fn ip_options() {
    for (option, answered) in [([7, 4, 4, 0], true), ([131, 4, 4, 0], false)] {
        let mut world = World::new(tun);
        let mut request =
            icmp_packet(v4(A), v4(B), IcmpHeader::echo_request(v4(B), [1; 4]), b"ping");
        let icmp = request.split_off(20);
        request[0] = 0x46;
        request[3] += 4;
        request.extend(option);
        request[10..12].fill(0);
        let sum = Checksum::new().with(&request).finish();
        request[10..12].copy_from_slice(&sum.to_be_bytes());
        request.extend(icmp);
        world.inject(B, request);
        assert_eq!(answer(&mut world, B).is_some(), answered);
        assert_eq!(world.hosts[B].counters().dropped_source_routed, u64::from(!answered));
    }
}
