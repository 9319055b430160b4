use super::harness::*;
use crate::options::SegmentOptions;
use crate::{Config, Connection, HalfOpen, HalfOpenEvent, Segment, Timestamps};
use bytes::Bytes;
use core::time::Duration;
use proptest::prelude::*;
use sockeye_wire::{Ecn, Flags, Instant, Payload, SeqNumber, StateName};
use std::sync::Arc;

/// RFC 7323 §5: a segment with an old timestamp is a duplicate from another turn of the sequence space.
#[test]
fn paws_drops_old_timestamps() {
    let config = Config { timestamps: true, ..Solo::config() };
    let mut solo = Solo::syn_sent(config);
    solo.on(with_timestamps(segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b""), 1_000, 0));
    solo.drain();
    solo.on(with_timestamps(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"new"), 1_010, 0));
    let acks = solo.drain();
    let echoed = crate::options::SegmentOptions::decode(
        &sockeye_wire::tcp::TcpView::parse(&{
            let mut bytes = [0; 60];
            acks[0].header.emit(&mut bytes);
            bytes
        })
        .unwrap(),
    );
    assert_eq!(echoed.timestamps.map(|timestamps| timestamps.echo), Some(1_010));
    solo.on(with_timestamps(segment(Flags::ACK, ISS_B + 4, ISS_A + 1, b"old"), 999, 0));
    assert_eq!(solo.connection.readable(), 3);
    assert_eq!(solo.drain().len(), 1, "answered, because it carried data");
    // RFC 7323 §3.2: a segment without the option is dropped silently.
    solo.on(segment(Flags::ACK, ISS_B + 4, ISS_A + 1, b"none"));
    assert_eq!((solo.connection.readable(), solo.drain().len()), (3, 0));
    // A reset is exempt.
    solo.on(segment(Flags::RST, ISS_B + 4, ISS_A + 1, b""));
    assert_eq!(solo.connection.state(), StateName::Closed);
}

/// RFC 7323 §3.2 says SHOULD drop; who asks for it gets Linux's way.
#[test]
fn segments_without_timestamps_may_be_taken() {
    let config = Config { timestamps: true, require_timestamps: false, ..Solo::config() };
    let mut solo = Solo::syn_sent(config);
    solo.on(with_timestamps(segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b""), 1_000, 0));
    solo.drain();
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"plain"));
    let acks = solo.drain();
    assert_eq!((solo.connection.readable(), acks.len()), (5, 1));
    let answer = deliver(&acks[0], solo.now).options.timestamps.unwrap();
    assert_eq!(answer.echo, 1_000, "TS.Recent is as it was");
    solo.on(with_timestamps(segment(Flags::ACK, ISS_B + 6, ISS_A + 1, b"old"), 999, 0));
    assert_eq!(solo.connection.readable(), 5, "PAWS holds for those that have them");
}

/// RFC 9293 SHLD-31, MAY-13, RFC 2018: out-of-order data is held, reported and delivered.
#[test]
fn out_of_order_data_is_held() {
    let mut solo = Solo::syn_sent(Config { sack: true, ..Solo::config() });
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.drain();
    solo.on(segment(Flags::ACK, ISS_B + 4, ISS_A + 1, b"def"));
    solo.on(segment(Flags::ACK | Flags::FIN, ISS_B + 10, ISS_A + 1, b"jkl"));
    let acks = solo.drain();
    assert_eq!(
        acks.len(),
        2,
        "one duplicate ACK for each, so that the peer can count (RFC 5681 §4.2)"
    );
    let last = deliver(&acks[1], solo.now);
    let blocks: std::vec::Vec<_> =
        last.options.sack.iter().map(|block| (block.left, block.right)).collect();
    assert_eq!(blocks, [(ISS_B + 10, ISS_B + 13), (ISS_B + 4, ISS_B + 7)]);
    solo.on(segment(Flags::ACK, ISS_B + 7, ISS_A + 1, b"ghi"));
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"abc"));
    let mut buffer = [0; 16];
    assert_eq!(solo.connection.read(&mut buffer), Ok(12));
    assert_eq!(&buffer[..12], b"abcdefghijkl");
    assert_eq!(solo.connection.state(), StateName::CloseWait);
    assert_eq!(solo.drain().last().unwrap().header.ack, ISS_B + 14);
}

/// RFC 2883: what arrived twice is reported, once, before what is held.
#[test]
fn duplicates_are_reported() {
    let mut solo = Solo::syn_sent(Config { sack: true, ..Solo::config() });
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.drain();
    let mut reported = |from: u32, data: &'static [u8]| -> std::vec::Vec<(u32, u32)> {
        solo.on(segment(Flags::ACK, ISS_B + from, ISS_A + 1, data));
        let sent = solo.drain();
        let blocks = deliver(sent.last().unwrap(), solo.now).options.sack;
        blocks.iter().map(|block| (block.left.since(ISS_B), block.right.since(ISS_B))).collect()
    };
    assert_eq!(reported(1, b"abcd"), []);
    assert_eq!(reported(1, b"abcd"), [(1, 5)], "below the cumulative acknowledgement");
    assert_eq!(reported(10, b"jklm"), [(10, 14)]);
    assert_eq!(reported(11, b"kl"), [(11, 13), (10, 14)], "inside what is held");
    assert_eq!(reported(3, b"cdef"), [(3, 5), (10, 14)], "in part");
    assert_eq!(reported(20, b"t"), [(20, 21), (10, 14)], "and not again");
}

/// RFC 2883 §4.2, RFC 2018 §4: where a signature and timestamps leave room for one block, it is the newest that is held. Only a duplicate
/// below the acknowledgement is told from it without a second one.
#[test]
fn a_single_block_is_of_what_is_held() {
    let mut solo = Solo::syn_sent(Config { sack: true, timestamps: true, ..Solo::config() });
    assert!(solo.connection.set_signature(crate::auth::Signature::Ao));
    let mut syn_ack = with_timestamps(segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b""), 1_000, 0);
    syn_ack.options.sack_permitted = true;
    solo.on(syn_ack);
    solo.drain();
    let mut reported = |from: u32, data: &'static [u8]| -> std::vec::Vec<(u32, u32)> {
        let bare = segment(Flags::ACK, ISS_B + from, ISS_A + 1, data);
        solo.on(with_timestamps(bare, 1_000, 0));
        let sent = solo.drain();
        let blocks = deliver(sent.last().unwrap(), solo.now).options.sack;
        blocks.iter().map(|block| (block.left.since(ISS_B), block.right.since(ISS_B))).collect()
    };
    assert_eq!(reported(1, b"abcd"), []);
    assert_eq!(reported(1, b"abcd"), [(1, 5)], "a duplicate, and nothing else to tell");
    assert_eq!(reported(10, b"jklm"), [(10, 14)]);
    assert_eq!(reported(11, b"kl"), [(10, 14)], "a duplicate inside what is held");
    assert_eq!(reported(3, b"cdef"), [(3, 5)], "one below the acknowledgement");
    assert_eq!(reported(20, b"t"), [(20, 21)]);
    assert_eq!(
        reported(11, b"kl"),
        [(10, 14)],
        "a duplicate in an older range: what came last is in there"
    );
}

/// Duplicates and overlaps deliver each octet once; what lies beyond the window is cut.
#[test]
fn segments_are_trimmed_to_the_window() {
    let mut solo = Solo::established(Config { receive_buffer_bytes: 8, ..Solo::config() });
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"abcd"));
    solo.on(segment(Flags::ACK, ISS_B + 3, ISS_A + 1, b"CDefghijklm"));
    let mut buffer = [0; 16];
    assert_eq!(solo.connection.read(&mut buffer), Ok(8));
    assert_eq!(&buffer[..8], b"abcdefgh");
}

/// RFC 9293 §3.10.7.4: an unacceptable segment is answered with what is expected.
#[test]
fn duplicates_are_acknowledged_at_once() {
    let mut solo = Solo::established(Solo::config());
    for _ in 0..3 {
        solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"abcd"));
        let acks = solo.drain();
        assert_eq!((acks.len(), acks[0].header.ack), (1, ISS_B + 5));
    }
}

fn any_segment() -> impl Strategy<Value = Segment> {
    let near = |base: SeqNumber| {
        prop_oneof![
            4 => (-20i32..3_000).prop_map(move |offset| SeqNumber(base.0.wrapping_add_signed(offset))),
            1 => any::<u32>().prop_map(SeqNumber)
        ]
    };
    let payload = prop_oneof![Just(0usize), 1..20usize, Just(1_460usize)];
    (
        near(ISS_B),
        near(ISS_A),
        0u16..64,
        any::<u16>(),
        any::<u16>(),
        payload,
        proptest::option::of((any::<u32>(), any::<u32>())),
    )
        .prop_map(|(seq, ack, flags, window, urgent_pointer, len, timestamps)| Segment {
            seq,
            ack,
            flags: Flags::from_bits(flags),
            window,
            urgent_pointer,
            options: SegmentOptions {
                timestamps: timestamps.map(|(value, echo)| Timestamps { value, echo }),
                ..SegmentOptions::default()
            },
            payload: Payload::from(Bytes::from(std::vec![7; len])),
            arrival: Instant::from_millis(5_000),
            wire_segments: 1,
            ecn: Ecn::NotEct,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Any segments, calls and waits in any order: no panic, no endless output, and the invariants that one end can see:
    /// ACK and right edge never go back, nothing is sent beyond the window but a probe, no answer to a reset.
    /// RFC 9293 SHLD-14 among others: the right edge of the window never moves left.
    #[test]
    fn no_sequence_of_events_breaks_the_machine(
        events in proptest::collection::vec((any_segment(), 0u8..12, 0u64..3_000), 1..60),
        timestamps: bool, passive: bool,
    ) {
        let config = Arc::new(Config {
            timestamps, window_scaling: false, receive_buffer_bytes: 4_000, send_buffer_bytes: 9_000, ..Config::default()
        });
        let mut now = Instant::from_millis(5_000);
        let mut connection = if passive {
            let mut syn = segment(Flags::SYN, ISS_B, SeqNumber(0), b"");
            syn.options.timestamps = timestamps.then_some(Timestamps { value: 0, echo: 0 });
            let mut half = HalfOpen::on_syn(&config, opening(ISS_A), &syn, now);
            let mut ack = segment(Flags::ACK, ISS_B + 1, ISS_A + 1, b"");
            ack.options.timestamps = syn.options.timestamps;
            let HalfOpenEvent::Established(connection) = half.on_segment(now, &config, ack) else { panic!() };
            connection
        } else {
            Connection::connect(Arc::clone(&config), opening(ISS_A), now)
        };
        let mut last_ack: Option<SeqNumber> = None;
        let mut edge: Option<SeqNumber> = None;
        for (mut incoming, call, wait) in events {
            incoming.arrival = now;
            let was_reset = incoming.flags.rst();
            let reset = connection.on_segment(now, incoming);
            prop_assert!(!(was_reset && reset.is_some()));
            match call {
                0..=3 => { let _ = connection.write(now, &[1; 2_000]); }
                4 | 5 => { let _ = connection.read(&mut [0; 1_500]); connection.on_read(now); }
                6 => connection.shutdown(now),
                7 if wait % 7 == 0 => connection.close(now),
                8 if wait % 11 == 0 => connection.abort(now),
                9 => { let _ = connection.write_urgent(now, b"!"); }
                _ => {}
            }
            for round in 0.. {
                prop_assert!(round < 200, "output does not end");
                let Some(sent) = connection.poll_transmit(now, 0) else { break };
                prop_assert!(!(sent.header.flags.syn() && sent.header.flags.fin()));
                prop_assert_eq!(sent.header.flags.psh() && sent.payload.is_empty(), false);
                if sent.header.flags.ack() && !sent.header.flags.rst() {
                    prop_assert!(last_ack.is_none_or(|last| sent.header.ack.at_or_after(last)));
                    last_ack = Some(sent.header.ack);
                    let right = sent.header.ack + u32::from(sent.header.window);
                    if connection.state().is_synchronized() && connection.state() != StateName::TimeWait {
                        prop_assert!(edge.is_none_or(|old| right.at_or_after(old)), "window moved left");
                        edge = Some(right);
                    }
                }
            }
            let info = connection.info();
            prop_assert!(info.snd_una.at_or_before(info.snd_nxt));
            now += Duration::from_millis(wait);
            if let Some(deadline) = connection.deadline() && deadline <= now {
                connection.on_timer(now);
            }
        }
    }
}
