//! The servers, the same over Sockeye's sockets and over Linux's: echo, sink, HTTP.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) const ECHO: u16 = 7;
pub(crate) const SINK: u16 = 9;
pub(crate) const HTTP: u16 = 80;

/// Listening sockets of either kind.
pub(crate) trait Listen: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, which sends small writes at once.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listen for tokio::net::TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        let (stream, _) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Listen for sockeye::TcpListener {
    type Stream = sockeye::TcpStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        let (stream, _) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Octets that each connection of the sink got.
pub(crate) type Received = Arc<Mutex<Vec<u64>>>;

/// Serves at three listeners until the runtime ends.
pub(crate) fn serve<L: Listen>([echo, sink, http]: [L; 3], received: &Received) {
    let received = Arc::clone(received);
    accept_all(echo, |stream| async {
        let _closed = answer_octets(stream).await;
    });
    accept_all(sink, move |stream| count(stream, Arc::clone(&received)));
    accept_all(http, |stream| async {
        let connection = hyper::server::conn::http1::Builder::new();
        let _closed = connection.serve_connection(TokioIo::new(stream), service_fn(hello)).await;
    });
}

fn accept_all<L: Listen, F>(listener: L, serve: impl Fn(L::Stream) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        while let Ok(stream) = Listen::accept(&listener).await {
            tokio::spawn(serve(stream));
        }
    });
}

async fn answer_octets(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => stream.write_all(&buffer[..read]).await?,
        }
    }
}

async fn count(mut stream: impl AsyncRead + Unpin, received: Received) {
    let mut buffer = vec![0; 64 * 1024];
    let mut octets = 0;
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        octets += read as u64;
    }
    received.lock().unwrap().push(octets);
}

async fn hello(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello, world!"))))
}
