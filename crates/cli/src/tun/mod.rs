//! What `serve`, `connect`, `listen` and `proxy` share: a stack of our own behind a TUN device or on an Ethernet interface.
//!
//! | module | what it is |
//! |---|---|
//! | `cidr` | an address and its subnet, as `--addr` takes it |
//! | `device` | the TUN device or Ethernet interface |
//! | `explain` | errors of connections, in words that say what to do |
//! | `narrator`, `story` | what `-v` tells, and which segments it is told of |
//! | `session`, `pipe`, `stdio` | a connection between standard input and output |
//! | `signals` | Ctrl-C and SIGTERM |

mod cidr;
mod device;
pub(crate) mod explain;
mod narrator;
pub(crate) mod pipe;
pub(crate) mod session;
pub(crate) mod signals;
mod stdio;
mod story;
#[cfg(test)]
mod tests;

pub(crate) use narrator::Narrator;
pub(crate) use story::Story;

use crate::failure::Failure;
use cidr::Cidr;
use device::{Device, DeviceArgs};
use sockeye::{CaptureConfig, CaptureHandle, Interface, Stack, TcpListener, TcpStream};
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

/// Where our own TCP stands.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where Sockeye stands")]
pub(crate) struct TunArgs {
    #[command(flatten)]
    device: DeviceArgs,

    /// Sockeye's own address and its subnet, such as 10.9.0.2/24 or fd09::2/64; may be given for each family
    ///
    /// The address is never given to the device: Linux would answer for it. On a TUN device that is created, Linux gets the subnet's
    /// first other host address, and so reaches Sockeye's.
    #[arg(long = "addr", value_name = "CIDR", required = true)]
    addresses: Vec<Cidr>,

    /// Record every packet in this file (pcapng)
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,

    /// Tell on standard error how the device is set up, and of each handshake, change of state and close
    #[arg(short, long)]
    verbose: bool,
}

/// A stack behind its device.
pub(crate) struct Network {
    pub(crate) stack: Stack,
    pub(crate) narrator: Option<Narrator>,
    addresses: Vec<IpAddr>,
    /// None once it is stopped.
    capture: Option<Mutex<Option<(CaptureHandle, PathBuf)>>>,
}

/// What may wait to be written to a capture's file.
const CAPTURE_BYTES: usize = 64 << 20;

/// Whether the device has to pass packets before the stack begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Begin {
    /// No: the other side will come when it can.
    AtOnce,
    /// As far as waiting a moment helps: our first packet should not be lost.
    OnceUp,
}

impl TunArgs {
    /// Opens the device and begins; call it on a tokio runtime.
    pub(crate) fn open(&self, story: Story, begin: Begin) -> Result<Network, Failure> {
        self.open_with(story, begin, |interface| interface)
    }

    /// [`open`](Self::open) for whoever takes what the device brings, whatever its address. An interface that Linux has too brings what is
    /// Linux's own.
    pub(crate) fn open_for_all(&self, story: Story) -> Result<Network, Failure> {
        if !self.device.is_tun() {
            return Err(Failure::usage("everything is taken from a TUN device only: give --tun"));
        }
        self.open_with(story, Begin::AtOnce, Interface::any_address)
    }

    fn open_with(
        &self,
        story: Story,
        begin: Begin,
        finish: impl FnOnce(Interface) -> Interface,
    ) -> Result<Network, Failure> {
        self.check()?;
        let narrator = self.verbose.then(Narrator::start);
        let subnets: Vec<_> =
            self.addresses.iter().map(|cidr| (cidr.address, cidr.prefix_len)).collect();
        let file = self.pcap.as_ref().map(create).transpose()?;
        let Device { link, name } = self.device.open(&subnets, begin, narrator.as_ref())?;
        let interface =
            subnets.iter().fold(Interface::new(link).name(name), |interface, (address, len)| {
                interface.address(*address, *len)
            });
        let interface = if self.device.is_tun() {
            interface.default_route()
        } else {
            self.device.gateways.iter().fold(interface, |link, router| link.gateway(*router))
        };
        let mut builder = Stack::builder().interface(finish(interface));
        if let Some(narrator) = &narrator {
            builder = builder.observer(narrator.observer(story));
        }
        let stack = builder
            .spawn()
            .map_err(|error| Failure::new(format_args!("the stack cannot begin: {error}")))?;
        let capture = file.map(|(file, path)| {
            let config = CaptureConfig::default().with_buffer_bytes(CAPTURE_BYTES);
            let capture =
                stack.capture(file, config).map_err(|error| failed_capture(&path, &error));
            capture.map(|capture| Mutex::new(Some((capture, path))))
        });
        let capture = capture.transpose()?;
        let addresses = self.addresses.iter().map(|cidr| cidr.address).collect();
        Ok(Network { stack, narrator, addresses, capture })
    }

    fn check(&self) -> Result<(), Failure> {
        for (index, cidr) in self.addresses.iter().enumerate() {
            if self.addresses[..index].iter().any(|other| other.address == cidr.address) {
                return Err(Failure::usage(format_args!("--addr {} is given twice", cidr.address)));
            }
            if cidr.address.is_ipv6() && self.device.mtu < 1_280 {
                return Err(Failure::usage(format_args!(
                    "--mtu {} is too small for IPv6, which needs 1280 (RFC 8200 §5)",
                    self.device.mtu
                )));
            }
            if is_own_of_linux(cidr.address) {
                return Err(Failure::new(format_args!(
                    "address {} is in use: it is this machine's own, so Linux answers for it; choose another one for --addr (\"ip \
                     addr\" lists those in use)",
                    cidr.address
                )));
            }
        }
        Ok(())
    }
}

impl Network {
    /// The wildcard address of each family that we have an address of, with this port.
    fn any_address(&self, port: u16) -> impl Iterator<Item = SocketAddr> + '_ {
        [IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED)]
            .into_iter()
            .filter(|any| self.has_family_of(any))
            .map(move |any| SocketAddr::new(any, port))
    }

    /// Listens on all our addresses: a listener for each family.
    pub(crate) fn listen(&self, port: u16) -> Result<Listeners, Failure> {
        let listen = |address| {
            self.stack
                .listen(address)
                .map_err(|error| Failure::new(format_args!("cannot listen at {address}: {error}")))
        };
        let listeners = self.any_address(port).map(listen).collect::<Result<_, _>>()?;
        Ok(Listeners(listeners))
    }

    /// Our addresses, with this port.
    pub(crate) fn own_addresses(&self, port: u16) -> impl Iterator<Item = SocketAddr> + '_ {
        self.addresses.iter().map(move |address| SocketAddr::new(*address, port))
    }

    /// Whether we have an address of the same family.
    pub(crate) fn has_family_of(&self, address: &IpAddr) -> bool {
        self.addresses.iter().any(|own| own.is_ipv4() == address.is_ipv4())
    }

    /// Waits until the device is gone for good.
    pub(crate) async fn failed(&self) -> Failure {
        Failure::new(self.stack.link_failed().await)
    }

    pub(crate) fn tell(&self, line: impl Into<String>) {
        if let Some(narrator) = &self.narrator {
            narrator.tell(line);
        }
    }

    /// Closes what is open within `timeout`, and writes out what has been told and recorded. May be called again.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<(), Failure> {
        let reset = self.stack.shutdown(timeout).await;
        if reset > 0 {
            self.tell(format!("connections reset because they did not close in time: {reset}"));
        }
        if let Some(narrator) = &self.narrator {
            narrator.flush();
        }
        let capture = self
            .capture
            .as_ref()
            .and_then(|capture| capture.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some((capture, path)) = capture {
            let stats = capture.stop().map_err(|error| failed_capture(&path, &error))?;
            if stats.dropped > 0 {
                let (path, dropped) = (path.display(), stats.dropped);
                eprintln!(
                    "{path}: {dropped} packets are missing, as they came faster than the file took them"
                );
            }
        }
        Ok(())
    }
}

/// Waiting for connections of either family.
pub(crate) struct Listeners(Vec<TcpListener>);

impl Listeners {
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|cx| {
            let ready = self.0.iter().find_map(|listener| match listener.poll_accept(cx) {
                Poll::Ready(accepted) => Some(accepted),
                Poll::Pending => None,
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Runs a command's future on a runtime of its own.
pub(crate) fn run(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format_args!("no threads to run on: {error}")))?;
    let outcome = runtime.block_on(command);
    // A thread may still be waiting for a disk; the program does not.
    runtime.shutdown_background();
    outcome
}

/// Whether the kernel takes packets to this address for its own: such a route begins at the address itself.
fn is_own_of_linux(address: IpAddr) -> bool {
    let any = if address.is_ipv4() {
        IpAddr::from(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::from(Ipv6Addr::UNSPECIFIED)
    };
    // Connecting a datagram socket looks up the route and sends nothing.
    UdpSocket::bind((any, 0))
        .and_then(|socket| socket.connect((address, 9)).and_then(|()| socket.local_addr()))
        .is_ok_and(|source| source.ip() == address)
}

fn create(path: &PathBuf) -> Result<(File, PathBuf), Failure> {
    let file = File::create(path).map_err(|error| {
        Failure::new(format_args!(
            "{} cannot be created: {error}; choose another --pcap",
            path.display()
        ))
    })?;
    Ok((file, path.clone()))
}

fn failed_capture(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format_args!("{} is not complete: {error}", path.display()))
}
