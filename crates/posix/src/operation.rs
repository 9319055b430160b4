//! Calls that wait.

use crate::files::FileId;
use crate::message::{Received, Room};
use crate::outcome::{Token, Value};
use crate::{Errno, PollFd};
use sockeye_wire::Instant;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A call under way and how far it has come.
#[derive(Debug)]
pub(crate) enum Work<'a> {
    Connect,
    Accept {
        nonblocking: bool,
        close_on_exec: bool,
    },
    Send(Send<'a>),
    Receive(Receive),
    /// `close` waits for what was sent to be acknowledged.
    Linger,
    Poll(Vec<PollFd>, Vec<FileId>),
    Epoll {
        max: usize,
    },
    Splice {
        from: FileId,
        to: FileId,
        len: usize,
    },
    PipeRead(Vec<Room>),
    PipeWrite {
        data: Cow<'a, [u8]>,
        at: usize,
    },
}

#[derive(Debug)]
pub(crate) struct Send<'a> {
    pub(crate) data: Cow<'a, [u8]>,
    /// How much of it was taken.
    pub(crate) at: usize,
    /// Octets that went with the SYN: they count once the connection is open.
    pub(crate) on_syn: usize,
    /// It opened the connection (`MSG_FASTOPEN`).
    pub(crate) fast_open: bool,
    /// After the data comes an address that cannot be read.
    pub(crate) fault: bool,
    pub(crate) flags: i32,
}

impl<'a> Send<'a> {
    pub(crate) fn new(data: Cow<'a, [u8]>, fault: bool, flags: i32) -> Self {
        Self { data, at: 0, on_syn: 0, fast_open: false, fault, flags }
    }
}

#[derive(Debug)]
pub(crate) struct Receive {
    pub(crate) rooms: Vec<Room>,
    pub(crate) flags: i32,
    /// `recvmsg`: ancillary data is wanted.
    pub(crate) control: bool,
    pub(crate) got: Received,
}

impl Work<'_> {
    /// The same, owning what it works on.
    pub(crate) fn into_owned(self) -> Work<'static> {
        match self {
            Self::Connect => Work::Connect,
            Self::Accept { nonblocking, close_on_exec } => {
                Work::Accept { nonblocking, close_on_exec }
            }
            Self::Send(Send { data, at, on_syn, fast_open, fault, flags }) => {
                let data = Cow::Owned(data.into_owned());
                Work::Send(Send { data, at, on_syn, fast_open, fault, flags })
            }
            Self::Receive(receive) => Work::Receive(receive),
            Self::Linger => Work::Linger,
            Self::Poll(fds, files) => Work::Poll(fds, files),
            Self::Epoll { max } => Work::Epoll { max },
            Self::Splice { from, to, len } => Work::Splice { from, to, len },
            Self::PipeRead(rooms) => Work::PipeRead(rooms),
            Self::PipeWrite { data, at } => {
                Work::PipeWrite { data: Cow::Owned(data.into_owned()), at }
            }
        }
    }

    /// What the call gives when it may not wait, or not any longer.
    pub(crate) fn give_up(&mut self) -> Result<Value, Errno> {
        match self {
            Self::Connect => Err(Errno::EINPROGRESS),
            Self::Send(send) if send.at + send.on_syn > 0 => {
                Ok(Value::Count(send.at + send.on_syn))
            }
            Self::Send(send) if send.fast_open => Err(Errno::EINPROGRESS),
            Self::PipeWrite { at, .. } if *at > 0 => Ok(Value::Count(*at)),
            Self::Receive(receive) if receive.got.returned > 0 => {
                Ok(Value::Received(core::mem::take(&mut receive.got)))
            }
            Self::Linger => Ok(Value::Nothing),
            Self::Poll(fds, _) => Ok(Value::Polled(core::mem::take(fds))),
            Self::Epoll { .. } => Ok(Value::Epoll(Vec::new())),
            _ => Err(Errno::EAGAIN),
        }
    }
}

/// How long a call may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Patience {
    None,
    Until(Instant),
    Forever,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) file: FileId,
    pub(crate) work: Work<'static>,
    pub(crate) deadline: Option<Instant>,
}

/// All calls that wait, and those that have just ended.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    waiting: BTreeMap<Token, Operation>,
    deadlines: BTreeSet<(Instant, Token)>,
    completed: VecDeque<(Token, Result<Value, Errno>)>,
    last: u64,
}

impl Operations {
    pub(crate) fn add(&mut self, operation: Operation) -> Token {
        self.last += 1;
        let token = Token(self.last);
        if let Some(deadline) = operation.deadline {
            self.deadlines.insert((deadline, token));
        }
        self.waiting.insert(token, operation);
        token
    }

    /// Takes a call out, to be tried; [`put_back`](Self::put_back) or [`complete`](Self::complete) follows.
    pub(crate) fn take(&mut self, token: Token) -> Option<Operation> {
        self.waiting.remove(&token)
    }

    pub(crate) fn put_back(&mut self, token: Token, operation: Operation) {
        self.waiting.insert(token, operation);
    }

    pub(crate) fn complete(
        &mut self,
        token: Token,
        deadline: Option<Instant>,
        result: Result<Value, Errno>,
    ) {
        self.forget_deadline(token, deadline);
        self.completed.push_back((token, result));
    }

    pub(crate) fn forget_deadline(&mut self, token: Token, deadline: Option<Instant>) {
        if let Some(deadline) = deadline {
            self.deadlines.remove(&(deadline, token));
        }
    }

    pub(crate) fn is_waiting(&self, token: Token) -> bool {
        self.waiting.contains_key(&token)
    }

    /// The result of a call that has just ended, before anybody else hears of it.
    pub(crate) fn take_completed(&mut self, token: Token) -> Option<Result<Value, Errno>> {
        let at = self.completed.iter().position(|(known, _)| *known == token)?;
        self.completed.remove(at).map(|(_, result)| result)
    }

    pub(crate) fn next_completed(&mut self) -> Option<(Token, Result<Value, Errno>)> {
        self.completed.pop_front()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// A call whose time is over.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Token> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now).map(|(_, token)| *token)
    }
}
