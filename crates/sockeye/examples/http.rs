//! hyper at both ends, over two stacks joined in memory: `cargo run -p sockeye --example http`.

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sockeye::link::memory::{PairConfig, pair};
use sockeye::{Interface, Stack};
use std::convert::Infallible;
use std::error::Error;

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = format!("you asked for {}\n", request.uri().path());
    Ok(Response::new(Full::new(text.into())))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (left, right) = pair(PairConfig::default());
    let client_side = Interface::new(left).address([10, 0, 0, 1], 24);
    let server_side = Interface::new(right).address([10, 0, 0, 2], 24);
    let clients = Stack::builder().interface(client_side).spawn()?;
    let servers = Stack::builder().interface(server_side).spawn()?;

    let listener = servers.listen(([10, 0, 0, 2], 80).into())?;
    tokio::spawn(async move {
        while let Ok((stream, _peer)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(connection);
        }
    });

    let stream = clients.connect(([10, 0, 0, 2], 80).into()).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/hello").header("host", "10.0.0.2").body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    println!("{}", response.status());
    let body = response.into_body().collect().await?.to_bytes();
    print!("{}", String::from_utf8_lossy(&body));
    assert_eq!(&body[..], b"you asked for /hello\n");
    Ok(())
}
