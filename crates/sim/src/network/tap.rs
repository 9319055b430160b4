//! Where every packet is looked at, as it leaves its sender.

use sockeye_eye::{Config, ConnectionReport, Eye, Summary};
use sockeye_link::Medium;
use sockeye_link::capture::pcapng::{Direction, Interface, Writer};
use sockeye_wire::{Instant, Packet};
use std::io::{self, Write};

/// The eye, and the capture if one is wanted. Both number packets from 1, in the order of sending.
pub(super) struct Tap {
    eye: Eye,
    packets: u64,
    interfaces: usize,
    capture: Option<Capture>,
}

struct Capture {
    writer: Writer<Box<dyn Write + Send>>,
    /// One for each host interface, in the order of their making.
    interfaces: Vec<Interface>,
    /// The first error; nothing is written after it.
    error: Option<io::Error>,
}

impl Tap {
    pub(super) fn new() -> Self {
        Self { eye: Eye::new(Config::at_senders()), packets: 0, interfaces: 0, capture: None }
    }

    pub(super) fn capture_to(&mut self, out: Box<dyn Write + Send>) -> io::Result<()> {
        // Virtual time begins with the Unix epoch.
        let writer = Writer::new(out, 0)?;
        self.capture = Some(Capture { writer, interfaces: Vec::new(), error: None });
        Ok(())
    }

    /// Takes note of an interface; its number.
    pub(super) fn add_interface(&mut self, name: &str) -> usize {
        if let Some(capture) = &mut self.capture {
            match capture.writer.add_interface(Medium::Ip, name) {
                Ok(interface) => capture.interfaces.push(interface),
                Err(error) => capture.fail(error),
            }
        }
        self.interfaces += 1;
        self.interfaces - 1
    }

    /// Shows a packet that leaves the `interface`th interface.
    #[inline]
    pub(super) fn see(&mut self, now: Instant, interface: usize, packet: &Packet) {
        self.packets += 1;
        self.eye.packet_ip(self.packets, now, packet);
        if let Some(capture) = &mut self.capture {
            capture.write(now, interface, packet);
        }
    }

    /// The first write error, once.
    #[inline]
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.capture.as_mut()?.error.take()
    }

    pub(super) const fn packets(&self) -> u64 {
        self.packets
    }

    /// Ends the capture; what the eye says of everything.
    pub(super) fn finish(mut self) -> io::Result<(Vec<ConnectionReport>, Summary)> {
        if let Some(mut capture) = self.capture.take() {
            capture.writer.flush()?;
            if let Some(error) = capture.error {
                return Err(error);
            }
        }
        Ok(self.eye.finish())
    }
}

impl Capture {
    fn write(&mut self, now: Instant, interface: usize, packet: &Packet) {
        if self.error.is_some() {
            return;
        }
        let Some(&interface) = self.interfaces.get(interface) else { return };
        if let Err(error) = self.writer.write(now, interface, Direction::Outbound, packet) {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
    }
}
