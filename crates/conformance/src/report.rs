//! The page, and what is wrong with it.

use crate::scan::{Mention, Role};
use crate::table::{Reason, Row};
use std::fmt::Write as _;

/// References that a cell shows; what follows them is left to a search for the name.
const SHOWN: usize = 3;

/// What the repository says of each requirement.
#[derive(Debug)]
pub struct Report {
    requirements: Vec<Entry>,
    documents: Vec<Entry>,
    /// Names in comments that no table has, with their place.
    unknown: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    row: Row,
    code: Vec<Reference>,
    tests: Vec<Reference>,
    drills: Vec<Reference>,
}

/// An item of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Reference {
    path: String,
    name: String,
}

impl Report {
    pub(crate) fn new(requirements: Vec<Row>, documents: Vec<Row>, mentions: Vec<Mention>) -> Self {
        let unknown = mentions
            .iter()
            .flat_map(|mention| mention.requirements.iter().map(move |name| (mention, name)))
            .filter(|(_, name)| requirements.iter().all(|row| row.name != **name))
            .map(|(mention, name)| format!("{} names {name}, which does not exist", mention.path))
            .collect();
        let entries = |rows: Vec<Row>| {
            rows.into_iter().map(|row| Entry::new(row, &mentions)).collect::<Vec<_>>()
        };
        Self { requirements: entries(requirements), documents: entries(documents), unknown }
    }

    /// What must not be: requirements with neither code and proof nor a reason, and names that do not exist.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.requirements.iter().chain(&self.documents);
        let gaps = entries.filter(|entry| entry.must_be_shown()).filter_map(|entry| {
            let what = match (entry.code.is_empty(), entry.is_shown()) {
                (false, true) => return None,
                (true, true) => "no code names it, nor is there a reason",
                (false, false) => "neither test nor drill nor reason",
                (true, false) => "neither code nor test nor reason",
            };
            Some(format!("{}: {what}", entry.row.name))
        });
        gaps.chain(self.unknown.iter().cloned()).collect()
    }

    /// Requirements that can be seen on the wire, or by injected packets, and documents, that no drill shows though nothing
    /// speaks against them.
    #[must_use]
    pub fn without_drill(&self) -> Vec<&str> {
        let on_the_wire = self.requirements.iter().filter(|entry| entry.is_on_the_wire());
        let all = on_the_wire.chain(&self.documents).filter(|entry| entry.row.reason.is_none());
        all.filter(|entry| entry.drills.is_empty()).map(|entry| entry.row.name.as_str()).collect()
    }

    /// One line of counts.
    #[must_use]
    pub fn summary(&self) -> String {
        let [requirements, documents] = [&self.requirements, &self.documents].map(|entries| {
            let counts = Counts::of(entries);
            format!("{} of {}", counts.shown, counts.all)
        });
        format!("{requirements} requirements and {documents} documents have code and proof")
    }

    /// CONFORMANCE.md.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut page = String::from(PREAMBLE);
        page.push_str(
            "| | all | code and proof | decided otherwise | not yet |\n|---|---|---|---|---|\n",
        );
        for (what, entries) in
            [("RFC 9293", &self.requirements), ("other documents", &self.documents)]
        {
            let Counts { all, shown, decided, not_yet } = Counts::of(entries);
            let _infallible =
                writeln!(page, "| {what} | {all} | {shown} | {decided} | {not_yet} |");
        }
        let on_the_wire: Vec<&Entry> =
            self.requirements.iter().filter(|entry| entry.is_on_the_wire()).collect();
        let drilled = on_the_wire.iter().filter(|entry| !entry.drills.is_empty()).count();
        let decided = on_the_wire
            .iter()
            .filter(|entry| entry.drills.is_empty() && entry.row.reason.is_some())
            .count();
        let _infallible = writeln!(
            page,
            "\nOf {} requirements of RFC 9293 that can be seen on the wire, {drilled} have a drill; {decided} were decided otherwise.",
            on_the_wire.len()
        );
        page.push_str("\n## RFC 9293, Appendix B\n\n");
        page.push_str("Who: **E** the protocol engine, **A** the interface to applications, **IP** the interface to the IP layer, **app** the application.\n\n");
        page.push_str(
            "| name | § | who | requirement | code | shown by |\n|---|---|---|---|---|---|\n",
        );
        for entry in &self.requirements {
            let Row { name, place, who, says, .. } = &entry.row;
            let (code, proof) = (entry.code_cell(), entry.proof_cell());
            let _infallible =
                writeln!(page, "| {name} | {place} | {who} | {says} | {code} | {proof} |");
        }
        page.push_str("\n## Other documents\n\n");
        page.push_str("| document | standing | about | code | shown by |\n|---|---|---|---|---|\n");
        for entry in &self.documents {
            let Row { name, place, says, .. } = &entry.row;
            let (code, proof) = (entry.code_cell(), entry.proof_cell());
            let _infallible = writeln!(page, "| {name} | {place} | {says} | {code} | {proof} |");
        }
        page
    }
}

const PREAMBLE: &str = "# Conformance

What each requirement is, the code that does it, and the test or drill that shows it, or the reason why not. Requirements are
in our own words; where they and the RFC disagree, the RFC is right.

This page is written by `cargo run -p sockeye-conformance` from the comments that name a requirement in code, tests and drills, and
from two tables in [`crates/conformance`](crates/conformance). A test fails when it is out of date, when a requirement has neither
code and proof nor a reason, and when a comment names a requirement that does not exist.

";

struct Counts {
    all: usize,
    shown: usize,
    decided: usize,
    not_yet: usize,
}

impl Counts {
    fn of(entries: &[Entry]) -> Self {
        let count = |is: &dyn Fn(&Entry) -> bool| entries.iter().filter(|entry| is(entry)).count();
        Self {
            all: entries.len(),
            shown: count(&|entry| {
                entry.must_be_shown() && entry.is_shown() && !entry.code.is_empty()
            }),
            decided: count(&|entry| matches!(entry.row.reason, Some(Reason::Decided(_)))),
            not_yet: count(&|entry| matches!(entry.row.reason, Some(Reason::NotYet(_)))),
        }
    }
}

impl Entry {
    fn new(row: Row, mentions: &[Mention]) -> Self {
        let mut entry = Self { row, code: Vec::new(), tests: Vec::new(), drills: Vec::new() };
        for mention in mentions.iter().filter(|mention| names(mention, &entry.row.name)) {
            let reference =
                Reference { path: mention.path.clone(), name: mention.item.name.clone() };
            let list = match mention.role {
                Role::Aside => continue,
                Role::Code => &mut entry.code,
                Role::Proof if mention.path.ends_with(".pkt") => &mut entry.drills,
                Role::Proof => &mut entry.tests,
            };
            if !list.contains(&reference) {
                list.push(reference);
            }
        }
        // What is about the whole of a file tells most.
        entry.code.sort_by_key(|reference| !reference.name.is_empty());
        entry
    }

    fn is_shown(&self) -> bool {
        !self.tests.is_empty() || !self.drills.is_empty()
    }

    /// Nothing speaks against code and proof.
    const fn must_be_shown(&self) -> bool {
        matches!(self.row.reason, None | Some(Reason::NoDrill(_)))
    }

    fn is_on_the_wire(&self) -> bool {
        self.row.seen.contains(['W', 'I'])
    }

    fn code_cell(&self) -> String {
        cell(&[&self.code])
    }

    fn proof_cell(&self) -> String {
        let proof = cell(&[&self.tests, &self.drills]);
        let reason = match &self.row.reason {
            None => return proof,
            Some(Reason::Decided(why)) => format!("*{why}*"),
            Some(Reason::NotYet(why)) => format!("**not yet:** {why}"),
            Some(Reason::NoDrill(why)) => return format!("{proof} *(no drill: {why})*"),
        };
        if proof.is_empty() { reason } else { format!("{reason} {proof}") }
    }
}

/// A comment names a numbered thing exactly, and what has no number by its words.
fn names(mention: &Mention, name: &str) -> bool {
    mention.requirements.iter().chain(&mention.documents).any(|named| named == name)
        || !name.contains(|letter: char| letter.is_ascii_digit())
            && mention.words.contains(&name.to_lowercase())
}

fn cell(lists: &[&[Reference]]) -> String {
    let shown: Vec<&Reference> = lists.iter().flat_map(|list| list.iter().take(SHOWN)).collect();
    let mut parts = Vec::new();
    for list in lists {
        parts.extend(list.iter().take(SHOWN).map(|reference| reference.link(&shown)));
        if list.len() > SHOWN {
            // How many more would change with every comment.
            parts.push("…".into());
        }
    }
    parts.join(", ")
}

impl Reference {
    /// With as much of the path as tells it from the others in the cell.
    fn link(&self, shown: &[&Self]) -> String {
        let label = self.label();
        let alike = |other: &&&Self| other.label() == label;
        let prefix = match shown.iter().filter(alike).count() {
            1 => "",
            _ if self.name.is_empty() => crate_name(&self.path),
            _ => file_label(&self.path).trim_end_matches(".rs"),
        };
        let colons = if prefix.is_empty() { "" } else { "::" };
        format!("[`{prefix}{colons}{label}`]({})", self.path)
    }

    fn label(&self) -> &str {
        if self.name.is_empty() { file_label(&self.path) } else { &self.name }
    }
}

fn crate_name(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or(path)
}

/// The file's name, with its folder where it would say nothing alone.
fn file_label(path: &str) -> &str {
    let path =
        path.trim_end_matches("/mod.rs").trim_end_matches("/lib.rs").trim_end_matches("/src");
    let name = path.rfind('/').map_or(path, |slash| &path[slash + 1..]);
    if !path.ends_with(".pkt") {
        return name;
    }
    path.strip_prefix("drills/").unwrap_or(path)
}
