//! A place in the tokens.

use super::lexer::{Kind, Token};
use crate::error::ParseError;

pub(super) struct Cursor {
    tokens: Vec<Token>,
    at: usize,
}

impl Cursor {
    pub(super) const fn new(tokens: Vec<Token>) -> Self {
        Self { tokens, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The line of the next token, or of the last one.
    pub(super) fn line(&self) -> u32 {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(1, |token| token.line)
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ParseError {
        let mut message = message.into();
        match self.peek() {
            Some(kind) => message.push_str(&format!(", found {}", describe(kind))),
            None => message.push_str(", found the end of the script"),
        }
        ParseError::new(self.line(), message)
    }

    pub(super) fn peek(&self) -> Option<&Kind> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    pub(super) fn peeks(&self, symbol: char) -> bool {
        self.peek() == Some(&Kind::Symbol(symbol))
    }

    pub(super) fn peeks_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Word(found)) if found == word)
    }

    pub(super) fn eat(&mut self, symbol: char) -> bool {
        let found = self.peeks(symbol);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.peeks_word(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_ellipsis(&mut self) -> bool {
        let found = self.peek() == Some(&Kind::Ellipsis);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, symbol: char) -> Result<(), ParseError> {
        if self.eat(symbol) { Ok(()) } else { Err(self.error(format!("expected `{symbol}`"))) }
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), ParseError> {
        if self.eat_word(word) { Ok(()) } else { Err(self.error(format!("expected `{word}`"))) }
    }

    pub(super) fn skip_past(&mut self, symbol: char) -> Result<(), ParseError> {
        while !self.is_at_end() {
            if self.eat(symbol) {
                return Ok(());
            }
            self.at += 1;
        }
        Err(self.error(format!("expected `{symbol}`")))
    }

    pub(super) fn take_word(&mut self) -> Option<String> {
        self.take(|kind| match kind {
            Kind::Word(text) => Some(text.clone()),
            _ => None,
        })
    }

    pub(super) fn take_string(&mut self) -> Option<String> {
        self.take(|kind| match kind {
            Kind::Str(text) => Some(text.clone()),
            _ => None,
        })
    }

    pub(super) fn take_command(&mut self) -> Option<String> {
        self.take(|kind| match kind {
            Kind::Command(text) => Some(text.clone()),
            _ => None,
        })
    }

    pub(super) fn take_code(&mut self) -> Option<String> {
        self.take(|kind| match kind {
            Kind::Code(text) => Some(text.clone()),
            _ => None,
        })
    }

    pub(super) fn take_decimal(&mut self) -> Option<String> {
        self.take(|kind| match kind {
            Kind::Int(text) | Kind::Float(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// A point with one digit after it, as in flags with an ACE field.
    pub(super) fn take_ace(&mut self) -> Option<u16> {
        self.take(|kind| match kind {
            Kind::Float(text) => match text.as_bytes() {
                [b'.', digit @ b'0'..=b'7'] => Some(u16::from(digit - b'0')),
                _ => None,
            },
            _ => None,
        })
    }

    /// Hexadecimal digits without a prefix: a cookie or a digest.
    pub(super) fn take_blob(&mut self) -> Option<String> {
        self.take(|kind| match kind {
            Kind::Word(text) | Kind::Int(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// A decimal or hexadecimal number.
    pub(super) fn take_int(&mut self) -> Option<i64> {
        self.take(|kind| match kind {
            Kind::Int(text) => text.parse().ok(),
            Kind::Hex(text) => i64::from_str_radix(text, 16).ok(),
            _ => None,
        })
    }

    /// A decimal number that fits.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, what: &str) -> Result<T, ParseError> {
        let error = self.error(format!("expected {what}"));
        let number = self.take_int().ok_or_else(|| error.clone())?;
        T::try_from(number)
            .map_err(|_| ParseError::new(error.line, format!("{what} {number} is out of range")))
    }

    fn take<T>(&mut self, wanted: impl FnOnce(&Kind) -> Option<T>) -> Option<T> {
        let found = wanted(self.peek()?)?;
        self.at += 1;
        Some(found)
    }
}

fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Option(name, _) => format!("`--{name}`"),
        Kind::Int(text) | Kind::Float(text) | Kind::Word(text) => format!("`{text}`"),
        Kind::Hex(text) => format!("`0x{text}`"),
        Kind::Str(_) => "a string".into(),
        Kind::Command(_) => "a command".into(),
        Kind::Code(_) => "code".into(),
        Kind::Ellipsis => "`...`".into(),
        Kind::Symbol(symbol) => format!("`{symbol}`"),
    }
}
