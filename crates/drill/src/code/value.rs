//! Values and how Python prints and compares them.

use std::cmp::Ordering;
use std::fmt;

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    /// A tuple or a list; scripts change neither.
    List(Vec<Value>),
}

/// A number, for arithmetic.
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

impl Value {
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Str(value) => !value.is_empty(),
            Self::List(items) => !items.is_empty(),
        }
    }

    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Self::Bool(value) => Some(Number::Int(i128::from(*value))),
            Self::Int(value) => Some(Number::Int(*value)),
            Self::Float(value) => Some(Number::Float(*value)),
            _ => None,
        }
    }

    pub(super) fn int(&self) -> Option<i128> {
        match self.number()? {
            Number::Int(value) => Some(value),
            Number::Float(_) => None,
        }
    }

    /// Order of numbers with numbers and strings with strings; none for what Python does not order.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self.number(), other.number()) {
            (Some(Number::Int(a)), Some(Number::Int(b))) => return Some(a.cmp(&b)),
            (Some(a), Some(b)) => return a.float().partial_cmp(&b.float()),
            _ => {}
        }
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            _ => self.order(other).map_or(self == other, Ordering::is_eq),
        }
    }

    /// As `repr` has it.
    pub(super) fn quoted(&self) -> String {
        match self {
            Self::Str(text) => format!("'{text}'"),
            other => other.to_string(),
        }
    }
}

impl Number {
    pub(super) fn float(&self) -> f64 {
        match self {
            Self::Int(value) => *value as f64,
            Self::Float(value) => *value,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(value) => f.write_str(value),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::quoted).collect();
                write!(f, "({})", items.join(", "))
            }
        }
    }
}
