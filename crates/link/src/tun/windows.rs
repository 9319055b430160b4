//! Packets from a thread that reads.

use crate::{Readiness, SharedWaker};
use bytes::Bytes;
use sockeye_wire::{Instant, Meta, Packet};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tun_rs::SyncDevice;

/// Packets that may wait to be received; what comes beyond is lost, as in a device's queue.
const QUEUE_PACKETS: usize = 1_024;

pub(super) struct Source {
    device: Arc<SyncDevice>,
    queue: Arc<Queue>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    waker: Arc<SharedWaker>,
}

#[derive(Default)]
struct Waiting {
    packets: VecDeque<Bytes>,
    error: Option<io::Error>,
}

impl Source {
    pub(super) fn new(device: SyncDevice, mtu: usize) -> io::Result<Self> {
        let (device, queue) = (Arc::new(device), Arc::new(Queue::default()));
        let (readers_device, readers_queue) = (Arc::clone(&device), Arc::clone(&queue));
        let reader = std::thread::Builder::new()
            .name("sockeye-tun".into())
            .spawn(move || read(&readers_device, &readers_queue, mtu))?;
        Ok(Self { device, queue, reader: Some(reader) })
    }

    pub(super) fn device(&self) -> &SyncDevice {
        &self.device
    }

    pub(super) fn receive(&mut self, now: Instant) -> io::Result<Option<Packet>> {
        let mut waiting = self.queue.lock();
        match waiting.packets.pop_front() {
            Some(bytes) => Ok(Some(Packet::from_bytes(Meta::at(now), bytes))),
            None => waiting.error.take().map_or(Ok(None), Err),
        }
    }

    pub(super) fn readiness(&self) -> Readiness<'_> {
        Readiness::Waker(&self.queue.waker)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // The reader sleeps in the device until then.
        if self.device.shutdown().is_ok()
            && let Some(reader) = self.reader.take()
        {
            let _ = reader.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(device: &SyncDevice, queue: &Queue, mtu: usize) {
    let mut buffer = vec![0; mtu];
    loop {
        let read = device.recv(&mut buffer);
        let mut waiting = queue.lock();
        let is_last = read.is_err();
        match read {
            Ok(len) if waiting.packets.len() < QUEUE_PACKETS => {
                waiting.packets.push_back(Bytes::copy_from_slice(&buffer[..len]));
            }
            Ok(_) => {}
            Err(error) => waiting.error = Some(error),
        }
        drop(waiting);
        queue.waker.wake();
        if is_last {
            return;
        }
    }
}
