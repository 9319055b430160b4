//! Counts against those of tshark, over the whole corpus.

use crate::common::{captures, corpus, name_and_place, reports};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Per conversation: each end with its packets and the octets of their frames.
type Conversation = Vec<(String, u64, u64)>;

#[test]
fn connections_packets_and_frame_lengths_equal_tsharks() {
    let Some(folder) = corpus() else {
        return;
    };
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("SKIPPED: tshark is not installed");
        return;
    }
    let files = captures(&folder);
    let middle = files.len() / 2;
    std::thread::scope(|scope| {
        let halves = [&files[..middle], &files[middle..]];
        let threads = halves.map(|half| scope.spawn(|| half.iter().for_each(|path| compare(path))));
        for thread in threads {
            thread.join().expect("equal counts");
        }
    });
}

fn compare(path: &Path) {
    let (name, place) = name_and_place(path);
    let mut ours: Vec<Conversation> = reports(path)
        .0
        .iter()
        .map(|report| {
            let ends = [(report.client, report.to_server), (report.server, report.to_client)];
            let mut ends: Conversation = ends
                .iter()
                .filter(|(_, sent)| sent.packets > 0)
                .map(|(end, sent)| (end.to_string(), sent.packets, sent.wire_bytes))
                .collect();
            ends.sort();
            ends
        })
        .collect();
    let (mut theirs, listed) = tshark(path);
    assert_eq!(listed, theirs.len(), "{name}.{place}: tshark's two lists differ");
    ours.sort();
    theirs.sort();
    assert_eq!(ours.len(), theirs.len(), "{name}.{place}");
    for (our, their) in ours.iter().zip(&theirs) {
        assert_eq!(our, their, "{name}.{place}");
    }
}

/// From each packet's own fields, as `conv,tcp` rounds octets; and how many conversations that lists.
fn tshark(path: &Path) -> (Vec<Conversation>, usize) {
    let fields = ["tcp.stream", "ip.src", "tcp.srcport", "frame.len"];
    let output = Command::new("tshark")
        .arg("-r")
        .arg(path)
        .args(["-z", "conv,tcp", "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        // What an ICMP error quotes is no packet of the conversation.
        .args(["-Y", "tcp and not icmp"])
        .output()
        .expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut streams: BTreeMap<u64, BTreeMap<String, (u64, u64)>> = BTreeMap::new();
    let mut listed = 0;
    for line in text.lines() {
        if line.contains("<->") {
            listed += 1;
            continue;
        }
        let fields: Vec<_> = line.split('|').collect();
        let [stream, source, port, len] = fields[..] else {
            continue;
        };
        let (Ok(stream), Ok(len)) = (stream.parse(), len.parse::<u64>()) else {
            continue;
        };
        let ends = streams.entry(stream).or_default();
        let end = ends.entry(format!("{source}:{port}")).or_default();
        *end = (end.0 + 1, end.1 + len);
    }
    let conversations = streams.into_values().map(|ends| {
        ends.into_iter().map(|(end, (packets, bytes))| (end, packets, bytes)).collect()
    });
    (conversations.collect(), listed)
}
