use super::{ErrorKind, IcmpHeader, IcmpView, Quoted};
use crate::ip::{IpHeader, protocol};
use crate::{HeaderBytes, Payload, SeqNumber};
use bytes::Bytes;
use core::net::IpAddr;
use proptest::prelude::*;
use std::vec::Vec;

fn pair(six: bool) -> (IpAddr, IpAddr) {
    if six {
        ("fe80::1".parse().unwrap(), "fe80::2".parse().unwrap())
    } else {
        ([192, 0, 2, 1].into(), [192, 0, 2, 2].into())
    }
}

fn message(header: IcmpHeader, six: bool, data: &[u8]) -> Vec<u8> {
    let (source, destination) = pair(six);
    let mut out = HeaderBytes::new();
    header.emit(source, destination, &Payload::from(Bytes::copy_from_slice(data)), &mut out);
    [&out[..], data].concat()
}

fn parse(six: bool, bytes: &[u8]) -> Option<IcmpView<'_>> {
    let (source, destination) = pair(six);
    if six { IcmpView::parse_v6(source, destination, bytes) } else { IcmpView::parse_v4(bytes) }
}

#[test]
fn echo_survives() {
    for six in [false, true] {
        let token = [1, 2, 3, 4];
        let to = pair(six).1;
        let request = message(IcmpHeader::echo_request(to, token), six, b"odd");
        assert_eq!(parse(six, &request), Some(IcmpView::EchoRequest { token, data: b"odd" }));
        let reply = message(IcmpHeader::echo_reply(to, token), six, b"");
        assert_eq!(parse(six, &reply), Some(IcmpView::EchoReply { token, data: b"" }));
    }
}

#[test]
fn every_error_survives() {
    let kinds = [
        ErrorKind::NetworkUnreachable,
        ErrorKind::HostUnreachable,
        ErrorKind::ProtocolUnreachable,
        ErrorKind::PortUnreachable,
        ErrorKind::Prohibited,
        ErrorKind::PacketTooBig { mtu: 1400 },
        ErrorKind::TimeExceeded,
        ErrorKind::ParameterProblem,
    ];
    for six in [false, true] {
        for kind in kinds {
            let header = IcmpHeader::error(pair(six).1, kind).unwrap();
            let bytes = message(header, six, b"quote");
            assert_eq!(parse(six, &bytes), Some(IcmpView::Error { kind, quoted: b"quote" }));
        }
    }
}

#[test]
fn a_wrong_checksum_is_noticed() {
    for six in [false, true] {
        let mut bytes = message(IcmpHeader::echo_request(pair(six).1, [0; 4]), six, b"data");
        bytes[9] ^= 1;
        assert_eq!(parse(six, &bytes), None);
    }
}

#[test]
fn quotes_name_the_segment() {
    for six in [false, true] {
        let (source, destination) = pair(six);
        let mut out = HeaderBytes::new();
        IpHeader::new(source, destination, protocol::TCP, 1000).emit(&mut out);
        let total_len = out.len() + 1000;
        out.extend([0x12, 0x34, 0, 80, 0, 0, 0, 9]);
        let quoted = Quoted::parse(&out).unwrap();
        assert!(quoted.is_tcp());
        assert_eq!((quoted.source, quoted.destination), (source, destination));
        assert_eq!((quoted.source_port, quoted.destination_port), (0x1234, 80));
        assert_eq!((quoted.seq, quoted.total_len), (SeqNumber(9), total_len));
        assert_eq!(Quoted::parse(&out[..out.len() - 1]), None);
    }
}

proptest! {
    #[test]
    fn any_quote_is_read_or_refused(mut bytes: Vec<u8>, six: bool) {
        if let Some(first) = bytes.first_mut() {
            *first = if six { 0x60 } else { *first & 0xf | 0x40 };
        }
        let _ = Quoted::parse(&bytes);
    }

    #[test]
    fn any_message_is_read_or_refused(kind: u8, code: u8, rest: [u8; 4], data: Vec<u8>, six: bool) {
        let bytes = message(IcmpHeader { kind, code, rest }, six, &data);
        prop_assert!(parse(six, &bytes).is_some() || matches!(kind, 13 | 14));
        let _ = parse(six, &data);
    }
}
