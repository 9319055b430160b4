//! No figure may fall below its least; the figures themselves are kept as snapshots. Linux's own are in GOODPUT.md.

use super::{CONTESTS, COURSES, Course, jain};
use sockeye_tcp::congestion::Algorithm;
use std::time::Duration;

/// One seed of each course; the means are in GOODPUT.md.
fn figures(algorithm: Algorithm, least: [f64; COURSES.len()]) -> String {
    shares(algorithm, least, |_| 1)
}

/// The means of GOODPUT.md.
fn means(algorithm: Algorithm, least: [f64; COURSES.len()]) -> String {
    shares(algorithm, least, |seeds| seeds)
}

fn shares(algorithm: Algorithm, least: [f64; COURSES.len()], seeds: impl Fn(u64) -> u64) -> String {
    let mut lines = String::new();
    for ((name, loss, reorder, all), least) in COURSES.into_iter().zip(least) {
        let share = Course::with(loss, reorder).mean(algorithm, seeds(all)).unwrap();
        assert!(share >= least, "{algorithm}, {name}: {share} of {least}");
        lines.push_str(&format!("{name:<14} {share:.3}\n"));
    }
    lines
}

/// None may fall below what Linux's CUBIC reaches, nor, without loss, below 95 %.
#[test]
fn cubic_fills_the_link_as_far_as_it_can() {
    insta::assert_snapshot!(means(Algorithm::Cubic, [0.95, 0.154, 0.027, 0.012, 0.814]));
}

#[test]
fn bbr_fills_the_link_as_far_as_it_can() {
    insta::assert_snapshot!(figures(Algorithm::Bbr, [0.94, 0.94, 0.92, 0.87, 0.935]));
}

/// Linux's CUBIC is the measure where Reno is above it.
#[test]
fn reno_fills_the_link_as_far_as_it_can() {
    insta::assert_snapshot!(means(Algorithm::Reno, [0.931, 0.14, 0.025, 0.012, 0.65]));
}

/// What bears the loss of a radio still answers that of a queue: a tenth of what is on the path fits in, and little is lost in the
/// long run.
#[test]
fn bbr_does_not_overrun_a_short_queue() {
    let course = Course {
        queue_bytes: 62_500,
        settling: Duration::from_secs(10),
        length: Duration::from_secs(30),
        ..Course::default()
    };
    for flows in [&[Algorithm::Bbr][..], &[Algorithm::Bbr; 4]] {
        let figures = course.measure(flows).unwrap();
        assert!(figures.overflow < 0.02, "{figures:?}");
        assert!(figures.shares.iter().sum::<f64>() > 0.9, "{figures:?}");
    }
}

#[test]
fn bbr_leaves_something_to_cubic() {
    let course = Course { settling: Duration::from_secs(20), ..Course::minute() };
    let shares = course.run(&[Algorithm::Bbr, Algorithm::Cubic]).unwrap();
    assert!(shares[1] > 0.1, "{shares:?}");
}

fn contest(number: usize) {
    let (flows, least) = CONTESTS[number];
    let shares = Course::minute().run(flows).unwrap();
    let (index, all) = (jain(&shares), shares.iter().sum::<f64>());
    assert!(index >= least, "{flows:?}: {shares:?}, {index}");
    assert!(all > 0.9, "{flows:?}: {shares:?}");
}

#[test]
fn two_flows_of_cubic_share_a_link() {
    contest(0);
}

#[test]
fn cubic_and_reno_share_a_link() {
    contest(1);
}

#[test]
fn four_flows_of_bbr_share_a_link() {
    contest(2);
}

#[test]
fn jains_index_is_one_for_equals_and_one_nth_for_one() {
    assert!((jain(&[0.3, 0.3, 0.3]) - 1.0).abs() < 1e-12);
    assert!((jain(&[1.0, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-12);
    assert!((jain(&[0.6, 0.3]) - 0.9).abs() < 1e-12);
}

#[test]
fn the_same_course_gives_the_same_figure() {
    let course = Course { loss: 0.01, ..Course::default() };
    let figure = || course.run(&[Algorithm::Cubic]).unwrap();
    assert_eq!(figure(), figure());
    assert_ne!(figure(), Course { seed: 2, ..course.clone() }.run(&[Algorithm::Cubic]).unwrap());
}

/// 1,448 octets of payload in packets of 1,500, less what slow start takes.
#[test]
fn nothing_counts_twice() {
    let share = Course::default().run(&[Algorithm::Cubic]).unwrap()[0];
    assert!(share < 1_448.0 / 1_500.0, "{share}");
}
