//! Calls are made.

use super::super::flow::{Flow, Own, Stage};
use super::super::symbols::{int, number};
use super::super::world::World;
use super::message::{control_of, iovecs};
use super::{Calls, Expected, Refusal, Waiting, arguments, bracketed, flow_of, size};
use crate::script::{CallSpec, Expr};
use crate::settings::Settings;
use sockeye_posix::{Address, EpollEvent, Errno, Fd, Input, Outcome, PollFd, Room, abi};
use std::net::SocketAddr;

impl Calls {
    /// Makes a call.
    ///
    /// # Errors
    /// [`Refusal`], if it cannot be made; what it comes to is compared by [`end`](Self::end).
    pub(crate) fn start(
        &mut self,
        world: &mut World,
        flows: &mut [Flow],
        spec: &CallSpec,
        settings: &Settings,
    ) -> Result<Waiting, Refusal> {
        let now = world.now();
        let sockets = &mut world.sockets;
        Ok(match spec.name.as_str() {
            "socket" => {
                let [domain, kind, protocol] = arguments(spec)?;
                let domain = if *domain == Expr::Ellipsis { self.domain } else { int(domain)? };
                let opened = sockets.socket(domain, int(kind)?, int(protocol)?);
                Waiting::returning(opened.map(i64::from), Expected::Descriptor { socket: true })
            }
            "bind" => {
                let [fd, to, _] = arguments(spec)?;
                let address = self.address(to, settings.bind_address())?;
                Waiting::new(sockets.bind(now, self.fd(fd)?, address).into(), Expected::Nothing)
            }
            "listen" => {
                let [fd, backlog] = arguments(spec)?;
                let fd = self.fd(fd)?;
                let result = sockets.listen(now, fd, int(backlog)?);
                if let (Ok(()), Some(flow)) = (&result, flow_of(flows, fd)) {
                    flows[flow].stage = Stage::Listening;
                }
                Waiting::new(result.into(), Expected::Nothing)
            }
            "accept" => {
                let [fd, _, _] = arguments(spec)?;
                Waiting::new(sockets.accept(now, self.fd(fd)?), Expected::Accepted)
            }
            "connect" => {
                let [fd, to, _] = arguments(spec)?;
                let fd = self.fd(fd)?;
                let address = self.address(to, settings.connect_address())?;
                self.prepare(world, flows, fd, address);
                let sockets = &mut world.sockets;
                Waiting::new(sockets.connect(now, fd, address), Expected::Nothing)
            }
            "close" => {
                let [fd] = arguments(spec)?;
                let number = number(fd)?;
                let closed = if self.opened.contains_key(&number) {
                    Outcome::Ready(Ok(sockeye_posix::Value::Nothing))
                } else {
                    sockets.close(now, self.fd(fd)?)
                };
                Waiting::new(closed, Expected::Closed(number))
            }
            "shutdown" => {
                let [fd, how] = arguments(spec)?;
                Waiting::new(
                    sockets.shutdown(now, self.fd(fd)?, int(how)?).into(),
                    Expected::Nothing,
                )
            }
            "fcntl" => {
                let (fd, command, argument) = match &spec.arguments[..] {
                    [fd, command] => (fd, command, 0),
                    [fd, command, argument] => (fd, command, int(argument)?),
                    _ => return Err("takes 2 or 3 arguments".into()),
                };
                let result = sockets.fcntl(self.fd(fd)?, int(command)?, argument);
                Waiting::returning(result.map(i64::from), Expected::Nothing)
            }
            "read" | "readv" | "recv" | "recvfrom" | "recvmsg" => self.receive(world, spec)?,
            "write" | "writev" | "send" | "sendto" | "sendmsg" => {
                self.send(world, flows, spec, settings)?
            }
            "getsockopt" | "setsockopt" | "ioctl" => self.option(world, spec)?,
            "poll" => {
                let [fds, count, timeout] = arguments(spec)?;
                let (fds, revents) = self.poll_fds(fds)?;
                if fds.len() != size(count)? {
                    return Err("the number of descriptors is not that of the array".into());
                }
                Waiting::new(sockets.poll(now, &fds, int(timeout)?), Expected::Polled(revents))
            }
            "epoll_create" => {
                let [size] = arguments(spec)?;
                let opened = sockets.epoll_create(int(size)?);
                Waiting::returning(opened.map(i64::from), Expected::Descriptor { socket: false })
            }
            "epoll_ctl" => {
                let [epoll, operation, fd, event] = arguments(spec)?;
                let event = epoll_event(event)?;
                let result =
                    sockets.epoll_ctl(now, self.fd(epoll)?, int(operation)?, self.fd(fd)?, event);
                Waiting::new(result.into(), Expected::Nothing)
            }
            "epoll_wait" => {
                let [epoll, event, max, timeout] = arguments(spec)?;
                let EpollEvent { events, data } = epoll_event(event)?;
                let outcome = sockets.epoll_wait(now, self.fd(epoll)?, int(max)?, int(timeout)?);
                Waiting::new(outcome, Expected::Epoll { events, data })
            }
            "pipe" => {
                let [ends] = arguments(spec)?;
                let Expr::List(ends) = ends else {
                    return Err("two descriptors are expected".into());
                };
                let [reads, writes] = &ends[..] else {
                    return Err("two descriptors are expected".into());
                };
                let script = [number(reads)?, number(writes)?];
                match sockets.pipe() {
                    Ok(live) => Waiting::returning(Ok(0), Expected::Pipe { script, live }),
                    Err(error) => Waiting::returning(Err(error), Expected::Nothing),
                }
            }
            "splice" => {
                let [from, _, to, _, len, flags] = arguments(spec)?;
                let flags = int(flags)?.cast_unsigned();
                let outcome = sockets.splice(now, self.fd(from)?, self.fd(to)?, size(len)?, flags);
                Waiting::new(outcome, Expected::Nothing)
            }
            "open" => {
                let [name, _] = arguments(spec)?;
                let Expr::Str(name) = name else {
                    return Err("a name in quotes is expected".into());
                };
                let name = String::from_utf8_lossy(name);
                let opened = match self.files.get(name.as_ref()) {
                    Some(bytes) => {
                        let script = number(&spec.result)?;
                        self.opened.insert(script, *bytes);
                        Ok(script)
                    }
                    None => Err(Errno::ENOENT),
                };
                Waiting::returning(opened, Expected::Nothing)
            }
            "sendfile" => {
                let [to, from, offset, count] = arguments(spec)?;
                let bytes = self.opened.get(&number(from)?).ok_or("the script has no such file")?;
                let from = usize::try_from(bracketed(offset)?)
                    .map_err(|_| "the offset is no number".to_owned())?;
                let part = vec![0; size(count)?.min(bytes.saturating_sub(from))];
                Waiting::new(sockets.sendfile(now, self.fd(to)?, &part), Expected::Nothing)
            }
            "cap_set" => return Err(Refusal::Skipped("needs capabilities of a process".into())),
            name => return Err(Refusal::Failed(format!("unknown system call `{name}`"))),
        })
    }

    /// An address argument: `...` is the usual one.
    fn address(&self, expression: &Expr, usual: SocketAddr) -> Result<Address, String> {
        Ok(match expression {
            Expr::Ellipsis => Address::Inet(in_domain(usual, self.domain)),
            Expr::SockAddr(address) => Address::Inet(*address),
            other => match int(other)? {
                abi::AF_UNSPEC => Address::Unspecified,
                family => Address::Family(family),
            },
        })
    }

    /// A socket is about to connect: the script's packets are for it from now on.
    fn prepare(&self, world: &World, flows: &mut [Flow], fd: Fd, to: Address) {
        let Some(flow) = flow_of(flows, fd).map(|flow| &mut flows[flow]) else { return };
        match to {
            Address::Inet(to) if flow.stage == Stage::New => {
                let bound = world.sockets.getsockname(fd).ok();
                let address = bound.map(|bound| bound.ip().to_canonical());
                let own = Own {
                    address: address
                        .filter(|address| !address.is_unspecified())
                        .or_else(|| world.only_address()),
                    port: bound.map(|bound| bound.port()).filter(|port| *port > 0),
                };
                flow.connect(own, SocketAddr::new(to.ip().to_canonical(), to.port()));
            }
            Address::Unspecified => *flow = Flow::new(Some(fd)),
            _ => {}
        }
    }

    fn receive(&self, world: &mut World, spec: &CallSpec) -> Result<Waiting, String> {
        let (now, sockets) = (world.now(), &mut world.sockets);
        Ok(match spec.name.as_str() {
            "read" => {
                let [fd, buffer, count] = arguments(spec)?;
                Waiting::new(
                    sockets.read(now, self.fd(fd)?, room(buffer, count)?),
                    Expected::Nothing,
                )
            }
            "readv" => {
                let [fd, vectors, count] = arguments(spec)?;
                let rooms: Vec<Room> =
                    iovecs(vectors, count)?.into_iter().map(Room::Bytes).collect();
                Waiting::new(sockets.readv(now, self.fd(fd)?, &rooms), Expected::Nothing)
            }
            "recv" => {
                let [fd, buffer, count, flags] = arguments(spec)?;
                let outcome = sockets.recv(now, self.fd(fd)?, room(buffer, count)?, int(flags)?);
                Waiting::new(outcome, Expected::Nothing)
            }
            "recvfrom" => {
                let [fd, buffer, count, flags, _, _] = arguments(spec)?;
                let outcome =
                    sockets.recvfrom(now, self.fd(fd)?, room(buffer, count)?, int(flags)?);
                Waiting::new(outcome, Expected::Nothing)
            }
            _ => {
                let [fd, message, flags] = arguments(spec)?;
                let Expr::MsgHdr(message) = message else {
                    return Err("a msghdr is expected".into());
                };
                let rooms: Vec<Room> =
                    message.iov.iter().map(|len| Room::Bytes(*len as usize)).collect();
                let outcome = sockets.recvmsg(now, self.fd(fd)?, &rooms, int(flags)?);
                let expected = Expected::Message {
                    flags: int(&message.flags)?,
                    control: control_of(message)?,
                };
                Waiting::new(outcome, expected)
            }
        })
    }

    fn send(
        &self,
        world: &mut World,
        flows: &mut [Flow],
        spec: &CallSpec,
        settings: &Settings,
    ) -> Result<Waiting, String> {
        let (now, sockets) = (world.now(), &mut world.sockets);
        let zeros = |len: usize| vec![0_u8; len];
        let outcome = match spec.name.as_str() {
            "write" => {
                let [fd, buffer, count] = arguments(spec)?;
                let data = zeros(size(count)?);
                sockets.write(now, self.fd(fd)?, input(buffer, &data)?)
            }
            "writev" => {
                let [fd, vectors, count] = arguments(spec)?;
                let data: Vec<Vec<u8>> = iovecs(vectors, count)?.into_iter().map(zeros).collect();
                let data: Vec<Input<'_>> = data.iter().map(|data| Input::Bytes(data)).collect();
                sockets.writev(now, self.fd(fd)?, &data)
            }
            "send" => {
                let [fd, buffer, count, flags] = arguments(spec)?;
                let data = zeros(size(count)?);
                sockets.send(now, self.fd(fd)?, input(buffer, &data)?, int(flags)?)
            }
            "sendto" => {
                let [fd, buffer, count, flags, to, _] = arguments(spec)?;
                let (fd, data) = (self.fd(fd)?, zeros(size(count)?));
                let to = self.address(to, settings.connect_address())?;
                self.prepare(world, flows, fd, to);
                let sockets = &mut world.sockets;
                sockets.sendto(now, fd, input(buffer, &data)?, int(flags)?, Some(to))
            }
            _ => {
                let [fd, message, flags] = arguments(spec)?;
                let Expr::MsgHdr(message) = message else {
                    return Err("a msghdr is expected".into());
                };
                let (fd, flags) = (self.fd(fd)?, int(flags)?);
                let data: Vec<Vec<u8>> =
                    message.iov.iter().map(|len| zeros(*len as usize)).collect();
                let data: Vec<Input<'_>> = data.iter().map(|data| Input::Bytes(data)).collect();
                let to = Address::Inet(in_domain(settings.connect_address(), self.domain));
                self.prepare(world, flows, fd, to);
                let sockets = &mut world.sockets;
                sockets.sendmsg(now, fd, &data, Some(to), flags)
            }
        };
        Ok(Waiting::new(outcome, Expected::Nothing))
    }

    fn poll_fds(&self, fds: &Expr) -> Result<(Vec<PollFd>, Vec<i16>), String> {
        let Expr::List(items) = fds else { return Err("an array of pollfd is expected".into()) };
        let mut polled = Vec::new();
        let mut expected = Vec::new();
        for item in items {
            let Expr::PollFd { fd, events, revents } = item else {
                return Err("a pollfd is expected".into());
            };
            polled.push(PollFd::new(self.fd(fd)?, int(events)? as i16));
            expected.push(int(revents)? as i16);
        }
        Ok((polled, expected))
    }
}

pub(super) fn in_domain(address: SocketAddr, domain: i32) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if domain == abi::AF_INET6 => {
            SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())
        }
        other => other,
    }
}

/// `...` is memory, and NULL is none.
fn is_memory(buffer: &Expr) -> Result<bool, String> {
    match buffer {
        Expr::Ellipsis | Expr::Str(_) => Ok(true),
        other => match number(other)? {
            0 => Ok(false),
            _ => Err("a buffer is ... or NULL".into()),
        },
    }
}

fn room(buffer: &Expr, count: &Expr) -> Result<Room, String> {
    let len = size(count)?;
    Ok(if is_memory(buffer)? { Room::Bytes(len) } else { Room::BadAddress(len) })
}

fn input<'a>(buffer: &Expr, data: &'a [u8]) -> Result<Input<'a>, String> {
    Ok(if is_memory(buffer)? { Input::Bytes(data) } else { Input::BadAddress(data.len()) })
}

fn epoll_event(event: &Expr) -> Result<EpollEvent, String> {
    let Expr::EpollEvent { events, data: (_, data) } = event else {
        return Err("an epoll_event is expected".into());
    };
    Ok(EpollEvent { events: number(events)? as u32, data: number(data)?.cast_unsigned() })
}
