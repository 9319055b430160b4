//! Finding and reading the corpus.

use sockeye_eye::{CaptureReader, Config, ConnectionReport, Eye, Summary};
use std::path::{Path, PathBuf};

/// The corpus: captures of Linux connections whose true story is known. `None`, said aloud, where it is not at hand.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/captures"));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    eprintln!("SKIPPED: there is no corpus at {}", folder.display());
    None
}

/// Every capture, in order of name.
pub(crate) fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus can be listed")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".pcap.gz"))
        .collect();
    files.sort();
    assert!(files.len() > 80, "the corpus is incomplete: {} files", files.len());
    files
}

/// `clean-bulk` and `client` of `clean-bulk.client.pcap.gz`.
pub(crate) fn name_and_place(path: &Path) -> (String, String) {
    let file = path.file_name().expect("a file name").to_string_lossy();
    let mut parts = file.split('.');
    let mut next = || parts.next().expect("NAME.PLACE.pcap.gz").to_owned();
    (next(), next())
}

/// What the eye says of a file, in order of `id`.
pub(crate) fn reports(path: &Path) -> (Vec<ConnectionReport>, Summary) {
    let mut capture = CaptureReader::open(path).expect("a capture");
    let mut eye = Eye::new(Config::default());
    while let Some(record) = capture.next_record().expect("an undamaged capture") {
        eye.packet(&record);
    }
    let mut reports: Vec<_> = eye.drain_finished().collect();
    let (rest, summary) = eye.finish();
    reports.extend(rest);
    reports.sort_by_key(|report| report.id);
    (reports, summary)
}

/// The true story.
pub(crate) fn truth(folder: &Path, name: &str) -> serde_json::Value {
    let path = folder.join("truth").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).expect("a truth file");
    serde_json::from_str(&text).expect("JSON")
}
