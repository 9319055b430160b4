use super::{Fragment, IpError, IpHeader, IpView, protocol, walk_extensions};
use crate::{Ecn, HeaderBytes};
use core::net::IpAddr;
use proptest::prelude::*;
use std::vec::Vec;

fn built(header: &IpHeader) -> Vec<u8> {
    let mut out = HeaderBytes::new();
    header.emit(&mut out);
    out.to_vec()
}

fn v6(payload_len: usize) -> IpHeader {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    IpHeader::new(address("2001:db8::1"), address("2001:db8::2"), protocol::TCP, payload_len)
}

fn v4(payload_len: usize) -> IpHeader {
    IpHeader::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), protocol::TCP, payload_len)
}

#[test]
fn both_versions_survive() {
    for mut header in [v4(100), v6(100)] {
        header.dscp = 46;
        header.ecn = Ecn::Ect0;
        header.hop_limit = 7;
        let bytes = built(&header);
        let view = IpView::parse(&bytes, bytes.len() + 100).unwrap();
        assert_eq!((view.source, view.destination), (header.source, header.destination));
        assert_eq!((view.dscp, view.ecn, view.hop_limit), (46, Ecn::Ect0, 7));
        assert_eq!((view.protocol, view.payload_len()), (protocol::TCP, 100));
        assert_eq!((view.fragment, view.source_routed), (None, false));
        assert_eq!(view.header_len, IpHeader::len_for(header.destination));
    }
}

#[test]
fn damage_to_an_ipv4_header_is_noticed() {
    let bytes = built(&v4(0));
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(IpView::parse(&damaged, damaged.len()).is_err(), "bit {bit}");
    }
}

#[test]
fn lengths_must_agree() {
    let bytes = built(&v4(1));
    assert_eq!(IpView::parse(&bytes, 20), Err(IpError::Truncated { have: 20, need: 21 }));
    assert_eq!(IpView::parse(&[0x50], 1), Err(IpError::Version(5)));
    assert!(matches!(IpView::parse(&built(&v6(9)), 48), Err(IpError::Truncated { .. })));
}

#[test]
fn ipv4_options_are_skipped_and_source_routes_told() {
    for (option, routed) in [([7, 4, 4, 0], false), ([131, 3, 4, 0], true), ([1, 137, 3, 0], true)]
    {
        let mut bytes = built(&v4(0));
        bytes.extend(option);
        bytes[0] = 0x46;
        bytes[3] = 24;
        bytes[10..12].fill(0);
        let sum = crate::Checksum::new().with(&bytes).finish();
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        let view = IpView::parse(&bytes, bytes.len()).unwrap();
        assert_eq!((view.header_len, view.source_routed), (24, routed));
    }
}

#[test]
fn extension_headers_are_walked() {
    let mut rest = Vec::new();
    rest.extend([protocol::DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0]);
    rest.extend([protocol::ROUTING, 0, 5, 2, 0, 0, 0, 0]);
    rest.extend([protocol::TCP, 0, 0, 0, 0, 0, 0, 0]);
    let at = walk_extensions(protocol::HOP_BY_HOP, &rest).unwrap();
    assert_eq!((at.protocol, at.len, at.source_routed), (protocol::TCP, 24, false));

    rest[19] = 1;
    assert!(walk_extensions(protocol::HOP_BY_HOP, &rest).unwrap().source_routed);

    rest[2] = 0x81;
    assert_eq!(
        walk_extensions(protocol::HOP_BY_HOP, &rest),
        Err(IpError::BadExtension { kind: protocol::HOP_BY_HOP })
    );
    assert!(walk_extensions(protocol::ROUTING, &[0, 0, 0, 0, 0, 0, 0, 0]).is_err());
}

#[test]
fn fragments_are_told_from_atomic_ones() {
    let piece = [protocol::UDP, 0, 0x05, 0xa9, 0, 0, 0, 9];
    let at = walk_extensions(protocol::FRAGMENT, &piece).unwrap();
    assert_eq!(at.fragment, Some(Fragment { id: 9, offset: 0x5a8, more: true }));
    let atomic = [protocol::UDP, 0, 0, 0, 0, 0, 0, 9];
    let at = walk_extensions(protocol::FRAGMENT, &atomic).unwrap();
    assert_eq!((at.fragment, at.protocol, at.len), (None, protocol::UDP, 8));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut bytes: Vec<u8>, six: bool, extra in 0..70000usize) {
        if let Some(first) = bytes.first_mut() {
            *first = if six { 0x60 } else { 0x45 };
        }
        if let Ok(view) = IpView::parse(&bytes, bytes.len() + extra) {
            prop_assert!(view.header_len <= view.total_len);
            prop_assert!(view.header_len <= bytes.len());
        }
    }

    #[test]
    fn any_extensions_are_walked_or_refused(next in prop::sample::select(&[0u8, 43, 44, 60, 6][..]), bytes: Vec<u8>) {
        if let Ok(at) = walk_extensions(next, &bytes) {
            prop_assert!(at.len <= bytes.len());
        }
    }
}
