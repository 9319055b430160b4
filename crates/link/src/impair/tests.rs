use super::{Burst, Delivery, Impairer, Impairment, ImpairmentCounts, carry};
use crate::Medium;
use bytes::Bytes;
use proptest::prelude::*;
use sockeye_wire::{Checksum, ChecksumState, Ecn, Instant, MacAddr, Meta, Packet};
use std::time::Duration;

const PACKETS: u64 = 20_000;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sends packets a millisecond apart.
fn run(seed: u64, impairment: &Impairment) -> (Vec<Vec<Delivery>>, ImpairmentCounts) {
    let mut network = Impairer::new(seed, impairment.clone());
    let fates =
        (0..PACKETS).map(|n| network.send(Instant::from_millis(n), 1_500).to_vec()).collect();
    (fates, network.counts())
}

fn assert_share(happened: u64, probability: f64) {
    let share = happened as f64 / PACKETS as f64;
    // Five standard deviations of a binomial: a seed that fails this is a broken generator.
    let tolerance = 5.0 * (probability * (1.0 - probability) / PACKETS as f64).sqrt();
    assert!((share - probability).abs() < tolerance, "{share} of {probability}");
}

#[test]
fn a_perfect_network_delivers_at_once_and_once() {
    let (fates, counts) = run(1, &Impairment::default());
    for (n, fate) in fates.iter().enumerate() {
        let at = Instant::from_millis(n as u64);
        assert_eq!(*fate, [Delivery { deliver_at: at, corrupt_bit: None, mark_ce: false }]);
    }
    assert_eq!(counts, ImpairmentCounts { sent: PACKETS, ..ImpairmentCounts::default() });
}

#[test]
fn each_thing_happens_as_often_as_asked() {
    let impairment = Impairment {
        loss: 0.02,
        reorder: 0.05,
        duplicate: 0.01,
        corrupt: 0.03,
        ..Impairment::default()
    };
    let (fates, counts) = run(42, &impairment);
    assert_share(counts.lost, 0.02);
    let delivered = 0.98;
    assert_share(counts.reordered, delivered * 0.05);
    assert_share(counts.duplicated, delivered * 0.01);
    assert_share(counts.corrupted, delivered * 0.03);
    assert_eq!(fates.iter().filter(|fate| fate.is_empty()).count() as u64, counts.lost);
    assert_eq!(fates.iter().filter(|fate| fate.len() == 2).count() as u64, counts.duplicated);
    assert!(fates.iter().flatten().filter_map(|d| d.corrupt_bit).all(|bit| bit < 12_000));
}

#[test]
fn probabilities_of_nothing_and_all_are_exact() {
    let all = Impairment { loss: 1.0, ..Impairment::default() };
    assert_eq!(run(3, &all).1.lost, PACKETS);
    let twice = Impairment { duplicate: 1.0, corrupt: 1.0, ..Impairment::default() };
    let counts = run(3, &twice).1;
    assert_eq!((counts.duplicated, counts.corrupted, counts.lost), (PACKETS, PACKETS, 0));
}

#[test]
fn one_impairment_does_not_move_another() {
    let lossy = Impairment { loss: 0.1, ..Impairment::default() };
    let worse =
        Impairment { reorder: 0.3, duplicate: 0.2, corrupt: 0.2, jitter: ms(3), ..lossy.clone() };
    let lost =
        |impairment| -> Vec<bool> { run(9, impairment).0.iter().map(Vec::is_empty).collect() };
    assert_eq!(lost(&lossy), lost(&worse));
}

#[test]
fn the_wire_takes_its_time() {
    let impairment =
        Impairment { rate_bps: Some(12_000_000), delay: ms(10), ..Impairment::default() };
    let mut network = Impairer::new(1, impairment);
    // 1,500 octets take 1 ms at 12 Mbit/s.
    let arrivals: Vec<_> =
        (0..3).map(|_| network.send(Instant::ZERO, 1_500)[0].deliver_at.as_millis()).collect();
    assert_eq!(arrivals, [11, 12, 13]);
    assert_eq!(network.send(Instant::from_millis(100), 750)[0].deliver_at.as_micros(), 110_500);
}

#[test]
fn a_full_queue_refuses_and_empties_with_time() {
    let impairment =
        Impairment { rate_bps: Some(12_000_000), queue_packets: Some(2), ..Impairment::default() };
    let mut network = Impairer::new(1, impairment);
    let taken = (0..5).filter(|_| !network.send(Instant::ZERO, 1_500).is_empty()).count();
    assert_eq!((taken, network.counts().overflowed), (2, 3));
    assert_eq!(network.send(Instant::from_millis(1), 1_500).len(), 1);
    assert_eq!(network.send(Instant::from_millis(1), 1_500).len(), 0);

    let by_bytes = Impairment {
        rate_bps: Some(12_000_000),
        queue_bytes: Some(4_000),
        ..Impairment::default()
    };
    let mut network = Impairer::new(1, by_bytes);
    let taken = (0..5).filter(|_| !network.send(Instant::ZERO, 1_500).is_empty()).count();
    assert_eq!(taken, 2);
    let mut tiny = Impairer::new(
        1,
        Impairment { rate_bps: Some(1_000), queue_bytes: Some(10), ..Impairment::default() },
    );
    assert_eq!(
        tiny.send(Instant::ZERO, 1_500).len(),
        1,
        "an empty queue takes a packet of any size"
    );
}

#[test]
fn a_long_wait_is_marked() {
    let impairment = Impairment {
        rate_bps: Some(12_000_000),
        ce_threshold: Some(ms(2)),
        ..Impairment::default()
    };
    let mut network = Impairer::new(1, impairment);
    let marks: Vec<_> = (0..4).map(|_| network.send(Instant::ZERO, 1_500)[0].mark_ce).collect();
    assert_eq!(marks, [false, false, true, true]);
}

#[test]
fn carrying_flips_the_bit_and_sets_the_mark() {
    let mut bytes =
        vec![0x45, 0x02, 0, 24, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 3, 4];
    let sum = Checksum::new().with(&bytes[..20]).finish();
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut packet = Packet::from_bytes(Meta::at(Instant::ZERO), Bytes::from(bytes.clone()));
    packet.meta.checksum = ChecksumState::Valid;
    let at = Instant::from_millis(5);

    let whole =
        carry(&packet, &Delivery { deliver_at: at, corrupt_bit: None, mark_ce: false }, Medium::Ip);
    assert_eq!((whole.to_bytes().as_ptr(), whole.meta.arrival), (packet.to_bytes().as_ptr(), at));

    let marked =
        carry(&packet, &Delivery { deliver_at: at, corrupt_bit: None, mark_ce: true }, Medium::Ip);
    assert_eq!(marked.front()[1], 0x03);
    assert!(Checksum::new().with(&marked.front()[..20]).is_valid());
    assert_eq!(marked.meta.ecn, Ecn::Ce);

    let broken = carry(
        &packet,
        &Delivery { deliver_at: at, corrupt_bit: Some(8 * 20), mark_ce: false },
        Medium::Ip,
    );
    assert_eq!((broken.front()[20], broken.meta.checksum), (0x81, ChecksumState::Unverified));

    bytes[1] = 0;
    let deaf = Packet::from_bytes(Meta::at(Instant::ZERO), Bytes::from(bytes));
    let left =
        carry(&deaf, &Delivery { deliver_at: at, corrupt_bit: None, mark_ce: true }, Medium::Ip);
    assert_eq!(left.front(), deaf.front(), "a sender without ECN is left alone");
}

proptest! {
    #[test]
    fn the_same_seed_tells_the_same_story_and_order_is_kept(
        seed: u64, loss in 0.0..0.5f64, reorder in 0.0..0.5f64, jitter in 0u64..50, rate in 1_000u64..1_000_000_000,
        gaps in proptest::collection::vec((0u64..3, 0usize..9_000), 1..200),
    ) {
        let impairment = Impairment {
            loss, reorder, jitter: ms(jitter), delay: ms(20), rate_bps: Some(rate), queue_packets: Some(50),
            ..Impairment::default()
        };
        let (mut one, mut two) = (Impairer::new(seed, impairment.clone()), Impairer::new(seed, impairment));
        let (mut now, mut last) = (Instant::ZERO, Instant::ZERO);
        for (gap, len) in gaps {
            now += ms(gap);
            let reordered = one.counts().reordered;
            let fates = one.send(now, len);
            prop_assert_eq!(&fates, &two.send(now, len));
            for delivery in &fates {
                prop_assert!(delivery.deliver_at >= now + ms(20));
                prop_assert!(delivery.deliver_at >= last);
                if one.counts().reordered == reordered {
                    last = delivery.deliver_at;
                }
            }
        }
    }

    #[test]
    fn carrying_never_panics(bytes: Vec<u8>, bit: usize, ethernet: bool) {
        let packet = Packet::from_bytes(Meta::at(Instant::ZERO), Bytes::from(bytes));
        let delivery = Delivery { deliver_at: Instant::ZERO, corrupt_bit: Some(bit), mark_ce: true };
        let medium = if ethernet { Medium::Ethernet(MacAddr::default()) } else { Medium::Ip };
        prop_assert_eq!(carry(&packet, &delivery, medium).len(), packet.len());
    }
}

/// Losses come together: as many as the model's share, in runs of its mean length.
#[test]
fn bursts_have_the_models_share_and_length() {
    let burst = Burst { enter: 0.01, leave: 0.25, loss: 1.0, longest: ms(1_000) };
    let impairment = Impairment { burst: Some(burst), ..Impairment::default() };
    let (fates, counts) = run(7, &impairment);
    let share = counts.lost as f64 / PACKETS as f64;
    // The wire is bad enter/(enter+leave) of the time. Losses are not independent, so the bound is wider than a binomial's.
    assert!((share - 0.01 / 0.26).abs() < 0.008, "{share}");
    let lost: Vec<bool> = fates.iter().map(Vec::is_empty).collect();
    let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
    let mean = counts.lost as f64 / bursts as f64;
    assert!((mean - 4.0).abs() < 0.8, "{mean}");
}

#[test]
fn a_burst_ends_by_itself() {
    let burst = Burst { enter: 1.0, leave: 0.0, loss: 1.0, longest: ms(10) };
    let impairment = Impairment { burst: Some(burst), ..Impairment::default() };
    let mut wire = Impairer::new(1, impairment);
    assert!((0..10).all(|at| wire.send(Instant::from_millis(at), 100).is_empty()));
    wire.set_impairment(Impairment {
        burst: Some(Burst { enter: 0.0, ..burst }),
        ..Impairment::default()
    });
    assert!(!wire.send(Instant::from_millis(10), 100).is_empty());
}
