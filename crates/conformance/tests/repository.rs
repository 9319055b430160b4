//! The repository keeps what CONFORMANCE.md says.

use sockeye_conformance::{examine, repository};

#[test]
fn the_page_is_what_the_generator_writes() {
    let report = examine(&repository()).unwrap();
    let page = std::fs::read_to_string(repository().join("CONFORMANCE.md")).unwrap();
    let expected = report.markdown();
    let difference = page.lines().zip(expected.lines()).find(|(is, should)| is != should);
    assert!(page == expected, "run `cargo run -p sockeye-conformance`; first: {difference:#?}");
}

#[test]
fn every_requirement_has_code_and_proof_or_a_reason() {
    let complaints = examine(&repository()).unwrap().complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// RFC 9293 numbers 69 MUSTs, 31 SHOULDs, 18 MAYs and one recommendation.
#[test]
fn no_requirement_is_forgotten() {
    let page = examine(&repository()).unwrap().markdown();
    for (kind, last) in [("MUST", 69), ("SHLD", 31), ("MAY", 18), ("REC", 1)] {
        for number in 1..=last {
            assert_eq!(
                page.matches(&format!("\n| {kind}-{number} |")).count(),
                1,
                "{kind}-{number}"
            );
        }
        assert!(!page.contains(&format!("\n| {kind}-{} |", last + 1)));
    }
}

/// What shows on the wire, and every document, has a drill, or the table says why not.
#[test]
fn nothing_is_without_a_drill() {
    let report = examine(&repository()).unwrap();
    assert!(report.without_drill().is_empty(), "{:?}", report.without_drill());
}
