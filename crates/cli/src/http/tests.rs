use super::folder::Folder;
use super::listing;
use super::media_type;
use super::range::Part;
use super::target::Target;
use super::validators::Validators;
use hyper::HeaderMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// A folder that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sockeye-http-{}-{name}", std::process::id()));
        fs::create_dir_all(path.join("www/sub")).unwrap();
        fs::write(path.join("secret"), "secret").unwrap();
        fs::write(path.join("www/plain.txt"), "0123456789").unwrap();
        fs::write(path.join("www/sub/<&\"'> a:b"), "odd").unwrap();
        Self(path)
    }

    fn folder(&self) -> Folder {
        Folder::open(&self.0.join("www")).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn targets_are_decoded_and_never_lead_out() {
    let path = |target: &str| {
        Target::parse(target).map(|target| String::from_utf8(target.relative_path()).unwrap())
    };
    assert_eq!(path("/").as_deref(), Some("."));
    assert_eq!(path("/a/b").as_deref(), Some("a/b"));
    assert_eq!(path("//a/./b/").as_deref(), Some("a/b"));
    assert_eq!(path("/a%20b%C3%A9").as_deref(), Some("a bé"));
    for bad in [
        "",
        "a",
        "/..",
        "/a/../b",
        "/%2e%2E/etc",
        "/.%2e",
        "/a%2fb",
        "/%2Fetc",
        "/a%00",
        "/%",
        "/%4",
        "/%zz",
        "/%+1",
    ] {
        assert_eq!(path(bad), None, "{bad}");
    }
    assert!(Target::parse("/a/").unwrap().is_directory);
    assert!(!Target::parse("/a").unwrap().is_directory);
    // Never "//host/", which would be another site.
    assert_eq!(Target::parse("//host/a%20b").unwrap().directory_uri(), "/host/a%20b/");
}

#[test]
fn nothing_outside_of_the_folder_is_opened() {
    let scratch = Scratch::new("outside");
    symlink("../secret", scratch.0.join("www/up")).unwrap();
    symlink(scratch.0.join("secret"), scratch.0.join("www/absolute")).unwrap();
    symlink("..", scratch.0.join("www/sub/parent")).unwrap();
    symlink("/proc/self/root", scratch.0.join("www/root")).unwrap();
    symlink("loop", scratch.0.join("www/loop")).unwrap();
    symlink("plain.txt", scratch.0.join("www/inside")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        scratch.0.join("www/fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let folder = scratch.folder();
    for outside in [
        "up",
        "absolute",
        "../secret",
        "sub/parent/../secret",
        "sub/../../secret",
        "root/etc/passwd",
        "loop",
        "/etc/passwd",
        "fifo",
        "missing",
        "plain.txt/x",
    ] {
        let error = folder.get(outside.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{outside}: {error}");
    }
    assert_eq!(folder.get(&[b'a'; 5_000]).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(folder.get(b"inside").unwrap().len, 10);
    assert_eq!(folder.get(b"sub/parent/plain.txt").unwrap().len, 10);
    let root = folder.get(b".").unwrap();
    let entries = folder.entries(&root, b".").unwrap();
    let names: Vec<_> = entries.iter().map(|entry| str::from_utf8(&entry.name).unwrap()).collect();
    assert_eq!(names, ["sub", "inside", "plain.txt"]);
}

#[test]
fn a_listing_is_html_whatever_the_names() {
    let scratch = Scratch::new("listing");
    let folder = scratch.folder();
    let entries = folder.entries(&folder.get(b"sub").unwrap(), b"sub").unwrap();
    let page = listing::page(&Target::parse("/sub/").unwrap(), "/sub/<script>", &entries);
    assert!(
        page.contains("<a href=\"./%3C%26%22%27%3E%20a%3Ab\">&lt;&amp;&quot;&#39;&gt; a:b</a>")
    );
    assert!(page.contains("<a href=\"../\">") && !page.contains("<script>"));
}

#[test]
fn a_missing_folder_is_an_error_at_once() {
    assert!(Folder::open("/does/not/exist".as_ref()).is_err());
    let scratch = Scratch::new("missing");
    assert!(Folder::open(&scratch.0.join("secret")).is_err());
}

#[test]
fn ranges_are_those_of_rfc_9110() {
    for (field, part) in [
        ("bytes=0-0", Part::Of(0..1)),
        ("bytes=0-499", Part::Of(0..500)),
        ("bytes=500-", Part::Of(500..1_000)),
        ("bytes=-500", Part::Of(500..1_000)),
        ("bytes=-5000", Part::Of(0..1_000)),
        ("Bytes=990-2000", Part::Of(990..1_000)),
        ("bytes=999-18446744073709551615", Part::Of(999..1_000)),
        ("bytes=999-99999999999999999999999", Part::Of(999..1_000)),
        ("bytes=1000-", Part::Unsatisfiable),
        ("bytes=99999999999999999999999-", Part::Unsatisfiable),
        ("bytes=-0", Part::Unsatisfiable),
        ("bytes=5-4", Part::Whole),
        ("bytes=-", Part::Whole),
        ("bytes=a-b", Part::Whole),
        ("bytes=+1-2", Part::Whole),
        ("bytes=0-1,5-6", Part::Whole),
        ("lines=0-1", Part::Whole),
        ("bytes", Part::Whole),
    ] {
        assert_eq!(Part::parse(field, 1_000), part, "{field}");
    }
    assert_eq!(Part::parse("bytes=0-", 0), Part::Unsatisfiable);
}

#[test]
fn validators_know_what_is_current() {
    let scratch = Scratch::new("validators");
    let file = scratch.folder().get(b"plain.txt").unwrap();
    let validators = Validators::of(&file);
    let headers = |name: &'static str, value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    };
    assert!(!validators.is_current(&HeaderMap::new()));
    for current in [&*validators.etag, "*", &format!("\"x\", W/{}", validators.etag)] {
        assert!(validators.is_current(&headers("if-none-match", current)), "{current}");
    }
    assert!(!validators.is_current(&headers("if-none-match", "\"x\"")));
    let date = validators.last_modified();
    assert!(validators.is_current(&headers("if-modified-since", &date)));
    assert!(!validators.is_current(&headers("if-modified-since", "Thu, 01 Jan 1970 00:00:01 GMT")));
    assert!(validators.allows_range(&headers("if-range", &validators.etag)));
    assert!(validators.allows_range(&headers("if-range", &date)));
    assert!(!validators.allows_range(&headers("if-range", "\"x\"")));
}

#[test]
fn media_types_go_by_the_last_extension() {
    assert_eq!(media_type::of(b"index.HTML"), "text/html; charset=utf-8");
    assert_eq!(media_type::of(b"a.tar.gz"), "application/gzip");
    assert_eq!(media_type::of(b"Makefile"), "application/octet-stream");
    assert_eq!(media_type::of(b"odd."), "application/octet-stream");
}
