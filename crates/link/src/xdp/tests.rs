use super::{Xdp, XdpConfig, XdpError, XdpMode};
use crate::tun::tests::{end_of, in_a_network_of_its_own, ip, set_up, wait};
use crate::{Link, Medium, PacketSocket, PacketSocketConfig};
use bytes::Bytes;
use rustix::event::PollFlags;
use sockeye_wire::ethernet::EthernetHeader;
use sockeye_wire::{HeaderBytes, Instant, MacAddr, Meta, Packet, Payload};
use std::collections::VecDeque;

const EXPERIMENTAL: u16 = 0x88b5;

fn mac_of(link: &impl Link) -> MacAddr {
    let Medium::Ethernet(mac) = link.medium() else { panic!("an Ethernet") };
    mac
}

fn frame(from: &impl Link, to: &impl Link, number: u32) -> Packet {
    let mut headers = HeaderBytes::new();
    EthernetHeader::new(mac_of(to), mac_of(from), EXPERIMENTAL).emit(&mut headers);
    let mut payload = Payload::from(Bytes::copy_from_slice(&number.to_be_bytes()));
    payload.push(Bytes::from(vec![number as u8; 1_400]));
    Packet::new(Meta::at(Instant::ZERO), headers, payload)
}

/// What comes of ours, in batches of at most nine, until there are so many.
fn receive(link: &mut impl Link, count: usize) -> Vec<Bytes> {
    let mut received = Vec::new();
    while received.len() < count {
        wait(link, PollFlags::IN);
        let mut batch = Vec::new();
        let said = link.receive(Instant::from_millis(7), &mut batch, 9).unwrap();
        assert!(said <= 9 && said == batch.len());
        let is_ours = |frame: &Packet| {
            EthernetHeader::parse(frame.front())
                .is_ok_and(|header| header.ether_type == EXPERIMENTAL)
        };
        received.extend(batch.iter().filter(|frame| is_ours(frame)).map(Packet::to_bytes));
    }
    received
}

fn veth() {
    ip("link add left type veth peer name right");
    set_up(&["left", "right"]);
}

fn frames_cross(mode: XdpMode) {
    veth();
    let mut left = Xdp::open(&XdpConfig { mode, ..XdpConfig::new("left") }).unwrap();
    let mut right = PacketSocket::open(&PacketSocketConfig::new("right")).unwrap();
    // More than the rings hold, so that everything is used again.
    for round in 0..40 {
        let numbers = round * 100..round * 100 + 100;
        let there: Vec<Packet> = numbers.map(|number| frame(&left, &right, number)).collect();
        let expected: Vec<Bytes> = there.iter().map(Packet::to_bytes).collect();
        let mut queue = VecDeque::from(there);
        let (mut sent, mut received) = (0, Vec::new());
        while sent < 100 {
            sent += left.transmit(Instant::ZERO, &mut queue).unwrap();
            assert_eq!(queue.len(), 100 - sent);
        }
        received.extend(receive(&mut right, 100));
        assert!(received == expected, "round {round}");

        let mut back: VecDeque<Packet> =
            (0..20).map(|number| frame(&right, &left, number)).collect();
        let expected: Vec<Bytes> = back.iter().map(Packet::to_bytes).collect();
        assert_eq!(right.transmit(Instant::ZERO, &mut back).unwrap(), 20);
        assert!(receive(&mut left, 20) == expected, "round {round}");
    }
}

#[test]
fn frames_cross_in_the_driver() {
    in_a_network_of_its_own(|| frames_cross(XdpMode::Fastest));
}

#[test]
fn frames_cross_in_every_driver() {
    in_a_network_of_its_own(|| frames_cross(XdpMode::Generic));
}

#[test]
fn a_deleted_interface_is_an_error_and_no_hang() {
    in_a_network_of_its_own(|| {
        veth();
        let mut left = Xdp::open(&XdpConfig::new("left")).unwrap();
        let mut late = VecDeque::from([frame(&left, &left, 1)]);
        ip("link del dev left");
        let error = end_of(&mut left);
        assert!(error.to_string().contains("\"left\" is gone"), "{error}");
        let error = left.transmit(Instant::ZERO, &mut late).unwrap_err();
        assert!(error.to_string().contains("\"left\" is gone"), "{error}");
    });
}

#[test]
fn what_is_too_long_is_counted_and_the_rest_goes_on() {
    in_a_network_of_its_own(|| {
        veth();
        ip("link set dev left mtu 1000");
        let mut left = Xdp::open(&XdpConfig::new("left")).unwrap();
        let mut right = PacketSocket::open(&PacketSocketConfig::new("right")).unwrap();
        let mut short = frame(&left, &right, 2);
        short.truncate(100);
        let mut batch = VecDeque::from([frame(&left, &right, 1), short.clone()]);
        assert_eq!(left.transmit(Instant::ZERO, &mut batch).unwrap(), 2);
        assert_eq!(left.counts().dropped_refused, 1);
        assert_eq!(receive(&mut right, 1), [short.to_bytes()]);
    });
}

#[test]
fn refusals_say_what_to_do() {
    in_a_network_of_its_own(|| {
        let refused = |name: &str| Xdp::open(&XdpConfig::new(name)).unwrap_err();
        assert!(matches!(refused("nowhere"), XdpError::NoInterface { .. }));
        assert!(matches!(refused("lo"), XdpError::NotEthernet { .. }));
        ip("link add wide mtu 9000 type veth peer name thin");
        assert!(matches!(refused("wide"), XdpError::MtuTooLarge { mtu: 9_000, .. }));
        veth();
        let _owner = Xdp::open(&XdpConfig::new("left")).unwrap();
        assert!(matches!(refused("left"), XdpError::Busy { .. }));
    });
}
