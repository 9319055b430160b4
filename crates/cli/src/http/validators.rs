//! Whether what a client has is still good (RFC 9110 §8.8, §13.1).

use super::folder::Opened;
use hyper::HeaderMap;
use hyper::header::{HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE};
use std::time::{Duration, SystemTime};

/// Names the content of a file.
pub(crate) struct Validators {
    pub(crate) etag: String,
    modified: SystemTime,
}

impl Validators {
    pub(crate) fn of(file: &Opened) -> Self {
        let [inode, seconds, nanos] = file.version;
        let etag = format!("\"{inode:x}-{:x}-{seconds:x}.{nanos:x}\"", file.len);
        // A date in the future would be no good a second later (§8.8.2.1).
        Self { etag, modified: file.modified.min(SystemTime::now()) }
    }

    pub(crate) fn last_modified(&self) -> String {
        httpdate::fmt_http_date(self.modified)
    }

    /// Whether the client has this content already: a 304 tells it so.
    pub(crate) fn is_current(&self, headers: &HeaderMap) -> bool {
        let mut tags = headers.get_all(IF_NONE_MATCH).iter().peekable();
        if tags.peek().is_some() {
            // §13.1.3: with a tag, the date does not count.
            return tags.filter_map(|field| field.to_str().ok()).any(|field| self.is_listed(field));
        }
        headers.get(IF_MODIFIED_SINCE).and_then(date).is_some_and(|since| self.seconds() <= since)
    }

    /// Whether a part of this content goes with what the client has (§13.1.5).
    pub(crate) fn allows_range(&self, headers: &HeaderMap) -> bool {
        let Some(field) = headers.get(IF_RANGE) else { return true };
        match date(field) {
            Some(exact) => exact == self.seconds(),
            None => field.as_bytes() == self.etag.as_bytes(),
        }
    }

    fn is_listed(&self, field: &str) -> bool {
        let matches = |tag: &str| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag
        };
        field.split(',').any(matches)
    }

    fn seconds(&self) -> Duration {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Duration::from_secs(since.as_secs())
    }
}

fn date(field: &HeaderValue) -> Option<Duration> {
    let date = httpdate::parse_http_date(field.to_str().ok()?).ok()?;
    date.duration_since(SystemTime::UNIX_EPOCH).ok()
}
