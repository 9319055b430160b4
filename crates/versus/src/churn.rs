//! Connections opened and closed, both ends in order, by the CPU time that both took together.

use crate::cpu;
use crate::pair::Pair;
use std::time::Duration;

/// What opening and closing took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Churn {
    /// CPU time of the middle run.
    pub time: Duration,
    /// Connections of one run.
    pub connections: u64,
}

impl Churn {
    /// Connections by CPU time.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.connections as f64 / self.time.as_secs_f64()
    }
}

/// Opens and closes connections `runs` times on each of `pairs` in turn.
pub fn measure<const N: usize>(
    mut pairs: [&mut dyn Pair; N],
    connections: [u64; N],
    runs: usize,
) -> [Churn; N] {
    let mut times = [const { Vec::new() }; N];
    for run in 0..=runs {
        for (at, pair) in pairs.iter_mut().enumerate() {
            let time = cpu::time(|| pair.churn(connections[at]));
            if run > 0 {
                times[at].push(time);
            }
        }
    }
    core::array::from_fn(|at| Churn {
        time: cpu::median(core::mem::take(&mut times[at])),
        connections: connections[at],
    })
}

#[cfg(test)]
mod tests {
    use crate::bulk::SMALL;
    use crate::pair::{Pair, Smoltcp, Sockeye};

    #[test]
    fn nothing_is_left_but_what_is_idle() {
        let mut sockeye = Sockeye::new(SMALL.setup);
        sockeye.open_idle(40);
        sockeye.churn(300);
        for counts in sockeye.counts() {
            assert_eq!((counts.connections, counts.half_open, counts.time_wait), (40, 0, 0));
        }
        let mut smoltcp = Smoltcp::new(SMALL.setup);
        smoltcp.open_idle(40);
        smoltcp.churn(300);
    }
}
