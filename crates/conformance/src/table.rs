//! The tables of what is required: six columns with tabs between them, `#` before a remark.

use crate::Error;

/// One requirement, or one RFC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    /// `MUST-34`, `RFC 7323`, or words that name what no RFC does.
    pub(crate) name: String,
    /// The RFC's section, or its standing.
    pub(crate) place: String,
    /// Who has to do it.
    pub(crate) who: String,
    /// `W` on the wire, `I` by injected packets, `A` through the interface, `U` in a unit test.
    pub(crate) seen: String,
    /// In our own words.
    pub(crate) says: String,
    pub(crate) reason: Option<Reason>,
}

/// Why code, test or drill may be missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// It stays so.
    Decided(String),
    /// It is still to be done.
    NotYet(String),
    /// It is done and tested, only that no drill can show it.
    NoDrill(String),
}

pub(crate) fn parse(table: &'static str, text: &str) -> Result<Vec<Row>, Error> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let complain = |what| Error::Table { table, line: index + 1, what };
        let columns: Vec<&str> = line.split('\t').collect();
        let (&[name, place, who, seen, says], reason) = (match columns.as_slice() {
            [five @ .., reason] if five.len() == 5 => (five, Some(*reason)),
            five => (five, None),
        }) else {
            return Err(complain("not five or six columns"));
        };
        if rows.iter().any(|row| row.name == name) {
            return Err(complain("this name stands in the table before"));
        }
        rows.push(Row {
            name: name.into(),
            place: place.into(),
            who: who.into(),
            seen: seen.into(),
            says: says.into(),
            reason: reason.filter(|reason| !reason.is_empty()).map(Reason::new),
        });
    }
    Ok(rows)
}

impl Reason {
    fn new(text: &str) -> Self {
        match text.split_once(": ") {
            Some(("not yet", rest)) => Self::NotYet(rest.into()),
            Some(("no drill", rest)) => Self::NoDrill(rest.into()),
            _ => Self::Decided(text.into()),
        }
    }
}
