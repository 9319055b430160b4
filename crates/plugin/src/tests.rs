//! The table, used as packetdrill uses it.

use crate::flags::Flags;
use crate::interface::{Interface, table};
use crate::process::Process;
use crate::stack::Stack;
use libc::{c_int, c_void, sockaddr, socklen_t, timeval};
use sockeye_posix::Address;
use sockeye_posix::abi::{AF_INET, F_GETFL, F_SETFL, O_NONBLOCK, O_RDWR, SOCK_STREAM};
use sockeye_wire::ip::{IpHeader, IpView, protocol};
use sockeye_wire::tcp::{MAX_HEADER_BYTES, TcpHeader, TcpView};
use sockeye_wire::{Checksum, Flags as Bits, HeaderBytes, SeqNumber};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd};
use std::thread;
use std::time::Duration;

const LOCAL: ([u8; 4], u16) = ([192, 168, 7, 7], 8_080);
const REMOTE: ([u8; 4], u16) = ([192, 0, 2, 1], 40_000);

/// A table, and packetdrill's way to use it.
struct Script(Interface);

// SAFETY: as packetdrill does, calls are made from two threads; the process behind the table is made for that.
unsafe impl Sync for Script {}

impl Drop for Script {
    fn drop(&mut self) {
        // SAFETY: the last use of the table.
        unsafe { (self.0.free)(self.0.userdata) };
    }
}

impl Script {
    fn new() -> Self {
        let stack = Stack::new(&Flags::default(), [7; 32], None).unwrap();
        Self(table(Box::into_raw(Box::new(Process::new(stack))).cast::<c_void>()))
    }

    fn micros(&self) -> i64 {
        let mut time = timeval { tv_sec: 0, tv_usec: 0 };
        // SAFETY: there is room for the time.
        let result =
            unsafe { (self.0.gettimeofday)(self.0.userdata, &mut time, std::ptr::null_mut()) };
        assert_eq!(result, 0);
        time.tv_sec * 1_000_000 + time.tv_usec
    }

    fn sleepers(&self) -> usize {
        // SAFETY: the table's userdata.
        unsafe { crate::memory::process(self.0.userdata) }.sleepers()
    }

    fn sleep(&self, usecs: u32) {
        // SAFETY: no pointers.
        assert_eq!(unsafe { (self.0.usleep)(self.0.userdata, usecs) }, 0);
    }

    fn listener(&self) -> c_int {
        self.listener_at(LOCAL.1)
    }

    /// Port 0: any.
    fn listener_at(&self, port: u16) -> c_int {
        let local = Address::Inet(SocketAddr::from((LOCAL.0, port))).encode();
        let (at, len) = (local.as_ptr().cast::<sockaddr>(), local.len() as socklen_t);
        // SAFETY: the address has that length.
        unsafe {
            let fd = (self.0.socket)(self.0.userdata, AF_INET, SOCK_STREAM, 0);
            assert_eq!((self.0.bind)(self.0.userdata, fd, at, len), 0);
            assert_eq!((self.0.listen)(self.0.userdata, fd, 1), 0);
            fd
        }
    }

    fn accept(&self, fd: c_int) -> c_int {
        let (peer, len) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: no room for an address is wanted.
        unsafe { (self.0.accept)(self.0.userdata, fd, peer, len) }
    }

    fn read(&self, fd: c_int, room: usize) -> Result<Vec<u8>, i32> {
        let mut out = vec![0; room];
        // SAFETY: there is that much room.
        let count = unsafe { (self.0.read)(self.0.userdata, fd, out.as_mut_ptr().cast(), room) };
        let error = std::io::Error::last_os_error().raw_os_error();
        out.truncate(usize::try_from(count).map_err(|_| error.unwrap_or(0))?);
        Ok(out)
    }

    /// A segment from the network.
    fn inject(&self, seq: u32, ack: u32, flags: Bits, data: &[u8]) {
        let (remote, local) = (IpAddr::from(REMOTE.0), IpAddr::from(LOCAL.0));
        let ip = IpHeader::new(remote, local, protocol::TCP, 20 + data.len());
        let mut bytes = HeaderBytes::new();
        ip.emit(&mut bytes);
        let mut packet = bytes.to_vec();
        let tcp = TcpHeader {
            source_port: REMOTE.1,
            destination_port: LOCAL.1,
            seq: SeqNumber(seq),
            ack: SeqNumber(ack),
            flags,
            window: 10_000,
            ..TcpHeader::default()
        };
        let mut header = [0; MAX_HEADER_BYTES];
        let len = tcp.emit(&mut header);
        let mut segment = [&header[..len], data].concat();
        let view = IpView::parse(&packet, packet.len() + segment.len()).unwrap();
        let sum = view.pseudo_header().with(&segment).finish();
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        packet.extend(segment);
        let (at, len) = (packet.as_ptr().cast::<c_void>(), packet.len());
        // SAFETY: the packet has that length.
        assert_eq!(unsafe { (self.0.netdev_send)(self.0.userdata, at, len) }, 0);
    }

    /// The next packet to the network, its checksum verified, and when it left.
    fn sniff(&self) -> Option<(Vec<u8>, i64)> {
        let mut bytes = vec![0u8; 65_536];
        let (mut len, mut micros) = (bytes.len(), 0);
        // SAFETY: there is that much room.
        let result = unsafe {
            (self.0.netdev_receive)(
                self.0.userdata,
                bytes.as_mut_ptr().cast(),
                &mut len,
                &mut micros,
            )
        };
        assert_eq!(result, 0);
        bytes.truncate(len);
        if bytes.is_empty() {
            return None;
        }
        let ip = IpView::parse(&bytes, len).unwrap();
        assert!(ip.pseudo_header().with(&bytes[ip.header_len..]).is_valid());
        Some((bytes, micros))
    }

    /// A connection from the network to a listener; our initial sequence number.
    fn handshake(&self) -> u32 {
        self.inject(1_000, 0, Bits::SYN, &[]);
        let (syn_ack, _) = self.sniff().unwrap();
        let ip = IpView::parse(&syn_ack, syn_ack.len()).unwrap();
        let tcp = TcpView::parse(&syn_ack[ip.header_len..]).unwrap();
        assert_eq!((tcp.flags(), tcp.ack()), (Bits::SYN_ACK, SeqNumber(1_001)));
        self.inject(1_001, tcp.seq().0.wrapping_add(1), Bits::ACK, &[]);
        tcp.seq().0
    }
}

/// packetdrill spins on the clock until it is late enough; what it does at that time is then all at the same.
#[test]
fn time_is_virtual() {
    let script = Script::new();
    let start = script.micros();
    assert_eq!([script.micros(), script.micros()], [start; 2]);
    while script.micros() < start + 20 {}
    assert_eq!([script.micros(), script.micros()], [start + 20; 2]);
    for _ in 0..100 {
        script.listener_at(0);
        assert_eq!(script.micros(), start + 20);
    }
    script.sleep(3_600_000_000);
    assert_eq!(script.micros(), start + 3_600_000_020);
}

#[test]
fn nothing_to_send() {
    let script = Script::new();
    let start = script.micros();
    assert_eq!(script.sniff(), None);
    assert_eq!(script.micros(), start);
}

/// The time jumps to when the next packet leaves: here the SYN-ACK's retransmissions, after 1 and 2 s.
#[test]
fn waiting_for_a_packet_lets_time_pass() {
    let script = Script::new();
    script.listener();
    script.inject(1_000, 0, Bits::SYN, &[]);
    let times: Vec<_> = (0..3).map(|_| script.sniff().unwrap().1).collect();
    assert_eq!([times[1] - times[0], times[2] - times[1]], [1_000_000, 2_000_000]);
}

#[test]
fn a_connection_through_the_table() {
    let script = Script::new();
    let listener = script.listener();
    let iss = script.handshake();
    let fd = script.accept(listener);
    assert!(fd >= 0 && fd != listener);
    script.inject(1_001, iss.wrapping_add(1), Bits::ACK | Bits::PSH, b"hello");
    assert_eq!(script.read(fd, 100), Ok(b"hello".to_vec()));
    // SAFETY: no pointers.
    unsafe {
        let fcntl = script.0.fcntl;
        assert_eq!(fcntl(script.0.userdata, fd, F_SETFL, i64::from(O_NONBLOCK)), 0);
        assert_eq!(fcntl(script.0.userdata, fd, F_GETFL, 0x7777), O_RDWR | O_NONBLOCK);
    }
    assert_eq!(script.read(fd, 100), Err(libc::EAGAIN));
    assert_eq!(script.read(77, 100), Err(libc::EBADF));
    let data = [7u8; 3_000];
    // SAFETY: the data has that length.
    let written =
        unsafe { (script.0.write)(script.0.userdata, fd, data.as_ptr().cast(), data.len()) };
    assert_eq!(written, 3_000);
    let (acknowledgement, _) = script.sniff().unwrap();
    assert_eq!(acknowledgement.len(), 40);
    // A super-segment of five, which the device cuts up: each packet is complete, and PSH is the last one's.
    let (mut seq, mut pushes) = (1, Vec::new());
    for payload in [536, 536, 536, 536, 536, 320] {
        let (packet, _) = script.sniff().unwrap();
        let ip = IpView::parse(&packet, packet.len()).unwrap();
        let segment = &packet[ip.header_len..];
        let tcp = TcpView::parse(segment).unwrap();
        assert_eq!(tcp.seq().0, iss.wrapping_add(seq));
        pushes.push(tcp.flags().psh());
        assert_eq!(segment.len() - 20, payload);
        assert!(ip.pseudo_header().with(segment).is_valid());
        assert!(Checksum::new().with(&packet[..ip.header_len]).is_valid());
        seq += payload as u32;
    }
    assert_eq!(pushes, [false, false, false, false, true, true]);
}

/// A call that waits sleeps on its own thread, and ends at the time of what ended it.
#[test]
fn a_call_that_waits() {
    let script = Script::new();
    let listener = script.listener();
    let begun = script.micros();
    thread::scope(|threads| {
        let waiting = threads.spawn(|| {
            let fd = script.accept(listener);
            let ended = script.micros();
            let data = script.read(fd, 100);
            (ended, data, script.micros())
        });
        // However long it takes the thread to fall asleep: then its call is among the stack's.
        while script.sleepers() == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        script.sleep(100_000);
        let iss = script.handshake();
        while script.sleepers() == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        script.sleep(50_000);
        script.inject(1_001, iss.wrapping_add(1), Bits::ACK, b"late");
        script.sleep(10_000_000);
        let (accepted, data, read) = waiting.join().unwrap();
        assert_eq!(accepted - begun, 100_000);
        assert_eq!(data, Ok(b"late".to_vec()));
        assert_eq!(read - begun, 150_000);
    });
}

/// On the thread that runs the script a call that waits lets the time pass.
#[test]
fn a_call_that_waits_where_nobody_else_runs() {
    let script = Script::new();
    let start = script.micros();
    let mut fds = [libc::pollfd { fd: script.listener(), events: libc::POLLIN, revents: 7 }];
    // SAFETY: one descriptor.
    let found = unsafe { (script.0.poll)(script.0.userdata, fds.as_mut_ptr(), 1, 250) };
    assert_eq!((found, fds[0].revents), (0, 0));
    assert_eq!(script.micros(), start + 250_000);
    // Nobody will ever come.
    assert_eq!(script.accept(fds[0].fd), -1);
    assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EINTR));
}

#[test]
fn flags() {
    let flags = Flags::parse("mtu=1280, local=10.1.2.3,tcp_sack=0").unwrap();
    assert_eq!((flags.mtu, flags.local.len()), (1_280, 1));
    assert_eq!(flags.sysctls, [("tcp_sack".to_owned(), "0".to_owned())]);
    assert_eq!(flags.addresses().len(), 2);
    assert_eq!(Flags::parse("mss=1000").unwrap().coalesced_from, Some(1_000));
    assert_eq!(Flags::parse("mss=0"), Err("mss=0".to_owned()));
    assert_eq!(Flags::parse("mtu=large"), Err("mtu=large".to_owned()));
    assert_eq!(Flags::parse("nonsense"), Err("nonsense".to_owned()));
    assert_eq!(Flags::parse(""), Ok(Flags::default()));
}

#[test]
fn commands() {
    use crate::command::{Change, changes};
    assert_eq!(changes("./defaults.sh\nsysctl -q net.ipv4.tcp_sack=0"), []);
    assert_eq!(changes("sysctl -q a=0 &> /dev/null || ip tcp_metrics flush all"), [Change::Forget]);
    let queue = |name: &str| Change::Queue(name.to_owned());
    assert_eq!(
        changes(
            "./defaults.sh; tc qdisc replace dev tun0 root fq\ntc qdisc add root pfifo limit 9"
        ),
        [queue("fq"), queue("pfifo")]
    );
    assert_eq!(changes("tc qdisc replace dev tun0 root; tc qdisc delete dev tun0 root fq"), []);
}

/// `sendfile` takes a file of the kernel's, at its own place or at a given one, and moves on what it took it from.
#[test]
fn a_file_to_a_socket() {
    let script = Script::new();
    let listener = script.listener();
    let iss = script.handshake();
    let fd = script.accept(listener);
    // SAFETY: the name is a C string, and the descriptor, which is checked, nobody else's.
    let mut file = unsafe {
        let fd = libc::memfd_create(c"a file".as_ptr(), 0);
        assert!(fd >= 0);
        File::from_raw_fd(fd)
    };
    file.write_all(b"0123456789").unwrap();
    file.seek(SeekFrom::Start(2)).unwrap();
    // SAFETY: the table's userdata.
    let process = unsafe { crate::memory::process(script.0.userdata) };
    let from = file.as_raw_fd();
    let null = std::ptr::null_mut();
    let mut at = 7;
    // SAFETY: no offset, or one of this function's.
    unsafe {
        assert_eq!(crate::sendfile::to_socket(process, fd, from, null, 3), 3);
        assert_eq!(crate::sendfile::to_socket(process, fd, from, &mut at, 100), 3);
        assert_eq!(crate::sendfile::to_socket(process, fd, from, &mut at, 100), 0);
    }
    assert_eq!((file.stream_position().unwrap(), at), (5, 10));
    // The second one waits until the first is acknowledged.
    assert_eq!(&script.sniff().unwrap().0[40..], b"234");
    script.inject(1_001, iss.wrapping_add(4), Bits::ACK, &[]);
    assert_eq!(&script.sniff().unwrap().0[40..], b"789");
    // SAFETY: as above.
    unsafe {
        assert_eq!(crate::sendfile::to_socket(process, fd, listener, null, 3), -1);
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EINVAL));
        assert_eq!(crate::sendfile::to_socket(process, fd, -1, null, 3), -1);
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EBADF));
    }
}
