//! Packets as scripts write them.

use super::actual::Actual;
use crate::script::{IpInfo, OptionSpec, SignatureKind, TcpSpec, TosCheck};
use sockeye_wire::tcp::options::kind;
use std::fmt::Write;

/// `S. 0:0(0) ack 1 win 65535 <mss 1460>`, what is not checked left out.
pub(crate) fn show_spec(ip: IpInfo, tcp: &TcpSpec) -> String {
    let mut notes = Vec::new();
    match ip.tos {
        TosCheck::None => {}
        TosCheck::Ecn(bits) => {
            notes.push(["noecn", "ect1", "ect0", "ce"][usize::from(bits & 3)].to_owned())
        }
        TosCheck::Ect01 => notes.push("ect01".into()),
        TosCheck::Tos(tos) => notes.push(format!("tos {tos:#x}")),
    }
    if ip.ttl != 0 {
        notes.push(format!("ttl {}", ip.ttl));
    }
    if ip.flow_label != 0 {
        notes.push(format!("flowlabel {:#x}", ip.flow_label));
    }
    let mut text =
        if notes.is_empty() { String::new() } else { format!("[{}] ", notes.join(", ")) };
    text.push_str(&show_tcp(tcp));
    text
}

/// As [`show_spec`], with those parts of the IP header that `ip` asks about.
pub(crate) fn show_actual(ip: IpInfo, actual: &Actual) -> String {
    let tos = match ip.tos {
        TosCheck::None => TosCheck::None,
        TosCheck::Ecn(_) | TosCheck::Ect01 => TosCheck::Ecn(actual.tos & 3),
        TosCheck::Tos(_) => TosCheck::Tos(actual.tos),
    };
    let ttl = if ip.ttl == 0 { 0 } else { actual.ttl };
    let flow_label = if ip.flow_label == 0 { 0 } else { actual.flow_label };
    show_spec(IpInfo { tos, ttl, flow_label, ..IpInfo::default() }, &actual.tcp)
}

fn show_tcp(tcp: &TcpSpec) -> String {
    let mut text = String::new();
    if let Some((source, destination)) = tcp.ports {
        let _ = write!(text, "{source}>{destination} ");
    }
    let end = tcp.seq.wrapping_add(u32::from(tcp.len));
    let _ = write!(text, "{} {}:{end}({})", tcp.flags.compact(), tcp.seq, tcp.len);
    if tcp.flags.ack() {
        let _ = write!(text, " ack {}", tcp.ack);
    }
    if let Some(window) = tcp.window {
        let _ = write!(text, " win {window}");
    }
    if tcp.urgent != 0 {
        let _ = write!(text, " urg {}", tcp.urgent);
    }
    match tcp.options.as_deref() {
        None => text.push_str(" <...>"),
        Some([]) => {}
        Some(options) => {
            let options: Vec<String> = options.iter().map(show_option).collect();
            let _ = write!(text, " <{}>", options.join(","));
        }
    }
    text
}

pub(super) fn show_option(option: &OptionSpec) -> String {
    match option {
        OptionSpec::Nop => "nop".into(),
        OptionSpec::Eol => "eol".into(),
        OptionSpec::Timestamps { val, ecr } => format!("TS val {val} ecr {ecr}"),
        OptionSpec::Sack(blocks) => {
            let blocks: Vec<String> =
                blocks.iter().map(|(left, right)| format!("{left}:{right}")).collect();
            format!("sack {}", blocks.join(" "))
        }
        OptionSpec::Signature { kind, valid } => {
            let valid = if *valid { "valid" } else { "wrong" };
            match kind {
                SignatureKind::Md5 => format!("md5 {valid}"),
                SignatureKind::Ao { key, next } => format!("ao keyid {key} rnext {next} {valid}"),
            }
        }
        OptionSpec::Raw(octets) => format!("raw {}", digits(octets)),
        OptionSpec::Other { kind, data } => show_other(*kind, data),
    }
}

fn show_other(kind: u8, data: &[u8]) -> String {
    let with = |name: &str, data: &[u8]| {
        if data.is_empty() { name.to_owned() } else { format!("{name} {}", digits(data)) }
    };
    match (kind, data) {
        (kind::MAXIMUM_SEGMENT_SIZE, [high, low]) => {
            format!("mss {}", u16::from_be_bytes([*high, *low]))
        }
        (kind::WINDOW_SCALE, [shift]) => format!("wscale {shift}"),
        (kind::SACK_PERMITTED, []) => "sackOK".into(),
        (kind::USER_TIMEOUT, [high, low]) => {
            let unit = if high & 0x80 == 0 { "" } else { " min" };
            format!("uto {}{unit}", u16::from_be_bytes([high & 0x7f, *low]))
        }
        (kind::AUTHENTICATION, [key, next, code @ ..]) => {
            with(&format!("ao keyid {key} rnext {next}"), code)
        }
        (kind::MD5, _) => with("md5", data),
        (kind::FAST_OPEN, _) => with("FO", data),
        (kind::EXPERIMENT_2, [0xf9, 0x89, cookie @ ..]) => with("FOEXP", cookie),
        (kind::ACC_ECN_0 | kind::ACC_ECN_1, _) if data.len().is_multiple_of(3) => {
            let names =
                if kind == kind::ACC_ECN_0 { ["e0b", "ceb", "e1b"] } else { ["e1b", "ceb", "e0b"] };
            let counters = data.chunks(3).zip(names).map(|(counter, name)| {
                format!(" {name} {}", u32::from_be_bytes([0, counter[0], counter[1], counter[2]]))
            });
            format!("ECN{}", counters.collect::<String>())
        }
        _ => with(&format!("option {kind}"), data),
    }
}

fn digits(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
