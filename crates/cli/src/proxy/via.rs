//! The way out.

use percent_encoding::percent_decode_str;
use std::fmt;
use std::str::FromStr;

/// Where connections go through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Via {
    /// Straight to where the client wants to go.
    Direct,
    /// A SOCKS5 server (RFC 1928, RFC 1929).
    Socks5(Server),
    /// An HTTP proxy, by CONNECT (RFC 9110 §9.3.6).
    Http(Server),
}

/// A proxy's name or address, and what it wants to know of us.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) login: Option<Login>,
}

/// User and password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl FromStr for Via {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "direct" {
            return Ok(Self::Direct);
        }
        let form =
            "write direct, socks5://[USER:PASSWORD@]HOST:PORT or http://[USER:PASSWORD@]HOST:PORT";
        let (scheme, rest) = text.split_once("://").ok_or(form)?;
        let kind: fn(Server) -> Self = match scheme {
            // "h" only says that names are resolved at the far end, and we are given addresses.
            "socks5" | "socks5h" => Self::Socks5,
            "http" => Self::Http,
            other => return Err(format!("no proxy is spoken to by {other}; {form}")),
        };
        rest.parse().map(kind)
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (login, place) = match text.rsplit_once('@') {
            Some((login, place)) => (Some(login.parse()?), place),
            None => (None, text),
        };
        let (host, port) = place.rsplit_once(':').ok_or("the proxy's port is missing")?;
        let port = match port.parse() {
            Ok(0) | Err(_) => return Err(format!("{port} is no port")),
            Ok(port) => port,
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if bare.is_none() && host.contains(':') {
            return Err(format!("write [{host}]:{port}"));
        }
        let host = bare.unwrap_or(host);
        if host.is_empty() || host.contains(['/', '?', '#']) {
            return Err(format!("{host:?} is no host"));
        }
        Ok(Self { host: host.to_owned(), port, login })
    }
}

impl FromStr for Login {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let decoded = |part: &str| {
            let decoded = percent_decode_str(part).decode_utf8();
            decoded.map(String::from).map_err(|_| "user and password must be UTF-8".to_owned())
        };
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let login = Self { user: decoded(user)?, password: decoded(password)? };
        // RFC 1929 §2: their lengths are octets, and a name has at least one.
        if login.user.is_empty() || login.user.len() > 255 || login.password.len() > 255 {
            return Err("a user has 1 to 255 bytes, a password at most 255".into());
        }
        Ok(login)
    }
}

/// Without the login, which is a secret.
impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Socks5(server) => write!(f, "socks5://{server:?}"),
            Self::Http(server) => write!(f, "http://{server:?}"),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
