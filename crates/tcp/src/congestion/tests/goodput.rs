//! How much of a link flows make use of, and how they share it.

use super::super::Algorithm;
use super::bottleneck::{Bottleneck, Link};
use crate::Config;
use core::time::Duration;
use std::vec::Vec;

/// 20 Mbit/s, 50 ms, a queue of one bandwidth-delay product.
fn link() -> Link {
    Link { bits_per_second: 20_000_000, queue: 125_000, ..Link::fast() }
}

fn config(congestion: Algorithm) -> Config {
    Config { congestion, ..Config::default() }
}

/// Payload received, as a share of what the link carries in the time.
fn goodput(algorithm: Algorithm, link: Link, seconds: u64) -> f64 {
    let capacity = link.bits_per_second * seconds / 8;
    let mut bottleneck = Bottleneck::new(link, &[config(algorithm)], Duration::ZERO);
    bottleneck.run_for(Duration::from_secs(seconds));
    bottleneck.flows[0].received as f64 / capacity as f64
}

/// Jain's index of what flows received over the time.
fn fairness(
    algorithms: &[Algorithm],
    apart: Duration,
    link: Link,
    seconds: u64,
) -> (f64, Vec<u64>) {
    let configs: Vec<_> = algorithms.iter().map(|algorithm| config(*algorithm)).collect();
    let mut bottleneck = Bottleneck::new(link, &configs, apart);
    bottleneck.run_for(Duration::from_secs(seconds));
    let received: Vec<u64> = bottleneck.flows.iter().map(|flow| flow.received).collect();
    let sum: f64 = received.iter().map(|bytes| *bytes as f64).sum();
    let squares: f64 = received.iter().map(|bytes| (*bytes as f64).powi(2)).sum();
    (sum * sum / (squares * received.len() as f64), received)
}

/// Of the link 96.5 % are payload.
#[test]
fn a_clean_link_is_filled() {
    for (algorithm, least) in
        [(Algorithm::Reno, 0.94), (Algorithm::Cubic, 0.94), (Algorithm::Bbr, 0.93)]
    {
        let share = goodput(algorithm, link(), 15);
        assert!(share >= least, "{algorithm}: {share}");
    }
}

/// Reordering is no loss (RFC 8985 §4).
#[test]
fn reordering_costs_little() {
    for algorithm in Algorithm::ALL {
        let share = goodput(algorithm, Link { reorder: 20_000, ..link() }, 10);
        assert!(share >= 0.92, "{algorithm}: {share}");
    }
}

/// BBR goes on where loss is the path's own, and CUBIC does what RFC 9438 lets it.
#[test]
fn random_loss_does_not_stop_bbr() {
    for (loss, least) in [(1_000, 0.90), (10_000, 0.85), (30_000, 0.75)] {
        let share = goodput(Algorithm::Bbr, Link { loss, ..link() }, 15);
        assert!(share >= least, "{loss} of a million lost: {share}");
        let cubic = goodput(Algorithm::Cubic, Link { loss, ..link() }, 15);
        assert!(cubic > 0.02 && cubic < share, "{loss} of a million lost: {cubic}");
    }
}

#[test]
fn flows_share_fairly() {
    use Algorithm::{Bbr, Cubic, Reno};
    let apart = Duration::from_millis(10);
    for (flows, least) in
        [(&[Cubic, Cubic][..], 0.93), (&[Cubic, Reno], 0.8), (&[Bbr, Bbr, Bbr, Bbr], 0.93)]
    {
        let (index, received) = fairness(flows, apart, link(), 30);
        assert!(index >= least, "{flows:?}: {index:.3}, {received:?}");
    }
}

/// Pacing spreads what leaves over the round trip, so that a queue far smaller than what is written at once is enough.
#[test]
fn paced_windows_need_little_queue() {
    let dropped = |pacing| {
        let config = Config { pacing, slow_start_after_idle: false, ..config(Algorithm::Reno) };
        let link = Link { queue: 30_000, ..link() };
        let mut bottleneck = Bottleneck::new(link, &[config], Duration::ZERO);
        bottleneck.flows[0].trickle = Some((50_000, Duration::from_millis(250)));
        bottleneck.run_for(Duration::from_secs(5));
        assert!(bottleneck.flows[0].received >= 900_000);
        bottleneck.dropped
    };
    assert!(dropped(false) > 0);
    assert_eq!(dropped(true), 0);
}

/// Nothing leaves faster than the application allows.
#[test]
fn a_rate_can_be_set() {
    for algorithm in Algorithm::ALL {
        let config = Config { max_pacing_rate: Some(500_000), ..config(algorithm) };
        let mut bottleneck = Bottleneck::new(link(), &[config], Duration::ZERO);
        bottleneck.run_for(Duration::from_secs(4));
        let received = bottleneck.flows[0].received;
        assert!((1_700_000..=2_050_000).contains(&received), "{algorithm}: {received}");
        let info = bottleneck.flows[0].sender().info();
        assert!(info.pacing_rate.is_some_and(|rate| rate <= 500_000));
        assert_eq!(info.congestion, Some(algorithm));
    }
}
