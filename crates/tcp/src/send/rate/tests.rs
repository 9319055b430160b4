use super::super::in_flight::InFlight;
use super::super::rack::{AckTimes, Rack};
use crate::congestion::RateSample;
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Instant, SeqNumber};

const MSS: u32 = 1_000;
const MIN_RTT: Duration = Duration::from_millis(10);

fn at(offset: u32) -> SeqNumber {
    SeqNumber(u32::MAX - 2_000) + offset
}

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

struct Path {
    in_flight: InFlight,
    rack: Rack,
}

impl Path {
    fn new() -> Self {
        Self { in_flight: InFlight::default(), rack: Rack::new(None) }
    }

    fn send(&mut self, millis: u64, start: u32, len: u32) {
        self.in_flight.push(ms(millis), at(start), len, MSS as u16);
    }

    fn ack(&mut self, millis: u64, una: u32, sacks: &[(u32, u32)]) -> Option<RateSample> {
        let times = AckTimes { arrival: ms(millis), echo: None, mss: 1_000 };
        let mut delivered = self.in_flight.acknowledge(at(una), &times, &mut self.rack);
        for (left, right) in sacks {
            let block = SackBlock { left: at(*left), right: at(*right) };
            self.in_flight.sack(block, &times, &mut self.rack, &mut delivered);
        }
        self.in_flight.sample(ms(millis), &delivered, MIN_RTT)
    }
}

/// One segment a millisecond, acknowledged 20 ms later: a million octets a second.
#[test]
fn a_steady_flow_shows_its_rate() {
    let mut path = Path::new();
    let mut last = None;
    for step in 0..100_u32 {
        path.send(step.into(), step * MSS, MSS);
        if let Some(arrived) = step.checked_sub(20) {
            last = path.ack(step.into(), (arrived + 1) * MSS, &[]);
        }
    }
    let sample = last.unwrap();
    assert_eq!(sample.bytes_per_second, 1_000_000);
    assert_eq!((sample.delivered, sample.lost, sample.app_limited), (21 * MSS, 0, false));
    assert_eq!(sample.in_flight, 21 * MSS);
}

/// Acknowledgements that were held up and come at once do not show a rate higher than what was sent.
#[test]
fn compressed_acknowledgements_do_not_inflate_the_rate() {
    let mut path = Path::new();
    for step in 0..40_u32 {
        path.send(step.into(), step * MSS, MSS);
    }
    path.ack(41, MSS, &[]);
    for step in 40..60_u32 {
        path.send(u64::from(step) + 2, step * MSS, MSS);
    }
    for una in 2..=60 {
        let sample = path.ack(100, una * MSS, &[]).unwrap();
        assert!(sample.bytes_per_second <= 1_100_000, "{sample:?}");
    }
}

/// What arrives impossibly fast, such as what a spurious retransmission seems to bring, is no measure.
#[test]
fn intervals_below_the_minimum_round_trip_are_ignored() {
    let mut path = Path::new();
    path.send(0, 0, MSS);
    let sample = path.ack(5, MSS, &[]).unwrap();
    assert_eq!((sample.bytes_per_second, sample.delivered), (0, MSS));
}

/// What follows a time without data says little, until what was sent before it is acknowledged.
#[test]
fn a_dry_sender_is_application_limited() {
    let mut path = Path::new();
    path.send(0, 0, 2 * MSS);
    assert!(path.ack(20, MSS, &[]).is_none(), "a partial acknowledgement is of no transmission");
    path.send(20, 2 * MSS, 2 * MSS);
    assert!(path.ack(30, 2 * MSS, &[]).unwrap().app_limited, "the first flight");
    assert!(!path.ack(40, 4 * MSS, &[]).unwrap().app_limited);

    path.send(40, 4 * MSS, MSS);
    path.in_flight.mark_app_limited();
    path.send(41, 5 * MSS, MSS);
    let sample = path.ack(60, 6 * MSS, &[]).unwrap();
    assert!(sample.app_limited, "the latest transmission counts");
}

/// Losses since a transmission left, and what was in flight when it had.
#[test]
fn losses_are_told_with_what_was_in_flight() {
    let mut path = Path::new();
    path.send(0, 0, MSS);
    path.ack(10, MSS, &[]);
    for segment in 1..=10 {
        path.send(10, segment * MSS, MSS);
    }
    path.ack(20, MSS, &[(4 * MSS, 6 * MSS), (9 * MSS, 11 * MSS)]);
    assert_eq!(path.in_flight.detect(ms(20), Duration::ZERO), 6 * MSS);
    let losses = path.in_flight.take_losses();
    let told: std::vec::Vec<_> =
        losses.iter().map(|lost| (lost.start, lost.in_flight, lost.lost)).collect();
    assert_eq!(told[0], (at(MSS), MSS, MSS));
    assert_eq!(told[3], (at(6 * MSS), 6 * MSS, 4 * MSS));
    assert_eq!(told.len(), 6);
    // The retransmission left after all of them were lost.
    path.in_flight.on_retransmitted(ms(20), MSS, MSS as u16, false);
    let sample = path.ack(35, 2 * MSS, &[]).unwrap();
    assert_eq!((sample.lost, sample.in_flight, sample.delivered), (0, MSS, MSS));
}

/// Super-segments of which a part arrives: each part knows what was in flight when it had left.
#[test]
fn parts_of_super_segments_keep_their_snapshot() {
    let mut path = Path::new();
    path.send(0, 0, MSS);
    path.ack(10, MSS, &[]);
    path.send(10, MSS, 10 * MSS);
    path.send(11, 11 * MSS, 10 * MSS);
    let sample = path.ack(30, MSS, &[(3 * MSS, 5 * MSS)]).unwrap();
    assert_eq!((sample.in_flight, sample.delivered), (4 * MSS, 2 * MSS));
    let sample = path.ack(31, MSS, &[(12 * MSS, 13 * MSS)]).unwrap();
    assert_eq!((sample.in_flight, sample.delivered), (12 * MSS, 3 * MSS));
    let sample = path.ack(32, 21 * MSS, &[]).unwrap();
    assert_eq!(sample.delivered, 20 * MSS);
    assert_eq!(sample.bytes_per_second, 20 * 1_000_000 / 22);
    assert!(path.in_flight.next_lost().is_none());
}
