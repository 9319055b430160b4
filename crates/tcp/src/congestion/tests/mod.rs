pub(crate) mod bottleneck;
mod goodput;

use super::*;

const MSS: u32 = 1_000;

fn acked(bytes: u32) -> Acknowledged {
    at(Duration::ZERO, bytes, 0)
}

fn at(time: Duration, bytes: u32, una: u32) -> Acknowledged {
    Acknowledged {
        now: Instant::from_millis(1_000) + time,
        bytes,
        mss: MSS,
        rtt: Some(Duration::from_millis(50)),
        smoothed_rtt: Duration::from_millis(50),
        paced: false,
        una: SeqNumber(una),
        nxt: SeqNumber(una + 100 * MSS),
    }
}

fn controller(algorithm: Algorithm) -> Controller {
    Controller::new(
        algorithm,
        &Start { window: 100 * MSS, threshold: u32::MAX, mss: MSS, rtt: None, seed: 7 },
    )
}

/// Those whose window is all they have.
fn by_window() -> [Controller; 2] {
    [Algorithm::Reno, Algorithm::Cubic].map(controller)
}

/// RFC 6928 §2.
#[test]
fn initial_window_follows_rfc_6928() {
    assert_eq!(initial_window(1_460, 10), 14_600);
    assert_eq!(initial_window(536, 10), 5_360);
    assert_eq!(initial_window(9_000, 10), 18_000);
}

/// RFC 9293 MUST-19, RFC 5681 §3.1, RFC 3465: by the octets acknowledged.
#[test]
fn slow_start_doubles_and_stops_at_the_threshold() {
    let mut reno = Reno::new(10 * MSS);
    for _ in 0..10 {
        reno.on_acknowledged(&acked(MSS));
    }
    assert_eq!(reno.window(), 20 * MSS);
    reno.on_loss(20 * MSS, MSS);
    reno.on_timeout(10 * MSS, MSS, true);
    assert_eq!((reno.window(), reno.slow_start_threshold()), (MSS, 5 * MSS));
    for _ in 0..4 {
        reno.on_acknowledged(&acked(MSS));
    }
    assert_eq!(reno.window(), 5 * MSS);
}

/// RFC 9293 MUST-19, RFC 5681 §3.1.
#[test]
fn avoidance_grows_by_one_segment_a_window() {
    let mut reno = Reno::new(20 * MSS);
    reno.on_loss(20 * MSS, MSS);
    assert_eq!(reno.window(), 10 * MSS);
    for _ in 0..10 {
        reno.on_acknowledged(&acked(MSS));
    }
    assert_eq!(reno.window(), 11 * MSS);
}

/// RFC 5681 §3.1: an acknowledgement of many segments goes no farther than the threshold in slow start; RFC 3465 §2.1: beyond it, what
/// is acknowledged above a window counts towards the next segment.
#[test]
fn aggregates_neither_overshoot_nor_get_lost() {
    let mut reno = Reno::new(20 * MSS);
    reno.on_timeout(20 * MSS, MSS, true);
    for (acknowledged, window) in [(8, 9), (5, 10), (15, 11), (5, 11), (1, 12)] {
        reno.on_acknowledged(&acked(acknowledged * MSS));
        assert_eq!(reno.window(), window * MSS, "{acknowledged}");
    }
}

#[test]
fn thresholds_never_fall_below_two_segments() {
    let mut reno = Reno::new(MSS);
    reno.on_loss(MSS, MSS);
    assert_eq!(reno.slow_start_threshold(), 2 * MSS);
}

/// RFC 5681 §3.1: a repeated timeout of the same segment leaves the threshold.
#[test]
fn repeated_timeouts_keep_the_threshold() {
    let mut reno = Reno::new(20 * MSS);
    reno.on_timeout(20 * MSS, MSS, true);
    reno.on_timeout(MSS, MSS, false);
    assert_eq!((reno.window(), reno.slow_start_threshold()), (MSS, 10 * MSS));
}

fn cubic_at(window: u32) -> Cubic {
    let mut cubic = Cubic::new(window);
    cubic.on_loss(window, MSS);
    cubic
}

/// RFC 9438 §4.6: β = 0.7.
#[test]
fn cubic_keeps_seven_tenths() {
    assert_eq!(cubic_at(1_000 * MSS).window(), 700 * MSS);
    assert_eq!(cubic_at(MSS).window(), 2 * MSS);
}

/// RFC 9293 MAY-18, RFC 9438 §4.2: K seconds after the loss the window is back at W_max, slowly there, faster beyond.
#[test]
fn cubic_follows_its_function() {
    let mut cubic = cubic_at(1_000 * MSS);
    let k = libm::cbrt((1_000.0 - 700.0) / 0.4);
    let mut windows = std::vec::Vec::new();
    let mut una = 0;
    for step in 0..400u32 {
        let time = Duration::from_millis(50) * step;
        // One window a round trip.
        let window = cubic.window();
        for _ in 0..window / (10 * MSS) {
            una += 10 * MSS;
            cubic.on_acknowledged(&at(time, 10 * MSS, una));
        }
        windows.push((time.as_secs_f64(), f64::from(cubic.window()) / f64::from(MSS)));
    }
    for (time, window) in windows {
        let expected = 0.4 * (time + 0.05 - k).powi(3) + 1_000.0;
        let expected = expected.max(700.0);
        assert!(
            (window - expected).abs() < 0.03 * expected,
            "{window} instead of {expected} at {time}"
        );
    }
}

/// RFC 9438 §4.7: a flow that could not come back to its last maximum aims lower.
#[test]
fn cubic_converges_fast() {
    let mut once = cubic_at(1_000 * MSS);
    once.on_loss(700 * MSS, MSS);
    let mut grown = once.clone();
    assert_eq!(once.window(), 490 * MSS);
    let mut una = 0;
    for step in 1..2_000u32 {
        una += 10 * MSS;
        grown.on_acknowledged(&at(Duration::from_millis(5) * step, 10 * MSS, una));
    }
    // W_max is 700·(1 + β)/2 = 595, reached after K = cbrt(105/0.4) = 6.4 s; 10 s later it is not far beyond.
    let window = grown.window() / MSS;
    assert!((590..640).contains(&window), "{window}");
}

/// RFC 9438 §4.3: with a short round trip CUBIC is no slower than Reno.
#[test]
fn cubic_is_friendly_to_reno() {
    let (mut cubic, mut reno) = (cubic_at(20 * MSS), Reno::new(20 * MSS));
    reno.on_loss(20 * MSS, MSS);
    let mut una = 0;
    for round in 0..40u32 {
        let now = |_: u32| Duration::from_millis(round.into());
        for _ in 0..cubic.window() / MSS {
            una += MSS;
            let sample =
                Acknowledged { smoothed_rtt: Duration::from_millis(1), ..at(now(round), MSS, una) };
            cubic.on_acknowledged(&sample);
        }
        for _ in 0..reno.window() / MSS {
            reno.on_acknowledged(&acked(MSS));
        }
    }
    // α = 9/17 up to the old maximum, then Reno's slope.
    assert!(
        cubic.window() >= 28 * MSS && reno.window() == 50 * MSS,
        "{} {}",
        cubic.window(),
        reno.window()
    );
}

/// RFC 9406: growing round trips end slow start before anything is lost; steady ones do not.
#[test]
fn hystart_leaves_slow_start() {
    let run = |growing: bool| {
        let mut cubic = Cubic::new(10 * MSS);
        let mut una = 0;
        for round in 0..12u64 {
            let rtt = Duration::from_millis(if growing { 50 + 10 * round } else { 50 });
            for _ in 0..(cubic.window() / MSS).min(2_000) {
                una += MSS;
                let nxt = SeqNumber(una + cubic.window());
                let time = Duration::from_millis(60 * round);
                cubic.on_acknowledged(&Acknowledged { rtt: Some(rtt), nxt, ..at(time, MSS, una) });
            }
        }
        cubic.slow_start_threshold()
    };
    assert_eq!(run(false), u32::MAX);
    assert!(run(true) < 2_000 * MSS);
}

/// One window of acknowledgements of a segment each, `time` into a connection with round trips of `rtt`.
fn round(cubic: &mut Cubic, una: &mut u32, time: Duration, rtt: Duration) {
    let nxt = SeqNumber(*una + cubic.window());
    for _ in 0..cubic.window() / MSS {
        *una += MSS;
        cubic.on_acknowledged(&Acknowledged {
            rtt: Some(rtt),
            smoothed_rtt: rtt,
            nxt,
            ..at(time, MSS, *una)
        });
    }
}

/// RFC 9438 §4.8: after a timeout the stage that follows slow start begins at W_max, with K = 0.
#[test]
fn cubic_begins_flat_after_a_timeout() {
    let rtt = Duration::from_millis(200);
    let mut cubic = cubic_at(1_000 * MSS);
    cubic.on_timeout(700 * MSS, MSS, true);
    assert_eq!((cubic.window(), cubic.slow_start_threshold()), (MSS, 490 * MSS));
    let (mut una, mut time) = (0, Duration::ZERO);
    while cubic.window() < 490 * MSS {
        round(&mut cubic, &mut una, time, rtt);
        time += rtt;
    }
    let begun = time;
    while time <= begun + Duration::from_secs(3) {
        round(&mut cubic, &mut una, time, rtt);
        time += rtt;
    }
    // 490 + 0.4·t³ just after 3 s; the concave way to W_max = 595 would be at 580.
    let window = cubic.window() / MSS;
    assert!((495..515).contains(&window), "{window}");
}

/// RFC 9438 §4.2: the time in which the application had nothing to send is no time to grow in.
#[test]
fn cubic_stands_still_in_a_pause() {
    let rtt = Duration::from_millis(200);
    let run = |pause: Duration| {
        let mut cubic = cubic_at(200 * MSS);
        let mut una = 0;
        for step in 1..40u32 {
            let pause = if step > 20 { pause } else { Duration::ZERO };
            round(&mut cubic, &mut una, rtt * step + pause, rtt);
        }
        cubic.window() / MSS
    };
    let (steady, paused) = (run(Duration::ZERO), run(Duration::from_secs(20)));
    assert!(steady > 190, "{steady}");
    assert!(steady.abs_diff(paused) <= 2, "{steady} {paused}");
}

/// RFC 9406 §4.2: round trips shorter than those that began conservative slow start show that it began too early: slow start goes on.
#[test]
fn hystart_resumes_slow_start() {
    let mut cubic = Cubic::new(10 * MSS);
    let (mut una, mut time) = (0, Duration::ZERO);
    // How many octets the window grows by for each segment acknowledged.
    let mut pace = |cubic: &mut Cubic, millis: u64| {
        let before = cubic.window();
        round(cubic, &mut una, time, Duration::from_millis(millis));
        time += Duration::from_millis(millis);
        (cubic.window() - before) / (before / MSS)
    };
    assert_eq!([50, 50].map(|millis| pace(&mut cubic, millis)), [MSS; 2]);
    pace(&mut cubic, 70);
    assert_eq!(pace(&mut cubic, 70), MSS / 4);
    pace(&mut cubic, 60);
    assert_eq!([60; 5].map(|millis| pace(&mut cubic, millis)), [MSS; 5]);
    assert_eq!(cubic.slow_start_threshold(), u32::MAX);
}

/// RFC 9438 §4.4, §4.5: however far the function has run ahead, a round trip lets the window grow by half of it.
#[test]
fn cubic_grows_by_half_at_most() {
    let mut cubic = cubic_at(100 * MSS);
    cubic.on_acknowledged(&at(Duration::ZERO, MSS, MSS));
    cubic.on_acknowledged(&at(Duration::from_secs(60), 70 * MSS, 71 * MSS));
    let window = cubic.window() / MSS;
    assert!((104..=106).contains(&window), "{window}");
}

/// RFC 9406 §4.2: a few milliseconds more are no sign of a queue, however short the round trip.
#[test]
fn hystart_bears_four_milliseconds() {
    let mut cubic = Cubic::new(10 * MSS);
    let (mut una, mut time) = (0, Duration::ZERO);
    for millis in [10, 10, 13, 16, 19] {
        let before = cubic.window();
        round(&mut cubic, &mut una, time, Duration::from_millis(millis));
        time += Duration::from_millis(millis);
        assert_eq!(cubic.window(), 2 * before, "{millis}");
    }
    let before = cubic.window();
    round(&mut cubic, &mut una, time, Duration::from_millis(23));
    assert!(cubic.window() < 2 * before);
}

/// RFC 9406 §4.3: only the first slow start is HyStart++'s, with its bounds; after a loss the threshold ends slow start.
#[test]
fn hystart_is_for_the_first_slow_start() {
    let mut cubic = cubic_at(100 * MSS);
    cubic.on_timeout(70 * MSS, MSS, true);
    cubic.on_acknowledged(&acked(20 * MSS));
    assert_eq!(cubic.window(), 21 * MSS);
}

#[test]
fn a_loss_that_was_none_is_undone() {
    let before = controller(Algorithm::Cubic);
    let mut controller = before.clone();
    controller.get_mut().on_loss(100 * MSS, MSS);
    assert_eq!(controller.window(), 70 * MSS);
    controller.undo(&before);
    assert_eq!((controller.window(), controller.slow_start_threshold()), (100 * MSS, u32::MAX));
}

/// What most connections hold: no more than what most connections need.
#[test]
fn an_idle_controller_is_small() {
    assert!(size_of::<Controller>() <= 24);
}

/// RFC 8511 §3: a mark costs less than a loss; RFC 9438 §4.6: one segment is the least.
#[test]
fn marks_cost_less_than_losses() {
    let (mut cubic, mut reno) = (Cubic::new(100 * MSS), Reno::new(100 * MSS));
    cubic.on_ecn(100 * MSS, MSS);
    reno.on_ecn(100 * MSS, MSS);
    assert_eq!((cubic.window(), cubic.slow_start_threshold()), (85 * MSS, 85 * MSS));
    assert_eq!((reno.window(), reno.slow_start_threshold()), (80 * MSS, 80 * MSS));
    for _ in 0..40 {
        cubic.on_ecn(cubic.window(), MSS);
        reno.on_ecn(reno.window(), MSS);
    }
    assert_eq!((cubic.window(), cubic.slow_start_threshold()), (MSS, 2 * MSS));
    assert_eq!((reno.window(), reno.slow_start_threshold()), (MSS, 2 * MSS));
}

/// RFC 2861 §2: the window halves for each timeout of silence; the threshold remembers.
#[test]
fn idle_windows_halve() {
    for mut controller in by_window() {
        controller.get_mut().on_loss(100 * MSS, MSS);
        let window = controller.window();
        controller.get_mut().on_idle(10 * MSS, 1);
        assert_eq!(controller.window(), window / 2);
        assert_eq!(controller.slow_start_threshold(), window);
        controller.get_mut().on_idle(10 * MSS, 40);
        assert_eq!(controller.window(), 10 * MSS);
        controller.get_mut().on_idle(20 * MSS, 1);
        assert_eq!(controller.window(), 10 * MSS, "no growth by idleness");
    }
}

#[test]
fn algorithms_have_the_names_of_tcp_congestion() {
    for algorithm in Algorithm::ALL {
        assert_eq!(std::format!("{algorithm}").parse(), Ok(algorithm));
    }
    assert_eq!("vegas".parse::<Algorithm>(), Err(UnknownAlgorithm));
    assert_eq!(Algorithm::default().name(), "cubic");
}

/// RFC 2861 §2: the window goes half way to what is used of it, and the threshold remembers.
#[test]
fn an_unused_window_decays() {
    for mut controller in by_window() {
        controller.get_mut().on_loss(100 * MSS, MSS);
        let window = controller.window();
        controller.get_mut().on_underused(window);
        assert_eq!(controller.window(), window);
        controller.get_mut().on_underused(10 * MSS);
        assert_eq!(controller.window(), 10 * MSS + (window - 10 * MSS) / 2);
        assert_eq!(controller.slow_start_threshold(), window);
    }
}

/// RFC 9406 §4.3: how much one acknowledgement lets the window grow is bounded only without pacing.
#[test]
fn hystart_bounds_growth_unless_paced() {
    for (paced, grown) in [(false, 8), (true, 20)] {
        let mut cubic = Cubic::new(40 * MSS);
        cubic.on_acknowledged(&Acknowledged { paced, ..acked(20 * MSS) });
        assert_eq!(cubic.window(), (40 + grown) * MSS);
    }
}

#[test]
fn quanta_are_a_millisecond_within_bounds() {
    assert_eq!(send_quantum(10_000_000, MSS), 10_000);
    assert_eq!(send_quantum(1_000, MSS), 2 * MSS);
    assert_eq!(send_quantum(u64::MAX, MSS), 65_536);
}
