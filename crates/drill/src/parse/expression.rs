//! Expressions of system calls.

use super::cursor::Cursor;
use super::lexer::Kind;
use crate::error::ParseError;
use crate::script::{Expr, MsgHdr};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Expressions up to `close`, whose opening has been read.
pub(super) fn list(cursor: &mut Cursor, close: char) -> Result<Vec<Expr>, ParseError> {
    let mut items = Vec::new();
    if cursor.eat(close) {
        return Ok(items);
    }
    loop {
        items.push(expression(cursor)?);
        if cursor.eat(close) {
            return Ok(items);
        }
        cursor.expect(',')?;
    }
}

pub(super) fn expression(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    let mut left = primary(cursor)?;
    while cursor.eat('|') {
        left = Expr::Or(Box::new(left), Box::new(primary(cursor)?));
    }
    Ok(left)
}

fn primary(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    if cursor.eat_ellipsis() {
        return Ok(Expr::Ellipsis);
    }
    if let Some(number) = cursor.take_int() {
        return Ok(Expr::Int(number));
    }
    if matches!(cursor.peek(), Some(Kind::Str(_))) {
        return string(cursor);
    }
    if cursor.eat('[') {
        return list(cursor, ']').map(Expr::List);
    }
    if cursor.eat('{') {
        return braces(cursor);
    }
    let Some(word) = cursor.take_word() else {
        return Err(cursor.error("expected an expression"));
    };
    match word.as_str() {
        "inet_addr" if cursor.peeks('(') => match address(cursor)? {
            // As the number that the call would see: in network order.
            IpAddr::V4(address) => Ok(Expr::Int(i64::from(u32::from_ne_bytes(address.octets())))),
            IpAddr::V6(_) => Err(cursor.error("inet_addr is for IPv4")),
        },
        "inet6_addr" if cursor.peeks('(') => match address(cursor)? {
            IpAddr::V6(address) => Ok(Expr::In6Addr(address)),
            IpAddr::V4(_) => Err(cursor.error("inet6_addr is for IPv6")),
        },
        _ if cursor.eat('=') => Ok(Expr::Assign(word, Box::new(expression(cursor)?))),
        _ => Ok(Expr::Word(word)),
    }
}

/// `("192.0.2.1")`
fn address(cursor: &mut Cursor) -> Result<IpAddr, ParseError> {
    cursor.expect('(')?;
    let text = cursor.take_string().ok_or_else(|| cursor.error("expected an address in quotes"))?;
    cursor.expect(')')?;
    text.parse().map_err(|_| cursor.error(format!("`{text}` is not an address")))
}

/// One string or several that are joined; `...` after it stands for the rest of a longer one.
fn string(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    let mut bytes = Vec::new();
    while let Some(text) = cursor.take_string() {
        unescape(&text, &mut bytes).map_err(|message| cursor.error(message))?;
    }
    cursor.eat_ellipsis();
    Ok(Expr::Str(bytes))
}

fn unescape(text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next() {
            Some(b'\\') => b'\\',
            Some(b'"') => b'"',
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(b'x') => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err("\\x needs two hexadecimal digits".into());
                };
                (high * 16 + low) as u8
            }
            _ => return Err("unknown escape in a string".into()),
        });
    }
    Ok(())
}

/// A structure, told apart by its first word.
fn braces(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    let Some(Kind::Word(first)) = cursor.peek() else {
        return iovec_or_list(cursor);
    };
    match first.as_str() {
        "sa_family" => sockaddr(cursor),
        "msg_name" => msghdr(cursor),
        "fd" => pollfd(cursor),
        "events" => epoll_event(cursor),
        "onoff" => {
            let [onoff, linger] = fields(cursor, ["onoff", "linger"])?;
            Ok(Expr::Linger { onoff: literal(cursor, &onoff)?, linger: literal(cursor, &linger)? })
        }
        "cmsg_level" => {
            let [level, kind, data] =
                fields(cursor, ["cmsg_level", "cmsg_type", "cmsg_data"])?.map(Box::new);
            Ok(Expr::Cmsg { level, kind, data })
        }
        "md5_key" => {
            let [key] = fields(cursor, ["md5_key"])?;
            text(cursor, key).map(Expr::Md5Key)
        }
        "ao_key" => ao_key(cursor),
        "scm_sec" => {
            let [seconds, nanoseconds] = fields(cursor, ["scm_sec", "scm_nsec"])?;
            Ok(Expr::Timestamping {
                seconds: literal(cursor, &seconds)?,
                nanoseconds: literal(cursor, &nanoseconds)?,
            })
        }
        "ee_errno" => {
            let names = ["ee_errno", "ee_origin", "ee_type", "ee_code", "ee_info", "ee_data"];
            let values = fields(cursor, names)?;
            Ok(Expr::ExtendedError(names.map(String::from).into_iter().zip(values).collect()))
        }
        _ => iovec_or_list(cursor),
    }
}

fn iovec_or_list(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    let mut items = list(cursor, '}')?;
    if let [Expr::Ellipsis, Expr::Int(len)] = items[..] {
        let len =
            u32::try_from(len).map_err(|_| cursor.error("a vector's length is out of range"))?;
        return Ok(Expr::Iovec(len));
    }
    items.shrink_to_fit();
    Ok(Expr::Braces(items))
}

/// `name = value, …}`, all of them in this order.
fn fields<const N: usize>(cursor: &mut Cursor, names: [&str; N]) -> Result<[Expr; N], ParseError> {
    let mut values = [const { Expr::Ellipsis }; N];
    for (index, (name, value)) in names.into_iter().zip(&mut values).enumerate() {
        if index > 0 {
            cursor.expect(',')?;
        }
        cursor.expect_word(name)?;
        cursor.expect('=')?;
        *value = expression(cursor)?;
    }
    cursor.expect('}')?;
    Ok(values)
}

fn text(cursor: &Cursor, value: Expr) -> Result<Vec<u8>, ParseError> {
    match value {
        Expr::Str(text) => Ok(text),
        _ => Err(cursor.error("expected a string")),
    }
}

/// `{ao_key="…", sndid=1, rcvid=2}`: the key, then what else is not 0.
fn ao_key(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    cursor.expect_word("ao_key")?;
    cursor.expect('=')?;
    let key = string(cursor)?;
    let key = text(cursor, key)?;
    let mut further = Vec::new();
    while cursor.eat(',') {
        let name = cursor.take_word().ok_or_else(|| cursor.error("expected a field"))?;
        cursor.expect('=')?;
        further.push((name, expression(cursor)?));
    }
    cursor.expect('}')?;
    Ok(Expr::AoKey(key, further))
}

fn literal<T: TryFrom<i64>>(cursor: &Cursor, value: &Expr) -> Result<T, ParseError> {
    let number = match value {
        Expr::Int(number) => T::try_from(*number).ok(),
        _ => None,
    };
    number.ok_or_else(|| cursor.error("expected a number"))
}

fn sockaddr(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    cursor.expect_word("sa_family")?;
    cursor.expect('=')?;
    let family = cursor.take_word();
    cursor.expect(',')?;
    cursor.expect_word("sin_port")?;
    cursor.expect('=')?;
    cursor.expect_word("htons")?;
    cursor.expect('(')?;
    let port = cursor.number("a port")?;
    cursor.expect(')')?;
    cursor.expect(',')?;
    cursor.expect_word("sin_addr")?;
    cursor.expect('=')?;
    cursor.expect_word("inet_addr")?;
    let address = address(cursor)?;
    cursor.expect('}')?;
    match (family.as_deref(), address) {
        (Some("AF_INET"), IpAddr::V4(_)) | (Some("AF_INET6"), IpAddr::V6(_)) => {
            Ok(Expr::SockAddr(SocketAddr::new(address, port)))
        }
        (Some("AF_INET6"), IpAddr::V4(address)) => {
            Ok(Expr::SockAddr(SocketAddr::new(Ipv4Addr::to_ipv6_mapped(&address).into(), port)))
        }
        _ => Err(cursor.error("the address is not of its family")),
    }
}

/// `msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0, msg_control=[…]}`
fn msghdr(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    cursor.expect_word("msg_name")?;
    for symbol in ['(', ')', '='] {
        cursor.expect(symbol)?;
        if symbol != ')' && !cursor.eat_ellipsis() {
            return Err(cursor.error("expected `...`"));
        }
    }
    cursor.expect(',')?;
    cursor.expect_word("msg_iov")?;
    cursor.expect('(')?;
    let count: usize = cursor.number("a count of vectors")?;
    cursor.expect(')')?;
    cursor.expect('=')?;
    cursor.expect('[')?;
    let mut iov = Vec::new();
    for item in list(cursor, ']')? {
        match item {
            Expr::Iovec(len) => iov.push(len),
            _ => return Err(cursor.error("expected {..., length}")),
        }
    }
    if iov.len() != count {
        return Err(cursor.error(format!("msg_iov({count}) has {} vectors", iov.len())));
    }
    cursor.expect(',')?;
    cursor.expect_word("msg_flags")?;
    cursor.expect('=')?;
    let flags = expression(cursor)?;
    let mut control = Vec::new();
    if cursor.eat(',') {
        cursor.expect_word("msg_control")?;
        cursor.expect('=')?;
        cursor.expect('[')?;
        control = list(cursor, ']')?;
    }
    cursor.expect('}')?;
    Ok(Expr::MsgHdr(Box::new(MsgHdr { iov, flags, control })))
}

fn pollfd(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    cursor.expect_word("fd")?;
    cursor.expect('=')?;
    let fd = Box::new(expression(cursor)?);
    cursor.expect(',')?;
    cursor.expect_word("events")?;
    cursor.expect('=')?;
    let events = Box::new(expression(cursor)?);
    let mut revents = Box::new(Expr::Int(0));
    if cursor.eat(',') {
        cursor.expect_word("revents")?;
        cursor.expect('=')?;
        revents = Box::new(expression(cursor)?);
    }
    cursor.expect('}')?;
    Ok(Expr::PollFd { fd, events, revents })
}

fn epoll_event(cursor: &mut Cursor) -> Result<Expr, ParseError> {
    cursor.expect_word("events")?;
    cursor.expect('=')?;
    let events = Box::new(expression(cursor)?);
    cursor.expect(',')?;
    let field =
        cursor.take_word().filter(|field| matches!(field.as_str(), "fd" | "ptr" | "u32" | "u64"));
    let field = field.ok_or_else(|| cursor.error("expected fd, ptr, u32 or u64"))?;
    cursor.expect('=')?;
    let data = (field, Box::new(expression(cursor)?));
    cursor.expect('}')?;
    Ok(Expr::EpollEvent { events, data })
}
