use super::*;

const MSS: u32 = 1_000;

fn at(segments: u32) -> SeqNumber {
    SeqNumber(segments * MSS)
}

/// In slow start a window of which more than half was used may grow, up to twice what was used.
#[test]
fn slow_start_goes_to_twice_what_is_used() {
    let mut usage = Usage::new(Instant::ZERO, at(0));
    usage.observe(9 * MSS, at(0), at(9), false);
    assert!(usage.is_limited(10 * MSS, u32::MAX));
    assert!(usage.is_limited(17 * MSS, u32::MAX));
    assert!(!usage.is_limited(18 * MSS, u32::MAX));
    // Less in flight later in the same round changes nothing, the next round does.
    usage.observe(2 * MSS, at(8), at(10), false);
    assert!(usage.is_limited(17 * MSS, u32::MAX));
    usage.observe(3 * MSS, at(10), at(13), false);
    assert!(!usage.is_limited(6 * MSS, u32::MAX));
}

/// RFC 7661 §4.3: no growth while the window is not what limits.
#[test]
fn avoidance_needs_the_whole_window() {
    let mut usage = Usage::new(Instant::ZERO, at(0));
    usage.observe(9 * MSS, at(0), at(9), false);
    assert!(!usage.is_limited(10 * MSS, 5 * MSS));
    usage.observe(10 * MSS, at(0), at(10), true);
    usage.observe(4 * MSS, at(7), at(11), false);
    assert!(usage.is_limited(10 * MSS, 5 * MSS), "once a round is enough");
    usage.observe(4 * MSS, at(10), at(14), false);
    assert!(!usage.is_limited(10 * MSS, 5 * MSS));
}

/// RFC 2861 §2: what was used at most over a timeout, counted from when the window last was the limit.
#[test]
fn an_unused_window_is_told_once_a_timeout() {
    let timeout = Duration::from_millis(200);
    let mut usage = Usage::new(Instant::ZERO, at(0));
    let mut told = |millis: u64, flight: u32, limited: bool| {
        usage.underused(Instant::from_millis(millis), flight, limited, || timeout)
    };
    assert_eq!(told(100, 9 * MSS, true), None);
    assert_eq!(told(250, 5 * MSS, false), None);
    assert_eq!(told(299, 2 * MSS, false), None);
    assert_eq!(told(300, 3 * MSS, false), Some(5 * MSS));
    assert_eq!(told(301, 3 * MSS, false), None);
    assert_eq!(told(500, 2 * MSS, false), Some(3 * MSS));
}
