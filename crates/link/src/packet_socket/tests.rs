use super::{PacketSocket, PacketSocketConfig, PacketSocketError};
use crate::tun::tests::{end_of, in_a_network_of_its_own, ip, set_up, wait};
use crate::{Link, Medium};
use bytes::Bytes;
use rustix::event::PollFlags;
use sockeye_wire::ethernet::EthernetHeader;
use sockeye_wire::{HeaderBytes, Instant, MacAddr, Meta, Packet, Payload};
use std::collections::VecDeque;

const EXPERIMENTAL: u16 = 0x88b5;

fn open(name: &str) -> PacketSocket {
    PacketSocket::open(&PacketSocketConfig::new(name)).unwrap()
}

fn frame(from: MacAddr, to: MacAddr, data: &'static [u8]) -> Packet {
    let mut headers = HeaderBytes::new();
    EthernetHeader::new(to, from, EXPERIMENTAL).emit(&mut headers);
    let payload = Payload::from(Bytes::from_static(data));
    Packet::new(Meta::at(Instant::ZERO), headers, payload)
}

/// The next frame that is ours; Linux has things of its own to say on a new interface.
fn next(socket: &mut PacketSocket) -> Packet {
    loop {
        wait(socket, PollFlags::IN);
        let mut batch = Vec::new();
        socket.receive(Instant::from_millis(7), &mut batch, 64).unwrap();
        let is_ours = |frame: &Packet| {
            EthernetHeader::parse(frame.front())
                .is_ok_and(|header| header.ether_type == EXPERIMENTAL)
        };
        if let Some(frame) = batch.into_iter().find(is_ours) {
            return frame;
        }
    }
}

#[test]
fn frames_cross_and_own_ones_do_not_come_back() {
    in_a_network_of_its_own(|| {
        ip("link add left type veth peer name right");
        ip("link set dev right mtu 1400");
        set_up(&["left", "right"]);
        let (mut left, mut right) = (open("left"), open("right"));
        assert_eq!((left.mtu(), right.mtu()), (1_500, 1_400));
        assert_eq!(left.medium(), Medium::Ethernet(left.mac()));
        let there = frame(left.mac(), right.mac(), b"there");
        let back = frame(right.mac(), left.mac(), b"and back");
        assert_eq!(left.transmit(Instant::ZERO, &mut [there.clone()].into()).unwrap(), 1);
        let received = next(&mut right);
        assert_eq!(received.to_bytes(), there.to_bytes());
        assert_eq!(received.meta.arrival, Instant::from_millis(7));
        assert_eq!(right.transmit(Instant::ZERO, &mut [back.clone()].into()).unwrap(), 1);
        assert_eq!(next(&mut left).to_bytes(), back.to_bytes());
    });
}

#[test]
fn an_interface_that_is_down_is_waited_for_and_one_that_is_deleted_is_not() {
    in_a_network_of_its_own(|| {
        ip("link add left type veth peer name right");
        set_up(&["left", "right"]);
        let (mut left, mut right) = (open("left"), open("right"));
        ip("link set dev left down");
        // What Linux had to say before.
        while left.receive(Instant::ZERO, &mut Vec::new(), 9).unwrap() > 0 {}
        let hello = frame(left.mac(), right.mac(), b"hello");
        assert_eq!(left.transmit(Instant::ZERO, &mut [hello.clone()].into()).unwrap(), 1);
        assert_eq!(left.counts().dropped_link_down, 1);
        set_up(&["left", "right"]);
        assert_eq!(left.transmit(Instant::ZERO, &mut [hello.clone()].into()).unwrap(), 1);
        assert_eq!(next(&mut right).to_bytes(), hello.to_bytes());

        ip("link del dev left");
        let error = end_of(&mut left);
        assert!(error.to_string().contains("\"left\" is gone"), "{error}");
    });
}

#[test]
fn a_hardware_address_of_its_own_is_received_on_too() {
    in_a_network_of_its_own(|| {
        ip("link add left type veth peer name right");
        set_up(&["left", "right"]);
        let mac = MacAddr([2, 0, 0, 0, 0, 0x77]);
        let config = PacketSocketConfig { mac: Some(mac), ..PacketSocketConfig::new("left") };
        let mut left = PacketSocket::open(&config).unwrap();
        assert_eq!(left.medium(), Medium::Ethernet(mac));
        let mut right = open("right");
        let hello = frame(right.mac(), mac, b"hello");
        assert_eq!(right.transmit(Instant::ZERO, &mut [hello.clone()].into()).unwrap(), 1);
        assert_eq!(next(&mut left).to_bytes(), hello.to_bytes());
    });
}

#[test]
fn what_is_too_long_is_counted() {
    in_a_network_of_its_own(|| {
        ip("link add left type veth peer name right");
        set_up(&["left", "right"]);
        let mut left = open("left");
        static LONG: [u8; 2_000] = [0; 2_000];
        let mut batch = VecDeque::from([frame(left.mac(), left.mac(), &LONG)]);
        assert_eq!(left.transmit(Instant::ZERO, &mut batch).unwrap(), 1);
        assert_eq!(left.counts().dropped_refused, 1);
    });
}

#[test]
fn refusals_say_what_to_do() {
    in_a_network_of_its_own(|| {
        let refused = |name: &str| PacketSocket::open(&PacketSocketConfig::new(name)).unwrap_err();
        assert!(matches!(refused("nowhere"), PacketSocketError::NoInterface { .. }));
        assert!(matches!(refused("lo"), PacketSocketError::NotEthernet { .. }));
    });
}
