//! Spurious timeouts, told without timestamps (RFC 5682), and what follows from them (RFC 4015).

use super::harness::*;
use crate::{Config, Segment, Transmit};
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Flags, SeqNumber};
use std::vec::Vec;

const RTT: Duration = Duration::from_millis(100);
const FIRST: SeqNumber = SeqNumber(ISS_A.0 + 1);

fn at(index: u32) -> SeqNumber {
    FIRST + index * u32::from(MSS)
}

fn ack(until: u32, held: &[(u32, u32)]) -> Segment {
    let mut ack = segment(Flags::ACK, ISS_B + 1, at(until), b"");
    ack.options.sack =
        held.iter().map(|&(left, right)| SackBlock { left: at(left), right: at(right) }).collect();
    ack
}

fn indices(sent: &[Transmit]) -> Vec<u32> {
    sent.iter().map(|transmit| transmit.header.seq.since(FIRST) / u32::from(MSS)).collect()
}

/// Ten segments written of which four were sent and none was acknowledged, up to the first retransmission by the timer.
fn timed_out(sack: bool) -> Solo {
    let mut solo = Solo::syn_sent(Config { sack, initial_window_segments: 4, ..Solo::config() });
    solo.now += RTT;
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, FIRST, b"");
    syn_ack.options.mss = Some(MSS);
    syn_ack.options.sack_permitted = sack;
    solo.on(syn_ack);
    solo.drain();
    let data = std::vec![7; 10 * usize::from(MSS)];
    assert_eq!(solo.connection.write(solo.now, &data), Ok(data.len()));
    assert_eq!(indices(&solo.drain()), [0, 1, 2, 3]);
    let mut again = solo.wait(Duration::from_millis(690));
    if sack {
        // The tail probe, for which there is new data.
        assert_eq!(indices(&[again.remove(0).1]), [4]);
    }
    assert_eq!(indices(&[again.remove(0).1]), [0]);
    assert!(again.is_empty());
    assert_eq!(solo.connection.info().backoff, 1);
    solo
}

/// Steps 2b and 3b: the second acknowledgement covers what was sent only once: nothing was lost, nothing more is sent again, and
/// congestion control is as before.
#[test]
fn a_spurious_timeout_is_undone() {
    for sack in [false, true] {
        let mut solo = timed_out(sack);
        let before = 4 * u32::from(MSS);
        assert_eq!(solo.connection.info().congestion_window, u32::from(MSS));
        solo.on(ack(1, &[]));
        let fresh = indices(&solo.drain());
        assert!(!fresh.is_empty() && fresh.iter().all(|index| *index >= 4), "{sack} {fresh:?}");
        solo.on(ack(2, &[]));
        let after = indices(&solo.drain());
        assert!(after.iter().all(|index| *index >= 4), "{sack} {after:?}");
        let info = solo.connection.info();
        assert!(info.congestion_window >= before, "{}", info.congestion_window);
        assert_eq!(info.backoff, 0);
        // RFC 4015 §3.4: 700 ms or so were measured, and will not surprise the timer again.
        assert!(info.rtt.unwrap() >= Duration::from_millis(600), "{:?}", info.rtt);
    }
}

/// Step 3a: a duplicate in answer to the new data means that the hole is real: conventional recovery goes on.
#[test]
fn a_real_loss_is_repaired() {
    for sack in [false, true] {
        let mut solo = timed_out(sack);
        solo.on(ack(1, &[]));
        let fresh = indices(&solo.drain());
        assert!(fresh.iter().all(|index| *index >= 4), "{sack} {fresh:?}");
        solo.on(ack(1, if sack { &[(5, 6)] } else { &[] }));
        assert_eq!(indices(&solo.drain())[0], 1, "{sack}");
        assert!(solo.connection.info().slow_start_threshold < 4 * u32::from(MSS));
    }
}

/// Step 2a: an acknowledgement of all that was outstanding proves nothing.
#[test]
fn a_complete_acknowledgement_is_conventional() {
    let mut solo = timed_out(false);
    solo.on(ack(4, &[]));
    assert!(solo.connection.info().congestion_window <= 3 * u32::from(MSS));
}

/// RFC 6298 §5.7 and Karn's algorithm: without a fresh sample the timeout stays backed off.
#[test]
fn backoff_lasts_until_a_sample() {
    let mut solo = timed_out(false);
    solo.on(ack(1, &[]));
    assert_eq!(solo.connection.info().backoff, 1, "what was sent twice measures nothing");
    solo.on(ack(2, &[]));
    assert_eq!(solo.connection.info().backoff, 0);
}
