//! The path that a request asks for.

/// A path below the folder, decoded: no segment is empty, `.` or `..`, or contains `/` or NUL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    segments: Vec<Vec<u8>>,
    /// It ended with `/`, as those of directories do.
    pub(crate) is_directory: bool,
}

impl Target {
    /// From a URI's path (RFC 3986 §3.3). `None` if it could lead out of the folder or is not well formed: decoding comes after splitting,
    /// so an encoded `/` separates nothing, and a `..` is refused whether encoded or not.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let is_directory = path.is_empty() || path.ends_with('/');
        let mut segments = Vec::new();
        for segment in path.split('/') {
            let segment = percent_decode(segment)?;
            match &*segment {
                b"" | b"." => {}
                b".." => return None,
                name if name.contains(&b'/') || name.contains(&0) => return None,
                _ => segments.push(segment),
            }
        }
        Some(Self { segments, is_directory })
    }

    /// Relative to the folder; `.` for the folder itself.
    pub(crate) fn relative_path(&self) -> Vec<u8> {
        if self.segments.is_empty() { b".".to_vec() } else { self.segments.join(&b'/') }
    }

    /// The last segment; empty for the folder itself.
    pub(crate) fn name(&self) -> &[u8] {
        self.segments.last().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// The path in a URI, as that of a directory.
    pub(crate) fn directory_uri(&self) -> String {
        let mut uri = String::from("/");
        for segment in &self.segments {
            percent_encode(segment, &mut uri);
            uri.push('/');
        }
        uri
    }
}

/// `None` for a `%` that is not followed by two hexadecimal digits.
fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        decoded.push(if octet == b'%' {
            let mut digit = || char::from(octets.next()?).to_digit(16);
            (digit()? * 16 + digit()?) as u8
        } else {
            octet
        });
    }
    Some(decoded)
}

/// Everything but unreserved characters (RFC 3986 §2.3) is encoded.
pub(crate) fn percent_encode(name: &[u8], uri: &mut String) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    for &octet in name {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            uri.push(char::from(octet));
        } else {
            let digits = [DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]];
            uri.push('%');
            uri.extend(digits.map(char::from));
        }
    }
}
