//! Vectors and ancillary data.

use super::super::symbols::int;
use super::size;
use crate::script::{Expr, MsgHdr};
use sockeye_posix::ControlMessage;

/// Ancillary data that is expected.
pub(super) struct Control {
    level: i32,
    kind: i32,
    data: i32,
}

/// Lengths of the vectors of `readv` and `writev`.
pub(super) fn iovecs(vectors: &Expr, count: &Expr) -> Result<Vec<usize>, String> {
    let Expr::List(items) = vectors else { return Err("an array of vectors is expected".into()) };
    let lengths: Result<Vec<usize>, String> = items
        .iter()
        .map(|item| match item {
            Expr::Iovec(len) => Ok(*len as usize),
            _ => Err("{..., length} is expected".into()),
        })
        .collect();
    let lengths = lengths?;
    if lengths.len() == size(count)? {
        Ok(lengths)
    } else {
        Err("the number of vectors is not that of the array".into())
    }
}

/// What a `msghdr` expects of `msg_control`.
pub(super) fn control_of(message: &MsgHdr) -> Result<Vec<Control>, String> {
    message.control.iter().map(control).collect()
}

fn control(expression: &Expr) -> Result<Control, String> {
    let Expr::Cmsg { level, kind, data } = expression else {
        return Err("a cmsg is expected".into());
    };
    let data = match &**data {
        // They come from queues that the socket layer does not have.
        Expr::Timestamping { .. } | Expr::ExtendedError(_) => {
            return Err("unsupported: time stamps and error queues".into());
        }
        other => int(other)?,
    };
    Ok(Control { level: int(level)?, kind: int(kind)?, data })
}

/// Compares ancillary data, in order.
pub(super) fn check_control(expected: &[Control], actual: &[ControlMessage]) -> Result<(), String> {
    if expected.len() != actual.len() {
        return Err(format!(
            "control messages: expected {}, actual {}",
            expected.len(),
            actual.len()
        ));
    }
    for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
        if (expected.level, expected.kind) != (actual.level, actual.kind) {
            return Err(format!(
                "control message {index}: expected level {} type {}, actual level {} type {}",
                expected.level, expected.kind, actual.level, actual.kind
            ));
        }
        if actual.data != expected.data.to_ne_bytes() {
            return Err(format!(
                "control message {index}: expected {}, actual octets {:?}",
                expected.data, actual.data
            ));
        }
    }
    Ok(())
}
