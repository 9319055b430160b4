//! Text to [`Script`]: the language of google/packetdrill's documentation.

mod cursor;
mod expression;
mod lexer;
mod options;
mod packet;
#[cfg(test)]
mod tests;

use crate::error::ParseError;
use crate::script::{Action, CallSpec, Command, Event, EventTime, Micros, Script, ScriptOption};
use cursor::Cursor;
use lexer::{Kind, Token, tokenize};
use std::collections::BTreeMap;
use std::path::Path;

impl Script {
    /// Reads a script; `path` is shown in messages, and files that commands name are looked for beside it.
    ///
    /// # Errors
    /// [`ParseError`] with the line, if the text is not in the language or uses what is not supported.
    pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Self, ParseError> {
        Self::parse_with(path, text, &BTreeMap::new())
    }

    /// As [`parse`](Self::parse), with values for names that the script does not define itself.
    ///
    /// # Errors
    /// [`ParseError`], as [`parse`](Self::parse).
    pub fn parse_with(
        path: impl AsRef<Path>,
        text: &str,
        defines: &BTreeMap<String, String>,
    ) -> Result<Self, ParseError> {
        let mut tokens = tokenize(text)?;
        let options = take_options(&mut tokens);
        let own = options.iter().filter(|option| option.name == "define");
        for option in own {
            let definition = option.value.as_deref().and_then(|value| value.split_once('='));
            let Some((name, value)) = definition else {
                return Err(ParseError::new(option.line, "a definition is --define=NAME=value"));
            };
            define(&mut tokens, name, value, option.line)?;
        }
        for (name, value) in defines {
            define(&mut tokens, name, value, 1)?;
        }
        let mut cursor = Cursor::new(tokens);
        let init = command(&mut cursor);
        let mut events = Vec::new();
        let mut cleanup = None;
        while !cursor.is_at_end() {
            // A command without a time can only be the last thing.
            if let Some(command) = command(&mut cursor) {
                if !cursor.is_at_end() {
                    return Err(cursor.error("a command in the middle of a script needs a time"));
                }
                cleanup = Some(command);
                break;
            }
            events.push(event(&mut cursor)?);
        }
        if events.is_empty() {
            return Err(ParseError::new(1, "no events"));
        }
        Ok(Self { path: path.as_ref().to_owned(), options, init, events, cleanup })
    }
}

fn take_options(tokens: &mut Vec<Token>) -> Vec<ScriptOption> {
    let count = tokens.iter().take_while(|token| matches!(token.kind, Kind::Option(..))).count();
    let options = tokens.drain(..count);
    options
        .filter_map(|token| match token.kind {
            Kind::Option(name, value) => Some(ScriptOption { line: token.line, name, value }),
            _ => None,
        })
        .collect()
}

/// Puts a value in the place of a name.
fn define(tokens: &mut [Token], name: &str, value: &str, line: u32) -> Result<(), ParseError> {
    let mut value = tokenize(value)?.into_iter().map(|token| token.kind);
    let (Some(kind), None) = (value.next(), value.next()) else {
        let message = format!("the value of {name} is not one word, number or quoted text");
        return Err(ParseError::new(line, message));
    };
    for token in
        tokens.iter_mut().filter(|token| matches!(&token.kind, Kind::Word(word) if word == name))
    {
        token.kind = kind.clone();
    }
    Ok(())
}

fn command(cursor: &mut Cursor) -> Option<Command> {
    let line = cursor.line();
    cursor.take_command().map(|text| Command { line, text })
}

fn event(cursor: &mut Cursor) -> Result<Event, ParseError> {
    let line = cursor.line();
    let time = event_time(cursor)?;
    let action = action(cursor)?;
    let ranged = !matches!(time, EventTime::Absolute(_) | EventTime::Relative(_));
    if ranged && !expects_packet(&action) {
        return Err(ParseError::new(line, "`*` and time ranges are for outbound packets"));
    }
    Ok(Event { line, time, action })
}

fn expects_packet(action: &Action) -> bool {
    use crate::script::Direction::Outbound;
    matches!(action, Action::Packet(packet) if packet.direction == Outbound)
}

fn event_time(cursor: &mut Cursor) -> Result<EventTime, ParseError> {
    if cursor.eat('*') {
        return Ok(EventTime::Any);
    }
    let relative = cursor.eat('+');
    let from = time(cursor)?;
    if !cursor.eat('~') {
        return Ok(if relative { EventTime::Relative(from) } else { EventTime::Absolute(from) });
    }
    if relative {
        cursor.expect('+')?;
    }
    let to = time(cursor)?;
    if to < from {
        return Err(cursor.error("the time range is backwards"));
    }
    Ok(if relative {
        EventTime::RelativeRange(from, to)
    } else {
        EventTime::AbsoluteRange(from, to)
    })
}

fn time(cursor: &mut Cursor) -> Result<Micros, ParseError> {
    let text = cursor.take_decimal().ok_or_else(|| cursor.error("expected a time in seconds"))?;
    seconds(&text).ok_or_else(|| cursor.error("not a time in seconds"))
}

/// Decimal seconds to microseconds; what is finer is cut off.
fn seconds(text: &str) -> Option<Micros> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: Micros = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let micros: String = part.chars().chain("000000".chars()).take(6).collect();
    let micros: Micros = micros.parse().ok()?;
    (!text.starts_with('-')).then(|| whole.checked_mul(1_000_000)?.checked_add(micros))?
}

fn action(cursor: &mut Cursor) -> Result<Action, ParseError> {
    if let Some(text) = cursor.take_command() {
        return Ok(Action::Command(text));
    }
    if let Some(text) = cursor.take_code() {
        return Ok(Action::Code(text));
    }
    if cursor.peeks('<') || cursor.peeks('>') {
        return packet::packet(cursor).map(Action::Packet);
    }
    call(cursor).map(Action::Call)
}

fn call(cursor: &mut Cursor) -> Result<CallSpec, ParseError> {
    let end = if cursor.eat_ellipsis() { Some(time(cursor)?) } else { None };
    let name = cursor
        .take_word()
        .ok_or_else(|| cursor.error("expected a packet, a system call, a command or code"))?;
    cursor.expect('(')?;
    let arguments = expression::list(cursor, ')')?;
    cursor.expect('=')?;
    let result = expression::expression(cursor)?;
    let errno = cursor.take_word();
    if cursor.eat('(') {
        cursor.skip_past(')')?;
    }
    Ok(CallSpec { end, name, arguments, result, errno })
}
