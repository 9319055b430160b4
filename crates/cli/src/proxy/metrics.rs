//! The counts by HTTP, in the text format of Prometheus.

use super::Stats;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long a collector may take to say what it wants.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// Answers whoever asks, for ever.
pub(crate) async fn serve(listener: TcpListener, stats: Arc<Stats>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptors are left at the moment.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let stats = Arc::clone(&stats);
        let answer = service_fn(move |_request: Request<Incoming>| {
            let mut answer = Response::new(text(&stats));
            let kind = HeaderValue::from_static("text/plain; version=0.0.4");
            answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            async move { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(async move {
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(REQUEST_TIME);
            // A collector that breaks off asks again.
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// One line for the kind and one for the value.
pub(super) fn text(stats: &Stats) -> String {
    stats.metrics().iter().fold(String::new(), |mut text, (name, kind, value)| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
        text
    })
}
