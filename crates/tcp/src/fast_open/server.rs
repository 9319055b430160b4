//! The server's side: a connection that exists before its handshake is complete (RFC 7413 §4.2.2).

use super::{FastOpen, FastOpenFailure, FastOpenOption};
use crate::config::Checks;
use crate::half_open::{Bounds, HalfOpen, Verdict};
use crate::send::SendBuffer;
use crate::state::{Open, State};
use crate::{Config, Connection, Error, Events, Reset, Segment, Transmit};
use alloc::boxed::Box;
use alloc::sync::Arc;
use sockeye_wire::{Flags, Instant};

/// SYN-RECEIVED of a listener that took the data on the SYN: the application may already read and write.
#[derive(Debug)]
pub(crate) struct FastOpened {
    /// The handshake that is still to be completed.
    pub(crate) half: Box<HalfOpen>,
    pub(crate) open: Open,
}

impl HalfOpen {
    /// The cookie on `syn`, from which this record was made, is good: a connection that holds the SYN's data. The SYN-ACK
    /// carries `offer`, a new cookie. Whoever calls this has checked the cookie and bounds how many such connections there are.
    #[must_use]
    pub fn fast_open(
        self,
        config: Arc<Config>,
        mut syn: Segment,
        now: Instant,
        offer: Option<FastOpenOption>,
    ) -> Connection {
        let mut open = self.open(now, &config, SendBuffer::default());
        // Taken only when it is sent again: a FIN on a SYN is rarer than an attack by it.
        syn.flags = syn.flags - Flags::FIN;
        let with_data = !syn.payload.is_empty();
        if with_data {
            let _delivered = open.receive.on_text(now, &mut syn, config.delayed_ack);
        }
        open.receive.on_syn_ack_sent();
        let fast_open = FastOpen {
            option: offer,
            syn_data_acked: with_data,
            failure: FastOpenFailure::None,
            report: None,
        };
        let readable = if with_data { Events::READABLE } else { Events::NONE };
        let opened = FastOpened { half: Box::new(self), open };
        Connection::fast_opened(
            config,
            State::FastOpened(opened),
            fast_open,
            Events::CONNECTED | Events::WRITABLE | readable,
            now,
        )
    }
}

impl Connection {
    /// A segment arrives in SYN-RECEIVED after Fast Open.
    pub(crate) fn on_segment_to_fast_opened(
        &mut self,
        now: Instant,
        segment: &mut Segment,
    ) -> Option<Reset> {
        let checks = self.config().checks();
        let State::FastOpened(opened) = self.state_mut() else { return None };
        match opened.judge(now, segment, checks) {
            Verdict::Wait => None,
            Verdict::Reset(reset) => Some(reset),
            Verdict::Gone => {
                self.fail(Error::Reset);
                None
            }
            Verdict::Establish => {
                self.complete_fast_open(now);
                self.process(now, segment)
            }
        }
    }

    fn complete_fast_open(&mut self, now: Instant) {
        let State::FastOpened(FastOpened { half, mut open }) = self.state.take() else { return };
        half.measure(now, &mut open.send);
        open.send.on_handshake_complete(now);
        self.state =
            if open.send.is_closing() { State::FinWait1(open) } else { State::Established(open) };
    }
}

impl FastOpened {
    fn judge(&mut self, now: Instant, segment: &Segment, checks: Checks) -> Verdict {
        let bounds = Bounds {
            rcv_nxt: self.open.receive.nxt,
            window: self.open.receive.window(),
            snd_nxt: self.open.send.nxt,
            checks,
        };
        self.half.judge(now, segment, &bounds)
    }

    /// The SYN-ACK goes first; data may follow before it is acknowledged.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        max_payload: usize,
        config: &Config,
        fast_open: Option<&mut FastOpen>,
    ) -> Option<Transmit> {
        let offer = fast_open.and_then(|fast_open| fast_open.option.take());
        let rcv_nxt = self.open.receive.nxt;
        let window = self.open.receive.window();
        if let Some(transmit) = self.half.answer(now, config, rcv_nxt, window, offer.as_ref()) {
            return Some(transmit);
        }
        self.open.poll_transmit(now, max_payload, config)
    }
}
