//! Signed connections between two hosts: TCP-AO (RFC 5925) and MD5 (RFC 2385).

use super::world::{A, B, World, lan, offloading, tun, v4, v6};
use crate::auth::{Algorithm, Signature};
use crate::{ConnectionId, Counters, Error, Key, KeyError, KeyId, KeyOwner, ListenerId, Pattern};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sockeye_wire::ip::IpView;
use sockeye_wire::tcp::{TcpOption, TcpView};
use sockeye_wire::{Packet, StateName};
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec;
use std::vec::Vec;

const PORT: u16 = 179;

/// A's and B's.
type Keys = [Option<Key>; 2];

fn md5(secret: &[u8]) -> Keys {
    [A, B].map(|_| Some(Key::md5(Pattern::default(), secret)))
}

fn ao(algorithm: Algorithm, id: u8, secret: &[u8]) -> Keys {
    [(id, id + 1), (id + 1, id)]
        .map(|(send, receive)| Some(Key::ao(Pattern::default(), send, receive, algorithm, secret)))
}

struct Signed {
    world: World,
    listener: ListenerId,
    a: ConnectionId,
}

impl Signed {
    /// A's SYN is about to leave.
    fn opening(mut world: World, ip: fn(usize) -> IpAddr, [at_a, at_b]: Keys) -> Self {
        let address = SocketAddr::new(ip(B), PORT);
        let listener = world.listen(B, address);
        if let Some(key) = at_b {
            world.hosts[B].add_key(KeyOwner::Listener(listener), key).unwrap();
        }
        let a = world.hosts[A].connect(world.now, address, None).unwrap();
        if let Some(key) = at_a {
            world.hosts[A].add_key(KeyOwner::Connection(a), key).unwrap();
        }
        Self { world, listener, a }
    }

    /// Both ends know of each other.
    fn open(
        world: World,
        ip: fn(usize) -> IpAddr,
        keys: Keys,
    ) -> (World, ConnectionId, ConnectionId) {
        let Self { mut world, listener, a } = Self::opening(world, ip, keys);
        let mut b = None;
        world.run_until(Duration::from_secs(10), |world| {
            b = b.or_else(|| world.hosts[B].accept(listener));
            b.is_some()
        });
        (world, a, b.unwrap().0)
    }

    fn state(&self) -> StateName {
        self.world.hosts[A].connection(self.a).unwrap().state()
    }
}

/// How many segments of all were signed, and in which ways.
fn watch(world: &mut World) -> Arc<Mutex<(usize, Vec<Signature>)>> {
    let seen: Arc<Mutex<(usize, Vec<Signature>)>> = Arc::default();
    let log = Arc::clone(&seen);
    world.filter = Some(Box::new(move |_, packet: &Packet| {
        let bytes = packet.to_bytes();
        let Ok(ip) = IpView::parse(&bytes, bytes.len()) else { return true };
        let tcp = TcpView::parse(&bytes[ip.header_len..]).unwrap();
        let mut log = log.lock().unwrap();
        log.0 += 1;
        log.1.extend(tcp.options().map_while(Result::ok).filter_map(|option| match option {
            TcpOption::Md5(_) => Some(Signature::Md5),
            TcpOption::Authentication { mac, .. } if mac.len() == 12 => Some(Signature::Ao),
            _ => None,
        }));
        true
    }));
    seen
}

fn transfer(world: &mut World, from: (usize, ConnectionId), to: (usize, ConnectionId), len: usize) {
    let data: Vec<u8> = (0..len).map(|at| (at * 7 % 251) as u8).collect();
    let (mut sent, mut received) = (0, Vec::new());
    let mut chunk = vec![0; 65_536];
    world.run_until(Duration::from_secs(60), |world| {
        let now = world.now;
        if sent < data.len() {
            sent += match world.hosts[from.0].write(now, from.1, &data[sent..]) {
                Ok(count) => count,
                Err(Error::WouldBlock) => 0,
                Err(error) => panic!("{error}"),
            };
        }
        while let Ok(count) = world.hosts[to.0].read(now, to.1, &mut chunk)
            && count > 0
        {
            received.extend_from_slice(&chunk[..count]);
        }
        received.len() == data.len()
    });
    assert_eq!(received, data);
}

fn refused(counters: &Counters) -> [u64; 4] {
    [
        counters.dropped_auth_missing,
        counters.dropped_auth_unexpected,
        counters.dropped_auth_unknown_key,
        counters.dropped_auth_wrong,
    ]
}

/// Every segment from the SYN to the last ACK of TIME-WAIT bears its signature, over every medium, in both versions.
#[test]
fn a_whole_life_is_signed() {
    let kinds = [
        (md5(b"secret"), Signature::Md5),
        (ao(Algorithm::HmacSha1, 1, b"secret"), Signature::Ao),
        (ao(Algorithm::Aes128Cmac, 7, b"another secret of any length"), Signature::Ao),
    ];
    for (keys, kind) in kinds {
        for (link, ip) in [(tun as fn(_) -> _, v4 as fn(_) -> _), (offloading, v6), (tun, v6)] {
            let mut world = World::new(link);
            let seen = watch(&mut world);
            let (mut world, a, b) = Signed::open(world, ip, keys.clone());
            transfer(&mut world, (A, a), (B, b), 100_000);
            transfer(&mut world, (B, b), (A, a), 300_000);
            world.hosts[A].close(world.now, a);
            world.hosts[B].close(world.now, b);
            world.run_for(Duration::from_secs(90));
            let seen = seen.lock().unwrap();
            assert!(seen.1.len() > 250 && seen.1.iter().all(|seen| *seen == kind));
            assert_eq!(seen.0, seen.1.len(), "each segment once");
            for host in [A, B] {
                assert_eq!(world.counts(host).connections + world.counts(host).time_wait, 0);
                assert_eq!(refused(world.hosts[host].counters()), [0; 4]);
            }
        }
    }
}

/// What the signature takes is missing from the payload, never from the path (RFC 6691).
#[test]
fn full_segments_leave_room() {
    for (keys, payload) in
        [([None, None], 1_448), (md5(b"x"), 1_440), (ao(Algorithm::HmacSha1, 1, b"x"), 1_432)]
    {
        let (world, a, b) = Signed::open(World::new(lan), v4, keys);
        for (host, id) in [(A, a), (B, b)] {
            assert_eq!(world.hosts[host].connection(id).unwrap().info().send_mss, payload);
        }
    }
}

/// RFC 5925 §7.5, RFC 2385 §2: without the right signature nothing is answered.
#[test]
fn strangers_get_no_answer() {
    let [mine, theirs] = [md5(b"one"), md5(b"two")].map(|[key, _]| key);
    let sha = |id, secret: &[u8]| ao(Algorithm::HmacSha1, id, secret);
    let [missing, unexpected, unknown, wrong] =
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]];
    let cases = [
        ([None, mine.clone()], missing),
        ([mine.clone(), None], unexpected),
        ([mine, theirs.clone()], wrong),
        ([None, sha(1, b"x")[B].clone()], missing),
        ([theirs, sha(1, b"x")[B].clone()], missing),
        ([sha(1, b"x")[A].clone(), sha(1, b"y")[B].clone()], wrong),
        ([sha(1, b"x")[A].clone(), sha(5, b"x")[B].clone()], unknown),
    ];
    for (keys, expected) in cases {
        let mut signed = Signed::opening(World::new(tun), v4, keys.clone());
        signed.world.run_for(Duration::from_millis(900));
        assert_eq!(signed.state(), StateName::SynSent, "{keys:?}");
        let counters = signed.world.hosts[B].counters();
        assert_eq!((refused(counters), counters.segments_sent), (expected, 0), "{keys:?}");
        assert_eq!(signed.world.counts(B).half_open, 0);
    }
}

/// RFC 5925 §7.3: TCP-AO that nobody here has a key for is overlooked, unless the host is told otherwise.
#[test]
fn ao_without_a_key_is_taken_as_unsigned_by_default() {
    let [key, _] = ao(Algorithm::HmacSha1, 1, b"x");
    let mut signed = Signed::opening(World::new(tun), v4, [key.clone(), None]);
    signed.world.run_for(Duration::from_millis(900));
    assert_eq!(signed.world.counts(B).half_open, 1);
    // A does not take the unsigned answer.
    assert_eq!(signed.state(), StateName::SynSent);
    assert!(signed.world.hosts[A].counters().dropped_auth_missing > 0);

    let strict = World::with(tun, |config| config.refuse_unknown_ao = true);
    let mut signed = Signed::opening(strict, v4, [key, None]);
    signed.world.run_for(Duration::from_millis(900));
    assert_eq!(signed.world.counts(B).half_open, 0);
    assert_eq!(signed.world.hosts[B].counters().dropped_auth_unexpected, 1);
}

/// A reset counts only if it is signed, and one that is does.
#[test]
fn resets_are_signed() {
    for keys in [md5(b"x"), ao(Algorithm::Aes128Cmac, 1, b"x")] {
        let (mut world, a, b) = Signed::open(World::new(tun), v6, keys);
        world.hosts[B].abort(world.now, b);
        world.run_until(Duration::from_secs(1), |world| {
            world.hosts[A].connection(a).unwrap().error() == Some(Error::Reset)
        });
    }
    // Nobody listens any more: MD5 needs no state to sign the refusal, TCP-AO would.
    for (keys, refusals) in [(md5(b"x"), 1), (ao(Algorithm::HmacSha1, 1, b"x"), 0)] {
        let (mut world, a, b) = Signed::open(World::new(tun), v4, keys);
        world.filter = Some(Box::new(|from, _| from == A));
        world.hosts[B].abort(world.now, b);
        world.hosts[B].close(world.now, b);
        world.run_for(Duration::from_millis(100));
        assert_eq!(world.counts(B).connections, 0);
        world.filter = None;
        world.hosts[A].write(world.now, a, b"is anybody there?").unwrap();
        world.run_for(Duration::from_millis(100));
        assert_eq!(world.hosts[B].counters().resets_sent, refusals);
        let error = world.hosts[A].connection(a).unwrap().error();
        assert_eq!(error, (refusals > 0).then_some(Error::Reset));
    }
}

/// Whoever knows the numbers but not the key can do nothing, and is counted.
#[test]
fn forged_segments_do_nothing() {
    for keys in [md5(b"x"), ao(Algorithm::HmacSha1, 1, b"x")] {
        let (mut world, a, b) = Signed::open(World::new(tun), v4, keys);
        let packets: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let log = Arc::clone(&packets);
        world.filter = Some(Box::new(move |from, packet| {
            if from == A {
                log.lock().unwrap().push(packet.to_bytes().to_vec());
            }
            from == B
        }));
        world.hosts[A].write(world.now, a, b"signed").unwrap();
        world.flush();
        let genuine = packets.lock().unwrap()[0].clone();
        // One octet of the data, the checksum made right again.
        let mut forged = genuine.clone();
        let end = forged.len();
        forged[end - 1] ^= 0x20;
        let ip = IpView::parse(&forged, end).unwrap();
        forged[36..38].fill(0);
        let sum = ip.pseudo_header().with(&forged[20..]).finish();
        forged[36..38].copy_from_slice(&sum.to_be_bytes());
        world.inject(B, forged);
        assert_eq!(refused(world.hosts[B].counters()), [0, 0, 0, 1]);
        assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 0);
        assert_eq!(world.hosts[B].auth_info(b).unwrap().rejected, 1);
        world.inject(B, genuine);
        assert_eq!(world.hosts[B].connection(b).unwrap().readable(), 6);
    }
}

/// TIME-WAIT keeps its keys: a FIN again is verified, its answer signed.
#[test]
fn time_wait_is_signed() {
    let (mut world, a, b) = Signed::open(World::new(tun), v4, ao(Algorithm::HmacSha1, 1, b"x"));
    let mut acks = 0;
    world.hosts[A].close(world.now, a);
    world.run_for(Duration::from_millis(100));
    // The last ACK is lost once.
    world.filter = Some(Box::new(move |from, _| {
        acks += usize::from(from == A);
        from == B || acks > 1
    }));
    world.hosts[B].close(world.now, b);
    world.run_for(Duration::from_secs(5));
    assert_eq!((world.counts(A).time_wait, world.counts(B).connections), (1, 0));
    assert_eq!(refused(world.hosts[A].counters()), [0; 4]);
}

/// RFC 5925 §7.5: a new key takes over in the middle, without a segment lost.
#[test]
fn keys_roll_over() {
    let [first, second] = [10, 20].map(|id| ao(Algorithm::HmacSha1, id, &[id]));
    let (mut world, a, b) = Signed::open(World::new(tun), v4, first);
    let [at_a, at_b] = second;
    world.hosts[A].add_key(KeyOwner::Connection(a), at_a.unwrap()).unwrap();
    world.hosts[B].add_key(KeyOwner::Connection(b), at_b.unwrap()).unwrap();
    world.hosts[B].set_next_key(b, 20).unwrap();
    transfer(&mut world, (B, b), (A, a), 10_000);
    transfer(&mut world, (A, a), (B, b), 10_000);
    assert_eq!(world.hosts[A].auth_info(a).unwrap().current_key, Some(20));
    world.hosts[A].set_next_key(a, 21).unwrap();
    transfer(&mut world, (A, a), (B, b), 10_000);
    assert_eq!(world.hosts[B].auth_info(b).unwrap().current_key, Some(21));
    let old = KeyId::Ao { send: 10, receive: 11 };
    let owner = KeyOwner::Connection(a);
    world.hosts[A].remove_key(owner, &Pattern::default(), old).unwrap();
    transfer(&mut world, (B, b), (A, a), 10_000);
    assert_eq!(world.hosts[A].auth_info(a).unwrap().keys, 1);
}

#[test]
fn simultaneous_opens_are_signed_too() {
    for keys in [md5(b"x"), ao(Algorithm::Aes128Cmac, 1, b"x")] {
        let mut world = World::new(tun);
        let ends = [SocketAddr::new(v4(A), 1_000), SocketAddr::new(v4(B), 2_000)];
        let [at_a, at_b] = keys;
        let a = world.hosts[A].connect(world.now, ends[B], Some(ends[A])).unwrap();
        let b = world.hosts[B].connect(world.now, ends[A], Some(ends[B])).unwrap();
        world.hosts[A].add_key(KeyOwner::Connection(a), at_a.unwrap()).unwrap();
        world.hosts[B].add_key(KeyOwner::Connection(b), at_b.unwrap()).unwrap();
        world.run_until(Duration::from_secs(1), |world| {
            [(A, a), (B, b)].into_iter().all(|(host, id)| {
                world.hosts[host].connection(id).unwrap().state() == StateName::Established
            })
        });
        transfer(&mut world, (A, a), (B, b), 5_000);
        assert_eq!(refused(world.hosts[A].counters()), [0; 4]);
    }
}

#[test]
fn keys_are_refused_where_they_make_no_sense() {
    let key = |send, receive| Key::ao(Pattern::default(), send, receive, Algorithm::HmacSha1, b"x");
    let (mut world, a, _) = Signed::open(World::new(tun), v4, [None, None]);
    let owner = KeyOwner::Connection(a);
    let host = &mut world.hosts[A];
    assert_eq!(host.add_key(owner, key(1, 2)), Err(KeyError::TooLate));
    assert_eq!(host.auth_info(a), None);
    let fresh = host.connect(world.now, SocketAddr::new(v4(B), PORT), None).unwrap();
    let owner = KeyOwner::Connection(fresh);
    let elsewhere = Key::md5(Pattern::peer(v4(A)), b"x");
    assert_eq!(host.add_key(owner, elsewhere), Err(KeyError::Elsewhere));
    host.add_key(owner, key(1, 2)).unwrap();
    assert_eq!(host.add_key(owner, key(1, 3)), Err(KeyError::InUse));
    assert_eq!(host.add_key(owner, Key::md5(Pattern::default(), b"x")), Err(KeyError::Mixed));
    let id = KeyId::Ao { send: 1, receive: 2 };
    assert_eq!(host.remove_key(owner, &Pattern::default(), id), Err(KeyError::InUse));
    assert_eq!(host.set_current_key(fresh, 9), Err(KeyError::NoSuchKey));
    host.close(world.now, fresh);
    assert_eq!(host.add_key(owner, key(5, 6)), Err(KeyError::NoSuchKey));
}

/// A key that is for others leaves a listener open to those without.
#[test]
fn a_listeners_keys_are_for_some() {
    let mut world = World::new(tun);
    let listener = world.listen(B, SocketAddr::new(v4(B), PORT));
    let owner = KeyOwner::Listener(listener);
    let key = Key::md5(Pattern::peers([192, 0, 2, 0].into(), 24), b"x");
    world.hosts[B].add_key(owner, key).unwrap();
    let a = world.hosts[A].connect(world.now, SocketAddr::new(v4(B), PORT), None).unwrap();
    world.run_until(Duration::from_secs(1), |world| {
        world.hosts[A].connection(a).unwrap().state() == StateName::Established
    });
    // Two keys for the same peers: the last one added counts.
    let all = |secret: &[u8]| Key::md5(Pattern::default(), secret);
    world.hosts[B].add_key(owner, all(b"old")).unwrap();
    world.hosts[B].add_key(owner, all(b"new")).unwrap();
    let a = world.hosts[A].connect(world.now, SocketAddr::new(v4(B), PORT), None).unwrap();
    world.hosts[A].add_key(KeyOwner::Connection(a), all(b"new")).unwrap();
    world.run_until(Duration::from_secs(1), |world| {
        world.hosts[A].connection(a).unwrap().state() == StateName::Established
    });
    world.hosts[B].remove_key(owner, &Pattern::default(), KeyId::Md5).unwrap();
    world.hosts[B].close_listener(world.now, listener);
    assert_eq!(world.hosts[B].add_key(owner, all(b"x")), Err(KeyError::NoSuchKey));
}
