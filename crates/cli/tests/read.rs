//! `sockeye read`, as a user sees it.

mod support;

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use support::{Answer, sockeye, succeed};

/// A folder with a capture of one connection, removed at the end.
struct Capture {
    folder: PathBuf,
}

impl Capture {
    fn of_a_demo(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("sockeye-read-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("in a test");
        let capture = Self { folder };
        let file = capture.file();
        succeed(&["demo", "--bytes", "50k", "--seed", "1", "--json", "--pcap", &file]);
        capture
    }

    fn file(&self) -> String {
        self.folder.join("demo.pcapng").to_str().expect("in a test").to_owned()
    }

    /// The capture's first `share` percent, in another file.
    fn cut(&self, share: usize) -> String {
        let bytes = std::fs::read(self.file()).expect("in a test");
        let file = self.folder.join(format!("cut-{share}.pcapng"));
        std::fs::write(&file, &bytes[..bytes.len() * share / 100]).expect("in a test");
        file.to_str().expect("in a test").to_owned()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn objects(answer: &Answer) -> Vec<Value> {
    answer.stdout.lines().map(|line| serde_json::from_str(line).expect("in a test")).collect()
}

#[test]
fn the_table_tells_of_the_demo() {
    let capture = Capture::of_a_demo("table");
    let table = succeed(&["read", &capture.file()]).stdout;
    assert!(table.starts_with("id  client"), "{table}");
    assert!(table.contains("10.0.0.2:9  established"), "{table}");
    assert!(table.contains("50000"), "{table}");
    assert!(table.contains("fin by client"), "{table}");
    assert!(table.contains("1 connection, 0 violations"), "{table}");
}

#[test]
fn json_is_one_object_a_connection() {
    let capture = Capture::of_a_demo("json");
    let found = objects(&succeed(&["read", "--json", &capture.file()]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["handshake"]["outcome"], "established");
    assert_eq!(found[0]["to_server"]["unique_bytes"], 50_000);
    assert_eq!(found[0]["close"]["how"], "fin");
    assert_eq!(found[0]["file"], Value::Null);
}

#[test]
fn several_files_are_told_apart() {
    let capture = Capture::of_a_demo("several");
    let file = capture.file();
    let found = objects(&succeed(&["read", "--json", &file, &file]));
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|report| report["file"] == file.as_str()));
    let tables = succeed(&["read", &file, &file]).stdout;
    assert_eq!(tables.matches(&format!("{file}:\n")).count(), 2);
}

#[test]
fn standard_input_is_a_file() {
    let capture = Capture::of_a_demo("stdin");
    let bytes = std::fs::read(capture.file()).unwrap();
    let mut child = support::command(&["read", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let answer = support::answer(child.wait_with_output().unwrap());
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert_eq!(objects(&answer)[0]["to_server"]["unique_bytes"], 50_000);
}

#[test]
fn the_ladder_shows_the_handshake() {
    let capture = Capture::of_a_demo("ladder");
    let ladder = succeed(&["read", &capture.file(), "--connection", "1"]).stdout;
    let lines: Vec<_> = ladder.lines().collect();
    assert!(lines[1].contains("SYN-SENT") && lines[1].contains("[SYN] seq=0"), "{ladder}");
    assert!(lines[2].contains("[SYN,ACK] seq=0 ack=1") && lines[2].contains("ack = seq + 1 ✓"));
    assert!(lines[3].contains("ESTABLISHED") && lines[3].contains("[ACK] seq=1 ack=1"));
    assert!(lines.last().unwrap().contains("TIME-WAIT"), "{ladder}");
}

#[test]
fn a_connection_that_is_not_there_is_told() {
    let capture = Capture::of_a_demo("absent");
    let answer = sockeye(&["read", &capture.file(), "--connection", "2"]);
    assert_eq!(answer.code, Some(1));
    assert!(
        answer.stderr.contains("has no connection 2: it has 1 connection"),
        "{}",
        answer.stderr
    );
}

#[test]
fn what_lies_before_the_damage_is_told() {
    let capture = Capture::of_a_demo("damage");
    let cut = capture.cut(60);
    for form in [&["read", &cut][..], &["read", "--json", &cut]] {
        let answer = sockeye(form);
        assert_eq!(answer.code, Some(1));
        assert!(answer.stdout.contains("established"), "{}", answer.stdout);
        assert!(answer.stderr.contains(&cut), "{}", answer.stderr);
        assert!(answer.stderr.contains("the file ends inside"), "{}", answer.stderr);
    }
    // The files after it are read as well.
    let answer = sockeye(&["read", "--json", &cut, &capture.file()]);
    assert_eq!((answer.code, objects(&answer).len()), (Some(1), 2));
}

#[test]
fn foreign_and_absent_files_are_told() {
    let answer = sockeye(&["read", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(1), ""));
    assert!(answer.stderr.contains("is no capture that can be read here"), "{}", answer.stderr);
    let answer = sockeye(&["read", "/nonexistent.pcap", "/neither.pcap"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("/nonexistent.pcap: cannot be opened"), "{}", answer.stderr);
    assert!(answer.stderr.contains("/neither.pcap: cannot be opened"), "{}", answer.stderr);
}
