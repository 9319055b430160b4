//! How a script is run: its own `--option` lines over those of whoever runs it.

use crate::script::ScriptOption;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use thiserror::Error;

/// Which IP carries the connections, and which sockets the script opens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub enum IpVersion {
    /// IPv4.
    #[default]
    V4,
    /// IPv6.
    V6,
    /// IPv4 packets, IPv6 sockets with mapped addresses.
    Mapped,
}

impl IpVersion {
    /// packetdrill's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
            Self::Mapped => "ipv4-mapped-ipv6",
        }
    }

    /// The version of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::V4, Self::V6, Self::Mapped].into_iter().find(|version| version.name() == name)
    }
}

/// An option that cannot be.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SettingError {
    /// packetdrill has no such option, or none that means something here.
    #[error("unknown option --{0}")]
    Unknown(String),
    /// The value is missing or out of range.
    #[error("bad value of --{0}")]
    Value(String),
}

/// How a script is run. Times are in microseconds.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Version of IP.
    pub version: IpVersion,
    /// The stack's address; none is the version's usual one.
    pub local: Option<IpAddr>,
    /// The other end's address; none is the version's usual one.
    pub remote: Option<IpAddr>,
    /// The port that `bind` gets.
    pub bind_port: u16,
    /// The port that `connect` goes to.
    pub connect_port: u16,
    /// MTU of the interface; none is 1,500, and 1,520 for IPv6, so that the MSS is 1,460 with both.
    pub mtu: Option<u16>,
    /// How far from its time an event may be.
    pub tolerance_usecs: i64,
    /// The same as a share of the time since the event before, if that is more.
    pub tolerance_percent: f64,
    /// Inbound packets with more payload than this arrive as if a device had put them together from segments of this size.
    pub gro_size: Option<u16>,
    /// Length of a timestamp's tick; 0 does not check timestamp values.
    pub tcp_ts_tick_usecs: u32,
    /// An inbound timestamp echo may be one that was never sent.
    pub tcp_ts_ecr_scaled: bool,
    /// Segments are as the script cuts them.
    pub strict_segments: bool,
    /// The stack tells peers this user timeout, in seconds (RFC 5482).
    pub advertised_user_timeout: Option<u16>,
    /// Inbound packets that the script has at one time reach the stack together, before it may answer any.
    pub inbound_batches: bool,
    /// Packets that nobody asked for at the script's end are no failure, as with packetdrill.
    pub allow_trailing: bool,
    /// Tell every packet in the report.
    pub trace: bool,
    /// Values for names in scripts.
    pub defines: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: IpVersion::V4,
            local: None,
            remote: None,
            bind_port: 8080,
            connect_port: 8080,
            mtu: None,
            tolerance_usecs: 4_000,
            tolerance_percent: 12.5,
            gro_size: None,
            tcp_ts_tick_usecs: 0,
            tcp_ts_ecr_scaled: false,
            strict_segments: false,
            advertised_user_timeout: None,
            inbound_batches: false,
            allow_trailing: false,
            trace: false,
            defines: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Takes over a script's line.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn apply(&mut self, option: &ScriptOption) -> Result<(), SettingError> {
        let name = option.name.as_str();
        let value = option.value.as_deref();
        let bad = || SettingError::Value(name.to_owned());
        match name {
            "ip_version" => {
                self.version = value.and_then(IpVersion::from_name).ok_or_else(bad)?;
            }
            // A script's prefix length is that of a route that the runner does not need.
            "local_ip" => self.local = Some(parse(value.map(without_prefix)).ok_or_else(bad)?),
            "remote_ip" => self.remote = Some(parse(value.map(without_prefix)).ok_or_else(bad)?),
            "bind_port" => {
                self.bind_port = parse(value).filter(|port| *port > 0).ok_or_else(bad)?
            }
            "connect_port" => {
                self.connect_port = parse(value).filter(|port| *port > 0).ok_or_else(bad)?
            }
            "mtu" => self.mtu = Some(parse(value).ok_or_else(bad)?),
            "tolerance_usecs" => {
                self.tolerance_usecs = parse(value).filter(|usecs| *usecs > 0).ok_or_else(bad)?
            }
            "tolerance_percent" => {
                let percent = parse(value).filter(|percent| (0.0..=100.0).contains(percent));
                self.tolerance_percent = percent.ok_or_else(bad)?;
            }
            "mss" => self.gro_size = Some(parse(value).filter(|size| *size > 0).ok_or_else(bad)?),
            "tcp_ts_tick_usecs" => {
                self.tcp_ts_tick_usecs =
                    parse(value).filter(|usecs| *usecs <= 1_000_000).ok_or_else(bad)?;
            }
            "tcp_ts_ecr_scaled" if value.is_none() => self.tcp_ts_ecr_scaled = true,
            "strict_segments" if value.is_none() => self.strict_segments = true,
            "advertised_user_timeout" => {
                let seconds = parse(value).filter(|seconds| *seconds > 0).ok_or_else(bad)?;
                self.advertised_user_timeout = Some(seconds);
            }
            "inbound_batches" if value.is_none() => self.inbound_batches = true,
            "define" => {
                let (name, value) =
                    value.and_then(|value| value.split_once('=')).ok_or_else(bad)?;
                self.defines.insert(name.to_owned(), value.to_owned());
            }
            // The network behind the interface, and how packetdrill itself runs: nothing to a run in memory.
            "gateway_ip" | "netmask_ip" | "speed" | "verbose" | "debug" | "send_omit_free"
            | "non_fatal" => {}
            _ => return Err(SettingError::Unknown(name.to_owned())),
        }
        Ok(())
    }

    /// The stack's address.
    #[must_use]
    pub fn local_address(&self) -> IpAddr {
        self.local.unwrap_or(match self.version {
            IpVersion::V4 | IpVersion::Mapped => [192, 168, 0, 1].into(),
            IpVersion::V6 => [0xfd3d, 0x0a0b, 0x17d6, 0, 0, 0, 0, 1].into(),
        })
    }

    /// The address that the stack's interface has: [`local_address`](Self::local_address), unless that is a group's or everybody's,
    /// which packets can be sent to but no interface has.
    #[must_use]
    pub fn interface_address(&self) -> IpAddr {
        match self.local_address() {
            IpAddr::V4(v4) if v4.is_multicast() || v4.octets().ends_with(&[255, 255]) => {
                Self { local: None, ..self.clone() }.local_address()
            }
            IpAddr::V6(v6) if v6.is_multicast() => {
                Self { local: None, ..self.clone() }.local_address()
            }
            address => address,
        }
    }

    /// The other end's address.
    #[must_use]
    pub fn remote_address(&self) -> IpAddr {
        self.remote.unwrap_or(match self.version {
            IpVersion::V4 | IpVersion::Mapped => [192, 0, 2, 1].into(),
            IpVersion::V6 => [0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 1].into(),
        })
    }

    /// Where `bind` binds.
    #[must_use]
    pub fn bind_address(&self) -> SocketAddr {
        SocketAddr::new(self.local_address(), self.bind_port)
    }

    /// Where `connect` connects to.
    #[must_use]
    pub fn connect_address(&self) -> SocketAddr {
        SocketAddr::new(self.remote_address(), self.connect_port)
    }

    /// Largest IP packet in octets.
    #[must_use]
    pub fn mtu_bytes(&self) -> u16 {
        self.mtu.unwrap_or(if self.version == IpVersion::V6 { 1520 } else { 1500 })
    }

    /// Names that stand for what differs between the versions; those of [`defines`](Self::defines) come first.
    pub(crate) fn names(&self) -> BTreeMap<String, String> {
        let (level, kind) = match self.version {
            IpVersion::V4 => ("SOL_IP", "IP_RECVERR"),
            IpVersion::V6 | IpVersion::Mapped => ("SOL_IPV6", "IPV6_RECVERR"),
        };
        let code =
            if self.version == IpVersion::V6 { "address_unreachable" } else { "host_unreachable" };
        let usual = [("CMSG_LEVEL_IP", level), ("CMSG_TYPE_RECVERR", kind), ("CODE", code)];
        let mut names: BTreeMap<String, String> =
            usual.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        names.extend(self.defines.clone());
        names
    }
}

fn parse<T: std::str::FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

fn without_prefix(address: &str) -> &str {
    address.split_once('/').map_or(address, |(address, _)| address)
}
