//! Python text to tokens.

use super::CodeError;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    Int(i128),
    Float(f64),
    Str(String),
    Name(String),
    Operator(&'static str),
    /// A statement ends: a line or `;`.
    End,
}

/// Longer ones first.
const OPERATORS: [&str; 36] = [
    "**=", "//=", ">>=", "<<=", "==", "!=", "<=", ">=", "<<", ">>", "//", "**", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=", "(", ")", "[", "]", ",", "+", "-", "*", "/", "%", "&", "|", "^",
    "~", "<", ">",
];

/// The tokens, with the text of each statement for messages.
pub(super) fn tokenize(text: &str) -> Result<Vec<(Token, usize)>, CodeError> {
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let from = at;
        let token = match next {
            // Lines go on behind a backslash and within brackets.
            '\\' if rest[1..].trim_start_matches([' ', '\t', '\r']).starts_with('\n') => {
                at += rest.find('\n').unwrap_or(0) + 1;
                continue;
            }
            '\n' if depth > 0 => {
                at += 1;
                continue;
            }
            '\n' | ';' => {
                at += 1;
                Token::End
            }
            '#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            _ if next.is_whitespace() => {
                at += next.len_utf8();
                continue;
            }
            '\'' | '"' => {
                let Some(len) = rest[1..].find(next) else {
                    return Err(CodeError::Invalid("a string does not end".into()));
                };
                let inner = &rest[1..=len];
                if inner.contains(['\\', '\n']) {
                    return Err(CodeError::Unsupported("escapes in strings".into()));
                }
                at += len + 2;
                Token::Str(inner.to_owned())
            }
            _ if next.is_ascii_digit() => {
                let len = rest
                    .find(|letter: char| {
                        !letter.is_ascii_alphanumeric() && letter != '.' && letter != '_'
                    })
                    .unwrap_or(rest.len());
                at += len;
                number(&rest[..len])?
            }
            _ if next.is_ascii_alphabetic() || next == '_' => {
                let len = rest
                    .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                    .unwrap_or(rest.len());
                at += len;
                Token::Name(rest[..len].to_owned())
            }
            _ => {
                let operator =
                    OPERATORS.into_iter().chain(["="]).find(|operator| rest.starts_with(operator));
                let Some(operator) = operator else {
                    return Err(CodeError::Unsupported(format!("`{next}`")));
                };
                match operator {
                    "(" | "[" => depth += 1,
                    ")" | "]" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                at += operator.len();
                Token::Operator(operator)
            }
        };
        tokens.push((token, from));
    }
    tokens.push((Token::End, text.len()));
    Ok(tokens)
}

fn number(text: &str) -> Result<Token, CodeError> {
    let digits = text.replace('_', "");
    let int = match digits.get(..2) {
        Some("0x" | "0X") => i128::from_str_radix(&digits[2..], 16).ok(),
        Some("0b" | "0B") => i128::from_str_radix(&digits[2..], 2).ok(),
        Some("0o" | "0O") => i128::from_str_radix(&digits[2..], 8).ok(),
        _ => digits.parse().ok(),
    };
    let token = int.map(Token::Int).or_else(|| digits.parse().ok().map(Token::Float));
    token.ok_or_else(|| CodeError::Invalid(format!("`{text}` is not a number")))
}
