//! RFC 9235 for RFC 5925 and RFC 5926: every segment of its 32, whose traffic key and code must come out; and RFC 2385 by hand.

use super::super::ao::Ao;
use super::super::digest::Algorithm;
use super::super::{Key, Pattern};
use super::{segment, swapped};
use crate::Endpoints;
use core::net::SocketAddr;
use sockeye_wire::ip::IpView;
use sockeye_wire::tcp::TcpView;
use sockeye_wire::{Flags, SeqNumber};
use std::vec::Vec;

const CLIENT_ID: u8 = 61;
const SERVER_ID: u8 = 84;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

struct Packet {
    ip: IpView,
    tcp: Vec<u8>,
    data: Vec<u8>,
}

impl Packet {
    fn new(hex: &str) -> Self {
        let bytes = bytes(hex);
        let ip = IpView::parse(&bytes, bytes.len()).unwrap();
        let transport = &bytes[ip.header_len..];
        let len = TcpView::parse(transport).unwrap().header_len();
        let (tcp, data) = (transport[..len].to_vec(), transport[len..].to_vec());
        Self { ip, tcp, data }
    }

    /// As the receiver sees them.
    fn endpoints(&self) -> Endpoints {
        let view = TcpView::parse(&self.tcp).unwrap();
        Endpoints {
            local: SocketAddr::new(self.ip.destination, view.destination_port()),
            remote: SocketAddr::new(self.ip.source, view.source_port()),
        }
    }

    fn verified_by(&self, ao: &mut Ao) -> bool {
        ao.verify(&self.endpoints(), &self.tcp, [&self.data[..]].into_iter()).is_ok()
    }
}

/// RFC 5926 §3: both key derivation functions and both codes, over both versions of IP, options covered and not.
#[test]
fn all_32_segments_are_verified_and_none_of_them_changed() {
    let lines = include_str!("rfc9235.txt").lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<_> = lines.collect();
    let mut verified = 0;
    for vector in lines.chunks(9) {
        let mut title = vector[0].split(' ');
        let section = title.next().unwrap();
        let mut isn = || SeqNumber(u32::from_str_radix(title.next().unwrap(), 16).unwrap());
        let (client_isn, server_isn) = (isn(), isn());
        let algorithm = match &section[..1] {
            "4" | "6" => Algorithm::HmacSha1,
            _ => Algorithm::Aes128Cmac,
        };
        let key = |send, receive| {
            let key = Key::ao(Pattern::default(), send, receive, algorithm, b"testvector");
            if section.ends_with(".1") { key } else { key.without_options() }
        };
        let packets: Vec<_> = (0..4).map(|at| Packet::new(vector[2 + 2 * at])).collect();
        let at_client = swapped(packets[0].endpoints());
        let mut client = Ao::new([key(CLIENT_ID, SERVER_ID)].iter()).unwrap();
        let mut server = Ao::new([key(SERVER_ID, CLIENT_ID)].iter()).unwrap();
        assert!(client.sign(&at_client, &mut segment(Flags::SYN, client_isn, b"")));
        for (at, packet) in packets.iter().enumerate() {
            let receiver = if at % 2 == 0 { &mut server } else { &mut client };
            for octet in [2, 5, 13, 21, packet.tcp.len() - 1] {
                let mut changed = packet.tcp.clone();
                changed[octet] ^= 1;
                // Options that are not covered may change.
                let covered = section.ends_with(".1") || octet != 21;
                let data = [&packet.data[..]].into_iter();
                let outcome = receiver.clone().verify(&packet.endpoints(), &changed, data);
                assert!(outcome.is_err() || !covered, "{section}.{} octet {octet}", at + 1);
            }
            assert!(packet.verified_by(receiver), "{section}.{}", at + 1);
            verified += 1;
            if at == 0 {
                let mut syn_ack = segment(Flags::SYN_ACK, server_isn, b"");
                assert!(server.sign(&swapped(at_client), &mut syn_ack));
            }
            let traffic = match at {
                0 => client.syn_key(&at_client, client_isn),
                1 | 3 => client.other_keys(&at_client).1,
                _ => client.other_keys(&at_client).0,
            };
            assert_eq!(traffic, bytes(vector[1 + 2 * at]), "{section}.{}", at + 1);
        }
    }
    assert_eq!(verified, 32);
}
