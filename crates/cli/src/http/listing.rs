//! A directory as a page.

use super::folder::Entry;
use super::target::{Target, percent_encode};
use std::fmt::Write;

/// The page that lists `entries`.
pub(crate) fn page(target: &Target, path: &str, entries: &[Entry]) -> String {
    let title = escape(&String::from_utf8_lossy(path.as_bytes()));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title>\n<style>body{{font-family:sans-serif;margin:2em}}td{{padding:.1em 1em .1em 0}}\
         .n{{text-align:right;font-variant-numeric:tabular-nums}}</style></head>\n<body><h1>{title}</h1>\n<table>\n"
    );
    if !target.is_root() {
        page.push_str("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    }
    for entry in entries {
        let slash = if entry.is_file { "" } else { "/" };
        // "./" keeps a name with a colon from being taken for a scheme (RFC 3986 §4.2).
        let mut link = String::from("./");
        percent_encode(&entry.name, &mut link);
        let name = escape(&String::from_utf8_lossy(&entry.name));
        let size = if entry.is_file { entry.len.to_string() } else { String::new() };
        let modified = httpdate::fmt_http_date(entry.modified);
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "<tr><td><a href=\"{link}{slash}\">{name}{slash}</a></td><td class=\"n\">{size}</td><td>{modified}</td></tr>"
        );
    }
    page.push_str("</table>\n</body></html>\n");
    page
}

/// Text as HTML, in an attribute as well.
fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
