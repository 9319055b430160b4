//! What a comment belongs to: the item that it documents, or the one that it stands in. Formatted source is enough for that,
//! since its indentation tells what contains what.

const CONTAINERS: [&str; 7] = ["fn", "impl", "trait", "mod", "struct", "enum", "union"];
const OTHERS: [&str; 4] = ["const", "static", "type", "macro_rules!"];

/// An item by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Item {
    /// `Sender::poll`, `Config::delayed_ack`; empty for a whole file.
    pub(crate) name: String,
    /// It stands in a test module, or is a test.
    pub(crate) in_test_module: bool,
    /// It is a test.
    pub(crate) is_test: bool,
}

/// The whole file.
pub(crate) const FILE: Item = Item { name: String::new(), in_test_module: false, is_test: false };

/// The item to which the comment whose last line is `lines[last]` belongs.
pub(crate) fn of_comment(lines: &[&str], last: usize) -> Item {
    let indent = indentation(lines[last]);
    let next = (last + 1..lines.len()).find(|&index| !is_skipped(lines[index]));
    let mut parts: Vec<(&str, usize)> = Vec::new();
    let chain = containers(lines, last, indent);
    if let Some(next) = next.filter(|&next| indentation(lines[next]) == indent) {
        let (first_word, name) = declaration(lines[next]);
        let in_type = chain.first().is_some_and(|&index| is_type(declaration(lines[index]).0));
        if first_word.is_some() {
            parts.push((name, next));
        } else if in_type {
            parts.push((member(lines[next]), next));
        }
    }
    let declared = parts.len();
    parts.extend(chain.iter().map(|&index| (declaration(lines[index]).1, index)));
    let is_test = parts.iter().any(|&(_, index)| has_test_attribute(lines, index));
    let in_test_module =
        is_test || chain.iter().any(|&index| declaration(lines[index]) == (Some("mod"), "tests"));
    // A function inside a function adds nothing; nor does the module that a file's tests stand in.
    let innermost = parts.first().map(|&(name, _)| name).unwrap_or_default();
    let outer = parts[declared.max(1).min(parts.len())..]
        .iter()
        .find(|&&(_, index)| declaration(lines[index]).0 != Some("mod"))
        .map(|&(name, _)| name);
    let name = match outer {
        Some(outer) if !is_test => format!("{outer}::{innermost}"),
        _ => innermost.to_owned(),
    };
    Item { name, in_test_module, is_test }
}

/// The lines that open what contains line `from`, innermost first.
fn containers(lines: &[&str], from: usize, mut indent: usize) -> Vec<usize> {
    let mut chain = Vec::new();
    for index in (0..from).rev() {
        let line = lines[index];
        if line.trim().is_empty() || indentation(line) >= indent || is_skipped(line) {
            continue;
        }
        if declaration(line).0.is_some_and(|word| CONTAINERS.contains(&word)) {
            chain.push(index);
            indent = indentation(line);
        }
    }
    chain
}

/// The keyword and the name that a line declares.
fn declaration(line: &str) -> (Option<&'static str>, &str) {
    let mut rest = line.trim();
    if let Some(after) = rest.strip_prefix("pub") {
        rest = match after.strip_prefix('(') {
            Some(scope) => scope.split_once(')').map_or(after, |(_, after)| after),
            None => after,
        }
        .trim_start();
    }
    for word in ["default ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    if rest.starts_with("const fn ") {
        rest = &rest["const ".len()..];
    }
    let keyword = CONTAINERS
        .iter()
        .chain(&OTHERS)
        .find(|word| rest.strip_prefix(**word).is_some_and(|after| after.starts_with([' ', '<'])));
    let Some(keyword) = keyword else { return (None, "") };
    let after = rest[keyword.len()..].trim_start();
    let name = if *keyword == "impl" { implemented(after) } else { identifier(after) };
    (Some(keyword), name)
}

/// The type that `impl … {` is about.
fn implemented(header: &str) -> &str {
    let header = match header.strip_prefix('<') {
        Some(generics) => generics.split_once("> ").map_or(generics, |(_, after)| after),
        None => header,
    };
    let header = header.split_once(" for ").map_or(header, |(_, after)| after);
    let path = &header[..header.find(['<', ' ', '{']).unwrap_or(header.len())];
    path.rsplit("::").next().unwrap_or(path)
}

/// A field's or variant's name.
fn member(line: &str) -> &str {
    let line = line.trim();
    let line = match line.strip_prefix("pub") {
        Some(scoped) if scoped.starts_with('(') => {
            scoped.split_once(") ").map_or(line, |(_, after)| after)
        }
        Some(public) if public.starts_with(' ') => public.trim_start(),
        _ => line,
    };
    identifier(line)
}

fn is_type(word: Option<&str>) -> bool {
    matches!(word, Some("struct" | "enum" | "union"))
}

fn has_test_attribute(lines: &[&str], index: usize) -> bool {
    lines[..index]
        .iter()
        .rev()
        .map(|line| line.trim())
        .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
        .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

/// Attributes and further comments stand between a comment and its item.
fn is_skipped(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[") || line.starts_with("//")
}

fn identifier(text: &str) -> &str {
    let end = text
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(text.len());
    &text[..end]
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
