use super::prefix::Prefix;
use super::reassembly::{Outcome, Reassembly};
use super::source::select_source;
use crate::hash::Keyed;
use bytes::Bytes;
use core::net::IpAddr;
use core::time::Duration;
use proptest::prelude::*;
use sockeye_wire::ip::{Fragment, IpView};
use sockeye_wire::{Ecn, Instant};
use std::vec::Vec;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn prefixes() {
    let prefix = |text: &str, len| Prefix::new(address(text), len).unwrap();
    assert!(prefix("10.0.0.0", 8).contains(address("10.255.0.1")));
    assert!(!prefix("10.0.0.0", 8).contains(address("11.0.0.1")));
    assert!(prefix("0.0.0.0", 0).contains(address("8.8.8.8")));
    assert!(!prefix("0.0.0.0", 0).contains(address("2001:db8::1")));
    assert!(prefix("2001:db8::", 32).contains(address("2001:db8:ffff::1")));
    assert!(Prefix::new(address("10.0.0.1"), 33).is_none());
    assert_eq!(prefix("10.1.2.3", 16).broadcast(), Some([10, 1, 255, 255].into()));
    assert_eq!(prefix("10.1.2.3", 31).broadcast(), None);
}

/// RFC 9293 MUST-44, RFC 6724 §5 and §10.1, as far as scopes and prefixes decide.
#[test]
fn sources() {
    let best = |destination: &str, own: &[(&str, bool)]| {
        let own = own.iter().map(|(text, outgoing)| (address(text), *outgoing));
        select_source(address(destination), own)
    };
    let all =
        [("fe80::1", true), ("2001:db8:1::1", true), ("2001:db8:9::1", false), ("10.0.0.1", true)];
    assert_eq!(best("2001:db8:2::2", &all), Some(address("2001:db8:1::1")));
    assert_eq!(best("fe80::9", &all), Some(address("fe80::1")));
    assert_eq!(best("ff02::1", &all), Some(address("fe80::1")));
    assert_eq!(best("192.0.2.1", &all), Some(address("10.0.0.1")));
    assert_eq!(best("2001:db8:9::2", &all), Some(address("2001:db8:1::1")), "outgoing first");
    assert_eq!(best("2001:db8:2::2", &[("fe80::1", false)]), None);
    assert_eq!(best("192.0.2.1", &[("fe80::1", true)]), None);
}

fn view(protocol: u8) -> IpView {
    IpView {
        source: address("10.0.0.1"),
        destination: address("10.0.0.2"),
        protocol,
        header_len: 20,
        total_len: 20,
        dscp: 0,
        ecn: Ecn::NotEct,
        hop_limit: 64,
        fragment: None,
        source_routed: false,
    }
}

fn reassembly(limit: usize) -> Reassembly<Keyed> {
    Reassembly::new(limit, Duration::from_secs(30), Keyed::derive(&[0; 32], "test"))
}

fn piece(id: u32, offset: usize, more: bool) -> Fragment {
    Fragment { id, offset, more }
}

#[test]
fn overlaps_condemn_the_datagram() {
    let now = Instant::ZERO;
    let bytes = Bytes::from_static(&[7; 16]);
    for overlap in [8, 0] {
        let mut all = reassembly(10_000);
        assert_eq!(all.insert(now, &view(17), piece(1, 0, true), &bytes), Outcome::Waiting);
        let short = bytes.slice(..8);
        assert_eq!(all.insert(now, &view(17), piece(1, overlap, true), &short), Outcome::Dropped);
        assert_eq!(all.len(), 0);
        assert_eq!(all.deadline(), None);
    }
    // An exact repetition does no harm.
    let mut all = reassembly(10_000);
    all.insert(now, &view(17), piece(1, 0, true), &bytes);
    assert_eq!(all.insert(now, &view(17), piece(1, 0, true), &bytes), Outcome::Dropped);
    assert_eq!(all.len(), 1);
}

#[test]
fn memory_and_time_are_bounded() {
    let mut all = reassembly(1_000);
    let bytes = Bytes::from_static(&[7; 104]);
    for id in 0..100 {
        let now = Instant::from_millis(u64::from(id));
        assert_eq!(all.insert(now, &view(17), piece(id, 0, true), &bytes), Outcome::Waiting);
        assert!(all.len() <= 5);
    }
    let deadline = all.deadline().unwrap();
    assert_eq!(all.expire(deadline), 1);
    assert_eq!(all.expire(Instant::from_millis(1_000_000)), 4);
    assert_eq!((all.len(), all.deadline()), (0, None));
    let long = Bytes::from_static(&[7; 2_000]);
    assert_eq!(all.insert(Instant::ZERO, &view(17), piece(1, 0, true), &long), Outcome::Dropped);
    assert_eq!(
        all.insert(Instant::ZERO, &view(17), piece(1, 65_528, true), &bytes),
        Outcome::Dropped
    );
}

proptest! {
    /// Any cutting and any order give the same datagram back.
    #[test]
    fn any_order_is_put_together(
        data in prop::collection::vec(any::<u8>(), 17..2_000),
        unit in 1usize..40,
        order: u64,
    ) {
        let whole = Bytes::from(data);
        let size = unit * 8;
        let count = whole.len().div_ceil(size);
        prop_assume!(count > 1 && count <= 128);
        let mut indices: Vec<usize> = (0..count).collect();
        let mut random = order;
        for at in (1..count).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            indices.swap(at, (random >> 33) as usize % (at + 1));
        }
        let mut all = reassembly(1 << 20);
        for (step, index) in indices.into_iter().enumerate() {
            let from = index * size;
            let data = whole.slice(from..whole.len().min(from + size));
            let outcome = all.insert(Instant::ZERO, &view(17), piece(5, from, index + 1 < count), &data);
            if step + 1 < count {
                prop_assert_eq!(outcome, Outcome::Waiting);
            } else {
                prop_assert_eq!(outcome, Outcome::Whole(whole.clone(), 17, Ecn::NotEct));
            }
        }
        prop_assert_eq!(all.len(), 0);
    }
}
