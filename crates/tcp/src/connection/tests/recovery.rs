use super::harness::*;
use crate::{Config, MtuProbing, Segment, Transmit};
use core::time::Duration;
use sockeye_wire::tcp::options::SackBlock;
use sockeye_wire::{Flags, SeqNumber};
use std::vec::Vec;

const RTT: Duration = Duration::from_millis(100);
const FIRST: SeqNumber = SeqNumber(ISS_A.0 + 1);

/// The sequence number of the `index`th full segment.
fn at(index: u32) -> SeqNumber {
    FIRST + index * u32::from(MSS)
}

/// An established sender of 1,460-octet segments whose peer knows SACK; the handshake took one [`RTT`].
fn sender(config: Config) -> Solo {
    let mut solo = Solo::syn_sent(Config { sack: true, ..config });
    solo.now += RTT;
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, FIRST, b"");
    syn_ack.options.mss = Some(MSS);
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.drain();
    solo
}

fn ack(until: u32, held: &[(u32, u32)]) -> Segment {
    let mut ack = segment(Flags::ACK, ISS_B + 1, at(until), b"");
    ack.options.sack =
        held.iter().map(|&(left, right)| SackBlock { left: at(left), right: at(right) }).collect();
    ack
}

/// Which segments were sent, by index.
fn indices(sent: &[Transmit]) -> Vec<u32> {
    let data = sent.iter().filter(|transmit| !transmit.payload.is_empty());
    data.map(|transmit| transmit.header.seq.since(FIRST) / u32::from(MSS)).collect()
}

fn write(solo: &mut Solo, segments: usize) {
    let data = std::vec![7; segments * usize::from(MSS)];
    assert_eq!(solo.connection.write(solo.now, &data), Ok(data.len()));
}

/// RFC 6675 §4, RFC 8985 §6.2: three segments above a hole, no reordering seen: the hole, and only the hole, is sent again at once.
#[test]
fn a_hole_is_filled_without_waiting() {
    let mut solo = sender(Solo::config());
    write(&mut solo, 10);
    assert_eq!(indices(&solo.drain()), (0..10).collect::<Vec<_>>());
    solo.now += RTT;
    solo.on(ack(1, &[]));
    solo.on(ack(1, &[(2, 3)]));
    solo.on(ack(1, &[(2, 4)]));
    assert_eq!(indices(&solo.drain()), []);
    solo.on(ack(1, &[(2, 5)]));
    assert_eq!(indices(&solo.drain()), [1]);
    solo.on(ack(1, &[(2, 10)]));
    assert_eq!(indices(&solo.drain()), [], "what was sent again is given its time");
    solo.now += RTT;
    solo.on(ack(10, &[]));
    assert_eq!(solo.connection.info().in_flight, 0);
    assert_eq!(solo.connection.info().retransmissions, 1);
}

/// RFC 8985 §6.2 step 4: segments are counted, not octets: three small ones tell as much as three full ones, and a run of one and
/// two is three; two full ones are two.
#[test]
fn small_segments_count_in_full() {
    for (len, held, lost) in
        [(100, &[(1, 4)][..], true), (100, &[(1, 2), (3, 5)], true), (1_000, &[(1, 3)], false)]
    {
        let mut solo = sender(Config { nagle: false, ..Solo::config() });
        for _ in 0..6 {
            solo.connection.write(solo.now, &std::vec![7; len as usize]).unwrap();
            assert_eq!(solo.drain().len(), 1);
        }
        solo.now += RTT;
        let mut told = segment(Flags::ACK, ISS_B + 1, FIRST, b"");
        let block = |&(left, right): &(u32, u32)| SackBlock {
            left: FIRST + left * len,
            right: FIRST + right * len,
        };
        told.options.sack = held.iter().map(block).collect();
        solo.on(told);
        assert_eq!(indices(&solo.drain()).contains(&0), lost, "{len} {held:?}");
    }
}

/// RFC 8985 §3.2: a retransmission that was lost too is noticed by what was sent after it, not by the timer.
#[test]
fn a_lost_retransmission_is_noticed() {
    let mut solo = sender(Solo::config());
    write(&mut solo, 40);
    assert_eq!(solo.drain().len(), 10);
    solo.now += RTT;
    solo.on(ack(0, &[(1, 4)]));
    assert_eq!(indices(&solo.drain())[0], 0);
    solo.on(ack(0, &[(1, 10)]));
    solo.now += Duration::from_millis(10);
    let fresh = indices(&solo.drain());
    assert!(fresh.iter().all(|index| *index >= 10) && !fresh.is_empty(), "{fresh:?}");
    solo.now += RTT;
    let newest = fresh.iter().max().unwrap() + 1;
    solo.on(ack(0, &[(1, newest)]));
    let mut again = indices(&solo.drain());
    if again.is_empty() {
        again = solo
            .wait(RTT / 2)
            .iter()
            .flat_map(|(_, sent)| indices(std::slice::from_ref(sent)))
            .collect();
    }
    assert_eq!(again[0], 0);
}

/// RFC 8985 §7.2: the last segment of a burst is probed for two round trips after the last acknowledgement of new data, before the
/// timeout.
#[test]
fn a_lost_tail_is_probed() {
    let mut solo = sender(Solo::config());
    write(&mut solo, 4);
    solo.drain();
    solo.now += RTT;
    solo.on(ack(2, &[]));
    let start = solo.now;
    let sent = solo.wait(Duration::from_millis(310));
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (indices(&[sent[0].1.clone()]), sent[0].0 - start),
        (std::vec![3], Duration::from_millis(202))
    );
    // The probe's acknowledgement shows the other loss.
    solo.on(ack(2, &[(3, 4)]));
    let again = solo.wait(Duration::from_millis(60));
    assert_eq!(indices(&[again[0].1.clone()]), [2]);
}

/// A probe goes once: then the retransmission timer runs (RFC 8985 §7.3).
#[test]
fn probes_are_not_repeated() {
    let mut solo = sender(Solo::config());
    write(&mut solo, 2);
    solo.drain();
    let start = solo.now;
    let sent = solo.wait(Duration::from_millis(1_200));
    let times: Vec<_> = sent.iter().map(|(at, _)| (*at - start).as_millis()).collect();
    assert_eq!(times[0], 202);
    assert!(times[1] >= 202 + 300, "{times:?}");
}

/// RFC 3522 and 4015: the acknowledgement of an original after a timeout shows that nothing was lost: the window comes back and
/// nothing more is sent again.
#[test]
fn a_spurious_timeout_is_undone() {
    let config = Config { timestamps: true, ..Solo::config() };
    let mut solo = Solo::syn_sent(Config { sack: true, ..config });
    solo.now += RTT;
    let mut syn_ack = with_timestamps(segment(Flags::SYN_ACK, ISS_B, FIRST, b""), 1, 0);
    syn_ack.options.mss = Some(MSS);
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.drain();
    let payload = u32::from(MSS) - 12;
    solo.connection.write(solo.now, &std::vec![7; 10 * payload as usize]).unwrap();
    let sent = solo.drain();
    let original = deliver(&sent[0], solo.now).options.timestamps.unwrap().value;
    let before = solo.connection.info().congestion_window;
    solo.wait(Duration::from_millis(700));
    assert!(solo.connection.info().retransmissions > 0);
    assert!(solo.connection.info().congestion_window < before);
    let late =
        with_timestamps(segment(Flags::ACK, ISS_B + 1, FIRST + 5 * payload, b""), 2, original);
    let resent = solo.connection.info().retransmissions;
    solo.on(late);
    solo.drain();
    assert!(solo.connection.info().congestion_window >= before);
    assert_eq!(solo.connection.info().retransmissions, resent);
}

/// RFC 2883 §5: every retransmission reported as a duplicate: the reordering was taken for loss, and is undone.
#[test]
fn reordering_taken_for_loss_is_undone() {
    let mut solo = sender(Solo::config());
    write(&mut solo, 10);
    solo.drain();
    let before = solo.connection.info().congestion_window;
    solo.now += RTT;
    solo.on(ack(0, &[(1, 4)]));
    assert_eq!(indices(&solo.drain()), [0]);
    assert!(solo.connection.info().congestion_window < before);
    // Back in order, and the duplicate is reported below the acknowledgement.
    solo.on(ack(10, &[(0, 1)]));
    assert!(solo.connection.info().congestion_window >= before);
    // From now on two quarters of a round trip are granted before a segment counts as lost.
    write(&mut solo, 6);
    let first = indices(&solo.drain())[0];
    solo.now += RTT;
    solo.on(ack(10, &[(first + 1, first + 4)]));
    assert_eq!(indices(&solo.drain()), []);
    let later = solo.wait(Duration::from_millis(60));
    assert_eq!(indices(&[later[0].1.clone()]), [first]);
}

/// RFC 2018 §8: the peer may take back what it held: after a timeout everything is sent again.
#[test]
fn reneging() {
    let mut solo = sender(Config { mtu_probing: MtuProbing::Off, ..Solo::config() });
    write(&mut solo, 5);
    solo.drain();
    solo.now += RTT;
    solo.on(ack(0, &[(1, 5)]));
    assert_eq!(indices(&solo.drain()), [0]);
    solo.now += RTT;
    // The hole is filled, but what was held above it is not acknowledged: it is gone.
    solo.on(ack(1, &[]));
    let sent: Vec<Transmit> =
        solo.wait(Duration::from_secs(3)).into_iter().map(|(_, sent)| sent).collect();
    assert_eq!(indices(&sent)[0], 1);
    solo.on(ack(2, &[]));
    assert_eq!(indices(&solo.drain())[..2], [2, 3]);
}

/// SACK blocks that describe what was never sent, or nothing, change nothing.
#[test]
fn absurd_sack_blocks_are_ignored() {
    let mut solo = sender(Solo::config());
    write(&mut solo, 10);
    solo.drain();
    solo.now += Duration::from_millis(1);
    for held in [(20, 30), (5, 2), (3, 3)] {
        solo.on(ack(0, &[held]));
        solo.on(ack(0, &[held]));
        solo.on(ack(0, &[held]));
    }
    assert_eq!(indices(&solo.drain()), []);
    assert_eq!(solo.connection.info().in_flight, 10 * u32::from(MSS));
}
