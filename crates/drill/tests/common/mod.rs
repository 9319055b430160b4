//! Scripts that must pass, and must not with one thing changed.

use sockeye_drill::{IpVersion, Report, Settings, run_text};

/// One script over one version of IP.
pub(crate) fn run(text: &str, version: IpVersion) -> Report {
    run_text("extension.pkt", text, &Settings { version, ..Settings::default() })
}

/// Without any warning.
pub(crate) fn must_pass(text: &str, version: IpVersion) {
    let report = run(text, version);
    assert!(report.passed() && report.warnings.is_empty(), "{report} {:?}", report.warnings);
}

/// The script with `from` changed to `to` fails, and says `told`.
pub(crate) fn must_fail(text: &str, version: IpVersion, (from, to): (&str, &str), told: &str) {
    assert_eq!(text.matches(from).count(), 1, "{from} is not unique");
    let report = run(&text.replace(from, to), version);
    assert!(!report.passed(), "{from} -> {to} passed");
    assert!(report.to_string().contains(told), "{from} -> {to}: {report}");
}

/// A listener with a connection, 4.
pub(crate) const OPEN: &str = "\
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
";
