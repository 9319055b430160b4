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
        una: SeqNumber(una),
        nxt: SeqNumber(una + 100 * MSS),
    }
}

#[test]
fn initial_window_follows_rfc_6928() {
    assert_eq!(initial_window(1_460, 10), 14_600);
    assert_eq!(initial_window(536, 10), 5_360);
    assert_eq!(initial_window(9_000, 10), 18_000);
}

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
