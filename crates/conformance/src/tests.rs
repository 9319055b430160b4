use crate::item::Item;
use crate::report::Report;
use crate::scan::{Role, in_file};
use crate::table::{Reason, parse};
use crate::{names, scan::Mention};

const SOURCE: &str = r#"//! A whole file (RFC 6528).

impl<T: Copy> fmt::Debug for Sender<T> {
    /// RFC 9293 MUST-34: survives.
    #[must_use]
    pub(crate) fn poll(
        &mut self,
    ) -> u32 {
        if true {
            // RFC 9293
            // MUST-25 to MUST-27, SHLD-12.
            self.sent += 1;
        }
        0
    }
}

pub struct Config {
    /// At most 500 ms (MUST-40).
    pub delayed_ack: Duration,
    pub(crate) nagle: bool, // RFC 896 and RFC 1122
}

#[cfg(test)]
mod tests {
    /// MAY-2 is no proof here.
    fn helper() {}

    /// MAY-3.
    #[test]
    fn shows() {}
}
"#;

fn found(path: &str) -> Vec<(String, Role, Vec<String>)> {
    in_file(path, SOURCE)
        .into_iter()
        .map(|mention| {
            let named = [mention.requirements, mention.documents].concat();
            (mention.item.name, mention.role, named)
        })
        .collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.into()).collect()
}

#[test]
fn comments_belong_to_items() {
    assert_eq!(
        found("crates/tcp/src/send/mod.rs"),
        [
            (String::new(), Role::Code, owned(&["RFC 6528"])),
            ("Sender::poll".into(), Role::Code, owned(&["MUST-34", "RFC 9293"])),
            (
                "Sender::poll".into(),
                Role::Code,
                owned(&["MUST-25", "MUST-26", "MUST-27", "SHLD-12", "RFC 9293"])
            ),
            ("Config::delayed_ack".into(), Role::Code, owned(&["MUST-40"])),
            ("Config".into(), Role::Code, owned(&["RFC 896", "RFC 1122"])),
            ("shows".into(), Role::Proof, owned(&["MAY-3"])),
        ]
    );
}

#[test]
fn the_eye_and_helpers_of_tests_prove_nothing() {
    assert_eq!(found("crates/eye/src/judge/tests.rs"), []);
    let proof = found("crates/tcp/src/send/tests.rs");
    assert_eq!(proof.len(), 2, "{proof:?}");
}

#[test]
fn drills_are_proof() {
    let drill = in_file("drills/window/shrink.pkt", "// RFC 9293 MUST-34,\n// RFC 7323\n\n 0 x\n");
    assert_eq!(drill.len(), 1);
    assert_eq!(drill[0].role, Role::Proof);
    assert_eq!(drill[0].requirements, ["MUST-34"]);
    assert_eq!(drill[0].documents, ["RFC 9293", "RFC 7323"]);
}

#[test]
fn names_of_all_kinds() {
    assert_eq!(names::requirements("XMUST-1 MUST 2 MUST- MAY-18;REC-1"), ["MAY-18", "REC-1"]);
    assert_eq!(names::requirements("MUST-2 to SHLD-3"), ["MUST-2", "SHLD-3"]);
    assert_eq!(
        names::documents("RFC 1191, 8201 and RFC 4821 §3, 10 minutes; RFCs 5925/5926"),
        ["RFC 1191", "RFC 8201", "RFC 4821", "RFC 5925", "RFC 5926"]
    );
}

#[test]
fn tables() {
    let rows =
        parse("t", "# remark\nMUST-1\t3.1\tE\tW\tsays\nMUST-2\t3.1\tE\tW\tsays\tnot yet: soon\n");
    let rows = rows.unwrap();
    assert_eq!(rows[0].reason, None);
    assert_eq!(rows[1].reason, Some(Reason::NotYet("soon".into())));
    for wrong in ["MUST-1\t3.1\tE\tW\n", "A\t3\tE\tW\tx\nA\t3\tE\tW\tx\n"] {
        assert!(parse("t", wrong).is_err());
    }
}

fn mention(name: &str, role: Role) -> Mention {
    Mention {
        path: "crates/tcp/src/a.rs".into(),
        item: Item { name: "a".into(), in_test_module: false, is_test: role == Role::Proof },
        role,
        requirements: vec![name.into()],
        documents: Vec::new(),
        words: String::new(),
    }
}

/// Each thing that must not be is told.
#[test]
fn complaints() {
    let rows = |text| parse("t", text).unwrap();
    let table = "MUST-1\t3.1\tE\tW\tsays\n";
    let complaints = |mentions| Report::new(rows(table), rows(""), mentions).complaints();
    let (code, proof) = (mention("MUST-1", Role::Code), mention("MUST-1", Role::Proof));
    assert!(complaints(vec![code.clone(), proof.clone()]).is_empty());
    assert_eq!(complaints(vec![code.clone()]), ["MUST-1: neither test nor drill nor reason"]);
    assert_eq!(
        complaints(vec![proof.clone()]),
        ["MUST-1: no code names it, nor is there a reason"]
    );
    assert_eq!(complaints(Vec::new()), ["MUST-1: neither code nor test nor reason"]);
    let unknown = complaints(vec![code, proof, mention("MUST-70", Role::Code)]);
    assert_eq!(unknown, ["crates/tcp/src/a.rs names MUST-70, which does not exist"]);
    let reasoned = "MUST-1\t3.1\tE\tW\tsays\tnobody uses it\n";
    assert!(Report::new(rows(reasoned), rows(""), Vec::new()).complaints().is_empty());
}

/// What can be seen on the wire and has no drill, though it is done.
#[test]
fn drills_that_are_missing() {
    let table =
        "MUST-1\t3.1\tE\tW\tsays\nMUST-2\t3.1\tE\tU\tsays\nMUST-3\t3.1\tE\tI\tsays\twhy not\n";
    let report = |mentions| Report::new(parse("t", table).unwrap(), Vec::new(), mentions);
    assert_eq!(report(Vec::new()).without_drill(), ["MUST-1"]);
    let mut drill = mention("MUST-1", Role::Proof);
    drill.path = "drills/a.pkt".into();
    assert!(report(vec![drill]).without_drill().is_empty());
    // Where no drill can show it, code and another proof are still asked for.
    let rows = || parse("t", "MUST-1\t3.1\tE\tW\tsays\tno drill: too small to be seen\n").unwrap();
    let nothing = Report::new(rows(), Vec::new(), Vec::new());
    assert!(nothing.without_drill().is_empty());
    assert_eq!(nothing.complaints(), ["MUST-1: neither code nor test nor reason"]);
    let both = vec![mention("MUST-1", Role::Code), mention("MUST-1", Role::Proof)];
    let page = Report::new(rows(), Vec::new(), both).markdown();
    assert!(page.contains("a.rs) *(no drill: too small to be seen)* |"), "{page}");
}
