//! CPU time: what other programs on the machine do does not count, though it may slow ours down.

use cpu_time::ThreadTime;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// CPU time that `work` took in this thread.
pub fn time(work: impl FnOnce()) -> Duration {
    let before = ThreadTime::now();
    work();
    before.elapsed()
}

/// Time since the program first asked, for the stacks' clocks.
#[inline]
#[must_use]
pub fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// The middle one of several measurements: neither the luckiest nor the one that was disturbed.
#[must_use]
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::median;
    use std::time::Duration;

    #[test]
    fn the_middle_one() {
        let times = [5, 1, 9].map(Duration::from_secs).to_vec();
        assert_eq!(median(times), Duration::from_secs(5));
        assert_eq!(median(Vec::new()), Duration::ZERO);
    }
}
