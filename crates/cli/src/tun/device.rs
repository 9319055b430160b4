//! The device that our packets go through: a TUN device, or an Ethernet interface.

use super::Begin;
use super::narrator::Narrator;
use crate::failure::Failure;
use clap::value_parser;
use sockeye::link::segmentation::SoftwareOffload;
use sockeye::link::{Link, PacketSocket, PacketSocketConfig, Tun, TunConfig, Xdp, XdpConfig};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Which device, and how it is used.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where Sockeye stands")]
pub(crate) struct DeviceArgs {
    /// The TUN device: used as it is if it exists, otherwise created and set up, and gone at the end
    #[arg(long, value_name = "NAME", required_unless_present = "interface")]
    tun: Option<String>,

    /// Instead of a TUN device, an Ethernet interface that is up, shared with Linux: on it, Sockeye answers for its own
    /// addresses, which Linux must not have
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tun", "no_configure", "mtu"])]
    interface: Option<String>,

    /// Take the interface's first queue over from Linux, by AF_XDP
    #[arg(long, requires = "interface", conflicts_with = "no_offload")]
    xdp: bool,

    /// The router on the interface through which everything outside of the subnets is reached
    #[arg(long = "gateway", value_name = "ADDRESS", requires = "interface")]
    pub(super) gateways: Vec<IpAddr>,

    /// Leave a device that is created as it is: down and without address, to be set up by hand
    #[arg(long)]
    no_configure: bool,

    /// Largest IP packet, in bytes, on a device that is created
    #[arg(long, value_name = "BYTES", default_value_t = 1_500, value_parser = value_parser!(u16).range(576..))]
    pub(super) mtu: u16,

    /// Exchange single packets with Linux, their checksums complete, instead of up to 64 KiB in one
    #[arg(long)]
    no_offload: bool,
}

/// An open device.
pub(super) struct Device {
    pub(super) link: Box<dyn Link>,
    pub(super) name: String,
}

impl DeviceArgs {
    /// Whether it is a TUN device, on which everything goes to Linux.
    pub(super) const fn is_tun(&self) -> bool {
        self.interface.is_none()
    }

    pub(super) fn open(
        &self,
        subnets: &[(IpAddr, u8)],
        begin: Begin,
        narrator: Option<&Narrator>,
    ) -> Result<Device, Failure> {
        match (&self.interface, &self.tun) {
            (Some(interface), _) => self.open_interface(interface, narrator),
            (None, tun) => {
                self.open_tun(tun.as_deref().unwrap_or_default(), subnets, begin, narrator)
            }
        }
    }

    fn open_interface(&self, name: &str, narrator: Option<&Narrator>) -> Result<Device, Failure> {
        let (link, how): (Box<dyn Link>, _) = if self.xdp {
            let xdp = Xdp::open(&XdpConfig::new(name)).map_err(Failure::new)?;
            (Box::new(SoftwareOffload::new(xdp)), "taken over from Linux (AF_XDP)")
        } else {
            let config =
                PacketSocketConfig { offload: !self.no_offload, ..PacketSocketConfig::new(name) };
            let socket = PacketSocket::open(&config).map_err(Failure::new)?;
            (Box::new(socket), "shared with Linux (AF_PACKET)")
        };
        if let Some(narrator) = narrator {
            narrator.tell(format!("interface {name} is {how}"));
        }
        Ok(Device { link, name: name.to_owned() })
    }

    fn open_tun(
        &self,
        name: &str,
        subnets: &[(IpAddr, u8)],
        begin: Begin,
        narrator: Option<&Narrator>,
    ) -> Result<Device, Failure> {
        let mut config = TunConfig {
            mtu: self.mtu,
            offload: !self.no_offload,
            ..TunConfig::for_stack(name, subnets)
        };
        let by_hand = config.ip_commands();
        if self.no_configure {
            config.configure = None;
        }
        let tun = Tun::open(&config).map_err(Failure::new)?;
        if let Some(narrator) = narrator {
            self.tell_tun(narrator, &tun, &by_hand);
        }
        if begin == Begin::OnceUp {
            wait_until_running(&tun);
        }
        let name = tun.name().to_owned();
        Ok(Device { link: Box::new(tun), name })
    }

    fn tell_tun(&self, narrator: &Narrator, tun: &Tun, by_hand: &[String]) {
        let name = tun.name();
        if !tun.created() {
            narrator.tell(format!("TUN device {name} was there and is used as it is"));
            return;
        }
        narrator.tell(if self.no_configure {
            format!("TUN device {name} created; to set it up, as root:")
        } else {
            format!("TUN device {name} created and set up, as by:")
        });
        // With --no-configure the device is there already.
        for command in &by_hand[usize::from(self.no_configure)..] {
            narrator.tell(format!("  {command}"));
        }
    }
}

/// Linux notices up to a second late that the device has got its carrier. A device that is down is waited for no longer than that.
fn wait_until_running(tun: &Tun) {
    let begin = Instant::now();
    while !tun.is_running() && begin.elapsed() < Duration::from_millis(1_500) {
        std::thread::sleep(Duration::from_millis(5));
    }
}
