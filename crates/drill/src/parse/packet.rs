//! Packets: direction, IP header, TCP or ICMP.

use super::cursor::Cursor;
use super::lexer::Kind;
use super::options;
use crate::error::ParseError;
use crate::script::{Body, Direction, IcmpSpec, IpInfo, OptionSpec, PacketSpec, TcpSpec, TosCheck};
use sockeye_wire::Flags;

pub(super) fn packet(cursor: &mut Cursor) -> Result<PacketSpec, ParseError> {
    let line = cursor.line();
    let direction = if cursor.eat('<') {
        Direction::Inbound
    } else {
        cursor.expect('>')?;
        Direction::Outbound
    };
    let ip = ip_info(cursor)?;
    if ip.tos == TosCheck::Ect01 && direction == Direction::Inbound {
        return Err(ParseError::new(line, "[ect01] is for outbound packets"));
    }
    if (ip.option_word.is_some() || ip.bad_checksum) && direction == Direction::Outbound {
        return Err(ParseError::new(line, "[ipopt] and [badsum] are for inbound packets"));
    }
    for header in ["ipv4", "ipv6", "gre", "GREv0", "mpls", "udp", "encap"] {
        if cursor.peeks_word(header) {
            return Err(cursor.error("unsupported: encapsulation and UDP"));
        }
    }
    let body =
        if cursor.eat_word("icmp") { Body::Icmp(icmp(cursor)?) } else { Body::Tcp(tcp(cursor)?) };
    if let Body::Tcp(tcp) = &body
        && direction == Direction::Inbound
    {
        if tcp.window.is_none() {
            return Err(ParseError::new(line, "an inbound packet needs a window"));
        }
        if tcp.options.is_none() {
            return Err(ParseError::new(line, "<...> is for outbound packets"));
        }
    } else if let Body::Tcp(TcpSpec { options: Some(options), .. }) = &body {
        for option in options {
            match option {
                OptionSpec::Raw(_) => {
                    return Err(ParseError::new(line, "raw options are for inbound packets"));
                }
                OptionSpec::Signature { valid: false, .. } => {
                    return Err(ParseError::new(line, "wrong signatures are for inbound packets"));
                }
                _ => {}
            }
        }
    }
    Ok(PacketSpec { direction, ip, body })
}

/// `[ect0]`, `(tos 0x10)`, `[ttl 1]`, `[ect0, flowlabel 0x1]`: either bracket.
fn ip_info(cursor: &mut Cursor) -> Result<IpInfo, ParseError> {
    let close = if cursor.eat('(') {
        ')'
    } else if cursor.eat('[') {
        ']'
    } else {
        return Ok(IpInfo::default());
    };
    let mut info = IpInfo::default();
    loop {
        if cursor.eat_word("flowlabel") {
            info.flow_label = cursor.number::<u32>("a flow label")?;
            if info.flow_label >= 1 << 20 {
                return Err(cursor.error("a flow label has 20 bits"));
            }
        } else if cursor.eat_word("badsum") {
            info.bad_checksum = true;
        } else if cursor.eat_word("ipopt") {
            info.option_word = Some(cursor.number("four octets of IP options")?);
        } else if cursor.eat_word("ttl") {
            info.ttl = cursor.number("a TTL")?;
        } else {
            info.tos = tos(cursor)?;
        }
        if !cursor.eat(',') {
            break;
        }
    }
    cursor.expect(close)?;
    Ok(info)
}

fn tos(cursor: &mut Cursor) -> Result<TosCheck, ParseError> {
    let error =
        cursor.error("expected noecn, ect0, ect1, ce, ect01, tos, ttl, flowlabel, ipopt or badsum");
    let word = cursor.take_word().ok_or_else(|| error.clone())?;
    Ok(match word.as_str() {
        "noecn" => TosCheck::Ecn(0),
        "ect1" => TosCheck::Ecn(1),
        "ect0" => TosCheck::Ecn(2),
        "ce" => TosCheck::Ecn(3),
        "ect01" => TosCheck::Ect01,
        "tos" => TosCheck::Tos(cursor.number("a TOS octet")?),
        _ => return Err(error),
    })
}

fn tcp(cursor: &mut Cursor) -> Result<TcpSpec, ParseError> {
    let mut ports = None;
    // `1000>2000`: the flags of a segment are never a number.
    if matches!(cursor.peek(), Some(Kind::Int(_))) && cursor.peek_at(1) == Some(&Kind::Symbol('>'))
    {
        let source = cursor.number("a port")?;
        cursor.expect('>')?;
        ports = Some((source, cursor.number("a port")?));
    }
    let flags = flags(cursor)?;
    let (seq, len) = range(cursor)?;
    let ack = if cursor.eat_word("ack") { cursor.number("an acknowledgement number")? } else { 0 };
    let window = if cursor.eat_word("win") { Some(cursor.number("a window")?) } else { None };
    let urgent = if cursor.eat_word("urg") { cursor.number("an urgent pointer")? } else { 0 };
    let options = options::options(cursor)?;
    Ok(TcpSpec { ports, flags, seq, len, ack, window, urgent, options })
}

/// Letters, then a point for ACK, which a digit for the ACE field may follow (RFC 9768 §3.2).
fn flags(cursor: &mut Cursor) -> Result<Flags, ParseError> {
    let error = cursor.error("expected TCP flags");
    if cursor.eat('-') {
        return Ok(Flags::NONE);
    }
    let mut flags = Flags::NONE;
    let mut ace = None;
    let word = cursor.take_word();
    for letter in word.iter().flat_map(|word| word.chars()) {
        if let Some(digit @ 0..=7) = letter.to_digit(10) {
            if ace.replace(digit as u16).is_some() {
                return Err(error);
            }
            continue;
        }
        let flag =
            Flags::from_compact(letter.encode_utf8(&mut [0; 4])).ok_or_else(|| error.clone())?;
        flags |= flag;
    }
    if let Some(digit) = cursor.take_ace() {
        flags |= Flags::ACK;
        if ace.replace(digit).is_some() {
            return Err(error);
        }
    } else if cursor.eat('.') {
        flags |= Flags::ACK;
    } else if word.is_none() {
        return Err(error);
    }
    if let Some(ace) = ace {
        if flags.intersects(Flags::ECE | Flags::CWR | Flags::AE) {
            return Err(ParseError::new(
                error.line,
                "an ACE field and ECN flags exclude each other",
            ));
        }
        // AE, CWR and ECE are the field's bits 2, 1 and 0, in this order in the header too.
        flags |= Flags::from_bits(ace << 6);
    }
    Ok(flags)
}

/// `1:1001(1000)`
fn range(cursor: &mut Cursor) -> Result<(u32, u16), ParseError> {
    let start: u32 = cursor.number("a sequence number")?;
    cursor.expect(':')?;
    let end: u32 = cursor.number("a sequence number")?;
    cursor.expect('(')?;
    let len: u16 = cursor.number("a payload length")?;
    cursor.expect(')')?;
    if u64::from(start) + u64::from(len) != u64::from(end) {
        return Err(cursor.error(format!("{start}:{end} is not {len} bytes")));
    }
    Ok((start, len))
}

fn icmp(cursor: &mut Cursor) -> Result<IcmpSpec, ParseError> {
    let kind = cursor.take_word().ok_or_else(|| cursor.error("expected an ICMP type"))?;
    let keyword = cursor.peeks_word("mtu") || cursor.peeks_word("id");
    let code = if keyword { None } else { cursor.take_word() };
    let mtu = if cursor.eat_word("mtu") { Some(cursor.number("an MTU")?) } else { None };
    let echo_id = if cursor.eat_word("id") { cursor.number("an echo identifier")? } else { 0 };
    let mut quoted = (0, 0);
    if cursor.eat('[') {
        if cursor.peeks_word("udp") || cursor.peeks_word("raw") {
            return Err(cursor.error("unsupported: ICMP that does not quote TCP"));
        }
        quoted = range(cursor)?;
        cursor.expect(']')?;
    }
    Ok(IcmpSpec { kind, code, mtu, echo_id, quoted })
}
