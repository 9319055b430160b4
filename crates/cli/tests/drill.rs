//! `sockeye drill`: verdicts, the last line, exit codes.

mod support;

use std::fs;
use std::path::PathBuf;
use support::{sockeye, succeed};

const PASSES: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n";
const FAILS: &str =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\n+0 listen(3, 1) = -1 EINVAL (why)\n";
const SKIPPED: &str = "`nstat | grep Tcp`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id()));
        for (file, text) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("created");
            fs::write(file, text).expect("written");
        }
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("removed");
    }
}

#[test]
fn one_line_a_script_and_the_sum_last() {
    let folder = Folder::new(
        "drill-mixed",
        &[("a.pkt", PASSES), ("deep/b.pkt", FAILS), ("c.pkt", SKIPPED), ("d.txt", "no")],
    );
    let answer = sockeye(&["drill", folder.path()]);
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    let stdout = answer.stdout.replace(folder.path(), "DIR");
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "pass DIR/a.pkt",
            "skip DIR/c.pkt: needs `nstat | grep Tcp`",
            "FAIL DIR/deep/b.pkt:3: listen: result: expected -1 EINVAL, actual 0",
            "1 skipped",
            "1 passed, 1 failed",
        ]
    );
}

#[test]
fn all_versions_and_nothing_failed_is_0() {
    let folder = Folder::new("drill-good", &[("a.pkt", PASSES)]);
    let answer = succeed(&["drill", "--ip-version", "all", "-q", folder.path()]);
    assert_eq!(answer.stdout, "3 passed, 0 failed\n");
}
