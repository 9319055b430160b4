//! `getsockopt`, `setsockopt`, `TCP_INFO`.

use super::world::*;
use crate::abi::*;
use crate::option::{SOL_SOCKET, SOL_TCP};
use crate::{Errno, SocketOption as Opt, TcpInfo};
use core::time::Duration;

#[test]
fn the_table_is_sound() {
    for (at, option) in Opt::ALL.iter().enumerate() {
        assert_eq!(Opt::find(option.level(), option.number()), Some(*option));
        assert_eq!(Opt::by_name(option.name()), Some(*option));
        assert!(Opt::ALL[..at].iter().all(|other| other.name() != option.name()));
    }
    assert_eq!(
        Opt::by_name("TCP_NODELAY").map(|option| (option.level(), option.number())),
        Some((6, 1))
    );
    assert_eq!(Opt::find(SOL_TCP, 12_345), None);
}

/// What is set is what is got, with Linux's roundings.
#[test]
fn values_come_back() {
    let mut world = World::new();
    let fd = world.tcp(A);
    for (option, set, got) in [
        (Opt::SendBuffer, 21_000, 42_000),
        (Opt::ReceiveBuffer, 1, 2_304),
        (Opt::ReuseAddress, 7, 1),
        (Opt::KeepIdle, 30, 30),
        (Opt::KeepInterval, 5, 5),
        (Opt::KeepCount, 3, 3),
        (Opt::NoDelay, 1, 1),
        (Opt::Cork, 1, 1),
        (Opt::SynCount, 4, 4),
        (Opt::UserTimeout, 3_000, 3_000),
        (Opt::Tos, 0x10, 0x10),
        (Opt::Ttl, 3, 3),
        (Opt::MtuDiscover, 0, 0),
        (Opt::MtuDiscover, 2, 2),
        (Opt::Mark, 42, 42),
        (Opt::NotSentLowWater, -1, -1),
        (Opt::ReceiveLowWater, 0, 1),
        (Opt::Linger2, 500, 120),
        (Opt::MaxPacingRate, 100_000, 100_000),
    ] {
        assert_eq!(world.at[A].setsockopt_int(world.now, fd, option, set), Ok(()), "{option:?}");
        assert_eq!(world.at[A].getsockopt_int(world.now, fd, option), Ok(got), "{option:?}");
    }
    for (option, got) in [
        (Opt::Type, SOCK_STREAM),
        (Opt::Domain, AF_INET),
        (Opt::Protocol, IPPROTO_TCP),
        (Opt::AcceptConnections, 0),
        (Opt::MaxSegment, 536),
    ] {
        assert_eq!(world.at[A].getsockopt_int(world.now, fd, option), Ok(got));
        let error = world.at[A].setsockopt_int(world.now, fd, option, 1);
        assert!(error.is_err() || option == Opt::MaxSegment, "{option:?}");
    }
}

#[test]
fn values_that_are_refused() {
    let mut world = World::new();
    let fd = world.tcp(A);
    let now = world.now;
    let sockets = &mut world.at[A];
    for (option, value) in
        [(Opt::KeepCount, 0), (Opt::KeepIdle, 0), (Opt::SynCount, 128), (Opt::Ttl, 0)]
    {
        assert_eq!(sockets.setsockopt_int(now, fd, option, value), Err(Errno::EINVAL));
    }
    assert_eq!(sockets.setsockopt(now, fd, SOL_TCP, 1, &[1, 0]), Err(Errno::EINVAL));
    assert_eq!(sockets.setsockopt(now, fd, SOL_TCP, 999, &[1; 4]), Err(Errno::ENOPROTOOPT));
    assert_eq!(sockets.getsockopt(now, fd, 99, 1), Err(Errno::ENOPROTOOPT));
    let bad_time = [0i64, 1_000_000].map(i64::to_ne_bytes).concat();
    assert_eq!(sockets.setsockopt(now, fd, SOL_SOCKET, 20, &bad_time), Err(Errno::EDOM));
    assert_eq!(sockets.setsockopt(now, fd, SOL_TCP, 13, b"vegas"), Err(Errno::ENOENT));
}

/// Nothing that the stack does not do is taken in silence.
#[test]
fn what_is_not_there_is_refused() {
    let mut world = World::new();
    let fd = world.tcp(A);
    let now = world.now;
    for option in [Opt::Timestamping, Opt::Repair, Opt::SaveSyn, Opt::TxDelay] {
        let set = world.at[A].setsockopt_int(now, fd, option, 1);
        assert_eq!(set, Err(Errno::ENOPROTOOPT), "{option:?}");
    }
}

#[test]
fn congestion_control_by_name() {
    let mut world = World::new();
    let fd = world.tcp(A);
    let name = |world: &mut World| world.at[A].getsockopt(world.now, fd, SOL_TCP, 13).unwrap();
    assert_eq!(name(&mut world)[..6], *b"cubic\0");
    world.at[A].setsockopt(world.now, fd, SOL_TCP, 13, b"reno").unwrap();
    assert_eq!(name(&mut world), *b"reno\0\0\0\0\0\0\0\0\0\0\0\0");
}

/// Congestion control and the bound of pacing take effect on a connection that is under way.
#[test]
fn a_running_connection_changes_its_pace() {
    let mut world = World::new();
    let (a, _) = world.pair();
    let now = world.now;
    world.at[A].setsockopt(now, a, SOL_TCP, 13, b"bbr").unwrap();
    let name = world.at[A].getsockopt(now, a, SOL_TCP, 13).unwrap();
    assert_eq!(name[..4], *b"bbr\0");
    assert_eq!(world.at[A].getsockopt_int(now, a, Opt::MaxPacingRate), Ok(-1));
    world.at[A].setsockopt_int(now, a, Opt::MaxPacingRate, 100_000).unwrap();
    assert_eq!(world.at[A].getsockopt_int(now, a, Opt::MaxPacingRate), Ok(100_000));
    assert_eq!(world.at[A].tcp_info(now, a).unwrap().pacing_rate, 100_000);
}

/// A listener's options are its connections', and its receive buffer their window.
#[test]
fn options_are_inherited() {
    let mut world = World::new();
    let listener = world.listener(B, 80);
    let now = world.now;
    for (option, value) in [(Opt::NoDelay, 1), (Opt::ReceiveBuffer, 20_000), (Opt::KeepIdle, 9)] {
        world.at[B].setsockopt_int(now, listener, option, value).unwrap();
    }
    let a = world.tcp(A);
    let outcome = world.at[A].connect(now, a, address(B, 80));
    world.wait(A, outcome).unwrap();
    let b = world.accept(B, listener);
    assert_eq!(world.at[B].getsockopt_int(world.now, b, Opt::NoDelay), Ok(1));
    assert_eq!(world.at[B].getsockopt_int(world.now, b, Opt::KeepIdle), Ok(9));
    assert_eq!(world.at[B].getsockopt_int(world.now, b, Opt::ReceiveBuffer), Ok(40_000));
    let window = world.at[A].tcp_info(world.now, a).unwrap().snd_wnd;
    assert!(window <= 20_000, "{window}");
}

#[test]
fn keep_alive_finds_a_dead_peer() {
    let mut world = World::new();
    let (a, _) = world.pair();
    for (option, value) in
        [(Opt::KeepIdle, 10), (Opt::KeepInterval, 2), (Opt::KeepCount, 3), (Opt::KeepAlive, 1)]
    {
        world.at[A].setsockopt_int(world.now, a, option, value).unwrap();
    }
    world.passes[B] = false;
    let outcome = world.at[A].read(world.now, a, 1.into());
    let start = world.now;
    assert_eq!(world.wait(A, outcome), Err(Errno::ETIMEDOUT));
    assert!(world.now.since(start) <= Duration::from_secs(16));
}

/// Linux's layout: offsets that programs have compiled in.
#[test]
fn tcp_info_in_linux_layout() {
    let info = TcpInfo {
        state: 1,
        snd_wscale: 7,
        rcv_wscale: 8,
        delivery_rate_app_limited: 1,
        rto: 0x0102_0304,
        total_retrans: 5,
        bytes_acked: 6,
        total_rto_time: 9,
        ..TcpInfo::default()
    };
    let bytes = info.encode();
    assert_eq!(bytes.len(), 280);
    assert_eq!((bytes[0], bytes[6], bytes[7]), (1, 0x87, 1));
    assert_eq!(bytes[8..12], 0x0102_0304u32.to_ne_bytes());
    assert_eq!(bytes[100..104], 5u32.to_ne_bytes());
    assert_eq!(bytes[120..128], 6u64.to_ne_bytes());
    assert_eq!(bytes[244..248], 9u32.to_ne_bytes());
    assert_eq!(info.get("tcpi_rcv_wscale"), Some(8));
    assert_eq!(info.get("tcpi_nonsense"), None);
    assert!(TcpInfo::NAMES.iter().all(|name| info.get(name).is_some()));
}

#[test]
fn tcp_info_of_a_transfer() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let fresh = world.at[A].tcp_info(world.now, a).unwrap();
    assert_eq!((fresh.state, fresh.snd_cwnd, fresh.unacked), (1, 10, 0));
    assert_eq!(fresh.snd_ssthresh, 0x7fff_ffff);
    assert_eq!(fresh.snd_mss, 1_448);
    assert_eq!(world.at[A].getsockopt_int(world.now, a, Opt::MaxSegment), Ok(1_448));
    assert_eq!(world.at[A].getsockopt_int(world.now, a, Opt::Mtu), Ok(1_500));
    world.write(A, a, &[7; 5_000]).unwrap();
    let sent = world.at[A].tcp_info(world.now, a).unwrap();
    assert_eq!((sent.unacked, sent.notsent_bytes), (4, 0));
    world.run(SOON);
    let done = world.at[A].tcp_info(world.now, a).unwrap();
    assert_eq!((done.unacked, done.bytes_acked), (0, 5_000));
    assert_eq!(world.at[B].tcp_info(world.now, b).unwrap().bytes_received, 5_000);
    assert!(done.rtt >= 10_000);
}

/// `SO_MAX_PACING_RATE`: 100,000 octets at 50,000 a second take about two seconds.
#[test]
fn a_paced_sender() {
    let mut world = World::new();
    let (a, b) = world.pair();
    world.at[A].setsockopt_int(world.now, a, Opt::MaxPacingRate, 50_000).unwrap();
    world.at[A].setsockopt_int(world.now, a, Opt::SendBuffer, 200_000).unwrap();
    world.write(A, a, &vec![7; 100_000]).unwrap();
    let start = world.now;
    let mut got = 0;
    while got < 100_000 {
        got += world.read(B, b, 100_000).unwrap().len();
    }
    let took = world.now.since(start);
    assert!(took > Duration::from_millis(1_500) && took < Duration::from_secs(3), "{took:?}");
}
