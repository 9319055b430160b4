use super::{Tun, TunConfig, TunCounts, TunError, linux_address};
use crate::{Link, Readiness};
use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use sockeye_wire::{HeaderBytes, Instant, Meta, Packet, Payload};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

#[test]
fn linux_gets_the_first_host_address_that_is_free() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let first = |text: &str, prefix, taken: &[&str]| {
        let taken: Vec<_> = taken.iter().map(|text| address(text)).collect();
        linux_address(address(text), prefix, &taken).map(|found| found.to_string())
    };
    assert_eq!(first("10.9.0.2", 24, &[]).as_deref(), Some("10.9.0.1"));
    assert_eq!(first("10.9.0.1", 24, &[]).as_deref(), Some("10.9.0.2"));
    assert_eq!(first("10.9.0.1", 24, &["10.9.0.2", "10.9.0.3"]).as_deref(), Some("10.9.0.4"));
    assert_eq!(first("10.9.0.77", 30, &[]).as_deref(), Some("10.9.0.78"));
    assert_eq!(first("10.9.0.1", 30, &["10.9.0.2"]), None, "the broadcast address is no host");
    assert_eq!(first("10.9.0.6", 31, &[]).as_deref(), Some("10.9.0.7"));
    assert_eq!(first("10.9.0.6", 32, &[]), None);
    assert_eq!(first("10.9.0.6", 33, &[]), None);
    assert_eq!(first("1.2.3.4", 0, &[]).as_deref(), Some("0.0.0.1"));
    assert_eq!(first("fd00::2", 64, &[]).as_deref(), Some("fd00::1"));
    assert_eq!(first("fd00::1", 64, &[]).as_deref(), Some("fd00::2"));
    assert_eq!(first("fd00::6", 127, &[]).as_deref(), Some("fd00::7"));
    assert_eq!(first("fd00::6", 128, &[]), None);
    assert_eq!(first("fd00::6", 0, &[]).as_deref(), Some("::1"));
}

#[test]
fn the_commands_of_a_device() {
    let config = TunConfig::for_stack(
        "sock0",
        &[("10.9.0.2".parse().unwrap(), 24), ("fd00::1".parse().unwrap(), 64)],
    );
    assert_eq!(
        config.ip_commands(),
        [
            "ip tuntap add dev sock0 mode tun user $USER",
            "ip addr add 10.9.0.1/24 dev sock0",
            "ip addr add fd00::2/64 dev sock0",
            "ip link set dev sock0 mtu 1500 up",
        ]
    );
}

#[test]
fn names_are_checked_before_anything_else() {
    let open = |name: &str| Tun::open(&TunConfig::for_stack(name, &[])).unwrap_err();
    assert!(matches!(open("sixteen-bytes-00"), TunError::NameTooLong { .. }));
    assert!(open("sixteen-bytes-00").to_string().contains("15 bytes, this has 16"));
    for bad in ["", ".", "..", "a/b", "a b", "a:b"] {
        assert!(matches!(open(bad), TunError::BadName { .. }), "{bad:?}");
    }
}

#[test]
fn packets_of_both_families_go_in_and_out() {
    in_a_network_of_its_own(|| {
        let addresses = [("10.77.0.2".parse().unwrap(), 24), ("fd77::2".parse().unwrap(), 64)];
        let mut tun = Tun::open(&TunConfig::for_stack("sock0", &addresses)).unwrap();
        assert!(tun.created());
        assert_eq!((tun.name(), tun.mtu()), ("sock0", 1_500));
        for address in ["10.77.0.2:9", "[fd77::2]:9"] {
            assert_echo(&mut tun, address.parse().unwrap(), 40);
            assert_echo(&mut tun, address.parse().unwrap(), 1_400);
        }
        assert_eq!(tun.counts(), TunCounts::default());
    });
}

#[test]
fn a_device_that_is_down_is_waited_for() {
    in_a_network_of_its_own(|| {
        let config =
            TunConfig { name: "sock0".into(), mtu: 1_400, configure: None, offload: false };
        let mut tun = Tun::open(&config).unwrap();
        assert!(tun.created());
        let mut sent = VecDeque::from([Packet::from_bytes(
            Meta::at(Instant::ZERO),
            Bytes::from(vec![0x45; 20]),
        )]);
        assert_eq!(tun.transmit(Instant::ZERO, &mut sent).unwrap(), 1);
        assert_eq!(tun.counts().dropped_link_down, 1);
        assert_eq!(tun.receive(Instant::ZERO, &mut Vec::new(), 9).unwrap(), 0);

        ip("addr add 10.78.0.1/24 dev sock0");
        ip("link set dev sock0 up");
        assert_echo(&mut tun, "10.78.0.2:9".parse().unwrap(), 100);

        ip("link set dev sock0 down");
        tun.receive(Instant::ZERO, &mut Vec::new(), 9).unwrap();
        ip("link set dev sock0 up");
        assert_echo(&mut tun, "10.78.0.2:9".parse().unwrap(), 100);
    });
}

#[test]
fn an_existing_device_is_used_as_it_is() {
    in_a_network_of_its_own(|| {
        ip("tuntap add dev old0 mode tun");
        ip("addr add 10.79.0.9/24 dev old0");
        ip("link set dev old0 mtu 1300 up");
        let config = TunConfig::for_stack("old0", &[("10.79.0.2".parse().unwrap(), 24)]);
        let mut tun = Tun::open(&config).unwrap();
        assert_eq!((tun.created(), tun.mtu()), (false, 1_300));
        assert_echo(&mut tun, "10.79.0.2:9".parse().unwrap(), 100);
        let addresses = Command::new("ip").args(["addr", "show", "old0"]).output().unwrap().stdout;
        assert!(!String::from_utf8_lossy(&addresses).contains("10.79.0.1/"));

        assert!(matches!(Tun::open(&config).unwrap_err(), TunError::Busy { .. }));
        drop(tun);
        Tun::open(&config).unwrap();
    });
}

#[test]
fn a_raised_mtu_is_noticed() {
    in_a_network_of_its_own(|| {
        let addresses = [("10.77.0.2".parse().unwrap(), 24)];
        let config = TunConfig { offload: false, ..TunConfig::for_stack("sock0", &addresses) };
        let mut tun = Tun::open(&config).unwrap();
        ip("link set dev sock0 mtu 9000");
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.send_to(&[1; 5_000], "10.77.0.2:9").unwrap();
        while tun.counts().dropped_cut == 0 {
            wait(&tun, PollFlags::IN);
            tun.receive(Instant::ZERO, &mut Vec::new(), 9).unwrap();
        }
        assert_eq!((tun.counts().dropped_cut, tun.mtu()), (1, 9_000));
        assert_echo(&mut tun, "10.77.0.2:9".parse().unwrap(), 5_000);
    });
}

#[test]
fn what_is_no_packet_is_counted_and_the_rest_goes_on() {
    in_a_network_of_its_own(|| {
        let mut tun =
            Tun::open(&TunConfig::for_stack("sock0", &[("10.77.0.2".parse().unwrap(), 24)]))
                .unwrap();
        let junk = Packet::from_bytes(Meta::at(Instant::ZERO), Bytes::from_static(&[0xff; 40]));
        assert_eq!(
            tun.transmit(Instant::ZERO, &mut VecDeque::from([junk.clone(), junk])).unwrap(),
            2
        );
        assert_eq!(tun.counts().dropped_refused, 2);
    });
}

#[test]
fn refusals_say_what_to_do() {
    in_a_network_of_its_own(|| {
        let open = |name: &str| Tun::open(&TunConfig::for_stack(name, &[])).unwrap_err();
        assert!(matches!(open("lo"), TunError::NotTun { .. }));
        ip("tuntap add dev tap0 mode tap");
        assert!(matches!(open("tap0"), TunError::NotTun { .. }));
        let two = [("10.77.0.2".parse().unwrap(), 24), ("10.78.0.2".parse().unwrap(), 24)];
        let error = Tun::open(&TunConfig::for_stack("sock0", &two)).unwrap_err();
        assert!(error.to_string().contains("ip addr add 10.78.0.1/24"), "{error}");
    });
}

#[test]
fn lack_of_privilege_is_said_with_the_commands() {
    let config = TunConfig::for_stack("sock0", &[("10.9.0.2".parse().unwrap(), 24)]);
    let error = TunError::from_io(std::io::Error::from_raw_os_error(1), &config, true);
    let text = error.to_string();
    assert!(
        text.contains("CAP_NET_ADMIN") && text.contains("\n  ip addr add 10.9.0.1/24 dev sock0"),
        "{text}"
    );
}

#[test]
fn several_queues_share_a_device() {
    in_a_network_of_its_own(|| {
        let config = TunConfig::for_stack("sock0", &[("10.77.0.2".parse().unwrap(), 24)]);
        let mut queues = Tun::open_queues(&config, 3).unwrap();
        assert_eq!(queues.len(), 3);
        assert!(queues.iter().all(|queue| queue.name() == "sock0" && queue.created()));
        // Every queue takes what is sent, and together they give what comes: two datagrams on different queues, perhaps.
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let own_port = socket.local_addr().unwrap().port().to_be_bytes();
        let mut received = 0;
        for _ in 0..500 {
            let _ = socket.send_to(b"hello", "10.77.0.2:9");
            for queue in &mut queues {
                let mut batch = Vec::new();
                is_ready_within(queue, PollFlags::IN, Duration::from_millis(5));
                queue.receive(Instant::ZERO, &mut batch, 16).unwrap();
                batch.retain(|packet| packet.front().get(20..22) == Some(&own_port[..]));
                received += batch.len();
                let count = batch.len();
                assert_eq!(queue.transmit(Instant::ZERO, &mut batch.into()).unwrap(), count);
            }
            if received >= 10 {
                break;
            }
        }
        assert!(received >= 10);
        assert!(queues.iter().all(|queue| queue.counts() == TunCounts::default()));
        drop(queues);
        // Other tests start programs, which hold copies of all descriptors for a moment.
        let mut tries = 0..500;
        while Tun::open(&config).is_err() {
            assert!(tries.next().is_some(), "the device goes with its last queue");
            std::thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
fn a_deleted_device_is_an_error_and_no_hang() {
    in_a_network_of_its_own(|| {
        let mut tun =
            Tun::open(&TunConfig::for_stack("sock0", &[("10.77.0.2".parse().unwrap(), 24)]))
                .unwrap();
        ip("link del dev sock0");
        let error = end_of(&mut tun);
        assert!(error.to_string().contains("\"sock0\" is gone"), "{error}");
    });
}

/// Runs a test on a thread with a network namespace of its own; says so and does nothing where that is not allowed.
pub(crate) fn in_a_network_of_its_own(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        // SAFETY: only this thread's network namespace changes, and nothing it holds refers to the old one.
        let own = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
        if own.is_err() || !std::path::Path::new("/dev/net/tun").exists() {
            println!("skipped: needs CAP_NET_ADMIN and CAP_SYS_ADMIN");
            return;
        }
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Why `link` ended. What had arrived before, as Linux's own neighbour discovery may have, comes first.
pub(crate) fn end_of(link: &mut impl Link) -> std::io::Error {
    (0..100)
        .find_map(|_| link.receive(Instant::ZERO, &mut Vec::new(), 9).err())
        .expect("an error after whatever had arrived")
}

pub(crate) fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

/// Sets interfaces up and waits until Linux passes packets: it notices up to a second late that one has a carrier.
pub(crate) fn set_up(names: &[&str]) {
    for name in names {
        ip(&format!("link set dev {name} up"));
    }
    for name in names {
        let is_up = || {
            let shown =
                Command::new("ip").args(["-o", "link", "show", "dev", name]).output().unwrap();
            String::from_utf8_lossy(&shown.stdout).contains("state UP")
        };
        let mut tries = 0..500;
        while !is_up() {
            assert!(tries.next().is_some(), "{name} does not come up");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

pub(crate) fn wait(tun: &impl Link, events: PollFlags) {
    assert!(is_ready_within(tun, events, Duration::from_secs(5)), "nothing came");
}

fn is_ready_within(tun: &impl Link, events: PollFlags, limit: Duration) -> bool {
    let Readiness::Fd(fd) = tun.readiness() else { panic!("a TUN has a descriptor") };
    let limit = Timespec::try_from(limit).unwrap();
    poll(&mut [PollFd::new(&fd, events)], Some(&limit)).unwrap() == 1
}

/// Sends a datagram into the device and its mirror image back: exchanging addresses and ports leaves every checksum right.
fn assert_echo(tun: &mut Tun, to: SocketAddr, len: usize) -> Packet {
    let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let own_port = socket.local_addr().unwrap().port().to_be_bytes();
    let data: Vec<u8> = (0..len).map(|n| n as u8).collect();

    let (protocol_at, addresses_at, address_len, ports_at) =
        if to.is_ipv4() { (9, 12, 4, 20) } else { (6, 8, 16, 40) };
    let now = Instant::from_millis(3);
    // Linux notices up to a second late that a device has got its carrier or an address, and until then sends nothing.
    let mut tries = 0..50;
    let datagram = loop {
        assert!(tries.next().is_some(), "nothing came from {to}");
        let _ = socket.send_to(&data, to);
        if !is_ready_within(tun, PollFlags::IN, Duration::from_millis(100)) {
            continue;
        }
        let mut batch = Vec::new();
        tun.receive(now, &mut batch, 16).unwrap();
        // The kernel also sends router solicitations and the like.
        let is_ours = |packet: &Packet| {
            let front = packet.front();
            (front[0] >> 4 == 4) == to.is_ipv4()
                && front[protocol_at] == 17
                && front[ports_at..ports_at + 2] == own_port
        };
        if let Some(found) = batch.into_iter().find(is_ours) {
            break found;
        }
    };
    assert_eq!(datagram.meta.arrival, now);
    let mut bytes = datagram.to_bytes().to_vec();
    assert_eq!(&bytes[ports_at + 8..], data);
    bytes[addresses_at..addresses_at + 2 * address_len].rotate_left(address_len);
    bytes[ports_at..ports_at + 4].rotate_left(2);

    let headers = HeaderBytes::try_from(&bytes[..ports_at]).unwrap();
    let mut payload = Payload::from(Bytes::copy_from_slice(&bytes[ports_at..ports_at + 8]));
    for piece in bytes[ports_at + 8..].chunks(len.div_ceil(40)) {
        payload.push(Bytes::copy_from_slice(piece));
    }
    let mut answer = VecDeque::from([Packet::new(datagram.meta, headers, payload)]);
    wait(tun, PollFlags::OUT);
    assert_eq!(tun.transmit(now, &mut answer).unwrap(), 1);
    let mut echo = vec![0; len + 1];
    let (echoed, from) = socket.recv_from(&mut echo).unwrap();
    assert_eq!((&echo[..echoed], from), (&data[..], to));
    datagram
}
