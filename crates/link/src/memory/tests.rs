use super::{PairConfig, pair};
use crate::{Link, Readiness};
use bytes::Bytes;
use sockeye_wire::{HeaderBytes, Instant, Meta, Packet, Payload};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn numbered(count: usize) -> VecDeque<Packet> {
    (0..count)
        .map(|n| Packet::from_bytes(Meta::at(Instant::ZERO), Bytes::from(n.to_be_bytes().to_vec())))
        .collect()
}

fn numbers(packets: &[Packet]) -> Vec<usize> {
    packets.iter().map(|p| usize::from_be_bytes(p.front().try_into().unwrap())).collect()
}

fn watch(link: &impl Link, count: &Arc<Count>) {
    let Readiness::Waker(shared) = link.readiness() else { panic!("a memory link has a waker") };
    shared.register(&Waker::from(Arc::clone(count)));
}

#[test]
fn packets_pass_in_order_and_carry_their_arrival() {
    let (mut a, mut b) = pair(PairConfig::default());
    let mut sent = numbered(5);
    assert_eq!(a.transmit(Instant::ZERO, &mut sent).unwrap(), 5);
    assert!(sent.is_empty());
    let now = Instant::from_millis(7);
    let mut got = Vec::new();
    assert_eq!(b.receive(now, &mut got, 3).unwrap(), 3);
    assert_eq!(b.receive(now, &mut got, 3).unwrap(), 2);
    assert_eq!(b.receive(now, &mut got, 3).unwrap(), 0);
    assert_eq!(numbers(&got), [0, 1, 2, 3, 4]);
    assert!(got.iter().all(|p| p.meta.arrival == now));
    assert_eq!(a.receive(now, &mut got, 3).unwrap(), 0);
}

#[test]
fn slices_are_passed_on_and_not_copied() {
    let (mut a, mut b) = pair(PairConfig::default());
    let data = Bytes::from(vec![7; 1_000]);
    let headers = HeaderBytes::try_from(&[1, 2, 3][..]).unwrap();
    let packet = Packet::new(Meta::at(Instant::ZERO), headers, Payload::from(data.clone()));
    a.transmit(Instant::ZERO, &mut VecDeque::from([packet])).unwrap();
    let mut got = Vec::new();
    b.receive(Instant::ZERO, &mut got, 1).unwrap();
    let payload = got.remove(0).into_payload(3, 1_003);
    assert_eq!(payload.pieces()[0].as_ptr(), data.as_ptr());
}

#[test]
fn a_full_queue_leaves_the_rest_with_the_sender_and_wakes_it_once_there_is_room() {
    let (mut a, mut b) = pair(PairConfig { capacity: 4, ..PairConfig::default() });
    let count = Arc::new(Count::default());
    let mut sent = numbered(6);
    assert_eq!(a.transmit(Instant::ZERO, &mut sent).unwrap(), 4);
    assert_eq!(numbers(sent.make_contiguous()), [4, 5]);
    watch(&a, &count);
    assert_eq!(a.transmit(Instant::ZERO, &mut sent).unwrap(), 0);
    let mut got = Vec::new();
    b.receive(Instant::ZERO, &mut got, 1).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert_eq!(a.transmit(Instant::ZERO, &mut sent).unwrap(), 1);
    b.receive(Instant::ZERO, &mut got, 9).unwrap();
    assert_eq!(a.transmit(Instant::ZERO, &mut sent).unwrap(), 1);
    b.receive(Instant::ZERO, &mut got, 9).unwrap();
    assert_eq!(numbers(&got), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn the_other_side_is_woken_once_a_batch() {
    let (mut a, b) = pair(PairConfig::default());
    let count = Arc::new(Count::default());
    watch(&b, &count);
    a.transmit(Instant::ZERO, &mut numbered(100)).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    watch(&b, &count);
    a.transmit(Instant::ZERO, &mut numbered(0)).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 1, "an empty batch wakes nobody");
}

#[test]
fn a_dropped_side_is_a_pulled_cable() {
    let (mut a, b) = pair(PairConfig { capacity: 2, ..PairConfig::default() });
    let count = Arc::new(Count::default());
    let mut sent = numbered(5);
    a.transmit(Instant::ZERO, &mut sent).unwrap();
    watch(&a, &count);
    drop(b);
    assert_eq!(count.0.load(Ordering::SeqCst), 1, "a sender waiting for room is told");
    assert_eq!(a.transmit(Instant::ZERO, &mut sent).unwrap(), 3);
    assert!(sent.is_empty());
    assert_eq!(a.receive(Instant::ZERO, &mut Vec::new(), 9).unwrap(), 0);
}
