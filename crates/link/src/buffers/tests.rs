use super::Buffers;
use std::collections::{HashSet, VecDeque};
use std::os::unix::net::UnixDatagram;

#[test]
fn buffers_go_round() {
    let (out, device) = UnixDatagram::pair().unwrap();
    let mut buffers = Buffers::new(65_000);
    let (mut places, mut held) = (HashSet::new(), VecDeque::new());
    for round in 0..500_usize {
        let sent = vec![round as u8; 16_384 + 97 * round];
        out.send(&sent).unwrap();
        let packet = buffers.read(&device).unwrap();
        assert!(packet == sent);
        places.insert(packet.as_ptr());
        held.push_front(packet);
        held.truncate(3);
    }
    // Three are held, one is being filled, and one waits.
    assert!(places.len() <= 5, "{} buffers", places.len());
}

#[test]
fn a_small_packet_holds_no_buffer() {
    let (out, device) = UnixDatagram::pair().unwrap();
    let mut buffers = Buffers::new(65_000);
    let (mut places, mut held) = (HashSet::new(), Vec::new());
    for round in 0..100 {
        let small = vec![round; 1_500];
        out.send(&small).unwrap();
        held.push((buffers.read(&device).unwrap(), small));
        out.send(&[round; 20_000]).unwrap();
        places.insert(buffers.read(&device).unwrap().as_ptr());
    }
    assert!(held.iter().all(|(kept, sent)| kept == sent));
    assert!(places.len() <= 2, "{} buffers", places.len());
}

#[test]
fn what_is_longer_comes_cut() {
    let (out, device) = UnixDatagram::pair().unwrap();
    let mut buffers = Buffers::new(20_000);
    out.send(&[7; 30_000]).unwrap();
    assert_eq!(buffers.read(&device).unwrap(), [7; 20_000][..]);
    buffers.set_read_bytes(30_000);
    out.send(&[8; 30_000]).unwrap();
    assert_eq!(buffers.read(&device).unwrap(), [8; 30_000][..]);
}
