//! Help, exit codes, and what else holds for the program as a whole.

mod support;

use std::io::Read;
use std::process::{Command, Stdio};
use support::{sockeye, succeed};

#[test]
fn help_teaches() {
    insta::assert_snapshot!("demo_help", succeed(&["demo", "--help"]).stdout);
    insta::assert_snapshot!("read_help", succeed(&["read", "--help"]).stdout);
}

#[test]
fn help_fits_the_terminal() {
    for command in ["demo", "read", "drill", "sim", "serve", "proxy", "connect", "listen"] {
        let help = succeed(&[command, "--help"]).stdout;
        let longest = help.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100), "{command}: {longest:?}");
    }
}

#[test]
fn wrong_usage_is_2() {
    for arguments in [
        &["demo", "--bytes", "5Q"][..],
        &["demo", "--loss", "101"],
        &["demo", "--isn", "1"],
        &["demo", "--rtt", "20"],
        &["read"],
        &["read", "a", "b", "--connection", "1"],
        &["read", "a", "--json", "--connection", "1"],
        &["sim", "--seeds", "5..5"],
        &["drill"],
        &["drill", "no-such-file.pkt"],
        &["drill", "-D", "no-value", "src"],
        &["fly"],
        &["proxy", "--tun", "sk0"],
        &["proxy", "--via", "direct"],
        &["proxy", "--tun", "sk0", "--via", "socks4://127.0.0.1:1080"],
        &["proxy", "--tun", "sk0", "--via", "socks5://127.0.0.1"],
        &["proxy", "--interface", "eth0", "--via", "direct"],
        &["proxy", "--tun", "sk0", "--via", "direct", "--max-connections", "0"],
    ] {
        let answer = sockeye(arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}: {}", answer.stderr);
        assert!(answer.stdout.is_empty() && !answer.stderr.is_empty());
    }
}

#[test]
fn version_completions_and_manual_are_there() {
    assert_eq!(succeed(&["--version"]).stdout, format!("sockeye {}\n", env!("CARGO_PKG_VERSION")));
    assert!(succeed(&["completions", "bash"]).stdout.contains("_sockeye"));
    assert!(succeed(&["man"]).stdout.contains(".TH"));
}

/// `sockeye demo | head -1`
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["demo", "--bytes", "1M"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}
