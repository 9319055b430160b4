//! Fast Open (RFC 7413): the client against segments written by hand, the server likewise, and both against each other.

use super::harness::*;
use crate::fast_open::{FastOpenKeys, FastOpenReport, KeyUsed};
use crate::{
    Config, Connection, Endpoints, Error, Events, FastOpenCookie, FastOpenFailure, FastOpenOption,
    FastOpenStart, HalfOpen, Segment, Transmit,
};
use core::time::Duration;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

const COOKIE: [u8; 4] = [0xab, 0xcd, 0x12, 0x34];

fn cookie() -> FastOpenCookie {
    FastOpenCookie::new(&COOKIE).unwrap()
}

fn show(mss: u16) -> FastOpenStart {
    FastOpenStart::Show { cookie: cookie(), experimental: false, mss }
}

/// A client whose SYN was taken from it.
fn client(config: Config, start: FastOpenStart, data: &[u8]) -> (Solo, Transmit, usize) {
    let now = Instant::from_millis(5_000);
    let (mut connection, taken) =
        Connection::connect_fast_open(Arc::new(config), opening(ISS_A), start, data, now);
    let syn = connection.poll_transmit(now, 0).unwrap();
    assert_eq!((syn.header.flags, syn.header.seq), (Flags::SYN, ISS_A));
    assert!(connection.poll_transmit(now, 0).is_none());
    (Solo { now, connection }, syn, taken)
}

fn syn_ack(ack: u32, option: Option<FastOpenOption>) -> Segment {
    let mut segment = segment(Flags::SYN_ACK, ISS_B, ISS_A + ack, b"");
    segment.options.mss = Some(MSS);
    segment.options.fast_open = option.map(Box::new);
    segment
}

fn option_of(transmit: &Transmit) -> Option<FastOpenOption> {
    deliver(transmit, Instant::ZERO).options.fast_open.map(|option| *option)
}

fn data(sent: &[Transmit]) -> Vec<(u32, usize)> {
    let with_data = sent.iter().filter(|transmit| !transmit.payload.is_empty());
    with_data.map(|sent| (sent.header.seq.since(ISS_A), sent.payload.len())).collect()
}

/// RFC 7413 §4.1.1: both forms, and what is no cookie.
#[test]
fn options_in_both_forms() {
    for experimental in [false, true] {
        for len in [4, 6, 8, 16] {
            let cookie = FastOpenCookie::new(&[7; 16][..len]).unwrap();
            let start = FastOpenStart::Show { cookie, experimental, mss: 1_460 };
            let (_, syn, _) = client(Config::default(), start, b"");
            assert_eq!(
                option_of(&syn),
                Some(FastOpenOption { cookie: Some(cookie), experimental })
            );
            assert!(syn.header.options.as_slice().len().is_multiple_of(4));
        }
        let (_, syn, taken) = client(Config::default(), FastOpenStart::Ask { experimental }, b"x");
        assert_eq!(option_of(&syn), Some(FastOpenOption { cookie: None, experimental }));
        assert_eq!((taken, syn.payload.len()), (0, 0));
    }
    for bad in [&[1; 2][..], &[1; 5], &[1; 18], &[]] {
        assert_eq!(FastOpenCookie::new(bad), None);
    }
}

/// RFC 7413 §4.2.1: data up to the server's MSS, less room for options; the SYN-ACK acknowledges it all.
#[test]
fn data_on_the_syn() {
    for (mss, expected) in [(1_460, 1_420), (940, 900), (10_000, 1_420)] {
        let (mut solo, syn, taken) = client(Solo::config(), show(mss), &[7; 5_000]);
        assert_eq!((taken, syn.payload.len()), (expected, expected));
        assert_eq!(solo.connection.info().snd_nxt, ISS_A + 1 + expected as u32);
        solo.now += Duration::from_millis(30);
        assert_eq!(solo.on(syn_ack(1 + expected as u32, None)), None);
        let sent = solo.drain();
        assert_eq!(data(&sent), []);
        assert_eq!(sent[0].header.seq, ISS_A + 1 + expected as u32);
        let info = solo.connection.info();
        assert!(info.syn_data_acked);
        assert_eq!(info.fast_open_failure, FastOpenFailure::None);
        assert_eq!(info.rtt, Some(Duration::from_millis(30)));
        assert_eq!(info.bytes_acked, expected as u64);
        assert_eq!(solo.connection.unacknowledged(), 0);
    }
}

/// RFC 7413 §4.2.1: data that the SYN-ACK does not acknowledge goes again at once, without any penalty.
#[test]
fn only_the_syn_is_acknowledged() {
    let (mut solo, _, _) = client(Solo::config(), show(1_460), &[7; 700]);
    let window_before = Solo::established(Solo::config()).connection.info().congestion_window;
    solo.on(syn_ack(1, Some(FastOpenOption { cookie: Some(cookie()), experimental: false })));
    assert_eq!(data(&solo.drain()), [(1, 700)]);
    let info = solo.connection.info();
    assert_eq!(info.congestion_window, window_before);
    assert!(!info.syn_data_acked);
    assert_eq!(info.fast_open_failure, FastOpenFailure::DataNotAcked);
    let report = solo.connection.take_fast_open_report().unwrap();
    let expected = FastOpenReport {
        mss: MSS,
        cookie: Some((cookie(), false)),
        syn_lost: false,
        refused: None,
    };
    assert_eq!(report, expected);
    solo.on(segment(Flags::ACK, ISS_B + 1, ISS_A + 701, b""));
    assert_eq!(solo.connection.unacknowledged(), 0);
}

#[test]
fn part_of_the_data_is_acknowledged() {
    let (mut solo, _, _) = client(Solo::config(), show(1_460), &[7; 18]);
    solo.on(syn_ack(10, None));
    assert_eq!(data(&solo.drain()), [(10, 9)]);
    assert!(!solo.connection.info().syn_data_acked);
}

/// RFC 9293 §3.10.7.3 with data on the SYN: what was never sent cannot be acknowledged.
#[test]
fn more_than_the_data_is_acknowledged() {
    let (mut solo, _, _) = client(Solo::config(), show(1_460), &[7; 100]);
    let reset = solo.on(syn_ack(102, None)).unwrap();
    assert_eq!(reset.seq, ISS_A + 102);
    assert_eq!(solo.connection.state(), StateName::SynSent);
    assert_eq!(solo.connection.take_fast_open_report(), None);
}

/// RFC 7413 §4.2.1: a SYN that is sent again has neither data nor option. That it was lost, and the data with it, is a negative
/// answer when repeated (§4.1.3).
#[test]
fn a_lost_syn_goes_again_plain() {
    let (mut solo, _, _) = client(Solo::config(), show(1_460), &[7; 1_000]);
    let sent = solo.wait(Duration::from_millis(1_500));
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].1.payload.len(), option_of(&sent[0].1)), (0, None));
    solo.on(syn_ack(1, None));
    assert_eq!(data(&solo.drain()), [(1, 1_000)]);
    assert_eq!(solo.connection.info().fast_open_failure, FastOpenFailure::SynRetransmitted);
    assert!(solo.connection.take_fast_open_report().unwrap().syn_lost);

    // The SYN was not lost, only the answer late.
    let (mut solo, _, _) = client(Solo::config(), show(1_460), &[7; 1_000]);
    solo.wait(Duration::from_millis(1_500));
    solo.on(syn_ack(1_001, None));
    assert!(solo.connection.info().syn_data_acked);
    assert!(!solo.connection.take_fast_open_report().unwrap().syn_lost);
}

/// A cookie asked for in vain is asked for in the other form next time; one not asked for is not kept.
#[test]
fn what_the_cache_learns() {
    for experimental in [false, true] {
        let (mut solo, _, _) =
            client(Solo::config(), FastOpenStart::Ask { experimental }, b"ignored");
        assert_eq!(solo.connection.info().fast_open_failure, FastOpenFailure::CookieUnavailable);
        solo.on(syn_ack(1, None));
        let report = solo.connection.take_fast_open_report().unwrap();
        assert_eq!(report.refused, Some(experimental));
    }
    let (mut solo, syn, taken) =
        client(Solo::config(), FastOpenStart::WithoutCookie { mss: None }, &[7; 1_000]);
    assert_eq!((option_of(&syn), taken), (None, 1_000));
    solo.on(syn_ack(1_001, Some(FastOpenOption { cookie: Some(cookie()), experimental: false })));
    let report = solo.connection.take_fast_open_report().unwrap();
    assert_eq!((report.cookie, report.refused, report.syn_lost), (None, None, false));
    assert!(solo.connection.info().syn_data_acked);
}

/// RFC 7413 §4.2.1: a SYN-ACK may carry data too, and the end of it.
#[test]
fn data_on_the_syn_ack() {
    let (mut solo, _, _) = client(Solo::config(), show(1_460), &[7; 10]);
    let mut answer = segment(Flags::SYN_ACK | Flags::FIN, ISS_B, ISS_A + 11, b"answer");
    answer.options.mss = Some(MSS);
    solo.on(answer);
    let mut buffer = [0; 16];
    assert_eq!(solo.connection.read(&mut buffer), Ok(6));
    assert_eq!(solo.connection.read(&mut buffer), Ok(0));
    assert_eq!(solo.connection.state(), StateName::CloseWait);
    assert_eq!(solo.drain()[0].header.ack, ISS_B + 8);
}

/// A reset that acknowledges the SYN alone refuses it, data or not.
#[test]
fn refused_with_data() {
    let (mut solo, _, _) = client(Solo::config(), show(1_460), &[7; 100]);
    solo.on(segment(Flags::RST | Flags::ACK, SeqNumber(0), ISS_A + 1, b""));
    assert_eq!(solo.connection.error(), Some(Error::Refused));
}

/// The path does not take the SYN: it goes again at once, without data, with the smaller MSS.
#[test]
fn packet_too_big_for_a_syn() {
    let (mut solo, _, _) = client(Solo::config(), show(1_460), &[7; 1_000]);
    solo.connection.on_path_mss(800, ISS_A + 1_002);
    assert_eq!(solo.drain().len(), 0, "quotes what was not sent");
    solo.connection.on_path_mss(800, ISS_A);
    let sent = solo.drain();
    assert_eq!((sent.len(), sent[0].payload.len()), (1, 0));
    assert_eq!(deliver(&sent[0], solo.now).options.mss, Some(800));
    solo.on(syn_ack(1, None));
    assert_eq!(data(&solo.drain()), [(1, 800), (801, 200)]);
}

/// RFC 7413 §4.2: SYNs with data cross. Only the SYNs are acknowledged; both ends get everything.
#[test]
fn simultaneous_open_with_data() {
    let mut pair = Pair::new(Config::default(), Config::default());
    let now = pair.now;
    let end = |iss, data| {
        let config = Arc::new(Config::default());
        let (connection, _) =
            Connection::connect_fast_open(config, opening(iss), show(1_460), data, now);
        End::Open(connection)
    };
    (pair.a, pair.b) = (end(ISS_A, &b"from a"[..]), end(ISS_B, &b"from b"[..]));
    pair.run_for(Duration::from_millis(500));
    assert_eq!((pair.a.state(), pair.b.state()), (StateName::Established, StateName::Established));
    let mut buffer = [0; 16];
    assert_eq!(pair.a().read(&mut buffer), Ok(6));
    assert_eq!(&buffer[..6], b"from b");
    assert_eq!(pair.b().read(&mut buffer), Ok(6));
    assert_eq!(&buffer[..6], b"from a");
    assert_eq!(pair.a().unacknowledged() + pair.b().unacknowledged(), 0);
}

/// The client of [`server`] after its SYN: what it says next.
fn from_client(flags: Flags, seq: u32, ack: u32, data: &'static [u8]) -> Segment {
    segment(flags, ISS_A + seq, ISS_B + ack, data)
}

/// A listener took `data` on a SYN.
fn server(config: Config, data: &'static [u8]) -> Solo {
    let now = Instant::from_millis(5_000);
    let mut syn = segment(Flags::SYN, ISS_A, SeqNumber(0), data);
    syn.options.mss = Some(MSS);
    let config = Arc::new(config);
    let half = HalfOpen::on_syn(&config, opening(ISS_B), &syn, now);
    Solo { now, connection: half.fast_open(config, syn, now, None) }
}

/// RFC 7413 §4.2.2: data is there before the handshake is complete, and answers may be sent.
#[test]
fn a_server_answers_before_the_handshake_is_complete() {
    let mut solo = server(Solo::config(), b"question");
    assert_eq!(solo.connection.state(), StateName::SynReceived);
    let news = solo.connection.take_events();
    assert!(news.intersects(Events::READABLE) && news.intersects(Events::WRITABLE));
    let sent = solo.drain();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].header.flags, Flags::SYN_ACK);
    assert_eq!((sent[0].header.seq, sent[0].header.ack), (ISS_B, ISS_A + 9));
    let mut buffer = [0; 16];
    assert_eq!(solo.connection.read(&mut buffer), Ok(8));
    assert_eq!(solo.connection.read(&mut buffer), Err(Error::WouldBlock));
    assert_eq!(solo.connection.write(solo.now, b"answer"), Ok(6));
    let sent = solo.drain();
    assert_eq!((sent[0].header.seq, sent[0].payload.len()), (ISS_B + 1, 6));
    assert!(solo.connection.info().syn_data_acked);

    solo.now += Duration::from_millis(20);
    assert_eq!(solo.on(from_client(Flags::ACK, 9, 1, b"")), None);
    assert_eq!(solo.connection.state(), StateName::Established);
    assert_eq!(solo.connection.info().rtt, Some(Duration::from_millis(20)));
    solo.on(from_client(Flags::ACK, 9, 7, b"more"));
    assert_eq!(solo.connection.unacknowledged(), 0);
    assert_eq!(solo.connection.read(&mut buffer), Ok(4));
}

/// RFC 7413 §4.2.2: at most an initial window before the client's address is proved by its acknowledgement.
#[test]
fn a_server_sends_at_most_the_initial_window() {
    let mut solo = server(Solo::config(), b"question");
    solo.connection.write(solo.now, &[7; 100_000]).unwrap();
    let sent: usize = solo.drain().iter().map(|transmit| transmit.payload.len()).sum();
    assert_eq!(sent, 10 * usize::from(MSS));
    assert_eq!(data_of(&solo.wait(Duration::from_millis(900))), 0);
    let later = solo.wait(Duration::from_secs(200));
    assert_eq!(data_of(&later), 0, "only the SYN-ACK goes again");
    assert!(later.iter().all(|(_, sent)| sent.header.flags == Flags::SYN_ACK));
    assert_eq!(later.len(), 5);
    assert_eq!(solo.connection.error(), Some(Error::TimedOut));
}

fn data_of(sent: &[(Instant, Transmit)]) -> usize {
    sent.iter().map(|(_, transmit)| transmit.payload.len()).sum()
}

#[test]
fn lost_segments_around_the_servers_handshake() {
    // The SYN-ACK was lost, the SYN comes again, plain.
    let mut solo = server(Solo::config(), b"question");
    solo.drain();
    solo.on(segment(Flags::SYN, ISS_A, SeqNumber(0), b""));
    let sent = solo.drain();
    assert_eq!((sent[0].header.flags, sent[0].header.ack), (Flags::SYN_ACK, ISS_A + 9));
    // Data that was lost before the handshake is complete has its timer from then on.
    solo.connection.write(solo.now, b"answer").unwrap();
    solo.drain();
    solo.now += Duration::from_secs(2);
    solo.on(from_client(Flags::ACK, 9, 1, b""));
    assert_eq!(solo.drain().len(), 0);
    let completed = solo.now;
    let again = solo.wait(Duration::from_secs(8));
    assert_eq!(again[0].1.payload.len(), 6);
    assert!(again[0].0 > completed);
}

/// RFC 5961 §3.2 holds for a child too; the application learns of the reset after it has read.
#[test]
fn a_reset_before_the_handshake_is_complete() {
    let mut solo = server(Solo::config(), b"question");
    solo.drain();
    solo.on(from_client(Flags::RST, 10, 0, b""));
    assert_eq!(solo.connection.state(), StateName::SynReceived);
    solo.on(from_client(Flags::RST, 9, 0, b""));
    assert_eq!(solo.connection.state(), StateName::Closed);
    let mut buffer = [0; 16];
    assert_eq!(solo.connection.read(&mut buffer), Ok(8));
    assert_eq!(solo.connection.read(&mut buffer), Err(Error::Reset));
    assert!(solo.connection.info().syn_data_acked);
}

/// RFC 9293 §3.10.7.4: in SYN-RECEIVED a wrong acknowledgement is answered with a reset.
#[test]
fn a_wrong_acknowledgement_of_the_servers_syn() {
    let mut solo = server(Solo::config(), b"question");
    solo.drain();
    assert!(solo.on(from_client(Flags::ACK, 9, 0, b"")).is_some());
    assert!(solo.on(from_client(Flags::ACK, 9, 2, b"")).is_some());
    assert_eq!(solo.connection.state(), StateName::SynReceived);
}

#[test]
fn closing_a_server_before_the_handshake_is_complete() {
    // Unread data: reset (RFC 9293 SHLD-3).
    let mut solo = server(Solo::config(), b"question");
    solo.drain();
    solo.connection.close(solo.now);
    let sent = solo.drain();
    assert_eq!(sent[0].header.flags, Flags::RST | Flags::ACK);
    assert_eq!((sent[0].header.seq, sent[0].header.ack), (ISS_B + 1, ISS_A + 9));
    // All read: FIN.
    let mut solo = server(Solo::config(), b"");
    solo.drain();
    solo.connection.close(solo.now);
    assert_eq!(solo.drain()[0].header.flags, Flags::FIN | Flags::ACK);
    solo.on(from_client(Flags::ACK, 1, 2, b""));
    assert_eq!(solo.connection.state(), StateName::FinWait2);
}

#[test]
fn a_fin_completes_the_servers_handshake() {
    let mut solo = server(Solo::config(), b"question");
    solo.drain();
    solo.on(from_client(Flags::FIN | Flags::ACK, 9, 1, b""));
    assert_eq!(solo.connection.state(), StateName::CloseWait);
    assert_eq!(solo.drain()[0].header.ack, ISS_A + 10);
}

/// RFC 7413 §4.1.2: Linux's cookies, so that both may serve one address; the key before the last is still good.
#[test]
fn cookies_and_their_keys() {
    let key = |words: [u32; 4]| {
        let mut key = [0; 16];
        for (bytes, word) in key.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        key
    };
    let endpoints = |remote: &str, local: &str| Endpoints {
        local: std::format!("{local}:80").parse().unwrap(),
        remote: std::format!("{remote}:1").parse().unwrap(),
    };
    let client = endpoints("10.248.0.2", "192.168.0.2");
    let old = key([0xa0bf_63f7, 0xed80_3d81, 0xcd64_1d30, 0xcebc_4a90]);
    let keys = FastOpenKeys { primary: old, backup: None };
    let cookie = keys.cookie(&client);
    assert_eq!(std::format!("{cookie:?}"), "00abaaabe8e954c2");
    assert_eq!(keys.check(&client, &cookie), Some(KeyUsed::Primary));
    assert_eq!(keys.check(&endpoints("10.248.0.3", "192.168.0.2"), &cookie), None);

    let renewed = FastOpenKeys { primary: key([1, 2, 3, 4]), backup: Some(old) };
    assert_eq!(renewed.check(&client, &cookie), Some(KeyUsed::Backup));
    assert_eq!(FastOpenKeys { backup: None, ..renewed }.check(&client, &cookie), None);
    let v6 = endpoints("[2001:db8::1]", "[2001:db8::2]");
    assert_ne!(renewed.cookie(&v6), renewed.cookie(&client));
}
