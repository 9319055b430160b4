//! The stack and the eye share the wire format, so neither would notice a mistake in it: tshark reads simulated captures too.

use sockeye_sim::{Scenario, run};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Packets that the filter finds, as tshark prints them.
fn tshark(file: &Path, filter: &str) -> String {
    let output = Command::new("tshark")
        .args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", filter, "-r"])
        .arg(file)
        .output()
        .expect("tshark starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn is_installed() -> bool {
    let version = Command::new("tshark").arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("sockeye-sim-{}-{name}.pcapng", std::process::id()))
}

#[test]
fn tshark_finds_nothing_malformed() {
    if !is_installed() {
        eprintln!("skipped: needs tshark");
        return;
    }
    for ipv6 in [false, true] {
        let scenario = Scenario {
            bytes: 500_000,
            loss: 0.03,
            reorder: 0.03,
            duplicate: 0.03,
            ipv6,
            seed: 11,
            ..Scenario::default()
        };
        let file = temporary(if ipv6 { "v6" } else { "v4" });
        let out = File::create(&file).unwrap();
        let outcome = run(&scenario, Some(Box::new(out)), &mut ()).unwrap();
        let bad =
            tshark(&file, "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0");
        let good = tshark(&file, "tcp.checksum.status == 1 && !_ws.malformed");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(bad, "");
        assert_eq!(good.lines().count() as u64, outcome.packets);
    }
}
