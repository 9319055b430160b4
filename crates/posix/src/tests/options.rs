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
        (Opt::Linger2, -3, -1),
        (Opt::Linger2, 0, 60),
        (Opt::WindowClamp, 1, 1_152),
        (Opt::WindowClamp, 9_000, 9_000),
        (Opt::WindowClamp, 0, 0),
        (Opt::ThinLinearTimeouts, 0, 0),
        (Opt::BusyPoll, 0, 0),
        (Opt::IncomingCpu, 3, -1),
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
    for option in
        [Opt::Timestamping, Opt::ThinLinearTimeouts, Opt::Repair, Opt::SaveSyn, Opt::TxDelay]
    {
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

/// `TCP_QUICKACK`: on until the first reply, and whenever it is asked for.
#[test]
fn acknowledgements_without_waiting() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let quick = |world: &mut World| world.at[A].getsockopt_int(world.now, a, Opt::QuickAck);
    assert_eq!(quick(&mut world), Ok(1));
    world.write(B, b, b"question").unwrap();
    world.run(SOON);
    world.write(A, a, b"answer").unwrap();
    assert_eq!(quick(&mut world), Ok(1), "that came too late for a reply");
    world.run(SOON);
    world.write(B, b, b"question").unwrap();
    while world.at[A].tcp_info(world.now, a).unwrap().bytes_received < 16 {
        world.run(Duration::from_millis(1));
    }
    world.write(A, a, b"answer").unwrap();
    assert_eq!(quick(&mut world), Ok(0));
    world.at[A].setsockopt_int(world.now, a, Opt::QuickAck, 1).unwrap();
    assert_eq!(quick(&mut world), Ok(1));
    world.at[A].setsockopt_int(world.now, a, Opt::QuickAck, 0).unwrap();
    assert_eq!(quick(&mut world), Ok(0));
}

/// `TCP_WINDOW_CLAMP` of a connection: there is no way back to none.
#[test]
fn a_window_is_clamped() {
    let mut world = World::new();
    let (a, b) = world.pair();
    let now = world.now;
    assert_eq!(world.at[B].setsockopt_int(now, b, Opt::WindowClamp, 0), Err(Errno::EINVAL));
    world.at[B].setsockopt_int(now, b, Opt::WindowClamp, 10_000).unwrap();
    assert_eq!(world.at[B].getsockopt_int(now, b, Opt::WindowClamp), Ok(10_000));
    for _ in 0..20 {
        world.write(A, a, &[7; 10_000]).unwrap();
        world.run(SOON);
        world.read(B, b, 100_000).unwrap();
    }
    let window = world.at[A].tcp_info(world.now, a).unwrap().snd_wnd;
    assert!(window <= 10_240, "{window}");
}

/// Linux: of a listener `tcpi_unacked` is how many wait, `tcpi_sacked` how many may.
#[test]
fn tcp_info_of_a_listener() {
    let mut world = World::new();
    let listener = world.tcp(B);
    world.at[B].bind(world.now, listener, any(80)).unwrap();
    world.at[B].listen(world.now, listener, 7).unwrap();
    let a = world.tcp(A);
    let outcome = world.at[A].connect(world.now, a, address(B, 80));
    world.wait(A, outcome).unwrap();
    world.run(SOON);
    let info = world.at[B].tcp_info(world.now, listener).unwrap();
    assert_eq!((info.state, info.unacked, info.sacked), (10, 1, 7));
    world.at[B].listen(world.now, listener, 9).unwrap();
    assert_eq!(world.at[B].tcp_info(world.now, listener).unwrap().sacked, 9);
}

/// The table of the README is what the code does, of every option.
#[test]
fn the_table_of_options_is_true() {
    let table = include_str!("../../README.md");
    let mut wrong = Vec::new();
    for option in Opt::ALL {
        let mut world = World::new();
        let sockets = &mut world.at[A];
        let fd = sockets.socket(AF_INET6, SOCK_STREAM, 0).unwrap();
        let (level, number) = (option.level(), option.number());
        let refused = |error: Errno| matches!(error, Errno::ENOPROTOOPT | Errno::EOPNOTSUPP);
        let get = sockets.getsockopt(world.now, fd, level, number);
        let values: [&[u8]; 4] = [&1i32.to_ne_bytes(), &100i32.to_ne_bytes(), &[0; 16], &[0; 400]];
        let mut sets = values.map(|value| sockets.setsockopt(world.now, fd, level, number, value));
        let mark = |works: bool| if works { "yes" } else { "no" };
        let set = mark(sets.iter_mut().any(|set| !set.is_err_and(refused)));
        let get = mark(!get.is_err_and(refused));
        let row = format!("| `{}` | {set} | {get} |", option.name());
        if !table.contains(&row) {
            wrong.push(row);
        }
    }
    assert!(wrong.is_empty(), "not in README.md:\n{}", wrong.join("\n"));
}
