//! Scripts run over those versions of IP that they are for, and are skipped, with the reason, under others.

use sockeye_drill::{IpVersion, Settings, Suite, Verdict};
use std::error::Error;
use std::path::PathBuf;

const ALL: [IpVersion; 3] = [IpVersion::V4, IpVersion::V6, IpVersion::Mapped];
const OPEN: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, name: &str, text: &str) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("sockeye-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        std::fs::write(path.join(name), text)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Over which versions the script runs; those it is skipped under tell `told`.
fn runs_over(
    test: &str,
    name: &str,
    text: &str,
    told: &str,
) -> Result<Vec<IpVersion>, Box<dyn Error>> {
    let folder = Folder::new(test, name, text)?;
    let suite = Suite::collect(&[&folder.0], Settings::default())?;
    let (skipped, ran): (Vec<_>, Vec<_>) = suite
        .with_versions(ALL.to_vec())
        .run()
        .partition(|report| matches!(report.verdict, Verdict::Skipped(_)));
    assert_eq!(skipped.len() + ran.len(), 3, "each version has a report");
    for report in skipped {
        assert!(report.to_string().contains(told), "{report}");
    }
    for report in &ran {
        assert!(report.passed(), "{report}");
    }
    Ok(ran.iter().map(|report| report.version).collect())
}

#[test]
fn names_tell() {
    assert_eq!(runs_over("names-any", "a.pkt", OPEN, "").unwrap(), ALL);
    let v4 = runs_over("names-4", "a-v4.pkt", OPEN, "is for IPv4, as its name says").unwrap();
    assert_eq!(v4, [IpVersion::V4, IpVersion::Mapped]);
    let v6 = runs_over("names-6", "av6.pkt", OPEN, "is for IPv6, as its name says").unwrap();
    assert_eq!(v6, [IpVersion::V6]);
}

#[test]
fn lines_tell() {
    let line = |test: &str, text: String, line: u32| {
        runs_over(test, "a.pkt", &text, &format!("as its line {line} says")).unwrap()
    };
    let v6 = line("lines-option", format!("--ip_version=ipv6\n{OPEN}"), 1);
    assert_eq!(v6, [IpVersion::V6]);
    let mapped = line("lines-mapped", format!("--ip_version=ipv4-mapped-ipv6\n{OPEN}"), 1);
    assert_eq!(mapped, [IpVersion::Mapped]);
    let v4 = line("lines-address", format!("// x\n--local_ip=10.0.0.1/8\n{OPEN}"), 2);
    assert_eq!(v4, [IpVersion::V4, IpVersion::Mapped]);
    let v4 = line("lines-domain", "0 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n".into(), 1);
    assert_eq!(v4, [IpVersion::V4]);
    let bind = "+0 bind(3, {sa_family = AF_INET, sin_port = htons(80), \
                sin_addr = inet_addr(\"192.168.0.1\")}, ...) = 0\n";
    assert_eq!(line("lines-call", format!("{OPEN}{bind}"), 2), [IpVersion::V4]);
}

/// Who asks for no version gets each script over its own.
#[test]
fn without_a_version_a_script_runs_over_its_own() {
    let text = format!("--ip_version=ipv6\n{OPEN}");
    let folder = Folder::new("own", "a.pkt", &text).unwrap();
    let suite = Suite::collect(&[&folder.0], Settings::default()).unwrap();
    let reports: Vec<_> = suite.run().collect();
    assert!(reports.len() == 1 && reports[0].passed(), "{reports:?}");
    assert_eq!(reports[0].version, IpVersion::V6);
}
