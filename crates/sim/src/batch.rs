//! Many seeds, many scenarios, on all processors.

use crate::scenarios::Scenario;
use crate::trial::{Verdict, try_out};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// Every scenario with every seed, a seed at a time.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The seeds.
    pub seeds: Range<u64>,
    /// The scenarios.
    pub scenarios: Vec<&'static Scenario>,
    /// Trials at once; as many as there are processors if `None`.
    pub threads: Option<NonZeroUsize>,
}

impl Batch {
    /// How many trials it is.
    #[must_use]
    pub fn len(&self) -> u64 {
        let seeds = self.seeds.end.saturating_sub(self.seeds.start);
        seeds.saturating_mul(self.scenarios.len() as u64)
    }

    /// Whether there is nothing to try.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tries everything out, and tells each verdict to `tell` as it comes, in no particular order.
    pub fn run(&self, mut tell: impl FnMut(Verdict)) {
        let threads = self.threads.map_or_else(processors, NonZeroUsize::get);
        let next = AtomicU64::new(0);
        thread::scope(|scope| {
            let (verdicts, told) = mpsc::channel();
            for _ in 0..threads {
                let (verdicts, next) = (verdicts.clone(), &next);
                scope.spawn(move || {
                    while let Some((scenario, seed)) =
                        self.trial(next.fetch_add(1, Ordering::Relaxed))
                    {
                        // The other end hangs up only after a panic of its own.
                        if verdicts.send(try_out(scenario, seed, None)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(verdicts);
            for verdict in told {
                tell(verdict);
            }
        });
    }

    fn trial(&self, number: u64) -> Option<(&'static Scenario, u64)> {
        let each = self.scenarios.len() as u64;
        let seed = self.seeds.start.checked_add(number.checked_div(each)?)?;
        let scenario = self.scenarios.get((number % each) as usize)?;
        self.seeds.contains(&seed).then_some((scenario, seed))
    }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
