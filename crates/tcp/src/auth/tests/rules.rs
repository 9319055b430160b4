use super::super::extension::Extension;
use super::super::{
    Algorithm, Authenticator, Key, KeyError, KeyId, KeyRing, Pattern, Rejection, Signature,
};
use super::{ISS_A, ISS_B, ao, at_a, authenticator, pieces, segment, swapped, wire};
use crate::Endpoints;
use sockeye_wire::tcp::options::kind;
use sockeye_wire::{Flags, SeqNumber};
use std::vec;
use std::vec::Vec;

/// Both ends after a handshake.
struct Pair {
    a: Authenticator,
    b: Authenticator,
    at_a: Endpoints,
}

impl Pair {
    fn new(a: Vec<Key>, b: Vec<Key>, six: bool) -> Self {
        let at_a = at_a(six);
        let (a, b) = (authenticator(a, &at_a), authenticator(b, &swapped(at_a)));
        let mut pair = Self { a, b, at_a };
        pair.b_hears(Flags::SYN, ISS_A, b"").unwrap();
        pair.a_hears(Flags::SYN_ACK, ISS_B, b"").unwrap();
        pair.b_hears(Flags::ACK, ISS_A + 1, b"").unwrap();
        pair
    }

    fn b_hears(
        &mut self,
        flags: Flags,
        seq: SeqNumber,
        data: &'static [u8],
    ) -> Result<(), Rejection> {
        let mut transmit = segment(flags, seq, data);
        assert!(self.a.sign(&self.at_a, &mut transmit));
        let header = wire(&self.at_a, &transmit);
        self.b.verify(&swapped(self.at_a), &header, pieces(&transmit))
    }

    fn a_hears(
        &mut self,
        flags: Flags,
        seq: SeqNumber,
        data: &'static [u8],
    ) -> Result<(), Rejection> {
        let at_b = swapped(self.at_a);
        let mut transmit = segment(flags, seq, data);
        assert!(self.b.sign(&at_b, &mut transmit));
        self.a.verify(&self.at_a, &wire(&at_b, &transmit), pieces(&transmit))
    }
}

fn md5(secret: &[u8]) -> Key {
    Key::md5(Pattern::default(), secret)
}

#[test]
fn both_kinds_in_both_versions() {
    for six in [false, true] {
        let keys = [
            (md5(b"secret"), md5(b"secret")),
            (ao(1, 2, Algorithm::HmacSha1), ao(2, 1, Algorithm::HmacSha1)),
            (ao(1, 2, Algorithm::Aes128Cmac), ao(2, 1, Algorithm::Aes128Cmac)),
            (
                ao(1, 2, Algorithm::HmacSha1).without_options(),
                ao(2, 1, Algorithm::HmacSha1).without_options(),
            ),
        ];
        for (a, b) in keys {
            let mut pair = Pair::new(vec![a], vec![b], six);
            assert_eq!(pair.a_hears(Flags::ACK, ISS_B + 1, b"data"), Ok(()));
            assert_eq!(pair.b_hears(Flags::RST, ISS_A + 1, b""), Ok(()));
            assert_eq!(pair.b.info().verified, 3);
        }
    }
}

/// RFC 2385 §2.0 with an independent figure: pseudo-header, header without options, data, key.
#[test]
fn the_md5_digest_is_rfc_2385s() {
    use md5::Digest;
    let (at_a, mut a) = (at_a(false), authenticator([md5(b"key")], &at_a(false)));
    let mut transmit = segment(Flags::ACK, SeqNumber(0x0102_0304), b"xyz");
    assert!(a.sign(&at_a, &mut transmit));
    let header = wire(&at_a, &transmit);
    assert_eq!(header.len(), 56);
    let mut whole = vec![10, 0, 0, 1, 10, 0, 0, 2, 0, 6, 0, 59];
    whole.extend([0x9c, 0x40, 0, 179, 1, 2, 3, 4, 0, 0, 0, 0, 0xe0, 0x10, 2, 0, 0, 0, 0, 0]);
    whole.extend(b"xyzkey");
    let digest: [u8; 16] = md5::Md5::digest(&whole).into();
    assert_eq!(&header[20..24], &[1, 1, kind::MD5, 18]);
    assert_eq!(&header[24..40], &digest);
}

#[test]
fn what_is_wrong_is_told_apart() {
    let mut pair =
        Pair::new(vec![ao(1, 2, Algorithm::HmacSha1)], vec![ao(2, 1, Algorithm::HmacSha1)], false);
    let at_b = swapped(pair.at_a);
    let plain = segment(Flags::ACK, ISS_B + 1, b"data");
    let header = wire(&at_b, &plain);
    assert_eq!(pair.a.verify(&pair.at_a, &header, pieces(&plain)), Err(Rejection::Missing));

    let mut signed = plain.clone();
    assert!(pair.b.sign(&at_b, &mut signed));
    let header = wire(&at_b, &signed);
    let mut other_id = header.clone();
    other_id[22] = 9;
    assert_eq!(pair.a.verify(&pair.at_a, &other_id, pieces(&signed)), Err(Rejection::UnknownKey));
    let data = [&b"dada"[..]].into_iter();
    assert_eq!(pair.a.verify(&pair.at_a, &header, data), Err(Rejection::Wrong));

    // The MD5 option instead, and both (RFC 5925 §2.2).
    let mut by_md5 = plain.clone();
    assert!(authenticator([md5(b"x")], &at_b).sign(&at_b, &mut by_md5));
    let header = wire(&at_b, &by_md5);
    assert_eq!(pair.a.verify(&pair.at_a, &header, pieces(&by_md5)), Err(Rejection::Missing));
    by_md5.header.options = Default::default();
    assert!(authenticator([md5(b"x")], &at_b).sign(&at_b, &mut by_md5));
    assert!(pair.b.sign(&at_b, &mut by_md5));
    let header = wire(&at_b, &by_md5);
    assert_eq!(pair.a.verify(&pair.at_a, &header, pieces(&by_md5)), Err(Rejection::Unexpected));
    assert_eq!(pair.a.info().rejected, 5);
}

/// RFC 5925 §6.2: a signature is good for one round of the sequence numbers only.
#[test]
fn a_segment_of_the_round_before_is_refused() {
    let keys = (vec![ao(1, 2, Algorithm::HmacSha1)], vec![ao(2, 1, Algorithm::HmacSha1)]);
    let mut pair = Pair::new(keys.0, keys.1, false);
    let at_b = swapped(pair.at_a);
    let mut old = segment(Flags::ACK, ISS_B + 1, b"data");
    assert!(pair.b.sign(&at_b, &mut old));
    let replayed = wire(&at_b, &old);
    // B's numbers begin just before a wrap, and go round once.
    for quarter in 0..5_u32 {
        let seq = ISS_B + 1 + (quarter << 30);
        assert_eq!(pair.a_hears(Flags::ACK, seq, b"data"), Ok(()));
    }
    assert_eq!(pair.a.verify(&pair.at_a, &replayed, pieces(&old)), Err(Rejection::Wrong));
}

#[test]
fn rounds_are_counted_both_ways_over_the_wrap() {
    let mut extension = Extension::new(SeqNumber(u32::MAX - 5));
    assert_eq!(extension.of(SeqNumber(u32::MAX)), 0);
    assert_eq!(extension.of(SeqNumber(3)), 1);
    extension.advance(SeqNumber(3));
    assert_eq!(extension.of(SeqNumber(u32::MAX)), 0);
    extension.advance(SeqNumber(u32::MAX));
    assert_eq!(extension.of(SeqNumber(4)), 1);
    for round in 1..4 {
        for quarter in 1..=4_u32 {
            extension.advance(SeqNumber(3 + (quarter << 30)));
        }
        assert_eq!(extension.of(SeqNumber(3)), round + 1);
    }
}

/// RFC 5925 §7.5 (step 7) and §8.3: a new key is at work once both ends have it, without a segment lost.
#[test]
fn keys_roll_over() {
    let both = |send, receive, first: u8, second: u8| {
        let key = |id: u8| {
            Key::ao(Pattern::default(), id + send, id + receive, Algorithm::HmacSha1, &[id])
        };
        vec![key(first), key(second)]
    };
    let mut pair = Pair::new(both(0, 1, 10, 20), both(1, 0, 10, 20), false);
    assert_eq!((pair.a.info().current_key, pair.a.info().next_key), (Some(10), Some(11)));
    // B asks for the second key; A's next segment bears it.
    pair.b.set_next_key(20).unwrap();
    assert_eq!(pair.a_hears(Flags::ACK, ISS_B + 1, b""), Ok(()));
    assert_eq!(pair.a.info().current_key, Some(20));
    assert_eq!(pair.b_hears(Flags::ACK, ISS_A + 1, b"data"), Ok(()));
    // The old one is still asked for by A.
    let id = |send, receive| KeyId::Ao { send, receive };
    assert_eq!(pair.a.remove(id(10, 11)), Err(KeyError::InUse));
    pair.a.set_next_key(21).unwrap();
    assert_eq!(pair.b_hears(Flags::ACK, ISS_A + 1, b"data"), Ok(()));
    assert_eq!(pair.a_hears(Flags::ACK, ISS_B + 1, b""), Ok(()));
    assert_eq!(pair.a.remove(id(10, 11)), Ok(()));
    assert_eq!(pair.b.remove(id(11, 10)), Ok(()));
    assert_eq!(pair.a_hears(Flags::ACK, ISS_B + 1, b"on"), Ok(()));
    assert_eq!(pair.a.info().keys, 1);
}

/// A passive open answers with the key that it was asked with, not with its first.
#[test]
fn the_syn_chooses_the_key() {
    let (one, two) = (ao(1, 2, Algorithm::HmacSha1), ao(3, 4, Algorithm::Aes128Cmac));
    let pair = Pair::new(vec![ao(4, 3, Algorithm::Aes128Cmac)], vec![one, two], true);
    assert_eq!((pair.b.info().current_key, pair.b.info().next_key), (Some(3), Some(4)));
}

/// A peer that lost its state: its SYN is verified, and changes nothing.
#[test]
fn a_new_syn_is_verified_on_an_old_connection() {
    let keys = || (vec![ao(1, 2, Algorithm::HmacSha1)], vec![ao(2, 1, Algorithm::HmacSha1)]);
    let mut pair = Pair::new(keys().0, keys().1, false);
    pair.a = authenticator(keys().0, &pair.at_a);
    assert_eq!(pair.b_hears(Flags::SYN, SeqNumber(77), b""), Ok(()));
    let mut challenge = segment(Flags::ACK, ISS_B + 1, b"");
    let at_b = swapped(pair.at_a);
    assert!(pair.b.sign(&at_b, &mut challenge));
    // It cannot be verified: A knows no ISN of B's.
    let header = wire(&at_b, &challenge);
    assert_eq!(pair.a.verify(&pair.at_a, &header, pieces(&challenge)), Err(Rejection::Wrong));
}

#[test]
fn nothing_but_a_syn_is_signed_before_the_isns_are_known() {
    let mut a = authenticator([ao(1, 2, Algorithm::HmacSha1)], &at_a(false));
    assert!(!a.sign(&at_a(false), &mut segment(Flags::RST, ISS_A, b"")));
    assert!(a.sign(&at_a(false), &mut segment(Flags::SYN, ISS_A, b"")));
    assert!(!a.sign(&at_a(false), &mut segment(Flags::RST, ISS_A, b"")));
}

#[test]
fn patterns_choose() {
    let four = at_a(false);
    let peer = four.remote.ip();
    let matching = [
        Pattern::default(),
        Pattern::peer(peer),
        Pattern::peers([10, 0, 0, 0].into(), 8),
        Pattern { remote_port: Some(179), ..Pattern::default() },
        Pattern { local: Some((peer, 30)), ..Pattern::peer(peer) },
        Pattern { local: Some((four.local.ip(), 32)), ..Pattern::peers([0; 4].into(), 0) },
    ];
    let other = [
        Pattern::peer(four.local.ip()),
        Pattern::peers([10, 0, 1, 0].into(), 24),
        Pattern { local_port: Some(179), ..Pattern::default() },
        Pattern { local: Some((peer, 31)), ..Pattern::peer(peer) },
        Pattern::peers([0; 16].into(), 0),
        Pattern::peers([0xfd00, 0, 0, 0, 0, 0, 0, 2].into(), 1),
    ];
    let found = |pattern| {
        Authenticator::select(&[Key::md5(pattern, b"x")].into_iter().collect(), &four).is_some()
    };
    assert!(matching.into_iter().all(found));
    assert!(!other.into_iter().any(found));
}

#[test]
fn the_most_particular_md5_key_is_taken() {
    let at_a = at_a(false);
    let keys = [
        Key::md5(Pattern::peers([10, 0, 0, 0].into(), 8), b"net"),
        Key::md5(Pattern::peer(at_a.remote.ip()), b"host"),
        Key::md5(Pattern::default(), b"all"),
    ];
    let mut transmit = segment(Flags::SYN, ISS_A, b"");
    assert!(authenticator(keys, &at_a).sign(&at_a, &mut transmit));
    let header = wire(&at_a, &transmit);
    let at_b = swapped(at_a);
    assert_eq!(
        authenticator([md5(b"host")], &at_b).verify(&at_b, &header, pieces(&transmit)),
        Ok(())
    );
    let other = authenticator([md5(b"net")], &at_b).verify(&at_b, &header, pieces(&transmit));
    assert_eq!(other, Err(Rejection::Wrong));
}

#[test]
fn rings_refuse_what_could_not_be_told_apart() {
    let mut ring = KeyRing::default();
    let near = Pattern::peers([10, 0, 0, 0].into(), 24);
    let far = Pattern::peers([10, 1, 0, 0].into(), 24);
    let key = |pattern, send, receive| Key::ao(pattern, send, receive, Algorithm::HmacSha1, b"k");
    ring.add(key(near, 1, 2)).unwrap();
    assert_eq!(ring.add(key(Pattern::default(), 1, 3)), Err(KeyError::InUse));
    assert_eq!(ring.add(key(near, 3, 2)), Err(KeyError::InUse));
    ring.add(key(far, 1, 2)).unwrap();
    assert_eq!(ring.add(Key::md5(near, b"x")), Err(KeyError::Mixed));
    let other = Pattern::peers([10, 2, 0, 0].into(), 24);
    ring.add(Key::md5(other, b"x")).unwrap();
    ring.add(Key::md5(other, b"y")).unwrap();
    assert_eq!(ring.remove(&other, KeyId::Md5), Ok(()));
    assert_eq!(ring.remove(&other, KeyId::Md5), Err(KeyError::NoSuchKey));
    assert_eq!(ring.remove(&near, KeyId::Ao { send: 1, receive: 2 }), Ok(()));
    assert_eq!(std::format!("{ring:?}").matches("Key {").count(), 1);
}

#[test]
fn a_key_never_shows_its_secret() {
    let shown = std::format!("{:?}", Key::md5(Pattern::default(), b"\x7b\x7b\x7b"));
    assert!(!shown.contains("123") && !shown.contains("{{{"), "{shown}");
}

#[test]
fn signatures_leave_room_for_what_a_syn_needs() {
    for signature in [Signature::None, Signature::Ao, Signature::Md5] {
        assert!(signature.option_bytes() + 20 <= 40);
        assert_eq!(signature.option_bytes() % 4, 0);
    }
}
