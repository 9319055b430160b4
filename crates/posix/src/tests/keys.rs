//! `TCP_MD5SIG` and `TCP_AO_*`.

use super::world::*;
use crate::{Address, Errno, Fd, SocketOption as Opt, Value};
use core::net::SocketAddr;

/// `struct sockaddr_storage`.
fn storage(address: Address) -> Vec<u8> {
    let mut bytes = address.encode();
    bytes.resize(128, 0);
    bytes
}

/// `struct tcp_md5sig`.
fn md5(peer: Address, key: &[u8]) -> Vec<u8> {
    let mut bytes = storage(peer);
    bytes.extend([0, 0]);
    bytes.extend((key.len() as u16).to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(key);
    bytes.resize(216, 0);
    bytes
}

/// `struct tcp_ao_add`.
fn ao(peer: Address, (send, receive): (u8, u8), flags: u32, key: &[u8]) -> Vec<u8> {
    let mut bytes = storage(peer);
    bytes.extend(b"hmac(sha1)");
    bytes.resize(192, 0);
    bytes.extend([0; 4]);
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0, 0, 32, send, receive, 12, 0, key.len() as u8]);
    bytes.extend(key);
    bytes.resize(288, 0);
    bytes
}

fn set(world: &mut World, host: usize, fd: Fd, option: Opt, value: &[u8]) -> Result<(), Errno> {
    world.at[host].setsockopt(world.now, fd, option.level(), option.number(), value)
}

fn peer(host: usize) -> Address {
    SocketAddr::new(v4(host), 0).into()
}

/// A connects to B; both have set their keys.
fn exchange(world: &mut World, option: Opt, [client, server]: [&[u8]; 2]) -> Result<Fd, Errno> {
    let listener = world.listener(B, 80);
    set(world, B, listener, option, server).unwrap();
    let a = world.tcp(A);
    set(world, A, a, option, client).unwrap();
    world.at[A].setsockopt_int(world.now, a, Opt::SynCount, 1).unwrap();
    let outcome = world.at[A].connect(world.now, a, address(B, 80));
    assert_eq!(world.wait(A, outcome)?, Value::Nothing);
    let b = world.accept(B, listener);
    world.write(A, a, b"signed").unwrap();
    world.run(SOON);
    assert_eq!(world.read(B, b, 10), Ok(b"signed".to_vec()));
    Ok(a)
}

#[test]
fn md5_signatures() {
    let keys = |secret: &[u8]| [md5(peer(B), secret), md5(peer(A), b"secret")];
    let [client, server] = keys(b"secret");
    exchange(&mut World::new(), Opt::Md5Signature, [&client, &server]).unwrap();
    let [client, server] = keys(b"another");
    let failed = exchange(&mut World::new(), Opt::Md5Signature, [&client, &server]);
    assert_eq!(failed, Err(Errno::ETIMEDOUT));
}

/// A key of no octets is removed; Linux wants one to be there.
#[test]
fn md5_keys_go() {
    let mut world = World::new();
    let fd = world.tcp(A);
    let remove = md5(peer(B), b"");
    assert_eq!(set(&mut world, A, fd, Opt::Md5Signature, &remove), Err(Errno::ENOENT));
    set(&mut world, A, fd, Opt::Md5Signature, &md5(peer(B), b"secret")).unwrap();
    set(&mut world, A, fd, Opt::Md5Signature, &remove).unwrap();
    let _listener = world.listener(B, 80);
    let outcome = world.at[A].connect(world.now, fd, address(B, 80));
    assert_eq!(world.wait(A, outcome), Ok(Value::Nothing));
    // A connection that began without signatures stays without.
    let late = md5(peer(B), b"secret");
    assert_eq!(set(&mut world, A, fd, Opt::Md5Signature, &late), Err(Errno::EINVAL));
    assert_eq!(set(&mut world, A, fd, Opt::Md5Signature, &late[..215]), Err(Errno::EINVAL));
}

#[test]
fn authenticated_by_tcp_ao() {
    let mut world = World::new();
    let (client, server) = (ao(peer(B), (1, 2), 0, b"master"), ao(peer(A), (2, 1), 0, b"master"));
    let a = exchange(&mut world, Opt::AoAddKey, [&client, &server]).unwrap();
    let info = Opt::AoInfo;
    let read = |world: &mut World| {
        world.at[A].getsockopt(world.now, a, info.level(), info.number()).unwrap()
    };
    let told = read(&mut world);
    assert_eq!(told.len(), 48);
    // The current key by its SendID, the next one by its RecvID.
    assert_eq!(told[6..8], [1, 2]);
    assert!(u64::from_ne_bytes(told[8..16].try_into().unwrap()) > 0);
    // A second key, to be used from now on.
    let second = ao(peer(B), (7, 8), 3, b"master2");
    set(&mut world, A, a, Opt::AoAddKey, &second).unwrap();
    assert_eq!(read(&mut world)[6..8], [7, 8]);
    assert_eq!(set(&mut world, A, a, Opt::AoAddKey, &second), Err(Errno::EEXIST));
}

#[test]
fn keys_that_are_refused() {
    let mut world = World::new();
    let fd = world.tcp(A);
    let mut unknown = ao(peer(B), (1, 1), 0, b"master");
    unknown[128..132].copy_from_slice(b"rot1");
    assert_eq!(set(&mut world, A, fd, Opt::AoAddKey, &unknown), Err(Errno::ENOENT));
    let mut short_mac = ao(peer(B), (1, 1), 0, b"master");
    short_mac[205] = 4;
    assert_eq!(set(&mut world, A, fd, Opt::AoAddKey, &short_mac), Err(Errno::EINVAL));
    set(&mut world, A, fd, Opt::AoAddKey, &ao(peer(B), (1, 1), 0, b"master")).unwrap();
    // RFC 5925 §2.2: not both kinds for one peer.
    let mixed = md5(peer(B), b"secret");
    assert_eq!(set(&mut world, A, fd, Opt::Md5Signature, &mixed), Err(Errno::EKEYREJECTED));
}
