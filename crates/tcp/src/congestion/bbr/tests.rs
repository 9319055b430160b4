//! The cases of draft-ietf-ccwg-bbr's appendix, over a simulated bottleneck; and what has no path of its own, by hand.

use super::filter::WindowedMax;
use super::*;
use crate::congestion::tests::bottleneck::{Bottleneck, Link};
use crate::congestion::{Algorithm, Controller};
use crate::{Config, Connection};
use sockeye_wire::SeqNumber;

const MSS: u32 = 1_000;

/// 20 Mbit/s, 40 ms, a queue of one bandwidth-delay product.
fn link() -> Link {
    Link {
        bits_per_second: 20_000_000,
        round_trip: Duration::from_millis(40),
        queue: 100_000,
        ..Link::fast()
    }
}

fn flow(link: Link) -> Bottleneck {
    let config = Config { congestion: Algorithm::Bbr, ..Config::default() };
    Bottleneck::new(link, &[config], Duration::ZERO)
}

fn bbr(connection: &Connection) -> Option<&Bbr> {
    match connection.controller() {
        Some(Controller::Bbr(bbr)) => Some(bbr),
        _ => None,
    }
}

fn model(bottleneck: &Bottleneck) -> &Bbr {
    bbr(bottleneck.flows[0].sender()).unwrap()
}

/// Runs until the state is reached; `false` if it is not within `seconds`.
fn reach(bottleneck: &mut Bottleneck, state: State, seconds: u64) -> bool {
    let until = bottleneck.now + Duration::from_secs(seconds);
    bottleneck
        .run_until(until, |now| bbr(now.flows[0].sender()).is_some_and(|bbr| bbr.state == state))
}

/// What the payload's share of the link is.
fn payload_rate(link: &Link) -> u64 {
    link.bits_per_second / 8 * 1_448 / 1_500
}

fn is_close(value: u64, expected: u64, percent: u64) -> bool {
    value.abs_diff(expected) * 100 <= expected * percent
}

/// "Exiting STARTUP on Bandwidth Plateau", "Exiting DRAIN Based on Inflight".
#[test]
fn startup_ends_at_the_plateau_and_drain_without_a_queue() {
    let mut bottleneck = flow(link());
    assert!(reach(&mut bottleneck, State::Drain, 5));
    let bbr = model(&bottleneck);
    assert!(bbr.full_pipe.reached);
    assert!(is_close(bbr.max_bw.get(), payload_rate(&link()), 2), "{}", bbr.max_bw.get());
    assert!(reach(&mut bottleneck, State::Cruise, 5));
    let bdp = model(&bottleneck).bdp(model(&bottleneck).bw, 100);
    let in_flight = bottleneck.flows[0].sender().info().in_flight;
    assert!(in_flight <= bdp + 3 * 65_536, "{in_flight} {bdp}");
}

/// The cycle goes round: DOWN, CRUISE, REFILL, UP, and what it learns is the path.
#[test]
fn bandwidth_is_probed_every_few_seconds() {
    let mut bottleneck = flow(link());
    for state in [State::Cruise, State::Refill, State::Up, State::Down, State::Cruise] {
        assert!(reach(&mut bottleneck, state, 4), "{state:?}");
    }
    let bbr = model(&bottleneck);
    assert!(is_close(bbr.bw, payload_rate(&link()), 2));
    assert!(bbr.min_rtt.get().unwrap() < Duration::from_millis(42));
}

/// "Increasing Bandwidth 10x", "Decreasing Bandwidth 10x".
#[test]
fn the_model_follows_the_path() {
    let mut bottleneck = flow(link());
    bottleneck.run_for(Duration::from_secs(3));
    bottleneck.link.bits_per_second = 200_000_000;
    bottleneck.link.queue = 1_000_000;
    bottleneck.run_for(Duration::from_secs(9));
    let faster = payload_rate(&bottleneck.link);
    assert!(is_close(model(&bottleneck).max_bw.get(), faster, 10));
    bottleneck.link.bits_per_second = 20_000_000;
    bottleneck.link.queue = 100_000;
    bottleneck.run_for(Duration::from_secs(12));
    assert!(
        is_close(model(&bottleneck).bw, payload_rate(&link()), 15),
        "{}",
        model(&bottleneck).bw
    );
}

/// "Entering and Exiting PROBE_RTT": the round trip has become longer for good, so that the least one is looked for.
#[test]
fn the_least_round_trip_is_looked_for() {
    let mut bottleneck = flow(link());
    bottleneck.run_for(Duration::from_secs(3));
    bottleneck.link.round_trip = Duration::from_millis(60);
    assert!(reach(&mut bottleneck, State::ProbeRtt, 7));
    let began = bottleneck.now;
    let window = model(&bottleneck).window;
    assert!(window <= model(&bottleneck).bdp(model(&bottleneck).bw, 50) + 4 * 1_448);
    assert!(reach(&mut bottleneck, State::Cruise, 2));
    assert!(bottleneck.now.since(began) >= probe_rtt::DURATION);
    bottleneck.run_for(Duration::from_secs(8));
    assert!(model(&bottleneck).min_rtt.get().unwrap() >= Duration::from_millis(60));
}

/// "Skipping PROBE_RTT Due to Application-Limited Sending": idleness has drained the queue.
#[test]
fn idleness_is_as_good_as_probing_the_round_trip() {
    let mut bottleneck = flow(link());
    bottleneck.run_for(Duration::from_secs(3));
    bottleneck.link.round_trip = Duration::from_millis(60);
    bottleneck.flows[0].trickle = Some((20_000, Duration::from_millis(2_000)));
    bottleneck.run_for(Duration::from_secs(1));
    assert!(!reach(&mut bottleneck, State::ProbeRtt, 20));
    let bw = model(&bottleneck).max_bw.get();
    assert!(
        is_close(bw, payload_rate(&link()), 3),
        "what the application limits is no measure: {bw}"
    );
}

/// "Never Exiting STARTUP When Application-Limited With No Loss".
#[test]
fn an_application_that_sends_little_stays_in_startup() {
    let mut bottleneck = flow(link());
    bottleneck.flows[0].trickle = Some((10_000, Duration::from_millis(50)));
    bottleneck.run_for(Duration::from_secs(4));
    assert_eq!(model(&bottleneck).state, State::Startup);
    assert!(!model(&bottleneck).full_pipe.reached);
}

/// "Correctly Managing Sub-Packet BDPs".
#[test]
fn four_segments_are_the_least() {
    let mut bottleneck = flow(Link {
        bits_per_second: 200_000,
        round_trip: Duration::from_millis(2),
        queue: 60_000,
        ..Link::fast()
    });
    bottleneck.run_for(Duration::from_secs(30));
    let bbr = model(&bottleneck);
    assert!(bbr.window >= 4 * 1_448);
    assert!(is_close(bbr.bw, payload_rate(&bottleneck.link), 15), "{}", bbr.bw);
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A model in `state` that has learned 10 MB/s and 40 ms.
fn learned(state: State) -> Bbr {
    let rtt = Duration::from_millis(40);
    let mut bbr = Bbr::new(10 * MSS, MSS, Some(rtt), 1);
    bbr.full_pipe.reached = true;
    bbr.begin(at(1_000));
    bbr.on_sample(&sample(1_000, 0, 0));
    bbr.start_down(at(1_000));
    bbr.window = 800_000;
    bbr.state = state;
    bbr
}

/// An acknowledgement of one segment, in a flow of 10 MB/s.
fn sample(millis: u64, delivered: u32, lost: u32) -> Sample {
    Sample {
        now: at(millis),
        mss: MSS,
        newly_acked: MSS,
        newly_lost: 0,
        in_flight: 400_000,
        delivered: SeqNumber(delivered + 400_000),
        rtt: Some(Duration::from_millis(40)),
        rate: Some(RateSample {
            bytes_per_second: 10_000_000,
            delivered: 400_000,
            prior_delivered: SeqNumber(delivered),
            in_flight: 400_000,
            lost,
            app_limited: false,
        }),
        window_limited: false,
        in_recovery: lost > 0,
        selective: true,
    }
}

fn lost_segment(lost: u32, in_flight: u32) -> LostSegment {
    LostSegment {
        start: SeqNumber(5),
        len: MSS,
        in_flight,
        lost,
        delivered: SeqNumber(1_000_000),
        app_limited: false,
    }
}

/// "Handling Loss During PROBE_UP": more than two percent end the probe, and what was in flight then is the bound.
#[test]
fn too_much_loss_ends_a_probe() {
    let mut bbr = learned(State::Up);
    bbr.cycle.is_probe_sample = true;
    bbr.on_segment_lost(&lost_segment(10 * MSS, 500_000));
    assert_eq!(
        (bbr.state, bbr.bounds.in_flight_long),
        (State::Up, u32::MAX),
        "two percent are not"
    );
    bbr.on_segment_lost(&lost_segment(11 * MSS, 500_000));
    assert_eq!(bbr.state, State::Down);
    assert!(bbr.cycle.too_high);
    assert!((499_000..=500_000).contains(&bbr.bounds.in_flight_long));
}

/// "Handling Spurious Fast Recovery": the bound goes, the probe is taken up again.
#[test]
fn a_loss_that_was_none_is_taken_back() {
    let mut bbr = learned(State::Up);
    bbr.cycle.is_probe_sample = true;
    bbr.on_loss(500_000, MSS);
    bbr.on_segment_lost(&lost_segment(11 * MSS, 500_000));
    assert_eq!(bbr.state, State::Down);
    bbr.window = 100_000;
    bbr.on_spurious();
    assert_eq!((bbr.state, bbr.bounds.in_flight_long), (State::Refill, u32::MAX));
    assert_eq!(bbr.window, 800_000);
    assert!(!bbr.in_recovery);
}

/// A round trip of cruising, in which `lost` octets of 400,000 were lost and `rate` was delivered.
fn cruise_a_round(bbr: &mut Bbr, round: u32, lost: u32, rate: u64) {
    let delivered = round * 400_000;
    bbr.on_segment_lost(&LostSegment {
        delivered: SeqNumber(delivered),
        ..lost_segment(lost, 400_000)
    });
    let mut sample = sample(1_000 + u64::from(round) * 40, delivered, lost);
    if let Some(shown) = &mut sample.rate {
        shown.bytes_per_second = rate;
    }
    bbr.latest.bw = 0;
    bbr.on_sample(&sample);
}

/// Losses while cruising cost once a round trip, towards what was delivered; fewer than a probe bears cost nothing.
#[test]
fn cruising_slows_to_what_is_delivered() {
    let mut bbr = learned(State::Cruise);
    cruise_a_round(&mut bbr, 1, 8 * MSS, 9_800_000);
    assert_eq!(bbr.bw, 10_000_000, "two percent");
    cruise_a_round(&mut bbr, 2, 9 * MSS, 9_775_000);
    assert_eq!(bbr.bw, 9_775_000);
    cruise_a_round(&mut bbr, 3, 100 * MSS, 5_000_000);
    assert_eq!(bbr.bw, 9_775_000 * 70 / 100);
    bbr.start_refill();
    bbr.bound_bw_for_model();
    assert_eq!(bbr.bw, 10_000_000, "forgotten for the next probe");
}

/// Loss that stays the same while there is no queue is the path's own, up to four percent.
#[test]
fn what_is_lost_all_the_time_is_the_path_s() {
    for (segments, expected) in [(0, 0..=0), (12, 27..=33), (100, 40..=40)] {
        let mut bbr = learned(State::Cruise);
        for round in 1..=20 {
            for _ in 0..segments {
                bbr.ambient.on_lost(MSS);
            }
            let mut sample = sample(1_000 + round * 40, round as u32 * 400_000, 0);
            sample.newly_acked = 400_000;
            bbr.on_sample(&sample);
        }
        assert!(expected.contains(&bbr.ambient.per_mille()), "{}", bbr.ambient.per_mille());
    }
    let mut bbr = learned(State::Cruise);
    bbr.ambient = ambient::Ambient::known(30);
    cruise_a_round(&mut bbr, 1, 25 * MSS, 9_375_000);
    assert_eq!(bbr.bw, 10_000_000, "by chance it may be more");
    cruise_a_round(&mut bbr, 2, 40 * MSS, 9_000_000);
    assert_eq!(bbr.bw, 9_000_000, "but not so much more");
}

/// Cruising leaves to others what is in a queue, and on a path that loses by itself no part of what is on the way.
#[test]
fn headroom_is_room_in_a_queue() {
    let bdp = 400_000;
    let cruising = |bound: u32, per_mille: u64| {
        let mut bbr = learned(State::Cruise);
        bbr.bounds.in_flight_long = bound;
        bbr.ambient = ambient::Ambient::known(per_mille);
        bbr.in_flight_with_headroom()
    };
    assert_eq!(cruising(bdp, 0), 340_000);
    assert_eq!(cruising(bdp, 30), bdp);
    assert_eq!(cruising(360_000, 30), 360_000, "never more than the bound");
    assert_eq!(cruising(440_000, 30), bdp);
    assert_eq!(cruising(600_000, 30), 510_000);
}

/// Round trips that are hardly longer than the least show that it is still right; longer ones do not.
#[test]
fn the_least_round_trip_is_not_looked_for_where_it_shows() {
    let ends_in = |micros: u64| {
        let mut bbr = learned(State::Cruise);
        for round in 1..=300 {
            let mut sample = sample(1_000 + round * 40, round as u32 * 400_000, 0);
            sample.rtt = Some(Duration::from_micros(micros));
            bbr.update_min_rtt(&sample);
            if bbr.min_rtt.expired {
                return bbr.min_rtt.get();
            }
        }
        None
    };
    assert_eq!(ends_in(40_390), None);
    assert_eq!(ends_in(40_410), Some(Duration::from_millis(40)));
}

/// In Startup a path may lose what it likes as long as more and more is delivered and nothing waits, within bounds.
#[test]
fn startup_goes_on_while_loss_comes_without_a_queue() {
    let ended = |lost: u32, rtt: u64, rate: u64| {
        let mut bbr = learned(State::Startup);
        bbr.full_pipe.reached = false;
        bbr.full_pipe.reset(5_000_000);
        bbr.loss.events_in_round = 6;
        let mut sample = sample(1_040, 400_000, lost);
        sample.rtt = Some(Duration::from_millis(rtt));
        if let Some(shown) = &mut sample.rate {
            shown.bytes_per_second = rate;
        }
        bbr.on_sample(&sample);
        bbr.full_pipe.reached
    };
    assert!(!ended(20 * MSS, 40, 9_000_000));
    assert!(ended(20 * MSS, 40, 5_500_000), "no more is delivered");
    assert!(ended(20 * MSS, 60, 9_000_000), "a queue");
    assert!(ended(50 * MSS, 40, 9_000_000), "too much in any case");
}

/// A timeout leaves one segment; recovery over, the window is back.
#[test]
fn the_window_comes_back_after_a_timeout() {
    let mut bbr = learned(State::Cruise);
    bbr.on_timeout(800_000, MSS, true);
    assert_eq!(bbr.window(), MSS);
    bbr.on_recovered();
    assert_eq!(bbr.window(), 800_000);
}

/// §4.5: every mark is congestion.
#[test]
fn marks_are_congestion() {
    let mut bbr = learned(State::Up);
    bbr.cycle.is_probe_sample = true;
    bbr.on_ecn(450_000, MSS);
    assert_eq!((bbr.state, bbr.bounds.in_flight_long), (State::Down, 450_000));

    let mut bbr = learned(State::Startup);
    bbr.full_pipe.reached = false;
    bbr.on_ecn(450_000, MSS);
    assert!(!bbr.full_pipe.reached);
    bbr.rounds.count += 1;
    bbr.on_ecn(450_000, MSS);
    assert!(bbr.full_pipe.reached, "two rounds in a row");

    let mut bbr = learned(State::Cruise);
    bbr.on_ecn(450_000, MSS);
    let mut sample = sample(1_040, 1_000_000, 0);
    if let Some(shown) = &mut sample.rate {
        shown.bytes_per_second = 9_000_000;
    }
    bbr.latest.bw = 0;
    bbr.on_sample(&sample);
    assert_eq!(bbr.bw, 9_000_000, "however few they are");
}

/// Chance comes from the seed alone: the same flow is the same flow, others probe at other times.
#[test]
fn probes_are_spread_by_the_seed() {
    let waits = |seed| {
        let mut bbr = Bbr::new(10 * MSS, MSS, None, seed);
        core::array::from_fn::<_, 4, _>(|_| {
            bbr.start_down(at(1_000));
            bbr.cycle.wait()
        })
    };
    assert_eq!(waits(1), waits(1));
    assert_ne!(waits(1), waits(2));
    for wait in waits(3) {
        assert!((Duration::from_secs(2)..Duration::from_secs(3)).contains(&wait));
    }
}

#[test]
fn the_windowed_maximum_forgets() {
    let mut filter = WindowedMax::default();
    let values = [5, 9, 3, 4, 7, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    for (round, value) in (0..).zip(values) {
        filter.update(round, value, 4);
        let from = usize::try_from(round).unwrap().saturating_sub(4);
        let exact = values[from..=round as usize].iter().max().copied().unwrap();
        // Three values stand for all, so that it may be less than the maximum, but never something forgotten.
        assert!((value..=exact).contains(&filter.get()), "round {round}: {}", filter.get());
    }
    assert_eq!(filter.get(), 1);
}

/// What was held back by choice is no sign of congestion: a loss during ProbeRTT or Drain does not halve what follows.
#[test]
fn deliberate_slowness_is_not_taken_for_the_path_s() {
    for state in [State::ProbeRtt, State::Drain, State::Down] {
        let mut bbr = learned(state);
        bbr.rounds.share = state.sent_share();
        bbr.state = State::Cruise;
        bbr.on_segment_lost(&LostSegment {
            delivered: SeqNumber(400_000),
            ..lost_segment(10 * MSS, 400_000)
        });
        let mut sample = sample(1_040, 400_000, 10 * MSS);
        if let Some(shown) = &mut sample.rate {
            shown.bytes_per_second = 10_000_000 * state.sent_share() / 100;
        }
        bbr.latest.bw = 0;
        bbr.on_sample(&sample);
        assert_eq!(bbr.bw, 10_000_000, "{state:?}");
    }
}
