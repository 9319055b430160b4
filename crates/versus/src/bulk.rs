//! Throughput: octets from a copying write to a copying read, by the CPU time that both ends took together.

use crate::cpu;
use crate::pair::{Batch, Pair, Setup, Transferred};
use std::time::Duration;

/// A kind of transfer.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// The ends.
    pub setup: Setup,
    /// How packets are taken from the ring.
    pub batch: Batch,
}

/// Packets of 1,500 octets, taken as they come.
pub const SMALL: Kind = Kind {
    name: "MTU 1500",
    setup: Setup { mtu: 1_500, buffer_bytes: 64 << 10, idle_buffer_bytes: 64 },
    batch: Batch::Whole,
};

/// The same, taken two by two.
pub const EVERY_SECOND: Kind =
    Kind { name: "MTU 1500, an ACK for every second packet", batch: Batch::Two, ..SMALL };

/// The largest packets that IP has; a window of 16 of them.
pub const LARGE: Kind = Kind {
    name: "64 KiB packets",
    setup: Setup { mtu: u16::MAX, buffer_bytes: 1 << 20, idle_buffer_bytes: 64 },
    batch: Batch::Whole,
};

/// What transfers took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bulk {
    /// CPU time of the middle run.
    pub time: Duration,
    /// What one run moved.
    pub moved: Transferred,
}

impl Bulk {
    /// Payload by CPU time, in Gbit a second.
    #[must_use]
    pub fn gbits(&self) -> f64 {
        self.moved.bytes as f64 * 8e-9 / self.time.as_secs_f64()
    }

    /// Nanoseconds of CPU time by packet with data, both ends and the acknowledgements included.
    #[must_use]
    pub fn ns_per_packet(&self) -> f64 {
        self.time.as_secs_f64() * 1e9 / self.moved.data_packets as f64
    }
}

/// Moves `bytes` `runs` times on each of `pairs` in turn, so that what else the machine does strikes all alike.
pub fn measure<const N: usize>(
    mut pairs: [&mut dyn Pair; N],
    batch: Batch,
    bytes: [u64; N],
    runs: usize,
) -> [Bulk; N] {
    let mut times = [const { Vec::new() }; N];
    let mut moved = [Transferred::default(); N];
    for run in 0..=runs {
        for (at, pair) in pairs.iter_mut().enumerate() {
            let time = cpu::time(|| moved[at] = pair.transfer(bytes[at], batch));
            // The first one warms caches and branch predictors.
            if run > 0 {
                times[at].push(time);
            }
        }
    }
    core::array::from_fn(|at| Bulk {
        time: cpu::median(core::mem::take(&mut times[at])),
        moved: moved[at],
    })
}

#[cfg(test)]
mod tests {
    use super::{EVERY_SECOND, LARGE, SMALL};
    use crate::pair::{Batch, Pair, Smoltcp, Sockeye};

    #[test]
    fn all_octets_arrive_in_full_packets() {
        for kind in [SMALL, EVERY_SECOND, LARGE] {
            let pairs: [Box<dyn Pair>; 2] =
                [Box::new(Sockeye::new(kind.setup)), Box::new(Smoltcp::new(kind.setup))];
            for mut pair in pairs {
                let bytes = 4 << 20;
                let moved = pair.transfer(bytes, kind.batch);
                assert_eq!(moved.bytes, bytes);
                let fullest = bytes / u64::from(kind.setup.mtu);
                assert!((fullest..fullest * 3 / 2).contains(&moved.data_packets), "{moved:?}");
                if kind.batch == Batch::Two {
                    assert!(moved.answers * 3 > moved.data_packets, "{moved:?}");
                }
            }
        }
    }
}
