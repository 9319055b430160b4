//! What runs over tokio's streams runs over ours unchanged.

use super::{B4, at, connection, two_stacks};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Answers with the body it got, backwards.
async fn backwards(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let mut body = request.into_body().collect().await?.to_bytes().to_vec();
    body.reverse();
    Ok(Response::new(Full::new(body.into())))
}

#[tokio::test]
async fn http_with_hyper_at_both_ends() {
    let (a, b) = two_stacks();
    let listener = b.listen(at(B4, 80)).unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(backwards))
            .await
            .unwrap();
    });

    let stream = a.connect(at(B4, 80)).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for len in [0, 1, 10_000, 3_000_000] {
        let body: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let expected: Vec<u8> = body.iter().rev().copied().collect();
        let request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), expected);
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    server.await.unwrap();
}

#[tokio::test]
async fn tls_with_rustls_at_both_ends() {
    let certified = rcgen::generate_simple_self_signed(["sockeye.test".to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();

    let (a, b) = two_stacks();
    let (a_end, b_end) = connection(&a, &b).await;
    let serving = tokio::spawn(async move {
        let mut stream = TlsAcceptor::from(Arc::new(server)).accept(b_end).await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        stream.write_all(&got).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let name = ServerName::try_from("sockeye.test").unwrap();
    let stream = TlsConnector::from(Arc::new(client)).connect(name, a_end).await.unwrap();
    let data: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 253) as u8).collect();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = data.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut got = Vec::new();
    reader.read_to_end(&mut got).await.unwrap();
    assert!(got == data);
    writing.await.unwrap();
    serving.await.unwrap();
}
