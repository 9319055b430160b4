//! Statements to effects.

use super::parse::{Statement, Tree};
use super::value::Number;
use super::{CodeError, Names, Value};
use std::cmp::Ordering;

pub(super) fn execute(
    statement: &Statement,
    names: &mut Names,
    printed: &mut Vec<String>,
) -> Result<(), CodeError> {
    match statement {
        Statement::Assert { condition, message, text } => {
            if evaluate(condition, names)?.is_true() {
                return Ok(());
            }
            let mut told = text.clone();
            if let Some(message) = message {
                told.push_str(&format!(" ({})", evaluate(message, names)?));
            }
            Err(CodeError::Assertion(told))
        }
        Statement::Assign { name, operator, value } => {
            let mut value = evaluate(value, names)?;
            if let Some(operator) = operator {
                value = arithmetic(operator, &lookup(name, names)?, &value)?;
            }
            names.insert(name.clone(), value);
            Ok(())
        }
        Statement::Print(items) => {
            let items: Result<Vec<String>, CodeError> =
                items.iter().map(|item| Ok(evaluate(item, names)?.to_string())).collect();
            printed.push(items?.join(" "));
            Ok(())
        }
        Statement::Expression(tree) => evaluate(tree, names).map(drop),
    }
}

fn lookup(name: &str, names: &Names) -> Result<Value, CodeError> {
    names
        .get(name)
        .cloned()
        .ok_or_else(|| CodeError::Invalid(format!("name `{name}` is not defined")))
}

fn evaluate(tree: &Tree, names: &Names) -> Result<Value, CodeError> {
    Ok(match tree {
        Tree::Constant(value) => value.clone(),
        Tree::Name(name) => lookup(name, names)?,
        Tree::List(items) => {
            Value::List(items.iter().map(|item| evaluate(item, names)).collect::<Result<_, _>>()?)
        }
        Tree::Unary("not", operand) => Value::Bool(!evaluate(operand, names)?.is_true()),
        Tree::Unary(operator, operand) => unary(operator, &evaluate(operand, names)?)?,
        Tree::Binary(operator, left, right) => {
            arithmetic(operator, &evaluate(left, names)?, &evaluate(right, names)?)?
        }
        Tree::And(left, right) => {
            let left = evaluate(left, names)?;
            if left.is_true() { evaluate(right, names)? } else { left }
        }
        Tree::Or(left, right) => {
            let left = evaluate(left, names)?;
            if left.is_true() { left } else { evaluate(right, names)? }
        }
        Tree::Compare(first, others) => {
            let mut left = evaluate(first, names)?;
            for (operator, right) in others {
                let right = evaluate(right, names)?;
                if !compare(operator, &left, &right)? {
                    return Ok(Value::Bool(false));
                }
                left = right;
            }
            Value::Bool(true)
        }
        Tree::Choose(condition, yes, no) => {
            evaluate(if evaluate(condition, names)?.is_true() { yes } else { no }, names)?
        }
        Tree::Call(function, arguments) => {
            let arguments: Vec<Value> = arguments
                .iter()
                .map(|argument| evaluate(argument, names))
                .collect::<Result<_, _>>()?;
            call(function, &arguments)?
        }
    })
}

fn unary(operator: &str, operand: &Value) -> Result<Value, CodeError> {
    let bad = || CodeError::Invalid(format!("`{operator}` of {}", operand.quoted()));
    Ok(match (operator, operand.number().ok_or_else(bad)?) {
        ("-", Number::Int(value)) => Value::Int(-value),
        ("-", Number::Float(value)) => Value::Float(-value),
        ("~", Number::Int(value)) => Value::Int(!value),
        ("+", Number::Int(value)) => Value::Int(value),
        ("+", Number::Float(value)) => Value::Float(value),
        _ => return Err(bad()),
    })
}

fn arithmetic(operator: &str, left: &Value, right: &Value) -> Result<Value, CodeError> {
    let bad = || CodeError::Invalid(format!("{} {operator} {}", left.quoted(), right.quoted()));
    match (operator, left, right) {
        ("%", Value::Str(format), _) => return format_text(format, right).map(Value::Str),
        ("+", Value::Str(a), Value::Str(b)) => return Ok(Value::Str(format!("{a}{b}"))),
        _ => {}
    }
    let (Some(a), Some(b)) = (left.number(), right.number()) else { return Err(bad()) };
    if let (Number::Int(a), Number::Int(b)) = (&a, &b)
        && operator != "/"
    {
        let shift = || u32::try_from(*b).ok();
        let value = match operator {
            "+" => a.checked_add(*b),
            "-" => a.checked_sub(*b),
            "*" => a.checked_mul(*b),
            "//" => (*b != 0).then(|| {
                (a - a.rem_euclid(*b) - if *b < 0 && a.rem_euclid(*b) != 0 { *b } else { 0 }) / b
            }),
            "%" => (*b != 0).then(|| {
                let rest = a.rem_euclid(*b);
                if *b < 0 && rest != 0 { rest + b } else { rest }
            }),
            "**" => shift().and_then(|power| a.checked_pow(power)),
            "<<" => shift()
                .and_then(|bits| 1_i128.checked_shl(bits))
                .and_then(|factor| a.checked_mul(factor)),
            ">>" => shift().map(|bits| a.checked_shr(bits).unwrap_or(if *a < 0 { -1 } else { 0 })),
            "&" => Some(a & b),
            "|" => Some(a | b),
            "^" => Some(a ^ b),
            _ => None,
        };
        return value.map(Value::Int).ok_or_else(bad);
    }
    let (a, b) = (a.float(), b.float());
    let value = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" if b != 0.0 => a / b,
        "//" if b != 0.0 => (a / b).floor(),
        "%" if b != 0.0 => a - b * (a / b).floor(),
        "**" => a.powf(b),
        _ => return Err(bad()),
    };
    Ok(Value::Float(value))
}

fn compare(operator: &str, left: &Value, right: &Value) -> Result<bool, CodeError> {
    let ordered = || {
        left.order(right).ok_or_else(|| {
            CodeError::Invalid(format!("{} {operator} {}", left.quoted(), right.quoted()))
        })
    };
    Ok(match operator {
        "==" => left.equals(right),
        "!=" => !left.equals(right),
        "<" => ordered()? == Ordering::Less,
        "<=" => ordered()? != Ordering::Greater,
        ">" => ordered()? == Ordering::Greater,
        ">=" => ordered()? != Ordering::Less,
        "in" => contains(left, right)?,
        "not in" => !contains(left, right)?,
        "is" if *right == Value::None => *left == Value::None,
        "is not" if *right == Value::None => *left != Value::None,
        _ => return Err(CodeError::Unsupported(format!("`{operator}`"))),
    })
}

fn contains(item: &Value, container: &Value) -> Result<bool, CodeError> {
    match (item, container) {
        (_, Value::List(items)) => Ok(items.iter().any(|other| item.equals(other))),
        (Value::Str(part), Value::Str(whole)) => Ok(whole.contains(part.as_str())),
        _ => Err(CodeError::Invalid(format!("{} in {}", item.quoted(), container.quoted()))),
    }
}

fn call(function: &str, arguments: &[Value]) -> Result<Value, CodeError> {
    let bad = || {
        CodeError::Unsupported(format!("{function}() of {} arguments like this", arguments.len()))
    };
    match (function, arguments) {
        ("abs", [value]) => match value.number().ok_or_else(bad)? {
            Number::Int(value) => Ok(Value::Int(value.abs())),
            Number::Float(value) => Ok(Value::Float(value.abs())),
        },
        ("int", [value]) => match value.number().ok_or_else(bad)? {
            Number::Int(value) => Ok(Value::Int(value)),
            Number::Float(value) => Ok(Value::Int(value.trunc() as i128)),
        },
        ("round", [value]) => match value.number().ok_or_else(bad)? {
            Number::Int(value) => Ok(Value::Int(value)),
            Number::Float(value) => Ok(Value::Int(value.round_ties_even() as i128)),
        },
        ("str", [value]) => Ok(Value::Str(value.to_string())),
        ("len", [Value::List(items)]) => Ok(Value::Int(items.len() as i128)),
        ("len", [Value::Str(text)]) => Ok(Value::Int(text.chars().count() as i128)),
        ("min" | "max", [Value::List(items)]) if !items.is_empty() => {
            extreme(function, items).ok_or_else(bad)
        }
        ("min" | "max", [_, _, ..]) => extreme(function, arguments).ok_or_else(bad),
        ("abs" | "int" | "round" | "str" | "len" | "min" | "max", _) => Err(bad()),
        _ => Err(CodeError::Unsupported(format!("function `{function}`"))),
    }
}

fn extreme(function: &str, items: &[Value]) -> Option<Value> {
    let wanted = if function == "min" { Ordering::Less } else { Ordering::Greater };
    let mut best = items.first()?;
    for item in items {
        if item.order(best)? == wanted {
            best = item;
        }
    }
    Some(best.clone())
}

/// `'%d of %s' % (a, b)`
fn format_text(format: &str, values: &Value) -> Result<String, CodeError> {
    let single = std::slice::from_ref(values);
    let mut values = match values {
        Value::List(items) => items.iter(),
        _ => single.iter(),
    };
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let conversion = letters.next();
        if conversion == Some('%') {
            text.push('%');
            continue;
        }
        let few = || CodeError::Invalid("not enough arguments for a format".into());
        let value = values.next().ok_or_else(few)?;
        let number = || {
            value
                .int()
                .ok_or_else(|| CodeError::Invalid(format!("{} is no number", value.quoted())))
        };
        match conversion {
            Some('s') => text.push_str(&value.to_string()),
            Some('r') => text.push_str(&value.quoted()),
            Some('d' | 'u' | 'i') => text.push_str(&number()?.to_string()),
            Some('x') => text.push_str(&format!("{:x}", number()?)),
            Some('f') => {
                let number =
                    value.number().ok_or_else(|| CodeError::Invalid("no number".into()))?;
                text.push_str(&format!("{:.6}", number.float()));
            }
            _ => return Err(CodeError::Unsupported(format!("the format `{format}`"))),
        }
    }
    if values.next().is_some() {
        return Err(CodeError::Invalid("not all arguments of a format are used".into()));
    }
    Ok(text)
}
