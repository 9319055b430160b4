//! What a file is, by its name.

/// The media type, for the common ones; anything else is a row of octets.
pub(crate) fn of(name: &[u8]) -> &'static str {
    let Some(dot) = name.iter().rposition(|octet| *octet == b'.') else { return OCTETS };
    let extension = name[dot + 1..].to_ascii_lowercase();
    TYPES
        .iter()
        .find(|(extensions, _)| extensions.iter().any(|known| known.as_bytes() == extension))
        .map_or(OCTETS, |(_, media_type)| media_type)
}

const OCTETS: &str = "application/octet-stream";

const TYPES: &[(&[&str], &str)] = &[
    (&["html", "htm"], "text/html; charset=utf-8"),
    (
        &["txt", "text", "log", "rs", "c", "h", "toml", "ini", "cfg", "conf"],
        "text/plain; charset=utf-8",
    ),
    (&["md"], "text/markdown; charset=utf-8"),
    (&["css"], "text/css; charset=utf-8"),
    (&["csv"], "text/csv; charset=utf-8"),
    (&["js", "mjs"], "text/javascript; charset=utf-8"),
    (&["json", "map"], "application/json"),
    (&["xml"], "application/xml"),
    (&["yaml", "yml"], "application/yaml"),
    (&["pdf"], "application/pdf"),
    (&["wasm"], "application/wasm"),
    (&["zip"], "application/zip"),
    (&["gz", "tgz"], "application/gzip"),
    (&["zst"], "application/zstd"),
    (&["xz"], "application/x-xz"),
    (&["tar"], "application/x-tar"),
    (&["pcap"], "application/vnd.tcpdump.pcap"),
    (&["png"], "image/png"),
    (&["jpg", "jpeg"], "image/jpeg"),
    (&["gif"], "image/gif"),
    (&["webp"], "image/webp"),
    (&["avif"], "image/avif"),
    (&["svg"], "image/svg+xml"),
    (&["ico"], "image/vnd.microsoft.icon"),
    (&["mp3"], "audio/mpeg"),
    (&["ogg", "oga"], "audio/ogg"),
    (&["flac"], "audio/flac"),
    (&["wav"], "audio/wav"),
    (&["mp4"], "video/mp4"),
    (&["webm"], "video/webm"),
    (&["woff2"], "font/woff2"),
    (&["woff"], "font/woff"),
];
