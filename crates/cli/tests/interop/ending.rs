//! Ctrl-C and SIGTERM, and what ends a connection before its time.

use super::support::{Linux, Namespace, Program, has_tool, payload_len};
use super::{FAMILIES, in_url};
use std::io::Write;
use std::time::{Duration, Instant};

fn listening<'a>(namespace: &Namespace, subnet: &'a str, more: &[&'a str]) -> Program {
    let mut arguments = vec!["listen", "7000", "--tun", "sk0", "--addr", subnet];
    arguments.extend(more);
    namespace.sockeye(&arguments)
}

/// Sends an octet once it has accepted a connection: one that it has not accepted would be reset by a signal.
fn welcoming<'a>(namespace: &Namespace, subnet: &'a str, more: &[&'a str]) -> Program {
    let mut program = listening(namespace, subnet, more);
    program.stdin.as_mut().expect("piped").write_all(b"!").expect("room in a pipe");
    program
}

#[test]
fn a_signal_closes_in_order() {
    let Some(namespace) = Namespace::new("signal") else { return };
    for ((ours, _, subnet), signal) in FAMILIES.into_iter().zip(["TERM", "INT"]) {
        let mut program = welcoming(&namespace, subnet, &["-v"]);
        let stdin = program.stdin.take();
        let peer = namespace.linux(Linux::Wait { to: format!("{}:7000", in_url(ours)) });
        let begin = Instant::now();
        program.signal(signal);
        let answer = program.output();
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        assert!(answer.stderr.contains("[FIN-WAIT-1]"), "{}", answer.stderr);
        peer.finish();
        drop(stdin);
    }
}

#[test]
fn who_does_not_close_in_time_is_reset() {
    let Some(namespace) = Namespace::new("stay") else { return };
    let (ours, _, subnet) = FAMILIES[0];
    let mut program = welcoming(&namespace, subnet, &[]);
    let peer = namespace.linux(Linux::Stay { to: format!("{ours}:7000") });
    let stdin = program.stdin.take();
    let begin = Instant::now();
    program.signal("TERM");
    assert_eq!(program.output().code, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    peer.finish();
    drop(stdin);
}

#[test]
fn a_second_signal_aborts() {
    let Some(namespace) = Namespace::new("abort") else { return };
    let (ours, _, subnet) = FAMILIES[0];
    let mut program = welcoming(&namespace, subnet, &[]);
    let peer = namespace.linux(Linux::Stay { to: format!("{ours}:7000") });
    let stdin = program.stdin.take();
    program.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    let begin = Instant::now();
    program.signal("TERM");
    assert_eq!(program.output().code, Some(128 + 15));
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    // The peer waits for a reset, which nobody is left to send.
    drop((stdin, peer));
}

#[test]
fn a_download_under_way_is_cut_off_in_time() {
    let Some(namespace) = Namespace::new("cut") else { return };
    if !has_tool("curl") {
        println!("skipped: needs curl");
        return;
    }
    let (ours, _, subnet) = FAMILIES[1];
    // Otherwise Linux takes in the whole file, however slowly curl reads it.
    let small = "echo 4096 131072 262144 > /proc/sys/net/ipv4/tcp_rmem";
    assert!(namespace.command("sh").args(["-c", small]).status().unwrap().success());
    let folder = namespace.folder();
    std::fs::write(folder.join("large"), vec![7; payload_len()]).unwrap();
    let place = folder.to_str().unwrap();
    let server = namespace.sockeye(&["serve", place, "--tun", "sk0", "--addr", subnet]);
    let url = format!("http://{}/large", in_url(ours));
    namespace.linux(Linux::Reach { to: format!("{}:80", in_url(ours)) }).finish();
    let mut curl = namespace.command("curl");
    let curl = curl.args(["--silent", "--limit-rate", "100K", "--output", "/dev/null", &url]);
    let mut curl = curl.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let begin = Instant::now();
    server.signal("TERM");
    let answer = server.output();
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(!curl.wait().unwrap().success(), "curl cannot have all of it");
}

#[test]
fn a_reset_by_a_linux_client_is_told() {
    let Some(namespace) = Namespace::new("reset") else { return };
    for (ours, _, subnet) in FAMILIES {
        let mut program = listening(&namespace, subnet, &[]);
        let peer = namespace.linux(Linux::ConnectAndReset { to: format!("{}:7000", in_url(ours)) });
        let mut stdin = program.stdin.take().unwrap();
        stdin.write_all(b"hello").unwrap();
        peer.finish();
        // Standard input is still open: the reset itself must end it.
        let answer = program.output();
        assert_eq!(answer.code, Some(1));
        assert!(answer.stderr.contains("reset the connection (5 bytes sent"), "{}", answer.stderr);
    }
}

#[test]
fn nobody_there_times_out() {
    let Some(namespace) = Namespace::new("nobody") else { return };
    for (_, linux, subnet) in FAMILIES {
        let nobody = linux.replace(".1", ".77").replace("::1", "::77");
        let options = ["--tun", "sk0", "--addr", subnet, "--connect-timeout", "300ms"];
        let answer = namespace.run(&[&["connect", &nobody, "9"], &options[..]].concat(), b"");
        assert_eq!(answer.code, Some(1));
        assert!(answer.stderr.contains("timed out"), "{}", answer.stderr);
    }
}

#[test]
fn one_connection_after_the_other_is_kept() {
    let Some(namespace) = Namespace::new("keep") else { return };
    let (ours, _, subnet) = FAMILIES[0];
    let mut program = listening(&namespace, subnet, &["--keep"]);
    let stdin = program.stdin.take();
    for _ in 0..3 {
        namespace.linux(Linux::Reach { to: format!("{ours}:7000") }).finish();
    }
    program.signal("INT");
    let answer = program.output();
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    drop(stdin);
}

#[test]
fn a_device_that_goes_away_is_told() {
    let Some(namespace) = Namespace::new("gone") else { return };
    let (ours, _, subnet) = FAMILIES[0];
    let mut program = welcoming(&namespace, subnet, &[]);
    let stdin = program.stdin.take();
    let peer = namespace.linux(Linux::Wait { to: format!("{ours}:7000") });
    assert!(namespace.command("ip").args(["link", "del", "sk0"]).status().unwrap().success());
    let answer = program.output();
    assert_eq!(answer.code, Some(1));
    assert!(answer.stderr.contains("\"sk0\" is gone"), "{}", answer.stderr);
    drop((stdin, peer));
}
