//! Ctrl-C and SIGTERM: the first asks to end in order, the second ends at once.

use crate::failure::Failure;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long connections have to close in order after the first signal.
pub(crate) const CLOSING_TIME: Duration = Duration::from_secs(2);

pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn watch() -> Result<Self, Failure> {
        let watch = |kind| {
            signal(kind)
                .map_err(|error| Failure::new(format_args!("cannot watch for signals: {error}")))
        };
        Ok(Self {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal, and gives its number.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
        }
    }

    /// Waits for the first signal. From then on, the next one aborts the program, whatever it is doing.
    pub(crate) async fn first(mut self) {
        self.next().await;
        tokio::spawn(async move {
            // What a shell makes of a program that died from a signal.
            std::process::exit(128 + self.next().await);
        });
    }
}
