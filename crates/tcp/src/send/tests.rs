use super::buffer::SendBuffer;
use super::frto::Frto;
use super::in_flight::InFlight;
use super::min_rtt::MinRtt;
use super::prr::Prr;
use super::rack::{AckTimes, Rack};
use super::recovery::{Kind, Recovery};
use super::rtt::RttEstimator;
use crate::Config;
use crate::congestion::{Algorithm, Controller, Start};
use bytes::Bytes;
use core::time::Duration;
use proptest::prelude::*;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Instant, SeqNumber};
use std::vec::Vec;

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    AppendChunk(usize),
    Slice(usize, usize),
    Release(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0usize..40_000).prop_map(Step::Append),
        (0usize..3_000).prop_map(Step::AppendChunk),
        (any::<usize>(), 0usize..5_000).prop_map(|(at, len)| Step::Slice(at, len)),
        any::<usize>().prop_map(Step::Release),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    /// The buffer is a byte queue, whatever its chunks are.
    #[test]
    fn the_buffer_is_a_byte_queue(steps in steps()) {
        let mut buffer = SendBuffer::default();
        let mut model: Vec<u8> = Vec::new();
        let mut written = 0usize;
        let mut fill = |len: usize| -> Vec<u8> {
            let bytes = (written..written + len).map(|at| (at ^ (at >> 8)) as u8).collect();
            written += len;
            bytes
        };
        for step in steps {
            match step {
                Step::Append(len) => { let bytes = fill(len); buffer.append(&bytes, &mut bytes::BytesMut::with_capacity); model.extend(bytes); }
                Step::AppendChunk(len) => { let bytes = fill(len); model.extend(&bytes); buffer.append_chunk(Bytes::from(bytes)); }
                Step::Slice(at, len) => {
                    let at = at % (model.len() + 1);
                    let slice = buffer.slice(at, len);
                    let mut out = std::vec![0; slice.len()];
                    slice.copy_to(&mut out);
                    prop_assert_eq!(&out[..], &model[at..model.len().min(at + len)]);
                }
                Step::Release(count) => {
                    let count = count % (model.len() + 1);
                    buffer.release(count);
                    model.drain(..count);
                }
            }
            prop_assert_eq!(buffer.len(), model.len());
        }
    }
}

/// RFC 9293 MUST-18, RFC 6298 §2: first sample, later samples, and the bounds.
#[test]
fn rtt_follows_rfc_6298() {
    let config = Config { min_rto: Duration::from_millis(1), ..Config::default() };
    let mut rtt = RttEstimator::new(&config);
    assert_eq!(rtt.timeout(0), Duration::from_secs(1));
    rtt.sample(Duration::from_millis(100));
    assert_eq!(
        (rtt.smoothed(), rtt.variation()),
        (Some(Duration::from_millis(100)), Duration::from_millis(50))
    );
    assert_eq!(rtt.timeout(0), Duration::from_millis(300));
    rtt.sample(Duration::from_millis(200));
    assert_eq!(rtt.variation(), Duration::from_micros(62_500));
    assert_eq!(rtt.smoothed(), Some(Duration::from_micros(112_500)));
    assert_eq!(rtt.timeout(1), Duration::from_micros(2 * (112_500 + 250_000)));
    assert_eq!(rtt.timeout(30), config.max_rto);
}

#[test]
fn a_syn_timeout_makes_the_estimator_careful() {
    let mut rtt = RttEstimator::new(&Config::default());
    rtt.distrust();
    assert_eq!(rtt.timeout(0), Duration::from_secs(3));
}

#[test]
fn lost_records_leave_the_network_until_sent_again() {
    let mut in_flight = InFlight::default();
    let at = |offset: u32| SeqNumber(u32::MAX - 999) + offset;
    in_flight.push(Instant::from_millis(1), at(0), 3_000, 1_000);
    in_flight.push(Instant::from_millis(2), at(3_000), 1_000, 1_000);
    in_flight.mark_first_lost(1_000);
    assert_eq!((in_flight.outstanding(), in_flight.next_lost()), (3_000, Some((at(0), 1_000))));
    in_flight.on_retransmitted(Instant::from_millis(3), 1_000, 1_000, false);
    assert_eq!((in_flight.outstanding(), in_flight.next_lost()), (4_000, None));
    let mut rack = Rack::new(None);
    let times = AckTimes { arrival: Instant::from_millis(9), echo: None, mss: 1_000 };
    let covered = in_flight.acknowledge(at(1_000), &times, &mut rack);
    assert_eq!(covered.sample_from, None, "Karn's rule");
    in_flight.mark_all_lost();
    assert_eq!((in_flight.outstanding(), in_flight.next_lost()), (0, Some((at(1_000), 2_000))));
    in_flight.on_retransmitted(Instant::from_millis(4), 500, 1_000, false);
    assert_eq!((in_flight.outstanding(), in_flight.next_lost()), (500, Some((at(1_500), 1_500))));
    in_flight.acknowledge(at(4_000), &times, &mut rack);
    assert_eq!((in_flight.outstanding(), in_flight.next_lost()), (0, None));
}

/// RFC 2018 §4: the records that a SACK block splits are of whole segments, those that were sent; less does not count.
#[test]
fn parts_of_segments_are_not_held() {
    let mut in_flight = InFlight::default();
    let at = |offset: u32| SeqNumber(u32::MAX - 1_999) + offset;
    in_flight.push(Instant::from_millis(1), at(0), 3_000, 1_000);
    in_flight.push(Instant::from_millis(2), at(3_000), 700, 1_000);
    let mut rack = Rack::new(None);
    let times = AckTimes { arrival: Instant::from_millis(9), echo: None, mss: 1_400 };
    let mut held = |in_flight: &mut InFlight, left, right| {
        let mut delivered = in_flight.acknowledge(at(0), &times, &mut rack);
        let block = SackBlock { left: at(left), right: at(right) };
        in_flight.sack(block, &times, &mut rack, &mut delivered);
        (delivered.sacked, delivered.sample_from.is_some())
    };
    for (left, right) in [(3_699, 3_700), (3_000, 3_699), (1, 1_000), (999, 1_001), (0, 999)] {
        assert_eq!(held(&mut in_flight, left, right), (0, false), "{left}..{right}");
    }
    assert_eq!(in_flight.outstanding(), 3_700);
    assert_eq!(held(&mut in_flight, 500, 2_999), (1_000, true));
    assert_eq!(held(&mut in_flight, 1_500, 3_700), (1_700, true));
    assert_eq!((in_flight.outstanding(), in_flight.sacked()), (1_000, 2_700));
    in_flight.mark_all_lost();
    assert_eq!(in_flight.next_lost(), Some((at(0), 1_000)));
    // Cut differently, it is no longer known where the segments of the rest began.
    in_flight.on_retransmitted(Instant::from_millis(10), 400, 400, false);
    assert_eq!(held(&mut in_flight, 399, 999), (599, true));
    // The data of a segment whose FIN the peer did not take.
    in_flight.push(Instant::from_millis(10), at(3_700), 801, 1_000);
    in_flight.note_fin(at(4_500));
    assert_eq!(held(&mut in_flight, 3_700, 4_499), (0, false));
    assert_eq!(held(&mut in_flight, 3_700, 4_500), (800, true));
}

/// RFC 8985 §6.2 step 4: what the peer holds counts in segments, until it is acknowledged or taken back; a FIN is none of its own.
#[test]
fn held_segments_are_counted() {
    let mut in_flight = InFlight::default();
    let at = |offset: u32| SeqNumber(u32::MAX - 1_999) + offset;
    let now = Instant::from_millis(1);
    for (start, len) in [(0, 1_000), (1_000, 2_000), (3_000, 10), (3_010, 1), (3_011, 1_001)] {
        in_flight.push(now, at(start), len, 1_000);
    }
    in_flight.note_fin(at(4_011));
    let mut rack = Rack::new(None);
    let times = AckTimes { arrival: Instant::from_millis(9), echo: None, mss: 1_000 };
    let count =
        |in_flight: &InFlight| (1..9).take_while(|count| in_flight.holds_segments(*count)).count();
    let mut held = |in_flight: &mut InFlight, una, left, right| {
        let mut delivered = in_flight.acknowledge(at(una), &times, &mut rack);
        let block = SackBlock { left: at(left), right: at(right) };
        in_flight.sack(block, &times, &mut rack, &mut delivered);
        count(in_flight)
    };
    assert_eq!(count(&in_flight), 0);
    assert_eq!(held(&mut in_flight, 0, 3_000, 3_010), 1);
    assert_eq!(held(&mut in_flight, 0, 3_011, 4_012), 2);
    assert_eq!(held(&mut in_flight, 0, 3_000, 4_012), 3);
    assert_eq!(held(&mut in_flight, 0, 2_000, 4_012), 4);
    assert_eq!(held(&mut in_flight, 0, 0, 1_000), 5);
    in_flight.forget_sacked_if_reneged();
    assert_eq!(count(&in_flight), 0);
    // Where the small ones began is forgotten by then.
    assert_eq!(held(&mut in_flight, 0, 1_000, 3_010), 2);
    assert_eq!(held(&mut in_flight, 3_010, 3_011, 4_012), 1);
}

/// RFC 8985 §6.3: a timeout says of the first segment that it is lost, of others only once a round trip and the reordering that is
/// allowed for have passed since they were sent.
#[test]
fn a_timeout_spares_what_may_be_late() {
    let lost_at = |millis, window| {
        let mut in_flight = InFlight::default();
        for index in 0..3 {
            let sent = Instant::from_millis(u64::from(index) * 10);
            in_flight.push(sent, SeqNumber(index * 1_000), 1_000, 1_000);
        }
        let mut rack = Rack::new(None);
        let times = AckTimes { arrival: Instant::from_millis(100), echo: None, mss: 1_000 };
        in_flight.acknowledge(SeqNumber(1_000), &times, &mut rack);
        in_flight.mark_timed_out(Instant::from_millis(millis), 1_000, window);
        in_flight.lost()
    };
    assert_eq!(lost_at(119, Duration::ZERO), 1_000);
    assert_eq!(lost_at(120, Duration::ZERO), 2_000);
    assert_eq!(lost_at(144, Duration::from_millis(25)), 1_000);
    assert_eq!(lost_at(145, Duration::from_millis(25)), 2_000);
}

/// RFC 8985 §6.2: what was measured more than five minutes ago, on what may have been another path, no longer counts; what was
/// measured in the last two and a half does.
#[test]
fn the_least_round_trip_is_of_late() {
    let at = |seconds: u64| Instant::from_millis(seconds * 1_000);
    let mut least = MinRtt::new(Some(Duration::from_micros(70)));
    assert_eq!(least.micros(), 70);
    least.observe(at(1_000), 90);
    assert_eq!(least.micros(), 70);
    least.observe(at(1_100), 50);
    for (seconds, micros, expected) in [
        (1_150, 200, 50),
        (1_249, 200, 50),
        (1_401, 150, 150),
        (1_450, 170, 150),
        (2_000, 300, 300),
    ] {
        least.observe(at(seconds), micros);
        assert_eq!(least.micros(), expected, "{seconds} s");
    }
    let mut none = MinRtt::new(None);
    assert_eq!(none.micros(), 0);
    none.observe(at(1), 30);
    none.observe(at(2), 40);
    assert_eq!(none.micros(), 30);
}

/// RFC 9937: over a recovery without further loss, what leaves is to what arrives as the threshold is to the flight.
#[test]
fn prr_spreads_the_reduction() {
    let mss = 1_000;
    let (flight, threshold) = (100 * mss, 70 * mss);
    let mut prr = Prr::new(flight, threshold);
    let mut in_flight = flight - 4 * mss;
    prr.on_ack(3 * mss, in_flight, false, mss);
    let mut out = 0;
    for _ in 0..96 {
        while in_flight + mss <= prr.window {
            in_flight += mss;
            prr.out += mss;
            out += mss;
        }
        in_flight -= mss;
        prr.on_ack(mss, in_flight, true, mss);
    }
    assert!((threshold - 3 * mss..=threshold).contains(&out), "{out}");
    assert!(prr.window.abs_diff(threshold) <= 2 * mss, "{}", prr.window);
}

/// RFC 9937 §6.2, SafeACK: below the threshold what arrives lets as much out, and one segment more if the acknowledgement advanced and
/// showed no further loss; never beyond the threshold.
#[test]
fn prr_grows_back_only_on_safe_acknowledgements() {
    let mss = 1_000;
    for (in_flight, safe, grown) in [(4, false, 1), (4, true, 2), (9, true, 1), (10, true, 0)] {
        let mut prr = Prr::new(20 * mss, 10 * mss);
        prr.on_ack(mss, in_flight * mss, false, mss);
        prr.out += mss;
        prr.on_ack(mss, in_flight * mss, safe, mss);
        assert_eq!(prr.window, (in_flight + grown) * mss, "{in_flight} {safe}");
    }
}

/// RFC 8985 §6.2, step 4: each round trip with a D-SACK grants one quarter of the minimum RTT more, no more than SRTT; sixteen
/// recoveries later it is one quarter again.
#[test]
fn rack_waits_longer_after_duplicates() {
    let millis = Duration::from_millis;
    let mut rack = Rack::new(Some(millis(100)));
    let window = |rack: &Rack| rack.window(false, Some(millis(120)));
    let at = |offset: u32| SeqNumber(u32::MAX - 999) + offset;
    assert_eq!(window(&rack), millis(25));
    rack.on_dsack(at(0), at(5_000));
    assert_eq!(window(&rack), millis(50));
    rack.on_dsack(at(4_999), at(9_000));
    assert_eq!(window(&rack), millis(50), "the same round trip");
    rack.on_dsack(at(5_000), at(9_000));
    assert_eq!(window(&rack), millis(75));
    for _ in 0..15 {
        rack.on_recovered();
    }
    assert_eq!(window(&rack), millis(75));
    rack.on_recovered();
    assert_eq!(window(&rack), millis(25));
    for round in 2..6 {
        rack.on_dsack(at(round * 5_000), at((round + 1) * 5_000));
    }
    assert_eq!(window(&rack), millis(120));
}

/// RFC 8985 §6.3: a timeout means that the first segment is lost and what was sent a round trip ago, but not what has only just left.
#[test]
fn timeouts_spare_what_has_just_left() {
    let mut in_flight = InFlight::default();
    let at = |offset: u32| SeqNumber(u32::MAX - 1_999) + offset;
    in_flight.push(Instant::from_millis(0), at(0), 1_000, 1_000);
    in_flight.push(Instant::from_millis(0), at(1_000), 2_000, 1_000);
    let mut rack = Rack::new(None);
    let times = AckTimes { arrival: Instant::from_millis(100), echo: None, mss: 1_000 };
    in_flight.acknowledge(at(1_000), &times, &mut rack);
    in_flight.push(Instant::from_millis(250), at(3_000), 1_000, 1_000);
    in_flight.push(Instant::from_millis(251), at(4_000), 1_000, 1_000);
    in_flight.mark_timed_out(Instant::from_millis(350), 1_000, Duration::ZERO);
    assert_eq!((in_flight.outstanding(), in_flight.next_lost()), (1_000, Some((at(1_000), 1_000))));
    in_flight.on_retransmitted(Instant::from_millis(350), 1_000, 1_000, false);
    assert_eq!(in_flight.next_lost(), Some((at(2_000), 1_000)));
    // The first one is lost however young.
    in_flight.acknowledge(at(4_000), &times, &mut rack);
    in_flight.mark_timed_out(Instant::from_millis(300), 1_000, Duration::ZERO);
    assert_eq!((in_flight.outstanding(), in_flight.next_lost()), (0, Some((at(4_000), 1_000))));
}

/// RFC 6675 §5 step 4.3, RFC 6298 §5.4: the first retransmission of a recovery by SACK, and of each timeout, does not ask the
/// congestion window; the next of the recovery does.
#[test]
fn one_retransmission_is_forced() {
    let start = Start { window: 10_000, threshold: u32::MAX, mss: 1_000, rtt: None, seed: 0 };
    let before = || Controller::new(Algorithm::Reno, &start);
    let rtt = RttEstimator::new(&Config::default());
    let (una, nxt) = (SeqNumber(1), SeqNumber(10_001));
    let mut recovery = Recovery::new(SeqNumber(0));
    recovery.enter(Kind::Sack(Prr::new(10_000, 5_000)), una, nxt, before(), &rtt);
    assert!(recovery.forces_retransmission());
    recovery.on_sent(Instant::from_millis(1), 1_000, 1_000, false);
    assert!(recovery.forces_retransmission(), "new data is none");
    recovery.on_sent(Instant::from_millis(1), 1_000, 1_000, true);
    assert!(!recovery.forces_retransmission());
    recovery.enter(Kind::Timeout(Frto::Over), una, nxt, before(), &rtt);
    assert!(recovery.forces_retransmission());
}
