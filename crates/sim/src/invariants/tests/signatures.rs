//! Signed connections.

use super::{Forged, Play, bare, data};
use crate::invariants::Rule;

#[test]
fn a_connection_with_keys_signs_everything() {
    let mut play = Play::begun(true);
    play.sends(&Forged { is_signed: true, ..data(1, b"abc") });
    assert_eq!(play.broken(), []);
    play.sends(&data(4, b"def"));
    assert_eq!(play.broken(), [Rule::Signature]);
}

#[test]
fn what_its_peer_never_sent_is_nothing_to_it() {
    for is_signed in [false, true] {
        let mut play = Play::begun(true);
        play.gets(&Forged { is_signed, ..data(1, b"evil") });
        play.sends(&Forged { is_signed: true, ..bare(1, 5) });
        assert_eq!(play.broken(), [Rule::AckBeyondData]);
    }
    let mut play = Play::begun(true);
    play.passes(false, &Forged { is_signed: true, ..data(1, b"good") });
    play.sends(&Forged { is_signed: true, ..bare(1, 5) });
    assert_eq!(play.broken(), []);
}
