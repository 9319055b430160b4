//! Congestion notification.

use super::{A_FIRST, Forged, PSH, Play, bare, data};
use crate::invariants::Rule;
use sockeye_tcp::{EcnMode, Phase, TimerKind};
use sockeye_wire::{Ecn, Flags};

fn play(mode: EcnMode) -> Play {
    let mut play = Play::new();
    play.says(|info| info.ecn = mode);
    assert_eq!(play.broken(), []);
    play
}

fn capable(at: u32, octets: &[u8]) -> Forged {
    Forged { ecn: Ecn::Ect0, ..data(at, octets) }
}

/// What B sends, as a queue leaves it.
fn marked(at: u32, octets: &[u8]) -> Forged {
    Forged { ecn: Ecn::Ce, ..data(at, octets) }
}

#[test]
fn only_new_data_of_two_ends_that_agree_is_capable() {
    let mut agreed = play(EcnMode::Classic);
    agreed.sends(&capable(1, b"abc"));
    assert_eq!(agreed.broken(), []);
    agreed.sends(&capable(1, b"abc"));
    assert_eq!(agreed.broken(), [Rule::Capable], "again");
    agreed.sends(&Forged { ecn: Ecn::Ect0, ..bare(4, 1) });
    assert_eq!(agreed.broken(), [Rule::Capable], "without data");
    let mut off = play(EcnMode::Off);
    off.sends(&capable(1, b"abc"));
    assert_eq!(off.broken(), [Rule::Capable]);
}

#[test]
fn a_mark_is_echoed_until_the_sender_has_heard() {
    let echo = |ack| Forged { flags: Flags::ACK | Flags::ECE, ..bare(1, ack) };
    let mut play = play(EcnMode::Classic);
    play.sends(&echo(1));
    assert_eq!(play.broken(), [Rule::Echoes], "of nothing");
    play.gets(&marked(1, &[0; 100]));
    play.says(|info| info.ecn_marks.1 = 1);
    play.sends(&echo(101));
    play.sends(&echo(101));
    assert_eq!(play.broken(), []);
    play.sends(&bare(1, 101));
    assert_eq!(play.broken(), [Rule::Echoes], "not yet heard");
    play.gets(&Forged { flags: Flags::ACK | PSH | Flags::CWR, ..data(101, &[0; 100]) });
    play.sends(&bare(1, 201));
    assert_eq!(play.broken(), []);
    play.sends(&echo(201));
    assert_eq!(play.broken(), [Rule::Echoes], "heard");
}

#[test]
fn accurate_counters_are_those_of_the_network() {
    let ace = |count: u16, octets: &[u32]| {
        let flags = Flags::from_bits(Flags::ACK.bits() | (count & 7) << 6);
        Forged { flags, octets: octets.to_vec(), ..bare(1, 301) }
    };
    let mut play = play(EcnMode::Accurate);
    play.gets(&marked(1, &[0; 100]));
    play.gets(&capable(101, &[0; 200]));
    play.says(|info| info.ecn_marks.1 = 1);
    play.sends(&ace(5 + 1, &[1 + 200, 100, 1]));
    assert_eq!(play.broken(), []);
    play.sends(&ace(5, &[]));
    assert_eq!(play.broken(), [Rule::Echoes]);
    play.sends(&ace(5 + 1, &[1 + 201]));
    assert_eq!(play.broken(), [Rule::Echoes], "an octet too much");
    play.sends(&ace(5 + 1, &[1 + 200, 99]));
    assert_eq!(play.broken(), [Rule::Echoes], "a marked one too few");
    play.says(|info| info.ecn_marks.1 = 2);
    assert_eq!(play.broken(), [Rule::Echoes], "what it says itself");
    // Refused perhaps: whether it was counted cannot be told.
    play.says(|info| info.ecn_marks.1 = 1);
    play.broken();
    play.gets(&marked(1, &[0; 100]));
    play.sends(&ace(5 + 1, &[]));
    play.sends(&ace(5 + 2, &[]));
    assert_eq!(play.broken(), []);
}

#[test]
fn a_sender_answers_marks_once_a_round_trip() {
    let mut play = play(EcnMode::Classic);
    play.sends(&data(1, &[0; 3_000]));
    play.has_sent(3_000);
    play.says(|info| {
        info.snd_una = A_FIRST + 1_001;
        info.ecn_marks.0 = 1;
    });
    assert_eq!(play.broken(), [Rule::Reduction]);
    play.says(|info| {
        info.snd_una = A_FIRST + 2_001;
        info.ecn_marks.0 = 2;
        info.phase = Phase::Reduced;
    });
    assert_eq!(play.broken(), []);
    play.sends(&data(3_001, &[0; 1_000]));
    assert_eq!(play.broken(), [Rule::Reduction], "the peer is not told");
    play.has_sent(4_000);
    play.sends(&data(4_001, &[0; 1_000]));
    play.has_sent(5_000);
    assert_eq!(play.broken(), [], "once is enough");
    play.says(|info| {
        info.phase = Phase::Open;
        info.snd_una = A_FIRST + 3_001;
        info.ecn_marks.0 = 3;
    });
    assert_eq!(play.broken(), [], "marked before it came down");
    play.sends(&data(5_001, &[0; 2_000]));
    play.has_sent(7_000);
    play.says(|info| {
        info.snd_una = A_FIRST + 6_001;
        info.ecn_marks.0 = 4;
    });
    assert_eq!(play.broken(), [Rule::Reduction], "and after");
}

#[test]
fn a_faithful_path_leaves_no_mark_unknown() {
    let mut play = play(EcnMode::Accurate);
    let field = |count: u16| Flags::from_bits(Flags::ACK.bits() | (count & 7) << 6);
    play.passes(true, &Forged { flags: field(5), ..marked(1, &[0; 1_000]) });
    play.has_sent(1_000);
    play.passes(false, &Forged { flags: field(6), ..bare(1, 1_001) });
    let acknowledged = |play: &mut Play, marks| {
        play.says(|info| {
            info.snd_una = A_FIRST + 1_001;
            info.in_flight = 0;
            info.retransmit_at = None;
            info.timer = TimerKind::Idle;
            info.phase = Phase::Reduced;
            info.ecn_marks.0 = marks;
        });
    };
    acknowledged(&mut play, 1);
    assert_eq!(play.monitor.take_breaches(), []);
    acknowledged(&mut play, 2);
    assert_eq!(play.broken(), [Rule::Echoes]);
}
