use super::{parse_seeds, tell_failures};
use sockeye_sim::{Fault, try_out};
use std::time::Duration;

#[test]
fn seeds_are_a_range_without_its_end() {
    assert_eq!(parse_seeds("0..1000"), Ok(0..1_000));
    assert_eq!(parse_seeds(" 7 .. 8 "), Ok(7..8));
    assert_eq!(parse_seeds("7"), Ok(7..8));
    for wrong in ["", "a..b", "5..", "8..8", "9..8", "-1..3", "18446744073709551615"] {
        assert!(parse_seeds(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_failure_leaves_its_packets_and_one_command() {
    let scenario = sockeye_sim::scenarios::find("lossy").unwrap();
    let mut verdict = try_out(scenario, 7, None);
    let limit = Duration::from_secs(9);
    verdict.faults.push(Fault::Endless { limit, left: "something".to_owned() });
    let folder = std::env::temp_dir().join(format!("sockeye-cli-sim-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut told = Vec::new();
    tell_failures(vec![verdict], &folder, &mut told).unwrap();
    let told = String::from_utf8(told).unwrap();
    let file = folder.join("sockeye-sim-lossy-7.pcapng");
    let captured = std::fs::metadata(&file).map(|file| file.len());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(captured.unwrap() > 1_000);
    for line in [
        "lossy, seed 7:",
        "  not over after 9s: something",
        "  same again: sockeye sim --scenario lossy --seeds 7..8",
    ] {
        assert!(told.lines().any(|told| told == line), "{told}");
    }
    assert!(told.contains(&format!("sockeye read {}", file.display())), "{told}");
}
