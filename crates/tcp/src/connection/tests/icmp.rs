//! What ICMP may do to a connection (RFC 9293 §3.9.2.2, RFC 5461, RFC 5927), and the path's MTU (RFC 1191, RFC 8201).

use super::harness::*;
use crate::{Config, Connection, Error, Events, IcmpError, MtuProbing};
use core::time::Duration;
use sockeye_wire::{Flags, SeqNumber, StateName};

const EVERY: [IcmpError; 7] = [
    IcmpError::NetworkUnreachable,
    IcmpError::HostUnreachable,
    IcmpError::ProtocolUnreachable,
    IcmpError::PortUnreachable,
    IcmpError::AdministrativelyProhibited,
    IcmpError::TimeExceeded,
    IcmpError::ParameterProblem,
];

fn is_hard(error: IcmpError) -> bool {
    matches!(
        error,
        IcmpError::ProtocolUnreachable
            | IcmpError::PortUnreachable
            | IcmpError::AdministrativelyProhibited
    )
}

/// Established, 1,000 octets in flight.
fn sending(config: Config) -> Solo {
    let mut solo = Solo::established(config);
    solo.connection.write(solo.now, &[1; 1_000]).unwrap();
    assert_eq!(solo.drain().len(), 1);
    solo.connection.take_events();
    solo
}

/// RFC 9293 SHLD-26: in SYN-SENT hard errors end the attempt; MUST-56: soft ones never do, and SHLD-25: they are told.
#[test]
fn syn_sent_ends_at_hard_errors() {
    for error in EVERY {
        let mut solo = Solo::syn_sent(Solo::config());
        solo.connection.on_icmp(error, ISS_A);
        if is_hard(error) {
            assert_eq!(solo.connection.state(), StateName::Closed, "{error:?}");
            assert!(solo.connection.error().is_some());
        } else {
            assert_eq!(solo.connection.state(), StateName::SynSent, "{error:?}");
            assert!(solo.connection.soft_error().is_some());
            assert!(solo.connection.take_events().intersects(Events::SOFT_ERROR));
            // The attempt goes on.
            assert_eq!(solo.on(segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"")), None);
            assert_eq!(solo.connection.state(), StateName::Established);
        }
    }
}

/// RFC 5461 §4.1: who has other addresses to try wants to know at once.
#[test]
fn soft_errors_end_an_opening_if_told_to() {
    for error in EVERY {
        let config = Config { soft_errors_end_opening: true, ..Solo::config() };
        let mut solo = Solo::syn_sent(config.clone());
        solo.connection.on_icmp(error, ISS_A);
        assert_eq!(solo.connection.state(), StateName::Closed, "{error:?}");
        let mut solo = sending(config);
        solo.connection.on_icmp(error, ISS_A + 1);
        assert_eq!(solo.connection.state(), StateName::Established);
    }
}

/// RFC 9293 SHLD-26: after our SYN crossed the peer's too.
#[test]
fn syn_received_ends_at_hard_errors() {
    for error in EVERY {
        let mut solo = Solo::syn_sent(Solo::config());
        assert_eq!(solo.on(segment(Flags::SYN, ISS_B, SeqNumber(0), b"")), None);
        assert_eq!(solo.connection.state(), StateName::SynReceived);
        solo.connection.on_icmp(error, ISS_A + 7);
        assert_eq!(solo.connection.state(), StateName::SynReceived);
        solo.connection.on_icmp(error, ISS_A);
        let expected = if is_hard(error) { StateName::Closed } else { StateName::SynReceived };
        assert_eq!(solo.connection.state(), expected, "{error:?}");
    }
}

/// RFC 5461, RFC 5927 §5: in the synchronized states no error aborts, hard ones neither (RFC 9293 MUST-56).
#[test]
fn synchronized_states_survive_every_error() {
    type Advance = fn(&mut Solo);
    let states: [(StateName, Advance); 5] = [
        (StateName::Established, |_| {}),
        (StateName::FinWait1, |solo| solo.connection.shutdown(solo.now)),
        (StateName::CloseWait, |solo| {
            solo.on(segment(Flags::FIN | Flags::ACK, ISS_B + 1, ISS_A + 1, b""));
        }),
        (StateName::LastAck, |solo| {
            solo.on(segment(Flags::FIN | Flags::ACK, ISS_B + 1, ISS_A + 1, b""));
            solo.connection.shutdown(solo.now);
        }),
        (StateName::Closing, |solo| {
            solo.connection.shutdown(solo.now);
            solo.on(segment(Flags::FIN | Flags::ACK, ISS_B + 1, ISS_A + 1, b""));
        }),
    ];
    for (state, advance) in states {
        for error in EVERY {
            let mut solo = sending(Solo::config());
            advance(&mut solo);
            solo.connection.on_icmp(error, ISS_A + 1);
            assert_eq!(solo.connection.state(), state, "{error:?}");
            assert!(solo.connection.soft_error().is_some(), "{error:?} in {state:?}");
        }
    }
}

/// RFC 5927 §4: SND.UNA ≤ SEG.SEQ < SND.NXT.
#[test]
fn only_what_is_in_the_network_can_have_failed() {
    let before = (ISS_A, 1_460);
    for (quoted, believed) in
        [(ISS_A, false), (ISS_A + 1, true), (ISS_A + 1_000, true), (ISS_A + 1_001, false)]
    {
        let mut solo = sending(Solo::config());
        solo.connection.on_icmp(IcmpError::HostUnreachable, quoted);
        assert_eq!(solo.connection.soft_error().is_some(), believed, "{quoted:?}");
        solo.connection.on_path_mss(800, quoted);
        let expected = if believed { 800 } else { before.1 };
        assert_eq!(solo.connection.info().send_mss, expected);
    }
}

/// RFC 9293 MUST-47: R2's report says what was last heard; but not what progress has disproved since.
#[test]
fn the_last_soft_error_explains_a_timeout() {
    for progress in [false, true] {
        let config = Config { retries: 3, ..Solo::config() };
        let mut solo = sending(config);
        solo.connection.on_icmp(IcmpError::NetworkUnreachable, ISS_A + 1);
        solo.connection.on_icmp(IcmpError::HostUnreachable, ISS_A + 1);
        if progress {
            solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 501, b""));
            assert_eq!(solo.connection.soft_error(), None);
        }
        solo.wait(Duration::from_secs(60));
        let expected = if progress { Error::TimedOut } else { Error::HostUnreachable };
        assert_eq!(solo.connection.error(), Some(expected));
    }
}

/// RFC 1191 §6.4: everything in flight goes again at once in smaller pieces, without a word to congestion control.
#[test]
fn a_report_of_a_narrower_path_is_no_congestion() {
    let mut solo = Solo::established(Solo::config());
    solo.connection.write(solo.now, &[1; 2_920]).unwrap();
    assert_eq!(solo.drain().len(), 2);
    let before = solo.connection.info().congestion_window;
    solo.connection.on_path_mss(1_000, ISS_A + 1);
    let again: std::vec::Vec<_> = solo.drain().iter().map(|sent| sent.payload.len()).collect();
    assert_eq!(again.iter().sum::<usize>(), 2_920);
    assert!(again.iter().all(|len| *len <= 1_000), "{again:?}");
    assert_eq!(solo.connection.info().congestion_window, before);
    assert_eq!(solo.connection.info().receive_mss, MSS, "what we receive is another matter");
}

/// RFC 5927 §7.2: once segments of that size have arrived, a report needs the timer's word.
#[test]
fn a_report_may_need_confirmation() {
    let config = || {
        let mtu_probing = MtuProbing::Off;
        Config { confirm_path_mtu: true, mtu_probing, ..Solo::config() }
    };
    let arrived = || {
        let mut solo = Solo::established(config());
        solo.connection.write(solo.now, &[1; 1_460]).unwrap();
        solo.drain();
        solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 1_461, b""));
        solo.connection.write(solo.now, &[2; 1_460]).unwrap();
        solo.drain();
        solo.connection.on_path_mss(700, ISS_A + 1_461);
        assert_eq!(solo.connection.info().send_mss, 1_460, "not yet");
        solo
    };
    // It was true: the segment is lost.
    let mut solo = arrived();
    let sent = solo.wait(Duration::from_secs(10));
    assert!(sent.iter().any(|(_, sent)| sent.payload.len() == 700));
    assert_eq!(solo.connection.info().send_mss, 700);
    // It was a lie: the segment arrived.
    let mut solo = arrived();
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 2_921, b""));
    solo.connection.write(solo.now, &[3; 1_460]).unwrap();
    solo.wait(Duration::from_secs(10));
    assert_eq!(solo.connection.info().send_mss, 1_460);
    // Nothing of that size has arrived ever: the first discovery is not slowed down.
    let mut solo = Solo::established(config());
    solo.connection.write(solo.now, &[1; 1_460]).unwrap();
    solo.drain();
    solo.connection.on_path_mss(700, ISS_A + 1);
    assert_eq!(solo.connection.info().send_mss, 700);
}

/// RFC 6691, RFC 9293 MUST-67: what the path carries is kept from the peer, and bounds what is sent from the first segment on.
#[test]
fn a_known_path_is_not_advertised() {
    let now = sockeye_wire::Instant::from_millis(5_000);
    let opening = crate::Opening { path_mss: 900, ..opening(ISS_A) };
    let mut connection = Connection::connect(std::sync::Arc::new(Solo::config()), opening, now);
    let syn = deliver(&connection.poll_transmit(now, 0).unwrap(), now);
    assert_eq!(syn.options.mss, Some(MSS));
    let mut solo = Solo { now, connection };
    let mut syn_ack = segment(Flags::SYN_ACK, ISS_B, ISS_A + 1, b"");
    syn_ack.options.mss = Some(MSS);
    solo.on(syn_ack);
    assert_eq!(solo.connection.info().send_mss, 900);
    // The host learns that the path is wider again, up to what the peer takes, or narrower than ever.
    for (path, expected) in [(1_200, 1_200), (9_000, MSS), (600, 600)] {
        solo.connection.set_path_mss(path);
        assert_eq!(solo.connection.info().send_mss, expected);
    }
}
