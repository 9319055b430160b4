//! ECN in the handshake (RFC 3168 §6.1.1, RFC 9768 §3.1).

use super::{Accurate, Classic, Ecn, EcnConfig, EcnMode, Feedback};
use alloc::boxed::Box;
use sockeye_wire::{Ecn as Codepoint, Flags};

/// AE, CWR and ECE as a number.
pub(super) fn ace(flags: Flags) -> u8 {
    (flags.bits() >> 6 & 7) as u8
}

/// A number as AE, CWR and ECE.
pub(super) fn ace_flags(ace: u8) -> Flags {
    Flags::from_bits(u16::from(ace & 7) << 6)
}

/// How an end feeds back the codepoint that a SYN or SYN-ACK arrived with (RFC 9768 §3.1.2, table 2).
fn reflection(arrived: Codepoint) -> u8 {
    match arrived {
        Codepoint::NotEct => 0b010,
        Codepoint::Ect1 => 0b011,
        Codepoint::Ect0 => 0b100,
        Codepoint::Ce => 0b110,
    }
}

/// Flags of our SYN. After timeouts nothing is asked for any more, because a middlebox may drop what it does not know
/// (RFC 3168 §6.1.1.1; RFC 9768 §3.1.4.1: once more for accurate ECN).
pub(crate) fn offer(request: EcnMode, retransmissions: u8) -> Flags {
    match request {
        EcnMode::Classic if retransmissions == 0 => Flags::ECE | Flags::CWR,
        EcnMode::Accurate if retransmissions <= 1 => Flags::AE | Flags::CWR | Flags::ECE,
        _ => Flags::NONE,
    }
}

/// What the SYN asks for, as far as we accept it.
pub(crate) fn offered(accept: EcnMode, syn: Flags) -> EcnMode {
    let wanted = match ace(syn) {
        0b011 => EcnMode::Classic,
        0b111 => EcnMode::Accurate,
        _ => EcnMode::Off,
    };
    wanted.min(accept)
}

/// Flags of our SYN-ACK to a SYN that arrived with `arrived`, sent again so many times.
pub(crate) fn answer_flags(mode: EcnMode, arrived: Codepoint, retransmissions: u8) -> Flags {
    match mode {
        EcnMode::Off => Flags::NONE,
        EcnMode::Classic => Flags::ECE,
        // RFC 9768 §3.2.3.2.2: the second time even the flags may be what does not get through.
        EcnMode::Accurate if retransmissions >= 2 => Flags::NONE,
        EcnMode::Accurate => ace_flags(reflection(arrived)),
    }
}

/// The client's side of what the handshake agreed on: our SYN asked for `requested`, the SYN-ACK has `syn_ack` and arrived with
/// `arrived`.
pub(crate) fn answered(
    config: EcnConfig,
    requested: Flags,
    syn_ack: Flags,
    arrived: Codepoint,
) -> Feedback {
    let accurate = |tampered| {
        let (code, marked) = (reflection(arrived), arrived == Codepoint::Ce);
        let state = Accurate::client(config.option, code, marked, tampered);
        Some(Box::new(Ecn::Accurate(state)))
    };
    match (ace(requested), ace(syn_ack)) {
        (0b011 | 0b111, 0b001) => Some(Box::new(Ecn::Classic(Classic::default()))),
        // 101 is reserved: as if the SYN had arrived without a mark (RFC 9768 §3.1.3).
        (0b111, 0b010 | 0b101) => accurate(false),
        // Our SYN was not ECN-capable: somebody changes the field, and would change it on data (RFC 9768 §3.2.2.3).
        (0b111, 0b011 | 0b100 | 0b110) => accurate(true),
        _ => None,
    }
}

/// The server's side, when the third segment has come.
pub(crate) fn accepted(config: EcnConfig, mode: EcnMode, retransmissions: u8) -> Feedback {
    match mode {
        EcnMode::Off => None,
        EcnMode::Classic => Some(Box::new(Ecn::Classic(Classic::default()))),
        EcnMode::Accurate => {
            let state = Accurate::server(config.option, retransmissions >= 2);
            Some(Box::new(Ecn::Accurate(state)))
        }
    }
}
