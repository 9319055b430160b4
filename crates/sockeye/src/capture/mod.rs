//! Recording packets while the stack runs.

mod recorder;
mod tap;

pub(crate) use tap::{TapPoint, Tapped};

use recorder::Recorder;
use sockeye_link::capture::pcapng::{self, Writer};
use sockeye_wire::Instant;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

/// How packets are recorded; see [`Stack::capture`](crate::Stack::capture).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CaptureConfig {
    /// Octets of each packet that are recorded, headers included; the rest is cut off. All by default.
    pub snap_bytes: usize,
    /// Octets that may wait to be written; twice that is held at most. 4 MiB by default.
    pub buffer_bytes: usize,
}

impl Default for CaptureConfig {
    fn default() -> Self {
        Self { snap_bytes: usize::MAX, buffer_bytes: 4 << 20 }
    }
}

impl CaptureConfig {
    /// Records at most so many octets of each packet. 128 hold all headers.
    #[must_use]
    pub const fn with_snap_bytes(mut self, snap_bytes: usize) -> Self {
        self.snap_bytes = snap_bytes;
        self
    }

    /// Lets so many octets wait to be written.
    #[must_use]
    pub const fn with_buffer_bytes(mut self, buffer_bytes: usize) -> Self {
        self.buffer_bytes = buffer_bytes;
        self
    }
}

/// What a capture has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CaptureStats {
    /// Packets recorded.
    pub packets: u64,
    /// Packets that found no room in the buffer, and are missing from the file.
    pub dropped: u64,
}

/// A capture that runs. Dropping it ends the capture, and its thread once all is written; [`stop`](Self::stop) waits for that.
///
/// ```
/// # use sockeye::link::memory::{PairConfig, pair};
/// # use sockeye::{CaptureConfig, Interface, Stack};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// # let (a, b) = pair(PairConfig::default());
/// # let a = Stack::builder().interface(Interface::new(a).address([10, 0, 0, 1], 24)).spawn()?;
/// # let b = Stack::builder().interface(Interface::new(b).address([10, 0, 0, 2], 24)).spawn()?;
/// let file = std::io::sink(); // or std::fs::File::create("trace.pcapng")?
/// let capture = a.capture(file, CaptureConfig::default().with_snap_bytes(128))?;
/// let listener = b.listen(([10, 0, 0, 2], 80).into())?;
/// let client = a.connect(([10, 0, 0, 2], 80).into()).await?;
/// let stats = capture.stop()?;
/// assert!(stats.packets >= 3 && stats.dropped == 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CaptureHandle {
    recorder: Arc<Recorder>,
    taps: Arc<[(String, Arc<TapPoint>)]>,
    thread: Option<JoinHandle<()>>,
}

impl CaptureHandle {
    pub(crate) fn start(
        out: impl Write + Send + 'static,
        config: CaptureConfig,
        now: Instant,
        taps: Arc<[(String, Arc<TapPoint>)]>,
    ) -> io::Result<Self> {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let unix_nanos = u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX);
        let mut file = Writer::new(Vec::new(), unix_nanos.saturating_sub(now.as_nanos()))?;
        let interfaces = taps
            .iter()
            .map(|(name, tap)| file.add_interface(tap.medium(), name))
            .collect::<io::Result<Vec<pcapng::Interface>>>()?;
        let recorder = Arc::new(Recorder::new(file, config));
        let writing = Arc::clone(&recorder);
        let thread = thread::Builder::new()
            .name("sockeye-capture".to_owned())
            .spawn(move || writing.write_to(out))?;
        for ((_, tap), interface) in taps.iter().zip(interfaces) {
            tap.begin(&recorder, interface);
        }
        Ok(Self { recorder, taps, thread: Some(thread) })
    }

    /// What it has come to so far.
    #[must_use]
    pub fn stats(&self) -> CaptureStats {
        self.recorder.stats()
    }

    /// Ends the capture and waits until all is written. Blocks as long as the output does.
    ///
    /// # Errors
    /// The first error of the output: the file is good up to there, and nothing was recorded after it.
    pub fn stop(mut self) -> io::Result<CaptureStats> {
        self.end();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            return Err(io::Error::other("the capture's output panicked"));
        }
        match self.recorder.take_error() {
            Some(error) => Err(error),
            None => Ok(self.recorder.stats()),
        }
    }

    fn end(&self) {
        for (_, tap) in self.taps.iter() {
            tap.end(&self.recorder);
        }
        self.recorder.end();
    }
}

impl Drop for CaptureHandle {
    fn drop(&mut self) {
        self.end();
    }
}
