//! All scripts of `drills/`, over every version of IP that they are for.

use sockeye_drill::{IpVersion, Settings, Suite, Verdict};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_drill_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../drills");
    let suite = Suite::collect(&[folder], Settings::default()).unwrap();
    let suite = suite.with_versions(vec![IpVersion::V4, IpVersion::V6, IpVersion::Mapped]);
    let (mut all, mut ran) = (BTreeSet::new(), BTreeSet::new());
    let mut wrong = Vec::new();
    for report in suite.run() {
        all.insert(report.path.clone());
        match &report.verdict {
            Verdict::Skipped(reason) if reason.starts_with("is for ") => continue,
            _ => ran.insert(report.path.clone()),
        };
        if !report.passed() || !report.warnings.is_empty() {
            let warnings = report.warnings.join("; ");
            wrong.push(format!("{report} ({}) {warnings}", report.version.name()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    assert_eq!(all, ran, "a script that is for no version of IP");
    assert!(all.len() > 10, "only {}", all.len());
}
