//! What is to happen.

use sockeye_link::Impairment;
use sockeye_tcp::Config;
use std::time::Duration;

/// Default size of each buffer; also the smallest.
const BUFFER_BYTES: u64 = 512 * 1_024;
/// Largest size of each buffer: no window can be offered beyond 1 GiB (RFC 7323 §2.3), nor should one be here.
const MAX_BUFFER_BYTES: u64 = 256 << 20;
/// What is assumed of a network without a rate of its own, where buffers are sized.
const ASSUMED_RATE_BPS: u64 = 1_000_000_000;

/// Host A connects to host B, sends, and closes. Probabilities are from 0 to 1 and hold in each direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Octets of payload that A sends.
    pub bytes: u64,
    /// Probability that a packet is lost.
    pub loss: f64,
    /// Probability that a packet is overtaken by later ones.
    pub reorder: f64,
    /// Probability that a packet arrives twice.
    pub duplicate: f64,
    /// Probability that one bit of a packet is flipped.
    pub corrupt: f64,
    /// Time to the other host and back.
    pub rtt: Duration,
    /// Bits per second of the wire, each way; unlimited if `None`.
    pub rate_bps: Option<u64>,
    /// Octets of the largest IP packet.
    pub mtu: u16,
    /// IPv6 instead of IPv4.
    pub ipv6: bool,
    /// All chance follows from this.
    pub seed: u64,
    /// Initial sequence numbers of A and B; chosen as RFC 6528 says if `None`.
    pub isn: Option<[u32; 2]>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            loss: 0.0,
            reorder: 0.0,
            duplicate: 0.0,
            corrupt: 0.0,
            rtt: Duration::from_millis(1),
            rate_bps: Some(10_000_000_000),
            mtu: 1_500,
            ipv6: false,
            seed: 0,
            isn: None,
        }
    }
}

impl Scenario {
    /// What happens to packets in either direction.
    #[must_use]
    pub fn impairment(&self) -> Impairment {
        Impairment {
            loss: self.loss,
            reorder: self.reorder,
            duplicate: self.duplicate,
            corrupt: self.corrupt,
            delay: self.rtt / 2,
            rate_bps: self.rate_bps,
            ..Impairment::default()
        }
    }

    /// Both hosts' TCP settings: buffers hold twice what fits on the path, so that they are not what limits it.
    #[must_use]
    pub fn tcp(&self) -> Config {
        let rate_bps = self.rate_bps.unwrap_or(ASSUMED_RATE_BPS);
        let on_the_path = u128::from(rate_bps / 8) * self.rtt.as_nanos() / 1_000_000_000;
        let wanted = u64::try_from(on_the_path.saturating_mul(2)).unwrap_or(u64::MAX);
        let bytes = wanted.clamp(BUFFER_BYTES, MAX_BUFFER_BYTES) as u32;
        Config {
            receive_buffer_bytes: bytes,
            initial_receive_buffer_bytes: bytes,
            send_buffer_bytes: bytes,
            initial_send_buffer_bytes: bytes,
            ..Config::default()
        }
    }
}
