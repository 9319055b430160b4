//! The code between `%{` and `}%`: the small part of Python that scripts use, strictly.
//!
//! Statements: `assert condition[, message]`, assignments (`=`, `+=` and so on), `print(…)`, `pass`. Expressions: numbers,
//! strings, names, tuples and lists, arithmetic, bit operations, comparisons (chained too), `in`, `and`, `or`, `not`,
//! `a if c else b`, and `abs`, `min`, `max`, `int`, `round`, `len`. Anything else is an error, never a pass.

mod evaluate;
mod lexer;
mod parse;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use thiserror::Error;
pub(crate) use value::Value;

/// Names and what they stand for; what a script assigns stays for its later code.
pub(crate) type Names = BTreeMap<String, Value>;

/// Why code did not run to its end.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum CodeError {
    /// An assertion is false; what it said and its message.
    #[error("assertion failed: {0}")]
    Assertion(String),
    /// Python would raise an error too.
    #[error("{0}")]
    Invalid(String),
    /// Python may know it; here it is not supported.
    #[error("unsupported code: {0}")]
    Unsupported(String),
}

/// Runs `text` over `names`; what it prints is appended to `printed`.
pub(crate) fn run(
    text: &str,
    names: &mut Names,
    printed: &mut Vec<String>,
) -> Result<(), CodeError> {
    let statements = parse::statements(text)?;
    for statement in &statements {
        evaluate::execute(statement, names, printed)?;
    }
    Ok(())
}
