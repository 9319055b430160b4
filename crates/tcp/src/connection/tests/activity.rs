//! What a sender spends its time on, and what is told of its inner life.

use super::harness::*;
use crate::{Config, Limit, Phase};
use core::time::Duration;
use sockeye_wire::Flags;
use sockeye_wire::tcp::options::SackBlock;

const STEP: Duration = Duration::from_millis(100);

fn acked(octets: u32, window: u16) -> crate::Segment {
    let mut ack = segment(Flags::ACK, ISS_B + 1, ISS_A + 1 + octets, b"");
    ack.window = window;
    ack
}

#[test]
fn time_is_told_apart() {
    let config =
        Config { send_buffer_bytes: 2_000, initial_send_buffer_bytes: 2_000, ..Solo::config() };
    let mut solo = Solo::established(config);
    let activity = |solo: &Solo| solo.connection.info().activity;
    assert_eq!(activity(&solo).busy(solo.now), Duration::ZERO);
    solo.on(acked(0, 0));
    solo.connection.write(solo.now, &[7; 1_000]).unwrap();
    assert!(solo.drain().is_empty());
    solo.now += STEP;
    assert_eq!(activity(&solo).receive_window_limited(solo.now), STEP);
    solo.on(acked(0, 10_000));
    assert_eq!(solo.drain().len(), 1);
    solo.now += STEP;
    assert_eq!(activity(&solo).limit(), Limit::Network);
    // All of the buffer is in flight, and the application has more.
    assert_eq!(solo.connection.write(solo.now, &[7; 5_000]), Ok(1_000));
    solo.connection.set_nagle(false);
    assert_eq!(solo.drain().len(), 1);
    solo.now += STEP;
    assert_eq!(activity(&solo).send_buffer_limited(solo.now), STEP);
    solo.on(acked(2_000, 10_000));
    solo.drain();
    solo.now += STEP;
    let activity = activity(&solo);
    assert_eq!(activity.limit(), Limit::Idle);
    assert_eq!(activity.busy(solo.now), 3 * STEP);
    assert_eq!(activity.receive_window_limited(solo.now), STEP);
}

#[test]
fn phases_have_names() {
    let mut solo = Solo::syn_sent(Config { sack: true, ..Solo::config() });
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
    syn_ack.options.mss = Some(MSS);
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.connection.write(solo.now, &[7; 14_600]).unwrap();
    assert!(solo.drain().len() > 8);
    let phase = |solo: &Solo| solo.connection.info().phase;
    assert_eq!(phase(&solo), Phase::Open);
    let sacked = |from: u32, to: u32| {
        let mut ack = acked(0, 65_535);
        let at = |index: u32| ISS_A + 1 + index * u32::from(MSS);
        ack.options.sack.push(SackBlock { left: at(from), right: at(to) });
        ack
    };
    solo.now += STEP;
    solo.on(sacked(1, 2));
    assert_eq!(phase(&solo), Phase::Disorder);
    solo.on(sacked(1, 4));
    assert_eq!(phase(&solo), Phase::Recovery);
    assert_eq!(solo.connection.info().resent, 0);
    solo.drain();
    assert_eq!(solo.connection.info().resent, u32::from(MSS));
    solo.wait(Duration::from_secs(2));
    assert_eq!(phase(&solo), Phase::Loss);
    solo.on(acked(14_600, 65_535));
    assert_eq!(phase(&solo), Phase::Open);
}

#[test]
fn times_of_data_are_told() {
    let mut solo = Solo::established(Solo::config());
    let established = solo.now;
    solo.now += STEP;
    assert_eq!(solo.connection.info().last_received, Some(established));
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"data"));
    assert_eq!(solo.connection.info().last_received, Some(solo.now));
    solo.connection.write(solo.now, &[7; 10]).unwrap();
    solo.drain();
    assert_eq!(solo.connection.info().last_sent, Some(solo.now));
}
