//! `sockeye sim`.

mod support;

use support::{sockeye, succeed};

#[test]
fn every_scenario_is_in_the_table() {
    let table = succeed(&["sim", "--seeds", "0..2"]).stdout;
    let names = succeed(&["sim", "--list"]).stdout;
    let names: Vec<_> = names.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 15);
    for name in &names {
        let row = table.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        let cells: Vec<_> = row.split_whitespace().collect();
        assert_eq!(cells.get(1..3), Some(&["2", "0"][..]), "{row}");
    }
    let last = table.lines().last().unwrap_or_default();
    assert!(last.starts_with(&format!("{} trials, 0 failed in", 2 * names.len())), "{last}");
}

#[test]
fn one_scenario_can_be_chosen() {
    let table = succeed(&["sim", "--seeds", "3..5", "--scenario", "lossy"]).stdout;
    assert_eq!(table.lines().count(), 3, "{table}");
    let wrong = sockeye(&["sim", "--scenario", "loosy"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("reordering"), "{}", wrong.stderr);
}
