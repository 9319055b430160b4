//! The task that serves a shard of a stack where no caller does: packets that arrive, timers that run out, links that were full.

use crate::core::{Core, Turn};
use crate::shared::{Shared, unlock};
use sockeye_link::{Link, Readiness, SharedWaker};
use std::future::Future;
use std::io;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::Weak;
use std::task::{Context, Poll};
use std::time::Duration;
#[cfg(unix)]
use tokio::io::{Interest, unix::AsyncFd};
#[cfg(unix)]
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep_until};

/// Turns taken before other tasks of the runtime get theirs.
const TURNS: usize = 16;
/// When a full link is tried again that announces nothing, as a device does when the kernel is out of memory.
const RETRY: Duration = Duration::from_millis(1);

pub(crate) struct Driver {
    shards: Arc<[Shared]>,
    /// Which of them is served.
    index: usize,
    sources: Vec<Source>,
    sleep: Pin<Box<Sleep>>,
    /// When `sleep` ends, if it has been polled for that.
    sleeps_until: Option<Instant>,
    /// Tasks that end with the driver.
    #[cfg(unix)]
    _watches: JoinSet<()>,
}

impl Driver {
    /// For the shard with that `index`; registers its links' descriptors with the current runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time.
    pub(crate) fn new(shards: Arc<[Shared]>, index: usize) -> io::Result<Self> {
        let sources =
            shards[index].lock().links().map(Source::of).collect::<io::Result<Vec<_>>>()?;
        Ok(Self {
            #[cfg(unix)]
            _watches: sources
                .iter()
                .enumerate()
                .filter_map(|(link, source)| source.watch((index, link), &shards))
                .collect(),
            shards,
            index,
            sources,
            sleep: Box::pin(sleep_until(Instant::now())),
            sleeps_until: None,
        })
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Next {
        let mut core = self.shards[self.index].lock();
        let now = core.now();
        core.receive_from_shards(now, cx.waker());
        let mut received = Turn::Idle;
        for (index, source) in self.sources.iter().enumerate() {
            if source.receive(&mut core, index, now, cx) == Turn::More {
                received = Turn::More;
            }
        }
        let sent = core.advance(now);
        let is_over = core.is_over();
        let deadline = core.arm(cx.waker());
        unlock(core);

        if is_over {
            return Next::End;
        }
        if received == Turn::More {
            return Next::Again;
        }
        let until = match sent {
            // While a link is full, connections cannot do what is due, and the deadline stays in the past.
            Turn::More => {
                let retry = Instant::now() + RETRY;
                Some(deadline.map_or(retry, |deadline| deadline.max(retry)))
            }
            Turn::Idle => deadline,
        };
        match until {
            Some(until) if self.poll_sleep(until, cx).is_ready() => Next::Again,
            _ => Next::Sleep,
        }
    }

    /// An earlier sleep is left as it is: retransmission deadlines move on with every acknowledgement, and to wake up once for
    /// nothing is cheaper than to set the timer each time.
    fn poll_sleep(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if self.sleeps_until.is_none_or(|sleeping| until < sleeping) {
            self.sleep.as_mut().reset(until);
            self.sleeps_until = Some(until);
        }
        let slept = self.sleep.as_mut().poll(cx);
        if slept.is_ready() {
            self.sleeps_until = None;
        }
        slept
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURNS {
            match self.turn(cx) {
                Next::Again => {}
                Next::Sleep => return Poll::Pending,
                Next::End => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Driver {
    /// Also when the runtime goes away: whoever waits must not wait for ever.
    fn drop(&mut self) {
        for shard in &*self.shards {
            let mut core = shard.lock();
            core.stop();
            unlock(core);
        }
    }
}

enum Next {
    Again,
    Sleep,
    End,
}

/// How the driver learns that a link has something.
enum Source {
    /// From the link itself.
    Waker(Arc<SharedWaker>),
    /// From the runtime, which watches a copy of the link's descriptor.
    #[cfg(unix)]
    Fd(Arc<AsyncFd<OwnedFd>>),
}

impl Source {
    fn of(link: &dyn Link) -> io::Result<Self> {
        match link.readiness() {
            Readiness::Waker(waker) => Ok(Self::Waker(Arc::clone(waker))),
            #[cfg(unix)]
            Readiness::Fd(fd) => {
                let copy = fd.try_clone_to_owned()?;
                #[allow(
                    deprecated,
                    reason = "the unsafe successor asks of us what an OwnedFd never breaks"
                )]
                AsyncFd::with_interest(copy, Interest::READABLE | Interest::ERROR)
                    .map(|fd| Self::Fd(Arc::new(fd)))
            }
        }
    }

    /// Waits for the end of a link that has a descriptor.
    #[cfg(unix)]
    fn watch(
        &self,
        at: (usize, usize),
        shards: &Arc<[Shared]>,
    ) -> Option<impl Future<Output = ()> + use<>> {
        match self {
            Self::Waker(_) => None,
            Self::Fd(fd) => Some(watch(Arc::clone(fd), at, Arc::downgrade(shards))),
        }
    }

    /// Takes in a batch and sees to it that the driver is woken when more arrives.
    fn receive(
        &self,
        core: &mut Core,
        index: usize,
        now: sockeye_wire::Instant,
        cx: &mut Context<'_>,
    ) -> Turn {
        match self {
            Self::Waker(waker) => {
                waker.register(cx.waker());
                core.receive(index, now)
            }
            #[cfg(unix)]
            Self::Fd(fd) => loop {
                match fd.poll_read_ready(cx) {
                    Poll::Pending => return Turn::Idle,
                    Poll::Ready(Ok(mut guard)) => {
                        if core.receive(index, now) == Turn::More {
                            return Turn::More;
                        }
                        guard.clear_ready();
                    }
                    Poll::Ready(Err(error)) => {
                        core.fail_link(index, error);
                        return Turn::Idle;
                    }
                }
            },
        }
    }
}

/// A device that is deleted says so by an error condition alone, which waiting to read does not see.
#[cfg(unix)]
async fn watch(fd: Arc<AsyncFd<OwnedFd>>, (shard, link): (usize, usize), shards: Weak<[Shared]>) {
    while let Ok(mut guard) = fd.ready(Interest::ERROR).await {
        guard.clear_ready();
        let Some(shards) = shards.upgrade() else { return };
        // Reading tells whether and why the link is gone.
        let _more = shards[shard].call(|core, now| core.receive(link, now));
    }
}
