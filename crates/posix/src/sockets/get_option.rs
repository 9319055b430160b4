//! `getsockopt`.

use super::Sockets;
use super::fast_open::seconds_of;
use super::status::Status;
use crate::abi::{AF_INET, AF_INET6, Fd, IPPROTO_TCP, SOCK_STREAM};
use crate::errno::Errno;
use crate::option::{Kind, SocketOption as Opt, encode_timeval};
use crate::socket::{Phase, Socket};
use crate::tcp_info::TcpInfo;
use core::time::Duration;
use sockeye_host::ListenerId;
use sockeye_tcp::{Config, Connection};
use sockeye_wire::{Instant, StateName};

impl Sockets {
    /// `getsockopt(2)`: the value as it lies in memory. The caller cuts it to the room that the program has.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::ENOPROTOOPT`] for options that do not exist or are not supported,
    /// [`Errno::ENOTCONN`] (`IP_MTU`).
    pub fn getsockopt(
        &mut self,
        now: Instant,
        fd: Fd,
        level: i32,
        number: i32,
    ) -> Result<Vec<u8>, Errno> {
        let file = self.files.find(fd)?;
        self.files.socket(file)?;
        let option = Opt::find(level, number).ok_or(Errno::ENOPROTOOPT)?;
        if option == Opt::Error {
            let error = self.take_any_error(file);
            return Ok(error.map_or(0, Errno::number).to_ne_bytes().to_vec());
        }
        let socket = self.files.socket(file)?;
        match option.kind() {
            Kind::Int => self.int_option(socket, option).map(|int| int.to_ne_bytes().to_vec()),
            _ => self.other_option(now, socket, option),
        }
    }

    /// `getsockopt(2)` of an option that is a C `int`.
    ///
    /// # Errors
    /// As [`getsockopt`](Self::getsockopt), and [`Errno::EINVAL`] if the value is no `int`.
    pub fn getsockopt_int(&mut self, now: Instant, fd: Fd, option: Opt) -> Result<i32, Errno> {
        let bytes = self.getsockopt(now, fd, option.level(), option.number())?;
        crate::option::decode_int(&bytes)
    }

    /// `getsockopt(TCP_INFO)`.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`].
    pub fn tcp_info(&self, now: Instant, fd: Fd) -> Result<TcpInfo, Errno> {
        self.files.socket(self.files.find(fd)?).map(|socket| self.info_of(now, socket))
    }

    fn int_option(&self, socket: &Socket, option: Opt) -> Result<i32, Errno> {
        let options = &socket.options;
        let seconds = |time: Duration| i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
        let config = self.settings_of(socket);
        Ok(match option {
            Opt::Type => SOCK_STREAM,
            Opt::Domain => {
                if socket.ipv6 {
                    AF_INET6
                } else {
                    AF_INET
                }
            }
            Opt::Protocol => IPPROTO_TCP,
            Opt::AcceptConnections => i32::from(matches!(socket.phase, Phase::Listening(_))),
            Opt::Debug => i32::from(options.debug),
            Opt::ReuseAddress => i32::from(options.reuse_address),
            Opt::ReusePort => i32::from(options.reuse_port),
            Opt::DontRoute => i32::from(options.dont_route),
            Opt::Broadcast => i32::from(options.broadcast),
            Opt::SendBuffer => options.send_buffer as i32,
            Opt::ReceiveBuffer => options.receive_buffer as i32,
            Opt::KeepAlive => i32::from(options.keep_alive),
            Opt::OobInline => i32::from(options.oob_inline),
            Opt::Priority => options.priority,
            Opt::Mark => options.mark,
            Opt::ReceiveLowWater => options.receive_low_water,
            Opt::SendLowWater => 1,
            // All ones is no limit.
            Opt::MaxPacingRate => options.max_pacing_rate.map_or(-1, |rate| rate as u32 as i32),
            Opt::ZeroCopy => i32::from(options.zero_copy),
            Opt::Tos => i32::from(options.tos),
            Opt::TrafficClass => i32::from(options.traffic_class),
            Opt::Ttl | Opt::UnicastHops => {
                i32::from(options.hop_limit.unwrap_or(self.host.config().hop_limit))
            }
            Opt::MtuDiscover => options.mtu_discovery as i32,
            Opt::V6MtuDiscover => options.v6_mtu_discovery as i32,
            Opt::RecvErr | Opt::V6RecvErr => i32::from(options.receive_errors),
            Opt::Mtu | Opt::V6Mtu => {
                let status = socket.link().and_then(|link| Status::of(&self.host, link));
                let status = status.filter(|status| !status.over).ok_or(Errno::ENOTCONN)?;
                self.path_mtu(socket, &status) as i32
            }
            Opt::FreeBind => i32::from(options.free_bind),
            Opt::BindAddressNoPort => i32::from(options.bind_no_port),
            Opt::V6Only if socket.ipv6 => i32::from(options.v6_only),
            Opt::NoDelay => i32::from(options.no_delay),
            Opt::Cork => i32::from(options.cork),
            Opt::MaxSegment => match socket.link().and_then(|link| Status::of(&self.host, link)) {
                Some(status) if !status.over && !status.is_opening() => {
                    i32::from(status.info.send_mss)
                }
                // What RFC 9293 MUST-15 makes of not knowing.
                _ => i32::from(options.max_segment_size.unwrap_or(536)),
            },
            Opt::KeepIdle => seconds(options.keep.idle),
            Opt::KeepInterval => seconds(options.keep.interval),
            Opt::KeepCount => i32::from(options.keep.probes),
            Opt::SynCount => i32::from(options.syn_retries.unwrap_or(config.syn_retries)),
            Opt::Linger2 if options.linger2 == Some(Duration::ZERO) => -1,
            Opt::Linger2 => seconds(options.linger2.unwrap_or(config.fin_wait_2)),
            Opt::QuickAck => {
                let connection = socket.link().and_then(|link| self.host.connection(link.id));
                i32::from(connection.is_none_or(Connection::acknowledges_at_once))
            }
            Opt::WindowClamp if socket.link().is_some() => config.receive_buffer_bytes as i32,
            Opt::WindowClamp => options.window_clamp.unwrap_or(0) as i32,
            // Linux's answers where there is no such thing.
            Opt::IncomingCpu => -1,
            Opt::IncomingNapiId => 0,
            Opt::Timestamp | Opt::Timestamping | Opt::BusyPoll | Opt::ThinLinearTimeouts => 0,
            Opt::UserTimeout => {
                let timeout = options.user_timeout.unwrap_or_default();
                i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
            }
            Opt::NotSentLowWater => options.notsent_low_water.unwrap_or(0) as i32,
            Opt::DeferAccept => seconds(seconds_of(options.defer_accept)),
            Opt::FastOpen => options.fast_open.unwrap_or(0) as i32,
            Opt::FastOpenConnect => i32::from(options.fast_open_connect),
            Opt::FastOpenNoCookie => i32::from(options.fast_open_no_cookie),
            Opt::Inq => i32::from(options.inq),
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }

    fn other_option(&self, now: Instant, socket: &Socket, option: Opt) -> Result<Vec<u8>, Errno> {
        let options = &socket.options;
        Ok(match option {
            Opt::Linger => options.linger.encode(),
            Opt::ReceiveTimeout => encode_timeval(options.receive_timeout),
            Opt::SendTimeout => encode_timeval(options.send_timeout),
            // Bound to none.
            Opt::BindToDevice => Vec::new(),
            Opt::FastOpenKey => options.fast_open_keys.map_or_else(Vec::new, |keys| {
                let backup = keys.backup.iter().flatten();
                keys.primary.iter().chain(backup).copied().collect()
            }),
            Opt::Congestion => {
                let name = self.settings_of(socket).congestion.name();
                let mut text = name.as_bytes().to_vec();
                // TCP_CA_NAME_MAX.
                text.resize(16, 0);
                text
            }
            Opt::MemoryInfo => self.memory_info(socket),
            Opt::AoInfo => self.auth_option(socket)?,
            Opt::Info => self.info_of(now, socket).encode(),
            // Linux: Reno and CUBIC tell nothing.
            Opt::CongestionInfo => Vec::new(),
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }

    /// `SO_MEMINFO`: octets received, their limit, octets in devices' hands, the limit of the send queue, reserved ones, the
    /// send queue, options, backlog, packets dropped. What there is none of here is 0.
    fn memory_info(&self, socket: &Socket) -> Vec<u8> {
        let link = socket.link();
        let status = link.and_then(|link| Status::of(&self.host, link));
        let received = status.map_or(0, |status| status.readable as u32);
        let queued = link.zip(status).map_or(0, |(link, status)| {
            let mut send = link.send.clone();
            send.update(status.sending);
            send.used()
        });
        let options = &socket.options;
        [received, options.receive_buffer, 0, options.send_buffer, 0, queued, 0, 0, 0]
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .collect()
    }

    /// Settings in force, or those to come.
    fn settings_of(&self, socket: &Socket) -> Config {
        match socket.link().and_then(|link| self.host.connection_config(link.id)) {
            Some(config) => config.clone(),
            None => (*self.connection_config(socket)).clone(),
        }
    }

    /// The path MTU that the segment size follows from.
    fn path_mtu(&self, socket: &Socket, status: &Status) -> u32 {
        let ends = socket.link().and_then(|link| self.host.endpoints(link.id));
        let headers = if ends.is_some_and(|ends| ends.remote.is_ipv6()) { 60 } else { 40 };
        let timestamps = if status.info.timestamps { 12 } else { 0 };
        u32::from(status.info.send_mss) + headers + timestamps
    }

    fn info_of(&self, now: Instant, socket: &Socket) -> TcpInfo {
        match &socket.phase {
            Phase::Idle => TcpInfo::of_state(StateName::Closed),
            Phase::Listening(listeners) => {
                let waiting = |id: &ListenerId| self.host.waiting_to_accept(*id) as u32;
                TcpInfo {
                    unacked: listeners.iter().map(waiting).sum(),
                    sacked: socket.options.backlog,
                    ..TcpInfo::of_state(StateName::Listen)
                }
            }
            Phase::Linked(link) => match Status::of(&self.host, link) {
                // Linux has TIME-WAIT apart from the socket.
                Some(status) if status.over => TcpInfo::of_closed(&status.info),
                Some(status) => TcpInfo {
                    pmtu: self.path_mtu(socket, &status),
                    max_pacing_rate: socket.options.max_pacing_rate.unwrap_or(u64::MAX),
                    ..TcpInfo::of_connection(now, &status.info)
                },
                None => TcpInfo::of_state(StateName::Closed),
            },
        }
    }
}
