//! All scripts of `drills/`, over every version of IP.

use sockeye_drill::{IpVersion, Settings, Suite};
use std::path::Path;

#[test]
fn every_drill_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../drills");
    let suite = Suite::collect(&[folder], Settings::default()).unwrap();
    let suite = suite.with_versions(vec![IpVersion::V4, IpVersion::V6, IpVersion::Mapped]);
    let mut count = 0;
    let mut wrong = Vec::new();
    for report in suite.run() {
        count += 1;
        if !report.passed() || !report.warnings.is_empty() {
            let warnings = report.warnings.join("; ");
            wrong.push(format!("{report} ({}) {warnings}", report.version.name()));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 10, "only {count}");
}
