//! Damaged captures: nothing panics or hangs, and what comes before the damage is told.

use crate::common::corpus;
use proptest::prelude::*;
use sockeye_eye::{CaptureReader, Config, Eye, Summary};
use std::io::Read;
use std::sync::OnceLock;

/// A whole capture with handshakes, data and closes; made by hand where there is no corpus.
fn capture() -> &'static [u8] {
    static CAPTURE: OnceLock<Vec<u8>> = OnceLock::new();
    CAPTURE.get_or_init(|| {
        let Some(folder) = corpus() else {
            let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
            file.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
            return file;
        };
        let packed = std::fs::File::open(folder.join("tfo.client.pcap.gz")).expect("a capture");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut plain).expect("gzip");
        plain
    })
}

/// The same packets in a pcapng.
fn capture_ng() -> &'static [u8] {
    static CAPTURE: OnceLock<Vec<u8>> = OnceLock::new();
    CAPTURE.get_or_init(|| {
        let block = |kind: u32, mut body: Vec<u8>| {
            body.resize(body.len().next_multiple_of(4), 0);
            let len = (body.len() as u32 + 12).to_le_bytes();
            [&kind.to_le_bytes()[..], &len, &body, &len].concat()
        };
        let words =
            |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        let mut file = block(0x0a0d_0d0a, words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
        file.extend(block(1, words(&[1, 0])));
        let mut reader = CaptureReader::new("whole", capture()).expect("a capture");
        while let Some(record) = reader.next_record().expect("an undamaged capture") {
            let micros = record.time.as_micros();
            let len = record.bytes.len() as u32;
            let numbers = [0, (micros >> 32) as u32, micros as u32, len, record.original_len];
            file.extend(block(6, [words(&numbers), record.bytes.to_vec()].concat()));
        }
        file
    })
}

/// Packets read, what the eye made of them, and whether the file was damaged.
fn look(file: &[u8]) -> (u64, Option<Summary>, bool) {
    let Ok(mut capture) = CaptureReader::new("test", file) else {
        return (0, None, true);
    };
    let mut eye = Eye::new(Config::default());
    let damaged = loop {
        match capture.next_record() {
            Ok(Some(record)) => eye.packet(&record),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    let packets = capture.packets();
    let (reports, summary) = eye.finish();
    assert_eq!(reports.len() as u64, summary.connections);
    for report in &reports {
        serde_json::to_string(report).expect("JSON");
    }
    (packets, Some(summary), damaged)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn packets_before_a_cut_are_told(cut: usize, ng: bool) {
        let whole = if ng { capture_ng() } else { capture() };
        let cut = cut % (whole.len() + 1);
        let mut before = 0;
        let mut reader = CaptureReader::new("whole", whole).expect("a capture");
        let mut end = if ng { 28 + 20 } else { 24 };
        while let Some(record) = reader.next_record().expect("undamaged") {
            let padded = record.bytes.len().next_multiple_of(4);
            end += if ng { 32 + padded } else { 16 + record.bytes.len() };
            before += u64::from(end <= cut);
        }
        let (packets, summary, _) = look(&whole[..cut]);
        prop_assert_eq!(packets, before);
        if let Some(summary) = summary {
            prop_assert_eq!(summary.packets, before);
        }
    }

    #[test]
    fn flipped_bytes_do_no_harm(
        ng: bool,
        flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..40),
    ) {
        let mut file = if ng { capture_ng().to_vec() } else { capture().to_vec() };
        let len = file.len();
        for (at, value) in flips {
            file[at % len] ^= value;
        }
        look(&file);
    }
}
