use super::*;

const MSS: u32 = 1_000;
const RATE: u64 = 1_000_000;

fn started(now: Instant) -> Pacer {
    let mut pacer = Pacer::default();
    pacer.on_sent(now, 10 * MSS, 10, RATE);
    assert!(pacer.may_leave(now), "the first ten segments are not paced");
    pacer
}

/// Pacing: evenly over the round trip.
#[test]
fn segments_leave_at_the_rate() {
    let mut now = Instant::from_millis(5);
    let start = now;
    let mut pacer = started(now);
    for _ in 0..100 {
        assert!(pacer.may_leave(now));
        pacer.on_sent(now, 2 * MSS, 2, RATE);
        assert!(!pacer.may_leave(now));
        now = pacer.deadline();
    }
    assert_eq!(now.since(start), Duration::from_millis(200));
    pacer.clear();
    assert_eq!(pacer.deadline(), Instant::FAR_FUTURE);
}

/// Late timers are made up for, but a long pause earns no burst.
#[test]
fn lateness_is_credited_up_to_half_a_quantum() {
    let mut pacer = started(Instant::ZERO);
    pacer.on_sent(Instant::ZERO, 2 * MSS, 2, RATE);
    let late = Instant::from_micros(2_300);
    assert!(pacer.may_leave(late));
    pacer.on_sent(late, 2 * MSS, 2, RATE);
    assert!(!pacer.may_leave(late));
    assert_eq!(pacer.deadline(), Instant::from_millis(4));
    let idle = Instant::from_millis(500);
    pacer.on_sent(idle, 2 * MSS, 2, RATE);
    assert!(!pacer.may_leave(idle));
    assert_eq!(pacer.deadline(), Instant::from_millis(501));
}
