//! TCP options between angle brackets.

use super::cursor::Cursor;
use super::lexer::Kind;
use crate::error::ParseError;
use crate::script::{OptionSpec, SignatureKind};
use sockeye_wire::tcp::options::kind;

/// RFC 6994: the identifier of Fast Open's experiment.
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];
/// RFC 5482 §2: the granularity bit.
const USER_TIMEOUT_MINUTES: u16 = 0x8000;
const MAX_OPTION_BYTES: usize = 40;

/// None for `<...>`, empty where nothing is written.
pub(super) fn options(cursor: &mut Cursor) -> Result<Option<Vec<OptionSpec>>, ParseError> {
    // What follows a packet is a time, never `<`.
    if !cursor.eat('<') {
        return Ok(Some(Vec::new()));
    }
    if cursor.eat_ellipsis() {
        cursor.expect('>')?;
        return Ok(None);
    }
    let line = cursor.line();
    let mut options = Vec::new();
    loop {
        options.push(option(cursor)?);
        if !cursor.eat(',') {
            break;
        }
    }
    cursor.expect('>')?;
    let bytes: usize = options.iter().map(OptionSpec::len).sum();
    if bytes > MAX_OPTION_BYTES {
        return Err(ParseError::new(line, "the options take more than 40 bytes"));
    }
    if !bytes.is_multiple_of(4) {
        let message =
            format!("the options are {bytes} bytes: pad them with nop or eol to a multiple of 4");
        return Err(ParseError::new(line, message));
    }
    Ok(Some(options))
}

fn option(cursor: &mut Cursor) -> Result<OptionSpec, ParseError> {
    let error = cursor.error("expected a TCP option");
    let word = cursor.take_word().ok_or_else(|| error.clone())?;
    let other = |kind, data: &[u8]| OptionSpec::Other { kind, data: data.to_vec() };
    Ok(match word.as_str() {
        "nop" => OptionSpec::Nop,
        "eol" => OptionSpec::Eol,
        "mss" => other(kind::MAXIMUM_SEGMENT_SIZE, &cursor.number::<u16>("an MSS")?.to_be_bytes()),
        "wscale" => other(kind::WINDOW_SCALE, &[cursor.number("a window scale")?]),
        "sackOK" => other(kind::SACK_PERMITTED, &[]),
        "sack" => OptionSpec::Sack(blocks(cursor)?),
        "TS" => {
            cursor.expect_word("val")?;
            let val = cursor.number("a timestamp")?;
            cursor.expect_word("ecr")?;
            OptionSpec::Timestamps { val, ecr: cursor.number("a timestamp")? }
        }
        "md5" if validity(cursor).is_some() => signature(cursor, SignatureKind::Md5)?,
        "ao" => {
            cursor.expect_word("keyid")?;
            let key = cursor.number("a KeyID")?;
            cursor.expect_word("rnext")?;
            let next = cursor.number("an RNextKeyID")?;
            signature(cursor, SignatureKind::Ao { key, next })?
        }
        "uto" => {
            let value: u16 = cursor.number("a user timeout")?;
            let minutes = cursor.eat_word("min");
            if value >= USER_TIMEOUT_MINUTES {
                return Err(ParseError::new(error.line, "a user timeout has 15 bits"));
            }
            let field = if minutes { value | USER_TIMEOUT_MINUTES } else { value };
            other(kind::USER_TIMEOUT, &field.to_be_bytes())
        }
        "md5" => other(kind::MD5, &blob(cursor, "a digest", 16)?),
        "FO" => other(kind::FAST_OPEN, &blob(cursor, "a cookie", MAX_OPTION_BYTES - 2)?),
        "FOEXP" => {
            let cookie = blob(cursor, "a cookie", MAX_OPTION_BYTES - 4)?;
            other(kind::EXPERIMENT_2, &[&FAST_OPEN_MAGIC, &cookie[..]].concat())
        }
        "ECN" => acc_ecn(cursor)?,
        "raw" => OptionSpec::Raw(blob(cursor, "an option area", MAX_OPTION_BYTES)?),
        _ => return Err(error),
    })
}

fn validity(cursor: &Cursor) -> Option<bool> {
    [("valid", true), ("wrong", false)]
        .into_iter()
        .find_map(|(word, valid)| cursor.peeks_word(word).then_some(valid))
}

fn signature(cursor: &mut Cursor, kind: SignatureKind) -> Result<OptionSpec, ParseError> {
    let valid = validity(cursor).ok_or_else(|| cursor.error("expected `valid` or `wrong`"))?;
    cursor.take_word();
    Ok(OptionSpec::Signature { kind, valid })
}

fn blocks(cursor: &mut Cursor) -> Result<Vec<(u32, u32)>, ParseError> {
    let mut blocks = Vec::new();
    while blocks.is_empty() || matches!(cursor.peek(), Some(Kind::Int(_))) {
        let left = cursor.number("a sequence number")?;
        cursor.expect(':')?;
        blocks.push((left, cursor.number("a sequence number")?));
    }
    Ok(blocks)
}

/// Hexadecimal digits, or nothing.
fn blob(cursor: &mut Cursor, what: &str, max_bytes: usize) -> Result<Vec<u8>, ParseError> {
    let line = cursor.line();
    let Some(digits) = cursor.take_blob() else { return Ok(Vec::new()) };
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [_, _] => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
            _ => None,
        })
        .collect();
    match bytes {
        Some(bytes) if bytes.len() <= max_bytes => Ok(bytes),
        Some(_) => Err(ParseError::new(line, format!("{what} has at most {max_bytes} bytes"))),
        None => Err(ParseError::new(
            line,
            format!("`{digits}` is not {what} in pairs of hexadecimal digits"),
        )),
    }
}

/// `ECN e0b 1 ceb 0 e1b 1`: counters in one of the two orders of RFC 9768 §3.2.3, later ones left out.
fn acc_ecn(cursor: &mut Cursor) -> Result<OptionSpec, ParseError> {
    let (kind, order) = if cursor.peeks_word("e0b") {
        (kind::ACC_ECN_0, ["e0b", "ceb", "e1b"])
    } else {
        (kind::ACC_ECN_1, ["e1b", "ceb", "e0b"])
    };
    let mut data = Vec::new();
    for (index, name) in order.into_iter().enumerate() {
        if index == 0 {
            cursor.expect_word(name)?;
        } else if !cursor.eat_word(name) {
            break;
        }
        let counter: u32 = cursor.number("an AccECN counter")?;
        if counter >= 1 << 24 {
            return Err(cursor.error("an AccECN counter has 24 bits"));
        }
        data.extend(&counter.to_be_bytes()[1..]);
    }
    Ok(OptionSpec::Other { kind, data })
}

impl OptionSpec {
    /// Octets in the header.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Nop | Self::Eol => 1,
            Self::Timestamps { .. } => 10,
            Self::Sack(blocks) => 2 + 8 * blocks.len(),
            Self::Signature { kind: SignatureKind::Md5, .. } => 18,
            Self::Signature { kind: SignatureKind::Ao { .. }, .. } => 16,
            Self::Raw(octets) => octets.len(),
            Self::Other { data, .. } => 2 + data.len(),
        }
    }
}
