use super::assembler::Assembler;
use super::*;
use bytes::Bytes;
use proptest::prelude::*;
use sockeye_wire::{Payload, SeqNumber};
use std::vec::Vec;

fn stream(range: core::ops::Range<u32>) -> Vec<u8> {
    range.map(|octet| (octet * 7 + octet / 251) as u8).collect()
}

fn flat(payload: &Payload) -> Vec<u8> {
    let mut out = std::vec![0; payload.len()];
    payload.copy_to(&mut out);
    out
}

proptest! {
    /// Any order, any overlap, across the wrap: what comes out is the stream, and SACK blocks describe only what is held.
    #[test]
    fn assembles_the_stream(
        base: u32,
        pieces in proptest::collection::vec((1u32..400, 1u32..60), 1..60),
    ) {
        let base = SeqNumber(base);
        let mut assembler = Assembler::default();
        let mut held = [false; 500];
        for (from, len) in pieces {
            let payload = Payload::from(Bytes::from(stream(from..from + len)));
            let duplicate = held[from as usize..(from + len) as usize].iter().all(|octet| *octet);
            assembler.insert(base, base + from, payload, false);
            held[from as usize..(from + len) as usize].fill(true);
            let blocks = assembler.take_sack_blocks(4);
            prop_assert!(from >= blocks[0].left.since(base) && from < blocks[0].right.since(base));
            // A duplicate is reported first, the range that holds it next.
            for block in blocks.into_iter().skip(usize::from(duplicate)) {
                let (left, right) = (block.left.since(base) as usize, block.right.since(base) as usize);
                prop_assert!(held[left..right].iter().all(|octet| *octet));
                prop_assert!(!held[left - 1] && !held[right]);
            }
        }
        let mut at = 1;
        while at < 470 {
            if !held[at as usize] {
                prop_assert!(assembler.take_at(base + at).is_none());
                at += 1;
                continue;
            }
            let payload = assembler.take_at(base + at).unwrap();
            prop_assert_eq!(flat(&payload), stream(at..at + payload.len() as u32));
            at += payload.len() as u32;
            prop_assert!(!held[at as usize]);
        }
        prop_assert!(assembler.is_empty());
    }

    #[test]
    fn acceptability_is_the_table_of_rfc_9293(nxt: u32, window in 0u32..5, offset in -8i32..8, len in 0u32..6) {
        let seq = SeqNumber(nxt.wrapping_add_signed(offset));
        let inside = |octet: i32| octet >= 0 && (octet as u32) < window;
        let expected = match (len, window) {
            (0, 0) => offset == 0,
            (0, _) => inside(offset),
            (_, 0) => false,
            _ => (0..len as i32).any(|octet| inside(offset + octet)),
        };
        prop_assert_eq!(acceptable(SeqNumber(nxt), window, seq, len), expected);
    }

    #[test]
    fn the_queue_keeps_order_and_count(pieces in proptest::collection::vec(0usize..1_500, 0..20), step in 1usize..3_000) {
        let mut queue = ReadQueue::default();
        let mut expected = Vec::new();
        for (index, len) in pieces.into_iter().enumerate() {
            let bytes = std::vec![index as u8; len];
            expected.extend_from_slice(&bytes);
            queue.push(Bytes::from(bytes).into());
        }
        prop_assert_eq!(queue.len(), expected.len());
        let mut read = Vec::new();
        let mut buffer = std::vec![0; step];
        loop {
            let count = if read.len() % 2 == 0 {
                queue.read(&mut buffer)
            } else {
                queue.read_chunk(step).map_or(0, |chunk| { buffer[..chunk.len()].copy_from_slice(&chunk); chunk.len() })
            };
            if count == 0 { break; }
            read.extend_from_slice(&buffer[..count]);
        }
        prop_assert_eq!(read, expected);
        prop_assert!(queue.is_empty());
    }
}

/// RFC 9293 SHLD-19.
#[test]
fn every_second_full_segment_is_acknowledged_at_once() {
    let mut policy = AckPolicy::new(1_460);
    let delay = Duration::from_millis(40);
    for _ in 0..16 {
        policy.on_data(Instant::ZERO, 1_000, 1, delay);
        assert!(policy.is_owed());
        policy.on_sent();
    }
    policy.on_data(Instant::ZERO, 1_000, 1, delay);
    assert!(!policy.is_owed());
    assert_eq!(policy.deadline(), Instant::from_millis(40));
    policy.on_data(Instant::from_millis(1), 1_000, 1, delay);
    assert!(policy.is_owed());
    policy.on_sent();
    policy.on_data(Instant::from_millis(2), 10, 1, delay);
    policy.on_timer(Instant::from_millis(41));
    assert!(!policy.is_owed());
    policy.on_timer(Instant::from_millis(42));
    assert!(policy.is_owed());
}

/// RFC 9293 SHLD-18: once the application replies, even a new connection's acknowledgements wait for the reply; without one, or when
/// the peer repairs a loss, they leave at once again.
#[test]
fn a_reply_carries_the_acknowledgement() {
    let mut policy = AckPolicy::new(1_460);
    let (now, delay) = (Instant::ZERO, Duration::from_millis(40));
    policy.on_data(now, 500, 1, delay);
    assert!(policy.is_owed(), "nothing was replied yet");
    policy.on_piggybacked();
    policy.on_reply();
    policy.on_data(now, 500, 1, delay);
    assert!(!policy.is_owed());
    assert_eq!(policy.deadline(), now + delay);
    policy.on_data(now, 500, 1, delay);
    assert!(policy.is_owed(), "more than a full segment");
    policy.on_sent();
    policy.on_data(now, 500, 1, delay);
    policy.on_timer(now + delay);
    assert!(policy.is_owed());
    policy.on_sent();
    policy.on_data(now + delay, 500, 1, delay);
    assert!(policy.is_owed(), "the reply did not come in time");
    policy.on_sent();
    policy.on_reply();
    policy.duplicate();
    policy.on_sent();
    policy.on_data(now + delay, 500, 1, delay);
    assert!(policy.is_owed(), "a loss is being repaired");
}

/// RFC 9293 MUST-40: half a second is not reached even if it is asked for.
#[test]
fn no_acknowledgement_waits_for_half_a_second() {
    let mut policy = AckPolicy::new(1_460);
    for _ in 0..17 {
        policy.on_data(Instant::ZERO, 1, 1, Duration::from_secs(3));
        policy.on_sent();
    }
    policy.on_data(Instant::ZERO, 1, 1, Duration::from_secs(3));
    assert!(policy.deadline() < Instant::from_millis(500));
}

/// RFC 2883 §4: a duplicate of what is held above a hole is followed by the block around it, though another one is newer; otherwise it
/// would look like an ordinary block.
#[test]
fn a_duplicate_is_followed_by_the_block_around_it() {
    let (mut assembler, nxt) = (Assembler::default(), SeqNumber(0));
    let data = |len: usize| Payload::from(Bytes::from(std::vec![0; len]));
    assembler.insert(nxt, SeqNumber(100), data(50), false);
    assembler.insert(nxt, SeqNumber(110), data(10), false);
    assembler.insert(nxt, SeqNumber(300), data(20), false);
    let blocks: Vec<_> = assembler
        .take_sack_blocks(4)
        .into_iter()
        .map(|block| (block.left.0, block.right.0))
        .collect();
    assert_eq!(blocks, [(110, 120), (100, 150), (300, 320)]);
    let first = assembler.take_sack_blocks(4).first().map(|block| block.left);
    assert_eq!(first, Some(SeqNumber(300)), "the newest first, once the duplicate is told");
}
