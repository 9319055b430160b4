use super::*;

/// What no figure shows is refused.
#[test]
fn some_states_never_follow() {
    for (from, to) in [
        (Listen, Established),
        (Established, TimeWait),
        (CloseWait, FinWait1),
        (Closed, Established),
    ] {
        assert!(!follows(from, to, false), "{from} → {to}");
        assert!(!follows(from, to, true), "{from} → {to}");
    }
    assert!(!follows(Established, Closed, false));
    assert!(follows(Established, Closed, true));
}

#[test]
fn some_flags_never_go_together() {
    for flags in [Flags::SYN | Flags::FIN, Flags::RST | Flags::SYN, Flags::FIN, Flags::PSH] {
        assert!(!may_be_sent(flags), "{flags:?}");
    }
    for flags in [Flags::SYN, Flags::SYN_ACK, Flags::RST, Flags::FIN | Flags::ACK] {
        assert!(may_be_sent(flags), "{flags:?}");
    }
}
