//! What has been done.

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// How often the live line is written.
const ON_A_TERMINAL: Duration = Duration::from_millis(500);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// Counts of connections, octets and questions, since the start.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Clients waiting for their upstream.
    pub(super) dialling: AtomicUsize,
    /// Clients with an upstream.
    pub(super) open: AtomicUsize,
    /// Connections that ended in order, and that were broken off or timed out.
    pub(super) closed: AtomicU64,
    pub(super) broken: AtomicU64,
    /// Clients refused because there was no upstream.
    pub(super) refused: AtomicU64,
    /// Octets from and to clients.
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    /// Questions answered, and not.
    pub(super) dns: AtomicU64,
    pub(super) dns_failed: AtomicU64,
    /// The proxy's own trouble has been told.
    pub(super) has_complained: AtomicBool,
}

/// A client that is being served.
pub(super) struct Open<'s> {
    stats: &'s Stats,
    is_established: AtomicBool,
}

impl<'s> Open<'s> {
    pub(super) fn begin(stats: &'s Stats) -> Self {
        stats.dialling.fetch_add(1, Ordering::Relaxed);
        Self { stats, is_established: AtomicBool::new(false) }
    }

    pub(super) fn established(&self) {
        self.is_established.store(true, Ordering::Relaxed);
        self.stats.dialling.fetch_sub(1, Ordering::Relaxed);
        self.stats.open.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let is_established = self.is_established.load(Ordering::Relaxed);
        let count = if is_established { &self.stats.open } else { &self.stats.dialling };
        count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stats {
    /// `3 open, 1 dialling, 40 closed, 2 broken, 1 refused; 5.2 MiB out, 1.30 GiB in; 12 DNS`.
    pub(crate) fn line(&self) -> String {
        let count = |count: &AtomicU64| HumanCount(count.load(Ordering::Relaxed));
        let size = |count: &AtomicUsize| HumanCount(count.load(Ordering::Relaxed) as u64);
        let bytes = |count: &AtomicU64| HumanBytes(count.load(Ordering::Relaxed));
        let unanswered = match self.dns_failed.load(Ordering::Relaxed) {
            0 => String::new(),
            failed => format!(", {} unanswered", HumanCount(failed)),
        };
        format!(
            "{} open, {} dialling, {} closed, {} broken, {} refused; {} out, {} in; {} DNS{unanswered}",
            size(&self.open),
            size(&self.dialling),
            count(&self.closed),
            count(&self.broken),
            count(&self.refused),
            bytes(&self.sent),
            bytes(&self.received),
            count(&self.dns),
        )
    }

    /// Names, kinds and values for a collector of metrics.
    pub(super) fn metrics(&self) -> [(&'static str, &'static str, u64); 9] {
        let (counter, gauge) = ("counter", "gauge");
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let now = |count: &AtomicUsize| count.load(Ordering::Relaxed) as u64;
        [
            ("sockeye_proxy_connections_dialling", gauge, now(&self.dialling)),
            ("sockeye_proxy_connections_open", gauge, now(&self.open)),
            ("sockeye_proxy_connections_closed_total", counter, of(&self.closed)),
            ("sockeye_proxy_connections_broken_total", counter, of(&self.broken)),
            ("sockeye_proxy_connections_refused_total", counter, of(&self.refused)),
            ("sockeye_proxy_client_sent_bytes_total", counter, of(&self.sent)),
            ("sockeye_proxy_client_received_bytes_total", counter, of(&self.received)),
            ("sockeye_proxy_dns_answered_total", counter, of(&self.dns)),
            ("sockeye_proxy_dns_failed_total", counter, of(&self.dns_failed)),
        ]
    }

    fn bytes(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed))
    }
}

/// Shows them on standard error for ever: a line that changes on a terminal, lines elsewhere. When dropped, the last state stays.
pub(crate) async fn show(stats: Arc<Stats>) {
    let is_terminal = std::io::stderr().is_terminal();
    let shown = Shown { stats, bar: is_terminal.then(spinner) };
    let mut ticks = interval(if is_terminal { ON_A_TERMINAL } else { ELSEWHERE });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let (mut before, mut at) = (shown.stats.bytes(), Instant::now());
    loop {
        ticks.tick().await;
        let (now, elapsed) = (shown.stats.bytes(), at.elapsed().as_secs_f64().max(1e-3));
        let rate = |now: u64, before: u64| HumanBytes(((now - before) as f64 / elapsed) as u64);
        let (out, back) = (rate(now.0, before.0), rate(now.1, before.1));
        let line = format!("{}; {out}/s out, {back}/s in", shown.stats.line());
        match &shown.bar {
            Some(bar) => bar.set_message(line),
            None => eprintln!("{line}"),
        }
        (before, at) = (now, Instant::now());
    }
}

struct Shown {
    stats: Arc<Stats>,
    bar: Option<ProgressBar>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{}", self.stats.line());
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    // The template is a constant; one that does not parse would only be less pretty.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(ON_A_TERMINAL);
    bar
}
