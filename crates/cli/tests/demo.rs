//! `sockeye demo`, as a user sees it.

mod support;

use serde_json::{Value, json};
use support::{sockeye, succeed};

fn demo(arguments: &[&str]) -> Value {
    let arguments = [&["demo", "--json"], arguments].concat();
    serde_json::from_str(&succeed(&arguments).stdout).expect("in a test")
}

/// The values of some keys of each entry.
fn columns(list: &Value, keys: &[&str]) -> Vec<Value> {
    let row = |entry: &Value| keys.iter().map(|key| entry[*key].clone()).collect();
    list.as_array().expect("in a test").iter().map(row).collect()
}

#[test]
fn the_given_numbers_appear_in_order() {
    let told = demo(&["--isn", "1234567,7654321", "--bytes", "100k"]);
    assert_eq!(
        columns(&told["handshake"], &["from", "to", "flags", "seq", "ack", "state"]),
        [
            json!(["A", "B", "SYN", 1_234_567, null, "SYN-SENT"]),
            json!(["B", "A", "SYN,ACK", 7_654_321, 1_234_568, "SYN-RECEIVED"]),
            json!(["A", "B", "ACK", 1_234_568, 7_654_322, "ESTABLISHED"]),
            json!(["A", "B", "ACK", 1_234_568, 7_654_322, "ESTABLISHED"]),
        ]
    );
    assert_eq!(told["handshake"][3]["received"], true);
    assert_eq!(
        columns(&told["close"], &["from", "to", "flags", "seq", "ack", "state"]),
        [
            json!(["A", "B", "FIN,ACK", 1_334_568, 7_654_322, "FIN-WAIT-1"]),
            json!(["B", "A", "ACK", 7_654_322, 1_334_569, "CLOSE-WAIT"]),
            json!(["B", "A", "FIN,ACK", 7_654_322, 1_334_569, "LAST-ACK"]),
            json!(["B", "A", "ACK", 7_654_322, 1_334_569, "FIN-WAIT-2"]),
            json!(["A", "B", "ACK", 1_334_569, 7_654_323, "TIME-WAIT"]),
            json!(["A", "B", "ACK", 1_334_569, 7_654_323, "CLOSED"]),
            json!(["A", null, "", null, null, "CLOSED"]),
        ]
    );
}

#[test]
fn the_figures_have_their_types() {
    let told = demo(&["--bytes", "2M"]);
    assert_eq!(told["bytes"], 2_000_000);
    assert_eq!(told["intact"], true);
    assert_eq!(told["retransmissions"], 0);
    assert_eq!(told["eye"], json!({"connections": 1, "violations": 0}));
    assert!(told["throughput_bps"].as_f64().unwrap() > 0.0);
    assert!(told["virtual_s"].as_f64().unwrap() < 10.0);
    assert!(told["seed"].is_u64());
}

#[test]
fn a_bad_network_leaves_the_bytes_whole() {
    for seed in 1..=20 {
        let seed = seed.to_string();
        let arguments =
            ["--loss", "2", "--reorder", "2", "--duplicate", "1", "--bytes", "2M", "--seed", &seed];
        let told = demo(&arguments);
        assert_eq!(told["intact"], true, "seed {seed}");
        assert_eq!(told["bytes"], 2_000_000, "seed {seed}");
        assert_eq!(told["eye"], json!({"connections": 1, "violations": 0}), "seed {seed}");
        assert!(told["retransmissions"].as_u64().unwrap() > 0, "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_packets() {
    let folder = std::env::temp_dir().join(format!("sockeye-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let captured = |name: &str, seed: &str| {
        let file = folder.join(name);
        let arguments = ["--bytes", "300k", "--loss", "3", "--seed", seed, "--pcap"];
        let mut told = demo(&[&arguments[..], &[file.to_str().unwrap()]].concat());
        // The only thing that depends on this machine.
        told.as_object_mut().unwrap().remove("throughput_bps");
        (told, std::fs::read(file).unwrap())
    };
    let (first, again, other) = (captured("1", "7"), captured("2", "7"), captured("3", "8"));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(first.0, again.0);
    assert!(first.1 == again.1, "captures differ");
    assert!(first.1 != other.1);
}

#[test]
fn the_story_shows_each_check() {
    let story =
        succeed(&["demo", "--isn", "1234567,7654321", "--bytes", "1M", "--seed", "5"]).stdout;
    let mut rest = story.as_str();
    for part in [
        "A → B  SYN      seq=1234567 ",
        "A: CLOSED → SYN-SENT",
        "B: LISTEN → SYN-RECEIVED",
        "B → A  SYN,ACK  seq=7654321 ack=1234568",
        "A checks: ack 1234568 = 1234567 + 1 ✓, ACK is set ✓ → ESTABLISHED",
        "A → B  ACK      seq=1234568 ack=7654322",
        "B checks: ack 7654322 = 7654321 + 1 ✓, seq 1234568 = 1234567 + 1 ✓, ACK is set ✓ → ESTABLISHED",
        "✓ the same",
        "A: ESTABLISHED → FIN-WAIT-1",
        "→ CLOSE-WAIT",
        "B: CLOSE-WAIT → LAST-ACK",
        "→ FIN-WAIT-2",
        "→ TIME-WAIT",
        "→ CLOSED",
        "A has waited 60 s",
        "A: TIME-WAIT → CLOSED",
        "handshake established: SYN 1234567 (packet 1), SYN,ACK 7654321 (packet 2)",
        "close fin: begun by the client",
        "eye: 1 connection, 0 violations",
        "0 retransmissions, seed 5",
    ] {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing in {story}"));
        rest = &rest[at + part.len()..];
    }
    // No colours and no bar where nobody would see them as such.
    assert!(!story.contains('\u{1b}'));
}

#[test]
fn a_lost_connection_names_the_command_that_repeats_it() {
    let answer = sockeye(&["demo", "--loss", "100", "--bytes", "1k", "--seed", "3"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.starts_with("sockeye: demo: A lost the connection during the handshake"));
    let command =
        "sockeye demo --bytes 1000 --loss 100 --rtt 1000us --rate 10000000000bit --seed 3";
    assert!(answer.stderr.contains(command), "{}", answer.stderr);
    // That very command is understood, and fails in the same way.
    let words: Vec<_> = command.split(' ').skip(1).collect();
    assert_eq!(sockeye(&words).stderr, answer.stderr);
}

#[test]
fn a_capture_that_cannot_be_written_is_told() {
    let answer = sockeye(&["demo", "--bytes", "1k", "--pcap", "/nonexistent/folder/file"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("/nonexistent/folder/file cannot be created"));
    let answer = sockeye(&["demo", "--bytes", "1M", "--pcap", "/dev/full"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("No space left"), "{}", answer.stderr);
}
