//! The traits of `futures-io`, for code that is not written for tokio.

use crate::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::stream::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

macro_rules! reads {
    ($type:ty, $stream:expr) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                $stream(&*self).poll_read_bytes(cx, buf)
            }
        }
    };
}

macro_rules! writes {
    ($type:ty, $stream:expr) => {
        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                $stream(&*self).poll_write_from(cx, &[IoSlice::new(bytes)])
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                $stream(&*self).poll_write_from(cx, slices)
            }

            /// What was written is on its way already.
            fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Closes our direction; the other one stays open.
            fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                $stream(&*self).shutdown_write();
                Poll::Ready(Ok(()))
            }
        }
    };
}

reads!(TcpStream, |stream| -> &TcpStream { stream });
writes!(TcpStream, |stream| -> &TcpStream { stream });
reads!(ReadHalf<'_>, AsRef::<TcpStream>::as_ref);
reads!(OwnedReadHalf, AsRef::<TcpStream>::as_ref);
writes!(WriteHalf<'_>, AsRef::<TcpStream>::as_ref);
writes!(OwnedWriteHalf, AsRef::<TcpStream>::as_ref);
