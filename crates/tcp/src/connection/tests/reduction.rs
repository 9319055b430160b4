use super::harness::*;
use crate::congestion::Algorithm;
use crate::{Config, Segment};
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Flags, SeqNumber};

const FIRST: SeqNumber = SeqNumber(ISS_A.0 + 1);
const RTT: Duration = Duration::from_millis(100);

fn at(index: u32) -> SeqNumber {
    FIRST + index * u32::from(MSS)
}

fn ack(until: u32, held: Option<(u32, u32)>) -> Segment {
    let mut ack = segment(Flags::ACK, ISS_B + 1, at(until), b"");
    ack.options.sack = held
        .map(|(left, right)| SackBlock { left: at(left), right: at(right) })
        .into_iter()
        .collect();
    ack
}

/// RFC 9937 §6: one of twenty segments is lost, and the window is halved: while the other nineteen are acknowledged one by one, ten
/// leave, spread over the round trip, none in a burst; afterwards the window is the threshold.
#[test]
fn a_reduction_is_spread_over_the_round_trip() {
    let config = Config {
        sack: true,
        congestion: Algorithm::Reno,
        initial_window_segments: 20,
        ..Solo::config()
    };
    let mut solo = Solo::syn_sent(config);
    solo.now += RTT;
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, FIRST, b"");
    syn_ack.options.mss = Some(MSS);
    syn_ack.options.sack_permitted = true;
    solo.on(Segment { window: 65_535, ..syn_ack });
    solo.drain();
    solo.connection.write(solo.now, &std::vec![7; 100 * usize::from(MSS)]).unwrap();
    assert_eq!(solo.drain().len(), 20);
    solo.now += RTT;
    let mut left = 0;
    let mut longest_silence = 0;
    let mut silence = 0;
    for held in 2..=20 {
        solo.on(ack(0, Some((1, held))));
        let burst = solo.drain().len();
        // The first acknowledgements only tell of the loss.
        if left > 0 {
            assert!(burst <= 2, "{burst} at once");
            silence = if burst == 0 { silence + 1 } else { 0 };
            longest_silence = longest_silence.max(silence);
        }
        left += burst;
    }
    assert!((9..=11).contains(&left), "{left} of 20");
    assert!(longest_silence <= 2, "{longest_silence} acknowledgements let nothing out");
    let info = solo.connection.info();
    assert_eq!(info.slow_start_threshold, 10 * u32::from(MSS));
    solo.now += RTT;
    solo.on(ack(20, None));
    solo.drain();
    assert_eq!(solo.connection.info().congestion_window, 10 * u32::from(MSS));
}
