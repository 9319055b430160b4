//! System calls: a script's arguments to the socket layer's, and results compared.

mod check;
mod keys;
mod message;
mod options;
mod start;

use super::flow::Flow;
use super::symbols::{int, number};
use super::{Stop, fail};
use crate::packet::Keys;
use crate::script::{CallSpec, Expr};
use crate::settings::Settings;
use keys::NewKey;
use sockeye_posix::{Address, Errno, Fd, Outcome, Token, Value};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A descriptor that nobody has: what a script names without having opened it.
const NO_DESCRIPTOR: Fd = -1;

/// The script's descriptors.
pub(super) struct Calls {
    fds: BTreeMap<i64, Fd>,
    /// Files that commands made, all zeros: their lengths.
    files: BTreeMap<String, usize>,
    /// Those that were opened.
    opened: BTreeMap<i64, usize>,
    domain: i32,
    /// Whom keys are for.
    peer: SocketAddr,
    /// What signatures are made and verified with.
    pub(super) keys: Keys,
}

/// Why a call could not be made.
pub(super) enum Refusal {
    /// The script is wrong, or asks for what is not supported.
    Failed(String),
    /// The script needs what is not part of a TCP.
    Skipped(String),
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self::Failed(message.into())
    }
}

impl Refusal {
    pub(super) fn at(self, line: u32, call: &str) -> Stop {
        match self {
            Self::Failed(message) => fail(line, format!("{call}: {message}")),
            Self::Skipped(reason) => Stop::Skipped(reason),
        }
    }
}

/// What is compared besides the number that a call returns.
enum Expected {
    Nothing,
    /// The script has a key more.
    Key(NewKey),
    /// The result is a new descriptor: the script's number for it. Sockets become the one under test.
    Descriptor {
        socket: bool,
    },
    /// Both ends of a pipe.
    Pipe {
        script: [i64; 2],
        live: [Fd; 2],
    },
    /// `accept`.
    Accepted,
    /// The script's number of a descriptor that is gone then.
    Closed(i64),
    /// `recvmsg`: flags and ancillary data.
    Message {
        flags: i32,
        control: Vec<message::Control>,
    },
    /// `poll`: `revents`.
    Polled(Vec<i16>),
    /// `epoll_wait`: the first event.
    Epoll {
        events: u32,
        data: u64,
    },
    /// `getsockopt` and `ioctl`: octets.
    Octets {
        expected: Vec<u8>,
        actual: Vec<u8>,
    },
}

/// A call that was made.
pub(super) struct Waiting {
    result: Result<Value, Errno>,
    token: Option<Token>,
    expected: Expected,
    /// A number that the socket layer's value does not tell: `socket`, `fcntl`.
    returned: Option<i64>,
}

impl Waiting {
    fn new(outcome: Outcome, expected: Expected) -> Self {
        match outcome {
            Outcome::Ready(result) => Self { result, token: None, expected, returned: None },
            Outcome::Pending(token) => {
                Self { result: Ok(Value::Nothing), token: Some(token), expected, returned: None }
            }
        }
    }

    fn returning(result: Result<i64, Errno>, expected: Expected) -> Self {
        Self {
            returned: result.ok(),
            result: result.map(|_| Value::Nothing),
            token: None,
            expected,
        }
    }

    /// The call's name in the socket layer, while it waits.
    pub(super) const fn token(&self) -> Option<Token> {
        self.token
    }

    /// The call is over.
    pub(super) fn complete(&mut self, result: Result<Value, Errno>) {
        self.token = None;
        self.result = result;
    }
}

impl Calls {
    pub(super) fn new(settings: &Settings) -> Self {
        use crate::settings::IpVersion;
        use sockeye_posix::abi::{AF_INET, AF_INET6};
        let domain = if settings.version == IpVersion::V4 { AF_INET } else { AF_INET6 };
        Self {
            fds: BTreeMap::new(),
            files: BTreeMap::new(),
            opened: BTreeMap::new(),
            domain,
            peer: start::in_domain(SocketAddr::new(settings.remote_address(), 0), domain),
            keys: Keys::default(),
        }
    }

    fn peer(&self) -> Address {
        Address::Inet(self.peer)
    }

    pub(super) fn make_file(&mut self, name: String, bytes: usize) {
        self.files.insert(name, bytes);
    }

    pub(super) fn remove_file(&mut self, name: &str) {
        self.files.remove(name);
    }

    fn fd(&self, expression: &Expr) -> Result<Fd, String> {
        Ok(self.fds.get(&number(expression)?).copied().unwrap_or(NO_DESCRIPTOR))
    }
}

/// The index of the flow of a descriptor.
fn flow_of(flows: &[Flow], fd: Fd) -> Option<usize> {
    flows.iter().position(|flow| flow.fd == Some(fd))
}

fn arguments<const N: usize>(spec: &CallSpec) -> Result<&[Expr; N], String> {
    let given = spec.arguments.len();
    spec.arguments.as_slice().try_into().map_err(|_| format!("takes {N} arguments, not {given}"))
}

/// `[n]`
fn bracketed(expression: &Expr) -> Result<i64, String> {
    match expression {
        Expr::List(items) => match &items[..] {
            [item] => number(item),
            _ => Err("one number in brackets is expected".into()),
        },
        _ => Err("a number in brackets is expected".into()),
    }
}

fn size(expression: &Expr) -> Result<usize, String> {
    let size = int(expression)?;
    usize::try_from(size).map_err(|_| format!("{size} is no length"))
}
