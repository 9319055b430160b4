//! Linux's own goodput in the network that the simulator measures: `linux_goodput [SECONDS [ALGORITHM…]]`, as root.
//!
//! Two namespaces, each with a TUN device, and a third one between them, from which a relay in real time does to packets what
//! [`Impairer`](sockeye_link::Impairer) says. Nothing is left of them afterwards. Linux cuts its packets to 1,500 octets itself, for the devices offer no
//! offload. A machine with other things to do measures too little.
#![expect(clippy::unwrap_used, reason = "a measurement has nothing better to do than to stop")]

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this measures Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use sockeye_link::tun::{Tun, TunConfig};
    use sockeye_link::{Impairer, Impairment, Link, Readiness};
    use sockeye_wire::{Instant, Packet};
    use std::cmp::Reverse;
    use std::collections::{BTreeMap, VecDeque};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Child, Command, Stdio};
    use std::thread;
    use std::time::Duration;

    const RATE_BPS: u64 = 100_000_000;
    const RTT: Duration = Duration::from_millis(50);
    const QUEUE_BYTES: usize = 625_000;
    const RECEIVER: &str = "10.77.0.2:9000";

    pub(super) fn main() {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments[..] {
            ["relay", loss, reorder, seed] => {
                relay(loss.parse().unwrap(), reorder.parse().unwrap(), seed.parse().unwrap());
            }
            ["receive", seconds] => receive(seconds.parse().unwrap()),
            ["send", algorithm, seconds] => send(algorithm, seconds.parse().unwrap()),
            [] => measure_all(20, &["cubic", "bbr"]),
            [seconds] => measure_all(seconds.parse().unwrap(), &["cubic", "bbr"]),
            [seconds, ref algorithms @ ..] => measure_all(seconds.parse().unwrap(), algorithms),
        }
    }

    fn measure_all(seconds: u64, algorithms: &[&str]) {
        let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
        let known = known.unwrap_or_default();
        println!("share of 100 Mbit/s, 50 ms, a queue of 625,000 octets, {seconds} s");
        for algorithm in algorithms {
            if !known.split_whitespace().any(|name| name == *algorithm) {
                println!("{algorithm}: this kernel has none");
                continue;
            }
            for (loss, reorder) in [(0.0, 0.0), (0.001, 0.0), (0.01, 0.0), (0.03, 0.0), (0.0, 0.02)]
            {
                // Reordering makes the runs differ most.
                let runs = if reorder > 0.0 {
                    5
                } else if loss > 0.0 {
                    3
                } else {
                    1
                };
                let shares: Vec<_> = (0..runs)
                    .map(|seed| measure(algorithm, loss, reorder, seed, seconds))
                    .collect();
                let mean = shares.iter().sum::<f64>() / shares.len() as f64;
                println!(
                    "{algorithm:<6} loss {loss:<5} reorder {reorder:<4}  {mean:.4}  {shares:.4?}"
                );
            }
        }
    }

    /// The payload that arrived, as a share of what the link carries.
    fn measure(algorithm: &str, loss: f64, reorder: f64, seed: u64, seconds: u64) -> f64 {
        let spaces = ["r", "a", "b"]
            .map(|name| Space::new(&format!("sockeye-{name}-{}", std::process::id())));
        let [between, sender, receiver] = &spaces;
        let mut relay =
            between.run(&["relay", &loss.to_string(), &reorder.to_string(), &seed.to_string()]);
        assert_eq!(line(&mut relay.0), "ready");
        for (device, space, address) in
            [("left", sender, "10.77.0.1/24"), ("right", receiver, "10.77.0.2/24")]
        {
            ip(&["-n", &between.0, "link", "set", device, "netns", &space.0]);
            ip(&["-n", &space.0, "addr", "add", address, "dev", device]);
            ip(&["-n", &space.0, "link", "set", "lo", "up"]);
            ip(&["-n", &space.0, "link", "set", device, "mtu", "1500", "up"]);
        }
        let seconds_text = seconds.to_string();
        let mut receiving = receiver.run(&["receive", &seconds_text]);
        assert_eq!(line(&mut receiving.0), "ready");
        let sending = sender.run(&["send", algorithm, &seconds_text]);
        let bytes: u64 = line(&mut receiving.0).parse().unwrap();
        drop((sending, receiving, relay));
        bytes as f64 * 8.0 / (RATE_BPS as f64 * seconds as f64)
    }

    /// This program in another role, ended in the end.
    struct Role(Child);

    impl Drop for Role {
        fn drop(&mut self) {
            let _gone = self.0.kill();
            let _reaped = self.0.wait();
        }
    }

    /// A network namespace, deleted in the end.
    struct Space(String);

    impl Space {
        fn new(name: &str) -> Self {
            ip(&["netns", "add", name]);
            Self(name.to_owned())
        }

        /// This program in another role.
        fn run(&self, arguments: &[&str]) -> Role {
            let this = std::env::current_exe().unwrap();
            let child = Command::new("ip")
                .args(["netns", "exec", &self.0])
                .arg(this)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn();
            Role(child.unwrap())
        }
    }

    impl Drop for Space {
        fn drop(&mut self) {
            let _gone = Command::new("ip").args(["netns", "delete", &self.0]).status();
        }
    }

    fn ip(arguments: &[&str]) {
        assert!(Command::new("ip").args(arguments).status().unwrap().success(), "{arguments:?}");
    }

    fn line(child: &mut Child) -> String {
        let mut text = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut text).unwrap();
        text.trim().to_owned()
    }

    /// Counts from when the first data was sent, half a round trip before it arrives.
    fn receive(seconds: u64) {
        let listener = TcpListener::bind("0.0.0.0:9000").unwrap();
        println!("ready");
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = vec![0; 256 << 10];
        let mut bytes = stream.read(&mut buffer).unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(seconds) - RTT / 2;
        loop {
            let left = end.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                break;
            }
            stream.set_read_timeout(Some(left)).unwrap();
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => bytes += count,
            }
        }
        println!("{bytes}");
    }

    fn send(algorithm: &str, seconds: u64) {
        let mut stream = TcpStream::connect(RECEIVER).unwrap();
        // Before the first data: the handshake leaves nothing behind that it would have to know.
        rustix::net::sockopt::set_tcp_congestion(&stream, algorithm).unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(seconds + 2);
        let data = vec![0; 256 << 10];
        while std::time::Instant::now() < end && stream.write_all(&data).is_ok() {}
    }

    /// One direction: what is on its way, by time of arrival.
    struct Way {
        impairer: Impairer,
        under_way: BTreeMap<(Instant, u64), Packet>,
        count: u64,
        out: VecDeque<Packet>,
    }

    impl Way {
        fn new(impairment: Impairment, seed: u64) -> Self {
            let impairer = Impairer::new(seed, impairment);
            Self { impairer, under_way: BTreeMap::new(), count: 0, out: VecDeque::new() }
        }

        fn take(&mut self, now: Instant, packet: &Packet) {
            for fate in self.impairer.send(now, packet.len()) {
                self.count += 1;
                self.under_way.insert((fate.deliver_at, self.count), packet.clone());
            }
        }

        fn deliver(&mut self, now: Instant, to: &mut Tun) {
            while let Some(entry) = self.under_way.first_entry().filter(|next| next.key().0 <= now)
            {
                self.out.push_back(entry.remove());
            }
            to.transmit(now, &mut self.out).unwrap();
        }

        fn next(&self) -> Option<Reverse<Instant>> {
            self.under_way.keys().next().map(|(at, _)| Reverse(*at))
        }
    }

    fn relay(loss: f64, reorder: f64, seed: u64) {
        let open = |name: &str| {
            Tun::open(&TunConfig {
                name: name.to_owned(),
                mtu: 1_500,
                configure: None,
                offload: false,
            })
            .unwrap()
        };
        let mut ends = [open("left"), open("right")];
        let back = Impairment {
            delay: RTT / 2,
            rate_bps: Some(RATE_BPS),
            queue_bytes: Some(QUEUE_BYTES),
            ..Impairment::default()
        };
        let forth = Impairment { loss, reorder, ..back.clone() };
        let mut ways = [Way::new(forth, seed), Way::new(back, seed + 1)];
        println!("ready");
        let start = std::time::Instant::now();
        let mut batch = Vec::new();
        loop {
            let now = || Instant::from_nanos(start.elapsed().as_nanos() as u64);
            for (end, way) in ends.iter_mut().zip(&mut ways) {
                // A device that is not up yet delivers nothing.
                if end.receive(now(), &mut batch, 64).is_err() {
                    thread::sleep(Duration::from_millis(10));
                }
                for packet in batch.drain(..) {
                    way.take(now(), &packet);
                }
            }
            let [left, right] = &mut ends;
            let [forth, back] = &mut ways;
            forth.deliver(now(), right);
            back.deliver(now(), left);
            let next = ways.iter().filter_map(Way::next).max().map(|Reverse(at)| at);
            let wait = next.map_or(Duration::from_millis(100), |at| at.since(now()));
            wait_for(&ends, wait);
        }
    }

    fn wait_for(ends: &[Tun; 2], wait: Duration) {
        let mut descriptors = Vec::with_capacity(2);
        for end in ends {
            if let Readiness::Fd(descriptor) = end.readiness() {
                descriptors.push(PollFd::from_borrowed_fd(descriptor, PollFlags::IN));
            }
        }
        let timeout =
            Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
        let _woken = poll(&mut descriptors, Some(&timeout));
        // A device that is down is always "ready": not to spin until it is up.
        let broken = PollFlags::ERR | PollFlags::HUP;
        if descriptors.iter().any(|descriptor| descriptor.revents().intersects(broken)) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
