//! A peer that sends whatever it likes to host B, segment by segment.

use super::world::{B, World, v4};
use crate::{ConnectionId, ListenerId};
use bytes::Bytes;
use core::cell::Cell;
use sockeye_wire::ip::{IpHeader, IpView, protocol};
use sockeye_wire::tcp::{OptionBytes, TcpHeader, TcpOption, TcpView};
use sockeye_wire::{Checksum, Flags, HeaderBytes, Meta, Packet, SeqNumber};
use std::vec::Vec;

const ISS: u32 = 1_000;

std::thread_local! {
    static ALIVE: Cell<usize> = const { Cell::new(0) };
}

/// A packet's buffer, which is counted.
struct Buffer(Vec<u8>);

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

/// Packets' buffers that something still refers to.
pub(super) fn buffers_alive() -> usize {
    ALIVE.get()
}

/// One connection of the peer's.
pub(super) struct Peer {
    port: u16,
    /// B's first octet.
    pub(super) irs: SeqNumber,
    pub(super) window: u16,
    pub(super) id: ConnectionId,
}

/// What B sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) port: u16,
    pub(super) seq: SeqNumber,
    pub(super) ack: SeqNumber,
    pub(super) flags: Flags,
    pub(super) window: u16,
    pub(super) len: usize,
    pub(super) sack_blocks: usize,
}

impl Peer {
    /// Opens a connection without any option but those given.
    pub(super) fn open(
        world: &mut World,
        listener: ListenerId,
        port: u16,
        options: &[TcpOption<'_>],
    ) -> Self {
        let mut all = OptionBytes::new();
        options.iter().for_each(|option| all.push(option).unwrap());
        let window = 60_000;
        send(world, port, Flags::SYN, (ISS, 0), window, all, &[]);
        let syn_ack = sent(world).into_iter().find(|sent| sent.port == port).unwrap();
        assert_eq!(syn_ack.flags, Flags::SYN_ACK);
        let ack = syn_ack.seq.0 + 1;
        send(world, port, Flags::ACK, (ISS + 1, ack), window, OptionBytes::new(), &[]);
        let (id, _) = world.hosts[B].accept(listener).unwrap();
        Self { port, irs: SeqNumber(ack), window, id }
    }

    /// `data` at `at`, counted from the first octet; acknowledges `acked` octets of B's.
    pub(super) fn send(&self, world: &mut World, at: u32, acked: u32, data: &[u8]) {
        self.send_with(world, at, acked, data, OptionBytes::new());
    }

    pub(super) fn send_with(
        &self,
        world: &mut World,
        at: u32,
        acked: u32,
        data: &[u8],
        options: OptionBytes,
    ) {
        let numbers = (ISS + 1 + at, self.irs.0.wrapping_add(acked));
        send(world, self.port, Flags::ACK, numbers, self.window, options, data);
    }

    /// How many octets B has acknowledged by `sent`.
    pub(super) fn acked(sent: &Sent) -> u32 {
        sent.ack.since(SeqNumber(ISS + 1))
    }
}

/// A SYN and nothing more.
pub(super) fn syn(world: &mut World, port: u16) {
    send(world, port, Flags::SYN, (ISS, 0), 60_000, OptionBytes::new(), &[]);
}

fn send(
    world: &mut World,
    port: u16,
    flags: Flags,
    (seq, ack): (u32, u32),
    window: u16,
    options: OptionBytes,
    data: &[u8],
) {
    let from = [10, 0, 0, 99].into();
    let (seq, ack) = (SeqNumber(seq), SeqNumber(ack));
    let header = TcpHeader {
        source_port: port,
        destination_port: 80,
        seq,
        ack,
        flags,
        window,
        options,
        ..TcpHeader::default()
    };
    let mut tcp = [0; 60];
    let len = header.emit(&mut tcp);
    let whole = len + data.len();
    let sum = Checksum::pseudo_header(from, v4(B), protocol::TCP, whole as u32);
    let sum = sum.with(&tcp[..len]).with(data).finish();
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut out = HeaderBytes::new();
    IpHeader::new(from, v4(B), protocol::TCP, whole).emit(&mut out);
    // As a link might: a whole large buffer for a packet, however small.
    let mut buffer = Vec::with_capacity(65_536);
    buffer.extend_from_slice(&out);
    buffer.extend_from_slice(&tcp[..len]);
    buffer.extend_from_slice(data);
    ALIVE.set(ALIVE.get() + 1);
    let packet = Packet::from_bytes(Meta::at(world.now), Bytes::from_owner(Buffer(buffer)));
    world.hosts[B].on_packet(world.now, world.interface[B], packet);
}

/// Everything that B has to send now.
pub(super) fn sent(world: &mut World) -> Vec<Sent> {
    let mut all = Vec::new();
    while let Some((_, packet)) = world.hosts[B].poll_transmit(world.now) {
        let bytes = packet.to_bytes();
        let ip = IpView::parse(&bytes, bytes.len()).unwrap();
        let tcp = TcpView::parse(&bytes[ip.header_len..]).unwrap();
        let blocks = tcp.options().map_while(Result::ok).find_map(|option| match option {
            TcpOption::Sack(blocks) => Some(blocks.iter().count()),
            _ => None,
        });
        all.push(Sent {
            port: tcp.destination_port(),
            seq: tcp.seq(),
            ack: tcp.ack(),
            flags: tcp.flags(),
            window: tcp.window(),
            len: ip.payload_len() - tcp.header_len(),
            sack_blocks: blocks.unwrap_or(0),
        });
    }
    all
}
