//! Connections through the way out.

use super::via::{Login, Server, Via};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use std::io;
use std::net::SocketAddr;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_socks::tcp::Socks5Stream;

/// Largest head of an answer to CONNECT.
const MAX_HEAD_BYTES: usize = 16_384;
const MAX_HEADERS: usize = 64;

/// The way out, its names resolved.
pub(crate) struct Upstream {
    via: Via,
    /// The proxy's addresses; none if there is no proxy.
    proxies: Vec<SocketAddr>,
    /// The interface that connections leave by.
    device: Option<String>,
}

/// A connection to where the client wants to go.
pub(crate) struct Dialled {
    pub(crate) stream: TcpStream,
    /// What came behind the proxy's answer already.
    pub(crate) early: Bytes,
}

/// Why there is none.
#[derive(Debug, Error)]
pub(crate) enum DialError {
    /// The proxy itself is at fault, or cannot be had.
    #[error("the proxy {0}")]
    Proxy(String),
    /// The proxy works, and the target cannot be reached.
    #[error("{0}")]
    Target(String),
}

impl Upstream {
    /// # Errors
    /// What the resolver says of the proxy's name.
    pub(crate) async fn new(via: Via, device: Option<String>) -> io::Result<Self> {
        let proxies = match &via {
            Via::Direct => Vec::new(),
            Via::Socks5(server) | Via::Http(server) => {
                lookup_host((server.host.as_str(), server.port)).await?.collect()
            }
        };
        Ok(Self { via, proxies, device })
    }

    /// Connects to `target`; how long that may take the caller decides.
    pub(crate) async fn dial(&self, target: SocketAddr) -> Result<Dialled, DialError> {
        match &self.via {
            Via::Direct => {
                let stream = self.connect(target).await;
                let stream = stream.map_err(|error| DialError::Target(error.to_string()))?;
                Ok(Dialled { stream, early: Bytes::new() })
            }
            Via::Socks5(server) => socks5(self.to_proxy(server).await?, server, target).await,
            Via::Http(server) => connect_method(self.to_proxy(server).await?, server, target).await,
        }
    }

    /// Tries the proxy's addresses in turn.
    async fn to_proxy(&self, server: &Server) -> Result<TcpStream, DialError> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in &self.proxies {
            match self.connect(*address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(DialError::Proxy(format!("{server:?} cannot be reached: {last}")))
    }

    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(device) = &self.device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        let stream = socket.connect(to).await?;
        // What we pass on need not wait for more.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

async fn socks5(
    stream: TcpStream,
    server: &Server,
    target: SocketAddr,
) -> Result<Dialled, DialError> {
    use tokio_socks::Error;
    let dialled = match &server.login {
        None => Socks5Stream::connect_with_socket(stream, target).await,
        Some(Login { user, password }) => {
            Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
        }
    };
    match dialled {
        Ok(stream) => Ok(Dialled { stream: stream.into_inner(), early: Bytes::new() }),
        Err(
            error @ (Error::GeneralSocksServerFailure
            | Error::ConnectionNotAllowedByRuleset
            | Error::NetworkUnreachable
            | Error::HostUnreachable
            | Error::ConnectionRefused
            | Error::TtlExpired
            | Error::AddressTypeNotSupported),
        ) => Err(DialError::Target(error.to_string())),
        Err(error) => Err(DialError::Proxy(format!("{server:?} does not serve us: {error}"))),
    }
}

/// RFC 9110 §9.3.6: any answer of the class "successful" opens the tunnel, right behind its head.
async fn connect_method(
    mut stream: TcpStream,
    server: &Server,
    target: SocketAddr,
) -> Result<Dialled, DialError> {
    let broken = |what: &dyn std::fmt::Display| DialError::Proxy(format!("{server:?} {what}"));
    let io_error = |error: io::Error| broken(&format_args!("broke off: {error}"));
    let login = server.login.as_ref().map_or(String::new(), |Login { user, password }| {
        let login = STANDARD.encode(format!("{user}:{password}"));
        format!("Proxy-Authorization: Basic {login}\r\n")
    });
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n");
    stream.write_all(request.as_bytes()).await.map_err(io_error)?;
    let mut head = BytesMut::with_capacity(1_024);
    loop {
        if stream.read_buf(&mut head).await.map_err(io_error)? == 0 {
            return Err(broken(&"closed without an answer"));
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        match answer.parse(&head) {
            Ok(httparse::Status::Complete(len)) => {
                let (code, reason) = (answer.code.unwrap_or(0), answer.reason.unwrap_or(""));
                return match code {
                    200..=299 => Ok(Dialled { stream, early: head.split_off(len).freeze() }),
                    401 | 403 | 405 | 407 => Err(broken(&format_args!("answers {code} {reason}"))),
                    _ => Err(DialError::Target(format!("the proxy answers {code} {reason}"))),
                };
            }
            Ok(httparse::Status::Partial) if head.len() < MAX_HEAD_BYTES => {}
            Ok(httparse::Status::Partial) => return Err(broken(&"answers without end")),
            Err(error) => return Err(broken(&format_args!("does not speak HTTP: {error}"))),
        }
    }
}
