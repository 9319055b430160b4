//! Packets and conversations for tests.

use crate::config::{Config, Vantage};
use crate::eye::Eye;
use crate::observation::Observation;
use crate::reader::{LinkType, Record};
use crate::report::ConnectionReport;
pub(crate) use crate::tracker::Side::{self, Client, Server};
use sockeye_wire::tcp::{self, OptionBytes, TcpHeader, TcpOption};
use sockeye_wire::{Checksum, Flags, Instant, SeqNumber};
use std::net::{IpAddr, Ipv4Addr};

pub(crate) const CLIENT: [u8; 4] = [10, 0, 0, 1];
pub(crate) const SERVER: [u8; 4] = [10, 0, 0, 2];
pub(crate) const CLIENT_PORT: u16 = 40_000;
pub(crate) const SERVER_PORT: u16 = 80;

/// An IPv4 packet around `payload`, its header checksum right.
pub(crate) fn ipv4(
    source: [u8; 4],
    destination: [u8; 4],
    protocol: u8,
    id: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    let len = (20 + payload.len()) as u16;
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet.extend(source);
    packet.extend(destination);
    let sum = Checksum::new().with(&packet).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A TCP segment with its checksum.
pub(crate) fn segment(
    source: IpAddr,
    destination: IpAddr,
    header: &TcpHeader,
    data: &[u8],
) -> Vec<u8> {
    let mut bytes = [0; tcp::MAX_HEADER_BYTES];
    let len = header.emit(&mut bytes);
    let mut segment = bytes[..len].to_vec();
    segment.extend(data);
    let sum = Checksum::pseudo_header(source, destination, tcp::PROTOCOL, segment.len() as u32)
        .with(&segment)
        .finish();
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    segment
}

/// A conversation shown to an eye; numbers are counted from ISNs of 1,000 and 5,000.
pub(crate) struct Talk {
    pub(crate) eye: Eye,
    number: u64,
    now: u64,
    pub(crate) window: u16,
    pub(crate) syn_options: OptionBytes,
    pub(crate) options: OptionBytes,
}

pub(crate) const CLIENT_ISN: u32 = 1_000;
pub(crate) const SERVER_ISN: u32 = 5_000;

impl Talk {
    pub(crate) fn new(vantage: Vantage) -> Self {
        let mut syn_options = OptionBytes::new();
        syn_options.push(&TcpOption::MaximumSegmentSize(1460)).unwrap();
        Self {
            eye: Eye::new(Config { vantage, ..Config::default() }),
            number: 0,
            now: 1_000_000_000,
            window: 10_000,
            syn_options,
            options: OptionBytes::new(),
        }
    }

    /// After the three-way handshake.
    pub(crate) fn open(vantage: Vantage) -> Self {
        let mut talk = Self::new(vantage);
        talk.handshake();
        talk
    }

    pub(crate) fn handshake(&mut self) {
        self.say(Client, "S", 0, 0, 0);
        self.say(Server, "S.", 0, 1, 0);
        self.say(Client, ".", 1, 1, 0);
    }

    pub(crate) fn wait(&mut self, millis: u64) -> &mut Self {
        self.now += millis * 1_000_000;
        self
    }

    /// One segment, `seq` and `ack` counted from the ISNs.
    pub(crate) fn say(
        &mut self,
        from: Side,
        flags: &str,
        seq: u32,
        ack: u32,
        len: usize,
    ) -> Observation {
        let flags = Flags::from_compact(flags).unwrap();
        let (own, other) = match from {
            Client => (CLIENT_ISN, SERVER_ISN),
            Server => (SERVER_ISN, CLIENT_ISN),
        };
        let ack = if flags.ack() { other.wrapping_add(ack) } else { 0 };
        self.say_absolute(from, flags, own.wrapping_add(seq), ack, len)
    }

    pub(crate) fn say_absolute(
        &mut self,
        from: Side,
        flags: Flags,
        seq: u32,
        ack: u32,
        len: usize,
    ) -> Observation {
        let ends = [(CLIENT, CLIENT_PORT), (SERVER, SERVER_PORT)];
        let [(source, source_port), (destination, destination_port)] = match from {
            Client => ends,
            Server => [ends[1], ends[0]],
        };
        let header = TcpHeader {
            source_port,
            destination_port,
            seq: SeqNumber(seq),
            ack: SeqNumber(ack),
            flags,
            window: self.window,
            urgent_pointer: 0,
            options: if flags.syn() { self.syn_options.clone() } else { self.options.clone() },
        };
        let [from_ip, to_ip] = [source, destination].map(|ip| IpAddr::V4(Ipv4Addr::from(ip)));
        let tcp = segment(from_ip, to_ip, &header, &vec![b'x'; len]);
        self.show(&ipv4(source, destination, tcp::PROTOCOL, 0, &tcp))
    }

    /// A raw IP packet; must be TCP.
    pub(crate) fn show(&mut self, packet: &[u8]) -> Observation {
        self.show_any(packet);
        self.eye.observation().unwrap()
    }

    pub(crate) fn show_any(&mut self, packet: &[u8]) {
        self.number += 1;
        self.now += 1_000_000;
        self.eye.packet(&Record {
            number: self.number,
            time: Instant::from_nanos(self.now),
            link_type: LinkType::RAW,
            bytes: packet,
            original_len: packet.len() as u32,
        });
    }

    /// The only connection's report.
    pub(crate) fn report(self) -> ConnectionReport {
        let (mut reports, _) = self.eye.finish();
        assert_eq!(reports.len(), 1);
        reports.remove(0)
    }
}
