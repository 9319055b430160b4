//! All comments of the repository: in code they say what is done, in tests and drills what is shown.

use crate::item::{FILE, Item, of_comment};
use crate::{Error, names};
use std::fs;
use std::path::{Path, PathBuf};

/// One comment that may name requirements.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mention {
    /// The file, from the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) item: Item,
    pub(crate) role: Role,
    pub(crate) requirements: Vec<String>,
    pub(crate) documents: Vec<String>,
    /// The comment in lower case, for what has no number.
    pub(crate) words: String,
}

/// What a comment is evidence of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Role {
    /// The stack does it.
    Code,
    /// A test or drill shows it.
    Proof,
    /// Neither: the eye judges others, the program only calls, what tests the stack is not the stack.
    Aside,
}

/// Every comment under `root/crates` and `root/drills`, in the order of the paths.
pub(crate) fn repository(root: &Path) -> Result<Vec<Mention>, Error> {
    let mut files = Vec::new();
    for folder in ["crates", "drills"] {
        if root.join(folder).is_dir() {
            collect(&root.join(folder), &mut files)?;
        }
    }
    let mut paths: Vec<(String, PathBuf)> = files
        .into_iter()
        .filter_map(|file| {
            let path = file.strip_prefix(root).ok()?.to_str()?.replace('\\', "/");
            Some((path, file))
        })
        // The tables' own reader names requirements that it does not do.
        .filter(|(path, _)| !path.starts_with("crates/conformance/"))
        .collect();
    paths.sort_unstable();
    let mut mentions = Vec::new();
    for (path, file) in paths {
        let text = fs::read_to_string(&file)
            .map_err(|source| Error::Read { path: file.clone(), source })?;
        mentions.extend(in_file(&path, &text));
    }
    Ok(mentions)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let read = |source| Error::Read { path: folder.into(), source };
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "pkt")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// The comments of one file that name anything.
pub(crate) fn in_file(path: &str, text: &str) -> Vec<Mention> {
    let lines: Vec<&str> = text.lines().collect();
    let mut mentions = Vec::new();
    let mut first = 0;
    while first < lines.len() {
        let Some((kind, _)) = comment(path, lines[first]) else {
            first += 1;
            continue;
        };
        let mut last = first;
        let is_whole_line = lines[first].trim_start().starts_with(kind);
        while is_whole_line
            && lines.get(last + 1).is_some_and(|next| {
                next.trim_start().starts_with(kind)
                    && comment(path, next).is_some_and(|(next_kind, _)| next_kind == kind)
            })
        {
            last += 1;
        }
        let text: Vec<&str> = lines[first..=last]
            .iter()
            .filter_map(|line| comment(path, line))
            .map(|(_, text)| text.trim())
            .collect();
        let item =
            if path.ends_with(".pkt") || kind == "//!" { FILE } else { of_comment(&lines, last) };
        mentions.push(mention(path, item, &text.join(" ")));
        first = last + 1;
    }
    mentions.retain(|mention| mention.role != Role::Aside);
    mentions
}

fn mention(path: &str, item: Item, text: &str) -> Mention {
    Mention {
        path: path.into(),
        role: role(path, &item),
        item,
        requirements: names::requirements(text),
        documents: names::documents(text),
        words: text.to_lowercase(),
    }
}

fn role(path: &str, item: &Item) -> Role {
    if path.ends_with(".pkt") {
        return Role::Proof;
    }
    if path.starts_with("crates/eye/") {
        return Role::Aside;
    }
    let is_test_path = path.contains("/tests/") || path.ends_with("/tests.rs");
    if is_test_path || item.in_test_module {
        let proves = item.is_test || item.name.is_empty();
        return if proves { Role::Proof } else { Role::Aside };
    }
    let aside = ["/cli/", "/sim/", "/model/", "/benches/", "/examples/"];
    if aside.iter().any(|part| path.contains(part)) { Role::Aside } else { Role::Code }
}

/// The marker and the text of a comment in `line`.
fn comment<'a>(path: &str, line: &'a str) -> Option<(&'static str, &'a str)> {
    let start = line.trim_start();
    if path.ends_with(".pkt") {
        let marker = ["//", "#"].into_iter().find(|marker| start.starts_with(marker))?;
        return Some((marker, &start[marker.len()..]));
    }
    for marker in ["//!", "///", "//"] {
        if let Some(text) = start.strip_prefix(marker) {
            return Some((marker, text));
        }
    }
    line.split_once(" // ").map(|(_, text)| ("//", text))
}
