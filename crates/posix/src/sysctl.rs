//! Linux's kernel settings by their names, and what they are here.

use crate::config::{BufferSizes, SocketsConfig};
use crate::sockets::Sockets;
use sockeye_host::{CookiePolicy, FastOpenKeys, FastOpenPolicy, Policy};
use sockeye_tcp::{Config, EcnConfig, EcnMode, MtuProbing, congestion::Algorithm};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Why a setting was not taken.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SysctlError {
    /// Nothing here corresponds to it.
    #[error("{0}={1}: unknown setting")]
    Unknown(String, String),
    /// The value is no value of it, or asks for what the stack does not do.
    #[error("{0}={1}: not a value that is supported")]
    Value(String, String),
}

/// What the stack is configured with, by Linux's names.
///
/// ```
/// let mut sysctls = sockeye_posix::Sysctls::default();
/// sysctls.apply("net.ipv4.tcp_timestamps", "0")?;
/// assert!(!sysctls.tcp.timestamps);
/// # Ok::<(), sockeye_posix::SysctlError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sysctls {
    /// Settings of connections.
    pub tcp: Arc<Config>,
    /// Settings of sockets.
    pub sockets: SocketsConfig,
    /// Switches of the host.
    pub policy: Policy,
    /// Keys of Fast Open cookies; the host's own if none.
    pub fast_open_keys: Option<FastOpenKeys>,
}

impl Default for Sysctls {
    /// Linux's defaults where ours differ: segment sizes are not searched for, bursts of slow start are not cut, segments without
    /// timestamps are taken, soft ICMP errors end what is half open, and connections count what `TCP_INFO` tells.
    fn default() -> Self {
        let tcp = Config {
            mtu_probing: MtuProbing::Off,
            limit_bursts: false,
            require_timestamps: false,
            tally: true,
            ..Config::default()
        };
        let mut policy = Policy::default();
        policy.soft_errors_end_half_open = true;
        Self { tcp: Arc::new(tcp), sockets: SocketsConfig::default(), policy, fast_open_keys: None }
    }
}

/// What Linux has no setting for: whether segments without timestamps are dropped ([`Config::require_timestamps`]).
const REQUIRE_TIMESTAMPS: &str = "sockeye.require_timestamps";

/// Settings that change nothing here: for what they are about this stack has no choice, or the one they ask for.
const WITHOUT_EFFECT: &[&str] = &[
    "tcp_dsack",
    "tcp_fack",
    "tcp_frto",
    "tcp_reordering",
    "tcp_max_reordering",
    "tcp_tso_win_divisor",
    "tcp_pacing_ss_ratio",
    "tcp_pacing_ca_ratio",
    "tcp_abc",
    "tcp_mem",
    "tcp_fastopen_blackhole_timeout_sec",
    "tcp_fastopen_cookies",
];

impl Sysctls {
    /// Sets what `name` (`net.ipv4.tcp_sack`) stands for; `sockeye.require_timestamps` is our own.
    ///
    /// # Errors
    /// [`SysctlError`], each variant as it says.
    pub fn apply(&mut self, name: &str, value: &str) -> Result<(), SysctlError> {
        let known = name.strip_prefix("net.ipv4.").or_else(|| name.strip_prefix("net.core."));
        let bad = || SysctlError::Value(name.to_owned(), value.to_owned());
        let unknown = || SysctlError::Unknown(name.to_owned(), value.to_owned());
        if name == REQUIRE_TIMESTAMPS {
            Arc::make_mut(&mut self.tcp).require_timestamps = switch(value).ok_or_else(bad)?;
            return Ok(());
        }
        let short = known.ok_or_else(unknown)?;
        if WITHOUT_EFFECT.contains(&short) {
            return Ok(());
        }
        let tcp = Arc::make_mut(&mut self.tcp);
        let sockets = &mut self.sockets;
        match short {
            "tcp_timestamps" => tcp.timestamps = number::<u8>(value).ok_or_else(bad)? != 0,
            "tcp_sack" => tcp.sack = switch(value).ok_or_else(bad)?,
            "tcp_window_scaling" => tcp.window_scaling = switch(value).ok_or_else(bad)?,
            "tcp_congestion_control" => {
                let named = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == value);
                tcp.congestion = named.ok_or_else(bad)?;
            }
            "tcp_slow_start_after_idle" => {
                tcp.slow_start_after_idle = switch(value).ok_or_else(bad)?
            }
            "tcp_syn_retries" => tcp.syn_retries = number(value).ok_or_else(bad)?,
            "tcp_synack_retries" => tcp.syn_ack_retries = number(value).ok_or_else(bad)?,
            "tcp_retries1" => tcp.retries_suspect = number(value).ok_or_else(bad)?,
            "tcp_retries2" => tcp.retries = number(value).ok_or_else(bad)?,
            "tcp_fin_timeout" => {
                tcp.fin_wait_2 = Duration::from_secs(number(value).ok_or_else(bad)?)
            }
            "tcp_invalid_ratelimit" => {
                tcp.challenge_interval = Duration::from_millis(number(value).ok_or_else(bad)?)
            }
            "tcp_min_tso_segs" => tcp.min_item_segments = number(value).ok_or_else(bad)?,
            // With this queue Linux's connections are paced.
            "default_qdisc" => tcp.pacing = value == "fq",
            "tcp_ecn" => tcp.ecn = ecn(value, tcp.ecn).ok_or_else(bad)?,
            "tcp_ecn_option" => tcp.ecn.option = number::<u8>(value).ok_or_else(bad)? != 0,
            "tcp_mtu_probing" => {
                tcp.mtu_probing = match value {
                    "0" => MtuProbing::Off,
                    "1" => MtuProbing::BlackHole,
                    "2" => MtuProbing::Always,
                    _ => return Err(bad()),
                };
            }
            "tcp_base_mss" => tcp.base_mss = number(value).ok_or_else(bad)?,
            "tcp_rmem" => {
                sockets.receive_buffer = sizes(value).ok_or_else(bad)?;
                // Of a buffer that is not yet known better half is overhead, as in Linux.
                tcp.initial_receive_buffer_bytes = sockets.receive_buffer.default / 2;
                tcp.receive_buffer_bytes = sockets.receive_buffer.max;
            }
            "tcp_wmem" => sockets.send_buffer = sizes(value).ok_or_else(bad)?,
            "wmem_max" => sockets.send_buffer_limit = number(value).ok_or_else(bad)?,
            "rmem_max" => sockets.receive_buffer_limit = number(value).ok_or_else(bad)?,
            "somaxconn" => sockets.backlog_limit = number(value).ok_or_else(bad)?,
            "tcp_notsent_lowat" => sockets.notsent_low_water = number(value).ok_or_else(bad)?,
            // Asking for what there is, is no change.
            "tcp_early_retrans" if matches!(value, "3" | "4") => {}
            "tcp_recovery" if value == "1" => {}
            "tcp_fastopen" => {
                self.policy.fast_open = fast_open(number(value).ok_or_else(bad)?);
            }
            "tcp_fastopen_key" => self.fast_open_keys = Some(keys(value).ok_or_else(bad)?),
            "tcp_syncookies" => {
                self.policy.syn_cookies = match value {
                    "0" => CookiePolicy::Off,
                    "1" => CookiePolicy::WhenFull,
                    "2" => CookiePolicy::Always,
                    _ => return Err(bad()),
                };
            }
            "tcp_abort_on_overflow" => {
                self.policy.abort_on_overflow = switch(value).ok_or_else(bad)?;
            }
            "tcp_no_metrics_save" => self.policy.save_metrics = !switch(value).ok_or_else(bad)?,
            "tcp_no_ssthresh_metrics_save" => {
                self.policy.save_threshold = !switch(value).ok_or_else(bad)?;
            }
            "tcp_tw_reuse" => {
                self.policy.time_wait_reuse = number::<u8>(value).ok_or_else(bad)? != 0
            }
            "tcp_early_retrans" | "tcp_recovery" => return Err(bad()),
            _ => return Err(unknown()),
        }
        Ok(())
    }

    /// Makes the settings those of connections to come.
    pub fn install(&self, sockets: &mut Sockets) {
        *sockets.config_mut() = self.sockets.clone();
        let host = sockets.host_mut();
        host.set_tcp_config(Arc::clone(&self.tcp));
        *host.policy_mut() = self.policy;
        if let Some(keys) = self.fast_open_keys {
            host.set_fast_open_keys(keys);
        }
    }
}

/// 0x1 client, 0x2 server, 0x4 and 0x200 the same without cookies, 0x400 every listener.
fn fast_open(bits: u32) -> FastOpenPolicy {
    let has = |bit| bits & bit != 0;
    FastOpenPolicy {
        client: has(0x1),
        server: has(0x2),
        client_without_cookie: has(0x4),
        server_without_cookie: has(0x200),
        every_listener: has(0x400),
    }
}

/// `a-b-c-d`, each 32 bits in hexadecimal, and a second key after a comma.
fn keys(value: &str) -> Option<FastOpenKeys> {
    let key = |text: &str| {
        let words = text.split('-').map(|word| u32::from_str_radix(word, 16).ok());
        let bytes: Vec<u8> =
            words.collect::<Option<Vec<_>>>()?.into_iter().flat_map(u32::to_le_bytes).collect();
        <[u8; 16]>::try_from(bytes).ok()
    };
    match value.split_once(',') {
        None => Some(FastOpenKeys { primary: key(value)?, backup: None }),
        Some((primary, backup)) => {
            Some(FastOpenKeys { primary: key(primary)?, backup: Some(key(backup)?) })
        }
    }
}

/// 0 off, 1 asks and accepts, 2 accepts; from 3 on with AccECN.
fn ecn(value: &str, before: EcnConfig) -> Option<EcnConfig> {
    let (request, accept) = match value {
        "0" => (EcnMode::Off, EcnMode::Off),
        "1" => (EcnMode::Classic, EcnMode::Classic),
        "2" => (EcnMode::Off, EcnMode::Classic),
        "3" => (EcnMode::Accurate, EcnMode::Accurate),
        "4" => (EcnMode::Off, EcnMode::Accurate),
        "5" => (EcnMode::Classic, EcnMode::Accurate),
        _ => return None,
    };
    Some(EcnConfig { request, accept, ..before })
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

fn number<T: FromStr + TryFrom<u64>>(value: &str) -> Option<T> {
    match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?.try_into().ok(),
        None => value.parse().ok(),
    }
}

/// Three sizes in octets; what does not fit into 32 bits is as good as the most that does.
fn sizes(value: &str) -> Option<BufferSizes> {
    let mut sizes = value.split_whitespace().map(|size| size.parse::<u64>().ok());
    let mut next = || Some(u32::try_from(sizes.next()??).unwrap_or(u32::MAX));
    Some(BufferSizes { min: next()?, default: next()?, max: next()? })
}
