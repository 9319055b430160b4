//! Packets that are not TCP.

use crate::everywhere::Turn;
use crate::shared::StackHandle;
use crate::stack::Stack;
use bytes::Bytes;
use sockeye_host::StrayPacket;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

/// The packets to the stack that are not TCP and that it has no use for: UDP, other protocols, ICMP but for echo requests and what is
/// about TCP; see [`Stack::packets`]. Dropping it leaves them to the stack again, which answers that nobody is there.
pub struct Packets {
    handle: StackHandle,
    turn: Turn,
}

impl Packets {
    pub(crate) fn open(stack: &Stack, limit: usize) -> io::Result<Self> {
        let handle = stack.handle.clone();
        let limit = limit.div_ceil(handle.shards().len());
        handle.set_up(|core, _now| {
            if !core.waiters.strays.take() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            core.host.set_strays(Some(limit));
            Ok(())
        })?;
        Ok(Self { handle, turn: Turn::default() })
    }

    /// The next packet. Cancelling the future loses none.
    ///
    /// # Errors
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) once the stack is shut down.
    pub async fn recv(&self) -> io::Result<StrayPacket> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) for those who poll. All tasks that wait are woken.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<io::Result<StrayPacket>> {
        self.handle.poll_each(
            &self.turn,
            cx,
            |_shard, _index, core| core.host.next_stray(),
            |core, _index, cx| core.waiters.strays.wait(cx),
        )
    }

    /// Tells a packet's sender by ICMP that nobody is there, within the stack's limit on such errors.
    pub fn reject(&self, packet: StrayPacket) {
        if let Some(shard) = self.handle.in_turn().next() {
            shard.call(|core, now| core.host.reject_stray(now, packet));
        }
    }

    /// Sends an IP packet as it is; see [`Stack::send_packet`].
    ///
    /// # Errors
    /// As [`Stack::send_packet`].
    pub fn send(&self, packet: Bytes) -> io::Result<()> {
        self.handle.send_packet(packet)
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        for shard in self.handle.shards() {
            shard.call(|core, _now| {
                core.waiters.strays.give_back(&mut core.wakes);
                core.host.set_strays(None);
            });
        }
    }
}

impl std::fmt::Debug for Packets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packets").finish_non_exhaustive()
    }
}
