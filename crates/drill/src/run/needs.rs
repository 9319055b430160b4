//! What a script may need that is no part of TCP.

use crate::script::{Action, Expr, Script};

/// Names by which a script shows what it needs.
const FOREIGN: [(&str, &str); 5] = [
    ("MSG_ZEROCOPY", "needs MSG_ZEROCOPY"),
    ("SO_ZEROCOPY", "needs MSG_ZEROCOPY"),
    ("SO_TIMESTAMPING", "needs packet time stamps"),
    ("SOCK_DGRAM", "needs UDP"),
    ("SOCK_RAW", "needs raw sockets"),
];

/// The reason why a script is not run, if it needs such a thing.
pub(super) fn foreign(script: &Script) -> Option<&'static str> {
    script.events.iter().find_map(|event| match &event.action {
        Action::Call(call) if call.name.starts_with("psp_") => Some("needs PSP"),
        Action::Call(call) => call.arguments.iter().find_map(named),
        _ => None,
    })
}

fn named(expression: &Expr) -> Option<&'static str> {
    match expression {
        Expr::Word(word) => FOREIGN.iter().find(|(name, _)| name == word).map(|(_, need)| *need),
        Expr::Or(left, right) => named(left).or_else(|| named(right)),
        Expr::List(items) | Expr::Braces(items) => items.iter().find_map(named),
        Expr::MsgHdr(message) => named(&message.flags),
        _ => None,
    }
}
