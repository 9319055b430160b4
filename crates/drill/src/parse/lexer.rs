//! Text to tokens.

use crate::error::ParseError;

/// One token with its line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub(super) line: u32,
    pub(super) kind: Kind,
    /// Nothing stands between this token and the one before.
    pub(super) glued: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// `--name` with what follows `=`, up to white space.
    Option(String, Option<String>),
    /// Decimal digits, perhaps with a sign; kept as text, for it may be a cookie too.
    Int(String),
    /// Digits with a point.
    Float(String),
    /// After `0x`.
    Hex(String),
    Word(String),
    Str(String),
    Command(String),
    Code(String),
    Ellipsis,
    Symbol(char),
}

pub(super) fn tokenize(text: &str) -> Result<Vec<Token>, ParseError> {
    Lexer { text: text.as_bytes(), source: text, at: 0, line: 1 }.run()
}

struct Lexer<'a> {
    text: &'a [u8],
    source: &'a str,
    at: usize,
    line: u32,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl<'a> Lexer<'a> {
    fn run(mut self) -> Result<Vec<Token>, ParseError> {
        let mut tokens = Vec::new();
        let mut glued = false;
        while let Some(&byte) = self.text.get(self.at) {
            if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                self.step();
                glued = false;
            } else if self.rest().starts_with("//") {
                while self.text.get(self.at).is_some_and(|byte| *byte != b'\n') {
                    self.step();
                }
                glued = false;
            } else if self.rest().starts_with("/*") {
                self.until("/*", "*/")?;
                glued = false;
            } else {
                let line = self.line;
                let kind = self.token()?;
                tokens.push(Token { line, kind, glued });
                glued = true;
            }
        }
        Ok(tokens)
    }

    fn rest(&self) -> &'a str {
        // `at` always stands on a character's start: only ASCII is stepped over byte by byte outside quotes.
        self.source.get(self.at..).unwrap_or("")
    }

    fn step(&mut self) {
        if self.text[self.at] == b'\n' {
            self.line += 1;
        }
        self.at += 1;
    }

    fn skip(&mut self, bytes: usize) {
        for _ in 0..bytes {
            self.step();
        }
    }

    /// What stands between two marks, the first of which is next.
    fn until(&mut self, open: &str, close: &str) -> Result<&'a str, ParseError> {
        let line = self.line;
        let inner = &self.rest()[open.len()..];
        let Some(len) = inner.find(close) else {
            return Err(ParseError::new(line, format!("`{open}` is not closed by `{close}`")));
        };
        self.skip(open.len() + len + close.len());
        Ok(&inner[..len])
    }

    fn quoted(&mut self, quote: u8) -> Result<String, ParseError> {
        let start = self.line;
        self.step();
        let from = self.at;
        while let Some(&byte) = self.text.get(self.at) {
            if byte == quote {
                let inner = self.source[from..self.at].to_owned();
                self.step();
                return Ok(inner);
            }
            // A backslash protects what follows.
            if byte == b'\\' && self.at + 1 < self.text.len() {
                self.step();
            }
            self.step();
        }
        Err(ParseError::new(
            start,
            format!("a quoted text that begins with {} does not end", char::from(quote)),
        ))
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let from = self.at;
        while self.text.get(self.at).is_some_and(|byte| accept(*byte)) {
            self.at += 1;
        }
        &self.source[from..self.at]
    }

    fn token(&mut self) -> Result<Kind, ParseError> {
        let next = |ahead: usize| self.text.get(self.at + ahead).copied().unwrap_or(0);
        let byte = self.text[self.at];
        if self.rest().starts_with("...") {
            self.skip(3);
            return Ok(Kind::Ellipsis);
        }
        if self.rest().starts_with("%{") {
            let code = self.until("%{", "}%")?;
            return Ok(Kind::Code(code.trim_matches([' ', '\t']).to_owned()));
        }
        if byte == b'-' && next(1) == b'-' && is_word(next(2)) {
            return self.option();
        }
        if byte == b'"' {
            return Ok(Kind::Str(self.quoted(byte)?));
        }
        if byte == b'`' {
            return Ok(Kind::Command(self.quoted(byte)?));
        }
        let signed = byte == b'-';
        let first = if signed { next(1) } else { byte };
        let after = if signed { next(2) } else { next(1) };
        if first.is_ascii_digit() || (first == b'.' && after.is_ascii_digit()) {
            return Ok(self.number());
        }
        if is_word(byte) {
            return Ok(Kind::Word(self.take_while(is_word).to_owned()));
        }
        let Some(symbol) = self.rest().chars().next() else {
            return Err(ParseError::new(self.line, "not a character"));
        };
        self.skip(symbol.len_utf8());
        Ok(Kind::Symbol(symbol))
    }

    fn option(&mut self) -> Result<Kind, ParseError> {
        self.skip(2);
        let name = self.take_while(is_word).to_owned();
        if self.text.get(self.at) != Some(&b'=') {
            return Ok(Kind::Option(name, None));
        }
        self.step();
        let mut value = String::new();
        while let Some(&byte) = self.text.get(self.at) {
            if byte.is_ascii_whitespace() {
                break;
            }
            if byte == b'"' || byte == b'`' {
                let quote = char::from(byte);
                let inner = self.quoted(byte)?;
                value.push(quote);
                value.push_str(&inner);
                value.push(quote);
            } else {
                let plain = self
                    .take_while(|byte| !byte.is_ascii_whitespace() && byte != b'"' && byte != b'`');
                value.push_str(plain);
            }
        }
        Ok(Kind::Option(name, Some(value)))
    }

    /// A number, or a word that begins with digits.
    fn number(&mut self) -> Kind {
        let from = self.at;
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        let unsigned = self.at;
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        let point = self.text.get(self.at) == Some(&b'.')
            && self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        if point {
            self.at += 1;
            self.take_while(|byte| byte.is_ascii_digit());
            return Kind::Float(self.source[from..self.at].to_owned());
        }
        if whole == "0" && self.text.get(self.at) == Some(&b'x') {
            self.at += 1;
            let digits = self.take_while(is_word);
            if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && !digits.is_empty() {
                return Kind::Hex(digits.to_owned());
            }
        }
        if unsigned == from && self.text.get(self.at).is_some_and(|byte| is_word(*byte)) {
            self.take_while(is_word);
        }
        let text = self.source[from..self.at].to_owned();
        if text.bytes().skip(usize::from(unsigned != from)).all(|byte| byte.is_ascii_digit()) {
            Kind::Int(text)
        } else {
            Kind::Word(text)
        }
    }
}
