//! Every capture of the corpus against its true story.

use crate::common::{captures, corpus, name_and_place, reports, truth};
use serde_json::Value;
use sockeye_eye::{
    CaptureReader, Config, ConnectionReport, Eye, FindingCode, LinkType, Record, Side,
};
use sockeye_wire::Instant;
use std::collections::BTreeMap;
use std::path::Path;

/// Captures in which some end, or somebody in its name, does break rules.
const RULE_BREAKERS: [&str; 3] = ["land-and-odd-flags", "scan-null", "scan-xmas"];

/// Connections whose application saw other byte counts than those that TCP delivered.
const APPLICATION_DIFFERS: [(&str, &str); 5] = [
    (
        "backlog-overflow",
        "nobody accepts: what the client wrote stays in its own buffer, or the listener's",
    ),
    (
        "rst-by-server-midstream",
        "the server aborts after 300,000 bytes; its kernel had received a few more",
    ),
    ("rst-unread-data", "the server reads 10 of the 5,000 bytes that its kernel received"),
    ("zero-window-never", "the server reads nothing of what its kernel received"),
    ("urgent", "the urgent byte is not in the stream that the application counts"),
];

#[test]
fn connections_handshakes_and_closes_are_as_the_truth_tells() {
    let Some(folder) = corpus() else {
        return;
    };
    let expected = expectations();
    let mut wrong = Vec::new();
    for path in captures(&folder) {
        let (name, place) = name_and_place(&path);
        let (reports, summary) = reports(&path);
        let Some(due) = expected.get(&(name.clone(), place.clone())) else {
            wrong.push(format!("{name}.{place}: nothing is written of it"));
            continue;
        };
        let mut groups = BTreeMap::new();
        for report in &reports {
            *groups.entry(story(report)).or_insert(0) += 1;
        }
        if groups != *due {
            wrong.push(format!("{name}.{place}: {groups:?} instead of {due:?}"));
        }
        assert_eq!(summary.connections, reports.len() as u64);
        assert_eq!(summary.malformed, 0, "{name}.{place}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn delivered_bytes_are_those_of_the_applications() {
    let Some(folder) = corpus() else {
        return;
    };
    let mut compared = 0;
    let mut wrong = Vec::new();
    for path in captures(&folder) {
        let (name, place) = name_and_place(&path);
        if APPLICATION_DIFFERS.iter().any(|(differs, _)| *differs == name) {
            continue;
        }
        let (reports, _) = reports(&path);
        let mut seen: BTreeMap<String, Vec<&ConnectionReport>> = BTreeMap::new();
        for report in &reports {
            seen.entry(report.client.to_string()).or_default().push(report);
        }
        for actor in actors(&truth(&folder, &name)) {
            let Some(connections) = seen.get(&actor.client) else {
                wrong.push(format!("{name}.{place}: {} is missing", actor.client));
                continue;
            };
            for report in connections {
                let to_server = report.to_server.unique_bytes;
                let to_client = report.to_client.unique_bytes;
                compared += 1;
                let pairs = [(actor.to_server, to_server), (actor.to_client, to_client)];
                if pairs.iter().any(|(due, is)| due.is_some_and(|due| due != *is)) {
                    wrong.push(format!("{name}.{place}: {}: {pairs:?}", actor.client));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 500, "only {compared} connections could be compared");
}

#[test]
fn nobody_is_accused_wrongly() {
    let Some(folder) = corpus() else {
        return;
    };
    for path in captures(&folder) {
        let (name, place) = name_and_place(&path);
        if RULE_BREAKERS.contains(&name.as_str()) {
            continue;
        }
        for report in reports(&path).0 {
            let accused: Vec<_> = report
                .findings
                .iter()
                .filter(|finding| {
                    finding.is_violation()
                        || matches!(
                            finding.code,
                            FindingCode::ProtocolViolation | FindingCode::Corruption
                        )
                })
                .collect();
            assert!(accused.is_empty(), "{name}.{place}: connection {}: {accused:?}", report.id);
            let checks = report.handshake.checks;
            let wrong = [
                checks.syn_ack_acks_syn,
                checks.ack_flag_set,
                checks.ack_acks_syn_ack,
                checks.seq_follows,
            ];
            assert!(!wrong.contains(&Some(false)), "{name}.{place}: {checks:?}");
        }
    }
}

#[test]
fn odd_flags_are_called_by_name() {
    let Some(folder) = corpus() else {
        return;
    };
    for (file, code, connections) in [
        ("scan-null.server", FindingCode::Null, 1029),
        ("scan-xmas.server", FindingCode::ChristmasTree, 1029),
        ("land-and-odd-flags.server", FindingCode::SynFin, 40),
        ("land-and-odd-flags.server", FindingCode::Null, 20),
        ("refused.client", FindingCode::Refused, 20),
        ("filtered-drop.client", FindingCode::SynUnanswered, 5),
        ("filtered-icmp-port.client", FindingCode::SynFiltered, 3),
        ("synack-lost.server", FindingCode::HalfOpen, 1),
        ("rst-by-server-midstream.client", FindingCode::ResetMidStream, 5),
    ] {
        let (reports, _) = reports(&folder.join(format!("{file}.pcap.gz")));
        let found = reports
            .iter()
            .filter(|report| report.findings.iter().any(|finding| finding.code == code))
            .count();
        assert_eq!(found, connections, "{file} {code:?}");
    }
}

/// At the sender's own capture, every retransmission that its kernel counted is seen, and none besides.
#[test]
fn retransmissions_equal_the_kernels_own_count() {
    /// Kernel counters span the whole run; these differ for a known reason.
    const KERNEL_DIFFERS: [(&str, &str, &str); 5] = [
        (
            "offload-gso",
            "client",
            "the kernel counts wire segments, the capture has super-segments",
        ),
        ("offload-gso", "server", "the one it counts is in no packet of the capture"),
        ("peer-vanishes", "server", "the last one came after the capture had ended"),
        ("pmtud-works", "server", "one is of the run before, whose beginning was not captured"),
        ("reorder-2pct", "server", "one is of the run before, whose beginning was not captured"),
    ];
    let Some(folder) = corpus() else {
        return;
    };
    let mut compared = 0;
    for path in captures(&folder) {
        let (name, place) = name_and_place(&path);
        if KERNEL_DIFFERS.iter().any(|(differs, at, _)| *differs == name && *at == place) {
            continue;
        }
        let due = truth(&folder, &name)[format!("kernel_{place}")]["RetransSegs"].as_u64();
        let side = if place == "client" { Side::Client } else { Side::Server };
        let (reports, _) = reports(&path);
        // In `syn-flood` and the scans the prober's packets are not its kernel's.
        let is: u64 = reports.iter().map(|report| report.sent_by(side).retransmitted.packets).sum();
        compared += due.unwrap_or(0);
        // Crossing SYNs: who is the client is a matter of where one looks.
        if name == "simultaneous-open" && place == "server" {
            continue;
        }
        assert_eq!(is, due.unwrap_or(0), "{name}.{place}");
    }
    assert!(compared > 2_000);
}

#[test]
fn copies_made_by_the_network_are_no_retransmissions() {
    let Some(folder) = corpus() else {
        return;
    };
    let report = &reports(&folder.join("duplicated-by-network.server.pcap.gz")).0[0];
    assert_eq!((report.to_server.duplicates, report.to_server.retransmitted.packets), (36, 0));
    let report = &reports(&folder.join("reorder-2pct.server.pcap.gz")).0[1];
    assert_eq!(report.to_server.out_of_order, 101);
}

fn story(report: &ConnectionReport) -> String {
    let by = report.close.by.map_or("-", Side::as_str);
    format!("{}:{}:{by}", report.handshake.outcome.as_str(), report.close.how.as_str())
}

fn expectations() -> BTreeMap<(String, String), BTreeMap<String, u64>> {
    let mut expected = BTreeMap::new();
    for line in include_str!("expected.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let mut field = || fields.next().expect("a field").to_owned();
        let (name, place, connections) = (field(), field(), field());
        let mut groups = BTreeMap::new();
        for group in fields {
            let (count, story) = group.split_once(':').expect("count:story");
            groups.insert(story.to_owned(), count.parse::<u64>().expect("a count"));
        }
        assert_eq!(groups.values().sum::<u64>().to_string(), connections, "{name}");
        let places: &[&str] = if place == "*" { &["client", "server"] } else { &[&place] };
        for place in places {
            expected.insert((name.clone(), (*place).to_owned()), groups.clone());
        }
    }
    expected
}

/// What an application says of its connection.
struct Actor {
    client: String,
    to_server: Option<u64>,
    to_client: Option<u64>,
}

/// The applications that said which connection was theirs. One that failed does not know what was delivered of what it wrote.
fn actors(truth: &Value) -> Vec<Actor> {
    let mut found = Vec::new();
    for actor in truth["actors"].as_array().expect("a list") {
        let results = match &actor[2] {
            Value::Array(list) => list.clone(),
            single => vec![single.clone()],
        };
        for result in &results {
            let count = |key: &str| result[key].as_u64();
            let text = |key: &str| result[key].as_str().unwrap_or("?").to_owned();
            let failed = !result["err"].is_null();
            let (client, sent, received) = match result["role"].as_str() {
                Some("client") => (text("local"), count("sent"), count("rcvd")),
                Some("server") => (text("peer"), count("rcvd"), count("sent")),
                _ => continue,
            };
            if client == "?" {
                continue;
            }
            let sender_failed = failed && result["role"] == "client";
            let answer_unsure = failed || unanswered(truth);
            found.push(Actor {
                client,
                to_server: sent.filter(|_| !sender_failed),
                to_client: received.filter(|_| !answer_unsure || received == Some(0)),
            });
        }
    }
    found
}

/// `pmtu-blackhole`: the server's application has written an answer that never left its kernel's buffer.
fn unanswered(truth: &Value) -> bool {
    truth["name"] == "pmtu-blackhole"
}

/// What each end sent, taken from the capture at that end: the senders' vantage, with Linux as the one to be judged.
#[test]
fn linux_is_found_without_fault_at_the_senders() {
    let Some(folder) = corpus() else {
        return;
    };
    let mut judged = 0;
    let mut accused = Vec::new();
    for path in captures(&folder) {
        let (name, place) = name_and_place(&path);
        let other = folder.join(format!("{name}.server.pcap.gz"));
        if place != "client" || !other.exists() {
            continue;
        }
        let mut packets = sent_from(&path, [10, 77, 0, 1]);
        packets.extend(sent_from(&other, [10, 77, 0, 2]));
        packets.sort_by_key(|(time, _)| *time);
        let mut eye = Eye::new(Config::at_senders());
        for (index, (time, bytes)) in packets.iter().enumerate() {
            eye.packet(&Record {
                number: index as u64 + 1,
                time: *time,
                link_type: LinkType::ETHERNET,
                bytes,
                original_len: bytes.len() as u32,
            });
        }
        judged += packets.len();
        for report in eye.finish().0 {
            for finding in report.violations() {
                accused.push(format!("{name}: connection {}: {finding:?}", report.id));
            }
        }
    }
    assert!(accused.is_empty(), "{}", accused.join("\n"));
    assert!(judged > 100_000);
}

/// The packets that an address sent, as its TCP sent them.
///
/// Two processors of one host can overtake each other between TCP and the capture, within microseconds; the identifications,
/// which count up for each connection, tell in which order TCP had them.
fn sent_from(path: &Path, address: [u8; 4]) -> Vec<(Instant, Vec<u8>)> {
    let mut packets: Vec<(Instant, Vec<u8>)> = Vec::new();
    let mut capture = CaptureReader::open(path).expect("a capture");
    while let Some(record) = capture.next_record().expect("an undamaged capture") {
        if record.bytes.get(26..30) != Some(&address[..]) {
            continue;
        }
        let identification = |bytes: &[u8]| u16::from_be_bytes([bytes[18], bytes[19]]);
        let id = identification(record.bytes);
        let overtaken_by = |bytes: &[u8]| {
            let ahead = identification(bytes).wrapping_sub(id).cast_signed();
            bytes[34..38] == record.bytes[34..38] && id != 0 && (1..100).contains(&ahead)
        };
        let mut at = packets.len();
        while at > 0 && overtaken_by(&packets[at - 1].1) {
            at -= 1;
        }
        let time = packets.get(at).map_or(record.time, |(time, _)| *time);
        packets.insert(at, (time, record.bytes.to_vec()));
    }
    packets
}
