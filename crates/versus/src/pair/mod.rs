//! Two ends of one stack in one thread, and what is asked of them.

mod ring;
mod smoltcp;
mod sockeye;
mod stranger;

pub use self::smoltcp::Smoltcp;
pub use self::sockeye::Sockeye;
pub use self::stranger::stranger;

/// Packets that each direction of the ring between the ends holds.
pub const RING_PACKETS: usize = 32;

/// Octets that the application writes and reads in one call.
const CALL_BYTES: usize = 64 << 10;

/// What the ends and their link are like.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Octets of the largest IP packet.
    pub mtu: u16,
    /// Octets of each buffer of the connections that carry data.
    pub buffer_bytes: usize,
    /// Octets of each buffer of an idle connection, for stacks that allocate them in advance.
    pub idle_buffer_bytes: usize,
}

/// How many packets the receiver takes from the ring before it may answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Batch {
    /// All that are there.
    Whole,
    /// Two: an acknowledgement for every second packet, as behind a device that delivers packets one by one.
    Two,
}

/// What a transfer took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Transferred {
    /// Octets that the receiving application read.
    pub bytes: u64,
    /// Packets with data.
    pub data_packets: u64,
    /// Packets the other way.
    pub answers: u64,
}

/// Two ends of one stack, joined by a ring each way. The clock is read once a turn of the loop.
pub trait Pair {
    /// Opens `count` more connections, which then stay idle.
    fn open_idle(&mut self, count: usize);

    /// Moves `bytes` over one connection, from a copying write to a copying read; checksums are made and verified.
    fn transfer(&mut self, bytes: u64, batch: Batch) -> Transferred;

    /// Opens and closes `count` connections one after another, both ends in order; addresses or ports rotate, TIME-WAIT lasts no time.
    fn churn(&mut self, count: u64);
}
