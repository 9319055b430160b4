//! Which versions of IP a script is for: its name and its own lines tell.

use crate::script::{Action, Body, Expr, Script};
use crate::settings::IpVersion;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Why a script is for no run over `version`; none if it is for one.
pub(crate) fn reason_against(script: &Script, version: IpVersion) -> Option<String> {
    let family = |wants_v6: bool| (version == IpVersion::V6) == wants_v6;
    let is_for = |what: &str| Some(format!("is for {what}, as its name says"));
    match family_of_name(&script.path) {
        Some(true) if !family(true) => return is_for("IPv6"),
        Some(false) if !family(false) => return is_for("IPv4"),
        _ => {}
    }
    let lines = script.options.iter().filter_map(|option| {
        let value = option.value.as_deref()?;
        let fits = match option.name.as_str() {
            "ip_version" => IpVersion::from_name(value)? == version,
            "local_ip" | "remote_ip" => {
                let address = value.split_once('/').map_or(value, |(address, _)| address);
                family(address.parse::<IpAddr>().ok()?.is_ipv6())
            }
            _ => true,
        };
        (!fits).then_some(option.line)
    });
    let events = script.events.iter().filter_map(|event| {
        let fits = match &event.action {
            Action::Call(call) => match (call.name.as_str(), call.arguments.as_slice()) {
                ("socket", [Expr::Word(domain), ..]) => fits_domain(domain, version),
                (_, arguments) => arguments.iter().all(|argument| fits_address(argument, version)),
            },
            Action::Packet(packet) => match &packet.body {
                Body::Icmp(icmp) if icmp.kind == "packet_too_big" => family(true),
                Body::Icmp(icmp) if icmp.code.as_deref() == Some("frag_needed") => family(false),
                _ => true,
            },
            _ => true,
        };
        (!fits).then_some(event.line)
    });
    let line = lines.chain(events).min()?;
    Some(format!("is for another version of IP, as its line {line} says"))
}

/// Whether a file's name asks for IPv6, as packetdrill's runner has it: `…v4.pkt` and `…v6.pkt`; none if it asks for nothing.
fn family_of_name(path: &Path) -> Option<bool> {
    let stem = path.file_stem()?.to_str()?;
    if stem.ends_with("v6") { Some(true) } else { stem.ends_with("v4").then_some(false) }
}

fn fits_domain(domain: &str, version: IpVersion) -> bool {
    match domain {
        "AF_INET" => version == IpVersion::V4,
        "AF_INET6" => version != IpVersion::V4,
        _ => true,
    }
}

/// A socket takes addresses of its own domain only.
fn fits_address(argument: &Expr, version: IpVersion) -> bool {
    match argument {
        Expr::SockAddr(SocketAddr::V4(_)) => version == IpVersion::V4,
        Expr::SockAddr(SocketAddr::V6(v6)) if v6.ip().to_ipv4_mapped().is_some() => {
            version == IpVersion::Mapped
        }
        Expr::SockAddr(SocketAddr::V6(_)) => version == IpVersion::V6,
        _ => true,
    }
}
