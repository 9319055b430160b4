//! The names that a comment mentions.

/// `MUST-34`, and each of `MUST-25 to MUST-29`: no other RFC numbers its requirements so.
pub(crate) fn requirements(comment: &str) -> Vec<String> {
    let mut found: Vec<(&str, u32)> = Vec::new();
    let mut names = Vec::new();
    let mut end_of_last = 0;
    for (at, kind) in kinds(comment) {
        let digits = leading_digits(&comment[at + kind.len() + 1..]);
        let Ok(number) = digits.parse::<u32>() else { continue };
        let first = match found.last() {
            Some((last_kind, last))
                if *last_kind == kind && comment[end_of_last..at].trim() == "to" =>
            {
                last + 1
            }
            _ => number,
        };
        names.extend((first..=number).map(|number| format!("{kind}-{number}")));
        found.push((kind, number));
        end_of_last = at + kind.len() + 1 + digits.len();
    }
    names
}

/// Where a kind of requirement is followed by a hyphen.
fn kinds(comment: &str) -> Vec<(usize, &'static str)> {
    let mut places = Vec::new();
    for kind in ["MUST", "SHLD", "MAY", "REC"] {
        for (at, _) in comment.match_indices(kind) {
            let inside_word =
                comment[..at].ends_with(|before: char| before.is_ascii_alphanumeric());
            if !inside_word && comment[at + kind.len()..].starts_with('-') {
                places.push((at, kind));
            }
        }
    }
    places.sort_unstable();
    places
}

/// `RFC 7323`, and both of `RFC 1191, 8201`, `RFC 1191 and RFC 8201`, `RFC 5461 §4, RFC 5927`.
pub(crate) fn documents(comment: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, rfc) in comment.match_indices("RFC") {
        let mut rest = comment[at + rfc.len()..].trim_start_matches('s').trim_start();
        loop {
            let digits = leading_digits(rest);
            if !(3..=5).contains(&digits.len()) {
                break;
            }
            names.push(format!("RFC {digits}"));
            rest = &rest[digits.len()..];
            let Some(next) =
                [", ", " and ", "/", " or "].iter().find_map(|comma| rest.strip_prefix(comma))
            else {
                break;
            };
            rest = next;
        }
    }
    names
}

fn leading_digits(text: &str) -> &str {
    let end = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}
