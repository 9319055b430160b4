//! `setsockopt`.

use super::Sockets;
use super::fast_open::{self, retransmissions_in};
use super::open::window_of;
use crate::abi::Fd;
use crate::errno::Errno;
use crate::files::FileId;
use crate::option::{Kind, Linger, SocketOption as Opt, decode_int, decode_timeval};
use crate::socket::{MtuDiscovery, Options, Phase};
use core::time::Duration;
use sockeye_host::ConnectionId;
use sockeye_tcp::congestion::Algorithm;
use sockeye_wire::Instant;
use std::sync::Arc;

/// Linux's least buffers, as it counts them.
const LEAST_SEND_BUFFER: u32 = 4_608;
const LEAST_RECEIVE_BUFFER: u32 = 2_304;
/// Half of that is data.
const LEAST_WINDOW_CLAMP: i32 = 1_152;

impl Sockets {
    /// `setsockopt(2)`.
    ///
    /// # Errors
    /// [`Errno::EBADF`], [`Errno::ENOTSOCK`], [`Errno::EINVAL`], [`Errno::EDOM`] (a bad time), [`Errno::ENOENT`] (no such
    /// congestion control), [`Errno::ENOPROTOOPT`] for options that do not exist, cannot be set or are not supported.
    pub fn setsockopt(
        &mut self,
        now: Instant,
        fd: Fd,
        level: i32,
        number: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        let file = self.files.find(fd)?;
        self.files.socket(file)?;
        let option = Opt::find(level, number).ok_or(Errno::ENOPROTOOPT)?;
        match option.kind() {
            // Linux takes one octet for the options of IP.
            Kind::Int => match value {
                [byte] if matches!(level, crate::option::SOL_IP) => {
                    self.set_int(file, option, i32::from(*byte))?;
                }
                _ => self.set_int(file, option, decode_int(value)?)?,
            },
            _ => self.set_other(file, option, value)?,
        }
        self.apply(now, file, option);
        self.settle(now);
        Ok(())
    }

    /// `setsockopt(2)` of an option that is a C `int`.
    ///
    /// # Errors
    /// As [`setsockopt`](Self::setsockopt).
    pub fn setsockopt_int(
        &mut self,
        now: Instant,
        fd: Fd,
        option: Opt,
        value: i32,
    ) -> Result<(), Errno> {
        self.setsockopt(now, fd, option.level(), option.number(), &value.to_ne_bytes())
    }

    fn set_int(&mut self, file: FileId, option: Opt, value: i32) -> Result<(), Errno> {
        let (send_limit, receive_limit) =
            (self.config.send_buffer_limit, self.config.receive_buffer_limit);
        let fast_open = self.host.config().policy.fast_open.client;
        let socket = self.files.socket_mut(file)?;
        let (ipv6, bound) = (socket.ipv6, socket.bound.is_some());
        let linked = matches!(socket.phase, Phase::Linked(_));
        let options = &mut socket.options;
        let on = value != 0;
        let seconds = |range: core::ops::RangeInclusive<i32>| {
            let good = range.contains(&value).then_some(value as u64);
            good.map(Duration::from_secs).ok_or(Errno::EINVAL)
        };
        match option {
            Opt::Debug => options.debug = on,
            Opt::ReuseAddress => options.reuse_address = on,
            Opt::ReusePort => options.reuse_port = on,
            Opt::DontRoute => options.dont_route = on,
            Opt::Broadcast => options.broadcast = on,
            Opt::SendBuffer => set_send_buffer(options, (value as u32).min(send_limit)),
            Opt::SendBufferForce => set_send_buffer(options, value.max(0) as u32),
            Opt::ReceiveBuffer => set_receive_buffer(options, (value as u32).min(receive_limit)),
            Opt::ReceiveBufferForce => set_receive_buffer(options, value.max(0) as u32),
            Opt::KeepAlive => options.keep_alive = on,
            Opt::OobInline => options.oob_inline = on,
            Opt::Priority => options.priority = value,
            Opt::Mark => options.mark = value,
            Opt::ReceiveLowWater => {
                options.receive_low_water = match value {
                    0 => 1,
                    ..0 => i32::MAX,
                    _ => value,
                };
            }
            // Nobody stamps packets, or waits for a peer more patiently: switching off is all there is.
            Opt::Timestamp | Opt::Timestamping | Opt::BusyPoll | Opt::ThinLinearTimeouts if !on => {
            }
            // All ones is no limit.
            Opt::MaxPacingRate => {
                options.max_pacing_rate = (value != -1).then_some(u64::from(value as u32));
            }
            Opt::ZeroCopy => match value {
                0 | 1 => options.zero_copy = on,
                _ => return Err(Errno::EINVAL),
            },
            Opt::Tos => options.tos = value as u8,
            Opt::TrafficClass if ipv6 => match value {
                -1 => options.traffic_class = 0,
                0..=255 => options.traffic_class = value as u8,
                _ => return Err(Errno::EINVAL),
            },
            Opt::Ttl => match value {
                -1 => options.hop_limit = None,
                1..=255 => options.hop_limit = Some(value as u8),
                _ => return Err(Errno::EINVAL),
            },
            Opt::UnicastHops if ipv6 => match value {
                -1 => options.hop_limit = None,
                0..=255 => options.hop_limit = Some(value as u8),
                _ => return Err(Errno::EINVAL),
            },
            Opt::MtuDiscover => options.mtu_discovery = MtuDiscovery::new(value)?,
            Opt::V6MtuDiscover => options.v6_mtu_discovery = MtuDiscovery::new(value)?,
            Opt::RecvErr | Opt::V6RecvErr => options.receive_errors = on,
            Opt::FreeBind => options.free_bind = on,
            Opt::BindAddressNoPort => options.bind_no_port = on,
            Opt::V6Only if ipv6 && bound => return Err(Errno::EINVAL),
            Opt::V6Only if ipv6 => options.v6_only = on,
            Opt::NoDelay => options.no_delay = on,
            Opt::Cork => options.cork = on,
            Opt::KeepIdle => options.keep.idle = seconds(1..=32_767)?,
            Opt::KeepInterval => options.keep.interval = seconds(1..=32_767)?,
            Opt::KeepCount => match value {
                1..=127 => options.keep.probes = value as u8,
                _ => return Err(Errno::EINVAL),
            },
            Opt::SynCount => match value {
                1..=127 => options.syn_retries = Some(value as u8),
                _ => return Err(Errno::EINVAL),
            },
            // Linux: negative is no FIN-WAIT-2 at all, 0 the usual time, more than two minutes is two minutes.
            Opt::Linger2 => {
                let time = Duration::from_secs(value.clamp(0, 120) as u64);
                options.linger2 = (value != 0).then_some(time);
            }
            Opt::WindowClamp => match value {
                0 if linked => return Err(Errno::EINVAL),
                0 => options.window_clamp = None,
                _ => options.window_clamp = Some(value.max(LEAST_WINDOW_CLAMP) as u32),
            },
            // Of a connection only: told to it by `apply`.
            Opt::QuickAck => options.quick_ack = on,
            // There is one processor as far as anybody can tell.
            Opt::IncomingCpu => {}
            Opt::UserTimeout => match u64::try_from(value) {
                Ok(millis) => {
                    let timeout = Duration::from_millis(millis);
                    options.user_timeout = (millis > 0).then_some(timeout);
                }
                Err(_) => return Err(Errno::EINVAL),
            },
            Opt::NotSentLowWater => options.notsent_low_water = Some(value as u32),
            Opt::MaxSegment => match value {
                0 => options.max_segment_size = None,
                88..=32_767 => options.max_segment_size = Some(value as u16),
                _ => return Err(Errno::EINVAL),
            },
            Opt::DeferAccept => options.defer_accept = retransmissions_in(value),
            Opt::FastOpen if linked => return Err(Errno::EINVAL),
            Opt::FastOpen => {
                options.fast_open = Some(usize::try_from(value).map_err(|_| Errno::EINVAL)?);
            }
            Opt::FastOpenConnect => match value {
                0 | 1 if !fast_open => return Err(Errno::EOPNOTSUPP),
                0 | 1 if !linked => options.fast_open_connect = on,
                _ => return Err(Errno::EINVAL),
            },
            Opt::FastOpenNoCookie => match value {
                0 | 1 if !linked => options.fast_open_no_cookie = on,
                _ => return Err(Errno::EINVAL),
            },
            Opt::Inq => match value {
                0 | 1 => options.inq = on,
                _ => return Err(Errno::EINVAL),
            },
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    fn set_other(&mut self, file: FileId, option: Opt, value: &[u8]) -> Result<(), Errno> {
        if self.set_keys(file, option, value)? {
            return Ok(());
        }
        let options = &mut self.files.socket_mut(file)?.options;
        match option {
            Opt::Linger => options.linger = Linger::decode(value)?,
            Opt::ReceiveTimeout => options.receive_timeout = decode_timeval(value)?,
            Opt::SendTimeout => options.send_timeout = decode_timeval(value)?,
            // Bound to none, or to whatever: there is nothing to choose from.
            Opt::BindToDevice => {}
            Opt::FastOpenKey => options.fast_open_keys = Some(fast_open::keys(value)?),
            Opt::Congestion => {
                let text = value.split(|byte| *byte == 0).next().unwrap_or(&[]);
                let known =
                    Algorithm::ALL.into_iter().find(|known| known.name().as_bytes() == text);
                options.congestion = Some(known.ok_or(Errno::ENOENT)?);
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    /// Tells the connection, or the listener, what was set.
    fn apply(&mut self, now: Instant, file: FileId, option: Opt) {
        let Ok(socket) = self.files.socket(file) else { return };
        let options = socket.options.clone();
        let id = match &socket.phase {
            Phase::Idle => return,
            Phase::Listening(listeners) => {
                let config = self.connection_config(socket);
                for id in listeners {
                    self.host.set_listener_config(*id, Arc::clone(&config));
                }
                let listeners = listeners.clone();
                self.apply_listen_options(&listeners, &options);
                return;
            }
            Phase::Linked(link) => link.id,
        };
        match option {
            Opt::Tos | Opt::TrafficClass | Opt::Ttl | Opt::UnicastHops | Opt::MtuDiscover => {
                self.apply_path_options(file);
            }
            Opt::NoDelay => {
                self.host.set_nagle(now, id, !options.no_delay);
                if options.no_delay {
                    // Linux: what is held back leaves now, once.
                    self.host.configure(now, id, |config| config.cork = false);
                    self.host.push(now, id);
                    self.flush(now);
                    self.host.configure(now, id, |config| config.cork = options.cork);
                }
            }
            Opt::Cork => self.host.configure(now, id, |config| config.cork = options.cork),
            Opt::KeepAlive | Opt::KeepIdle | Opt::KeepInterval | Opt::KeepCount => {
                self.host.set_keep_alive(now, id, options.keep_alive.then_some(options.keep));
            }
            Opt::Congestion => {
                if let Some(algorithm) = options.congestion {
                    self.host.set_congestion(now, id, algorithm);
                }
            }
            Opt::UserTimeout => self.host.set_user_timeout(now, id, options.user_timeout),
            Opt::ReceiveBuffer | Opt::ReceiveBufferForce => {
                let send = self.host.connection_config(id).map(|config| config.send_buffer_bytes);
                let receive = window_of(options.receive_buffer);
                self.host.set_buffers(now, id, receive, send.unwrap_or(0));
            }
            Opt::MaxPacingRate => {
                let rate = options.max_pacing_rate;
                self.host.configure(now, id, |config| config.max_pacing_rate = rate);
            }
            Opt::SynCount | Opt::Linger2 => {
                let usual = self.host.config().tcp.fin_wait_2;
                self.host.configure(now, id, |config| {
                    config.syn_retries = options.syn_retries.unwrap_or(config.syn_retries);
                    config.fin_wait_2 = options.linger2.unwrap_or(usual);
                });
            }
            Opt::QuickAck => self.host.acknowledge_at_once(now, id, options.quick_ack),
            Opt::WindowClamp => {
                if let Some(clamp) = options.window_clamp {
                    self.clamp_window(now, id, clamp);
                }
            }
            Opt::SendBuffer | Opt::SendBufferForce | Opt::NotSentLowWater => {
                // Who waits for room may have some now.
                self.on_connection_event(now, id, sockeye_host::Events::NONE);
            }
            _ => {}
        }
    }
}

impl Sockets {
    /// The window grows no further than this; one that is larger already is taken back as data fills it.
    fn clamp_window(&mut self, now: Instant, id: ConnectionId, clamp: u32) {
        let Some(connection) = self.host.connection(id) else { return };
        let send = connection.config().send_buffer_bytes;
        if connection.info().receive_buffer > clamp {
            self.host.set_buffers(now, id, clamp, send);
        } else {
            self.host.configure(now, id, |config| config.receive_buffer_bytes = clamp);
        }
    }
}

fn set_send_buffer(options: &mut Options, value: u32) {
    options.send_buffer = value.saturating_mul(2).max(LEAST_SEND_BUFFER).min(i32::MAX as u32);
    options.send_buffer_locked = true;
}

fn set_receive_buffer(options: &mut Options, value: u32) {
    options.receive_buffer = value.saturating_mul(2).max(LEAST_RECEIVE_BUFFER).min(i32::MAX as u32);
    options.receive_buffer_locked = true;
}
