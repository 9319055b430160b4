//! Connections and packets to addresses that are nobody's.

use super::{A4, A6, at, on};
use crate::link::memory::{PairConfig, pair};
use crate::{IncomingConfig, Interface, Stack, TcpStream};
use bytes::Bytes;
use sockeye_wire::ip::{IpHeader, IpView, protocol};
use sockeye_wire::{Checksum, HeaderBytes};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NOBODY: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

/// A client that sends everything over the link, and a stack at its end that takes every address.
fn client_and_proxy() -> (Stack, Stack) {
    let (a, b) = pair(PairConfig::default());
    let a = Interface::new(a).address(A4, 24).address(A6, 64).default_route();
    let a = Stack::builder().interface(a).secret([7; 32]).spawn().unwrap();
    let b = Interface::new(b).any_address().default_route();
    (a, Stack::builder().interface(b).secret([8; 32]).spawn().unwrap())
}

async fn error_of(connecting: impl Future<Output = std::io::Result<TcpStream>>) -> ErrorKind {
    connecting.await.expect_err("no connection").kind()
}

#[tokio::test(start_paused = true)]
async fn completed_and_refused() {
    let (client, proxy) = client_and_proxy();
    let incoming = proxy.incoming(IncomingConfig::default()).unwrap();
    let to: [SocketAddr; 2] = [at(NOBODY, 80), "[2001:db8:77::9]:80".parse().unwrap()];
    for to in to {
        let served = async {
            let request = incoming.accept().await.unwrap();
            assert_eq!(request.local_addr(), to);
            // Dialling takes a while, in which the client does not know.
            tokio::time::sleep(Duration::from_secs(4)).await;
            assert!(request.is_waiting());
            let peer = request.peer_addr();
            let stream = request.complete().await.unwrap();
            assert_eq!((stream.local_addr().unwrap(), stream.peer_addr().unwrap()), (to, peer));
            stream
        };
        let (opened, mut stream) = tokio::join!(client.connect(to), served);
        let mut opened = opened.unwrap();
        opened.write_all(b"hello").await.unwrap();
        opened.shutdown().await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        stream.write_all(b"and good bye").await.unwrap();
        drop(stream);
        heard.clear();
        opened.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "and good bye");
    }
    let refused = async {
        // In so many words, and by dropping.
        incoming.accept().await.unwrap().refuse();
        drop(incoming.accept().await.unwrap());
    };
    let connecting = async {
        for port in [81, 82] {
            let error = error_of(client.connect(at(NOBODY, port))).await;
            assert_eq!(error, ErrorKind::ConnectionRefused);
        }
    };
    tokio::join!(refused, connecting);
    assert_eq!(proxy.counts().held, 0);
}

#[tokio::test(start_paused = true)]
async fn ignored_and_out_of_time() {
    let (client, proxy) = client_and_proxy();
    let mut config = IncomingConfig::default();
    config.patience = Duration::from_millis(500);
    let incoming = proxy.incoming(config).unwrap();
    let connecting = tokio::spawn(async move { client.connect(at(NOBODY, 80)).await.is_ok() });
    incoming.accept().await.unwrap().ignore();
    let late = incoming.accept().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!late.is_waiting());
    assert_eq!(error_of(late.complete()).await, ErrorKind::ConnectionAborted);
    let third = incoming.accept().await.unwrap();
    let _stream = third.complete().await.unwrap();
    assert!(connecting.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn there_is_one_and_it_ends_with_the_stack() {
    let (client, proxy) = client_and_proxy();
    let incoming = proxy.incoming(IncomingConfig::default()).unwrap();
    let second = proxy.incoming(IncomingConfig::default()).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::AddrInUse);
    drop(incoming);
    // Without one a SYN is refused; with another it is held again.
    let error = error_of(client.connect(at(NOBODY, 80))).await;
    assert_eq!(error, ErrorKind::ConnectionRefused);
    let incoming = proxy.incoming(IncomingConfig::default()).unwrap();
    let packets = proxy.packets(8).unwrap();
    assert_eq!(proxy.packets(8).unwrap_err().kind(), ErrorKind::AddrInUse);
    let connecting = tokio::spawn(async move { error_of(client.connect(at(NOBODY, 80))).await });
    let request = incoming.accept().await.unwrap();
    let waiting = tokio::spawn(async move {
        (incoming.accept().await.unwrap_err().kind(), packets.recv().await.unwrap_err().kind())
    });
    tokio::task::yield_now().await;
    proxy.shutdown(Duration::from_secs(1)).await;
    let stopped = ErrorKind::ConnectionAborted;
    assert_eq!(waiting.await.unwrap(), (stopped, stopped));
    assert_eq!(connecting.await.unwrap(), ErrorKind::ConnectionRefused);
    assert_eq!(error_of(request.complete()).await, stopped);
    assert_eq!(proxy.incoming(IncomingConfig::default()).unwrap_err().kind(), stopped);
}

fn udp(from: IpAddr, to: IpAddr, data: &[u8]) -> Bytes {
    let len = 8 + data.len();
    let mut datagram = vec![0, 99, 0, 53, (len >> 8) as u8, len as u8, 0, 0];
    datagram.extend_from_slice(data);
    let sum = Checksum::pseudo_header(from, to, protocol::UDP, len as u32).with(&datagram).finish();
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    let mut out = HeaderBytes::new();
    IpHeader::new(from, to, protocol::UDP, len).emit(&mut out);
    [&out[..], &datagram].concat().into()
}

#[tokio::test]
async fn packets_come_and_go() {
    let (client, proxy) = client_and_proxy();
    let (at_client, at_proxy) = (client.packets(8).unwrap(), proxy.packets(8).unwrap());
    let question = udp(A4.into(), NOBODY.into(), b"who?");
    at_client.send(question.clone()).unwrap();
    assert_eq!(at_proxy.recv().await.unwrap().packet.to_bytes(), question);
    let answer = udp(NOBODY.into(), A4.into(), b"me");
    proxy.send_packet(answer.clone()).unwrap();
    assert_eq!(at_client.recv().await.unwrap().packet.to_bytes(), answer);

    client.send_packet(question.clone()).unwrap();
    at_proxy.reject(at_proxy.recv().await.unwrap());
    let bytes = at_client.recv().await.unwrap().packet.to_bytes();
    let ip = IpView::parse(&bytes, bytes.len()).unwrap();
    assert_eq!((ip.protocol, ip.source), (protocol::ICMP, NOBODY.into()));
    // Destination unreachable, port unreachable, and the packet that it is about.
    assert_eq!(bytes[20..22], [3, 3]);
    assert_eq!(bytes[28..], question);
    assert_eq!(
        client.send_packet(Bytes::from_static(b"?")).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

/// A stack without any address of its own opens nothing itself, and still answers.
#[tokio::test(start_paused = true)]
async fn listeners_at_any_address_get_their_own() {
    let (client, proxy) = client_and_proxy();
    let listener = proxy.listen(at(Ipv4Addr::UNSPECIFIED, 80)).unwrap();
    let _incoming = proxy.incoming(IncomingConfig::default()).unwrap();
    let (opened, accepted) = tokio::join!(client.connect(at(NOBODY, 80)), listener.accept());
    assert_eq!(accepted.unwrap().0.local_addr().unwrap(), at(NOBODY, 80));
    assert!(opened.is_ok());
    let (other, _) = pair(PairConfig::default());
    let alone = on(other, A4, A6).spawn().unwrap();
    assert_eq!(error_of(alone.connect(at(NOBODY, 80))).await, ErrorKind::NetworkUnreachable);
}
