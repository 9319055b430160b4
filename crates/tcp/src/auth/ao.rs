//! TCP-AO: what a connection keeps of it (RFC 5925 §5, §7).

use super::Rejection;
use super::digest::{MAC_BYTES, TrafficKey, is_equal};
use super::extension::Extension;
use super::key::{Key, KeyError};
use super::message::{ao_header, find_signature, inward, outward, pseudo_header, with_signature};
use crate::{Endpoints, Transmit};
use alloc::vec::Vec;
use arrayvec::ArrayVec;
use core::net::{IpAddr, SocketAddr};
use core::ops::Range;
use sockeye_wire::SeqNumber;
use sockeye_wire::tcp::options::kind;
use sockeye_wire::tcp::{MAX_HEADER_BYTES, TcpHeader, TcpOption, TcpView};

/// TCP-AO with a code of 96 bits.
const OPTION_BYTES: usize = 4 + MAC_BYTES;

#[derive(Clone, Debug)]
pub(super) struct Ao {
    keys: Vec<Held>,
    /// Signs what we send: an index (RFC 5925 §5, `Current_key`).
    current: usize,
    /// The peer is asked to sign with it: an index (`Rnext_key`).
    next: usize,
    /// The first number each way, and the latest.
    sent: Option<(SeqNumber, Extension)>,
    received: Option<(SeqNumber, Extension)>,
}

/// A master key, and the traffic keys of everything after the SYNs once both ISNs are known.
#[derive(Clone, Debug)]
struct Held {
    key: Key,
    send_id: u8,
    receive_id: u8,
    traffic: Option<(TrafficKey, TrafficKey)>,
}

impl Held {
    fn new(key: &Key) -> Option<Self> {
        let (send_id, receive_id) = key.ids()?;
        Some(Self { key: key.clone(), send_id, receive_id, traffic: None })
    }

    /// RFC 5925 §5.2: whoever sent the segment comes first. A SYN's key does not know the receiver's ISN yet.
    fn derive(
        &self,
        (from, to): (SocketAddr, SocketAddr),
        from_isn: SeqNumber,
        to_isn: SeqNumber,
    ) -> TrafficKey {
        let mut context: ArrayVec<u8, 44> = ArrayVec::new();
        for address in [from.ip(), to.ip()] {
            match address {
                IpAddr::V4(address) => context.extend(address.octets()),
                IpAddr::V6(address) => context.extend(address.octets()),
            }
        }
        context.extend(from.port().to_be_bytes());
        context.extend(to.port().to_be_bytes());
        context.extend(from_isn.0.to_be_bytes());
        context.extend(to_isn.0.to_be_bytes());
        self.key.algorithm().traffic_key(self.key.secret(), &context)
    }

    /// The traffic keys for sending and receiving after the SYNs.
    fn traffic(
        &mut self,
        endpoints: &Endpoints,
        own: SeqNumber,
        peer: SeqNumber,
    ) -> &(TrafficKey, TrafficKey) {
        let traffic = self.traffic.take().unwrap_or_else(|| {
            let send = self.derive(outward(endpoints), own, peer);
            (send, self.derive(inward(endpoints), peer, own))
        });
        self.traffic.insert(traffic)
    }

    /// The code over a segment in which TCP-AO stands at `place` (RFC 5925 §5.1).
    fn mac<'a>(
        &self,
        traffic: &TrafficKey,
        sne: u32,
        (from, to): (SocketAddr, SocketAddr),
        (header, place): (&[u8], Range<usize>),
        data: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> [u8; MAC_BYTES] {
        let len = header.len() + data.clone().map(<[u8]>::len).sum::<usize>();
        let (sne, pseudo) = (sne.to_be_bytes(), pseudo_header(from, to, len));
        let covered = ao_header(header, place, self.key.covers_options());
        let front = [&sne[..], &pseudo, &covered];
        // One lifetime for both: the data's outlives nothing here.
        let data = data.map(|piece: &[u8]| piece);
        self.key.algorithm().mac(traffic, front.into_iter().chain(data))
    }
}

impl Ao {
    pub(super) fn new<'a>(keys: impl Iterator<Item = &'a Key>) -> Option<Self> {
        let keys: Vec<_> = keys.filter_map(Held::new).collect();
        (!keys.is_empty()).then_some(Self { keys, current: 0, next: 0, sent: None, received: None })
    }

    pub(super) fn add(&mut self, key: Key) -> Result<(), KeyError> {
        let held = Held::new(&key).ok_or(KeyError::Mixed)?;
        let taken =
            |known: &Held| known.send_id == held.send_id || known.receive_id == held.receive_id;
        if self.keys.iter().any(taken) {
            return Err(KeyError::InUse);
        }
        self.keys.push(held);
        Ok(())
    }

    pub(super) fn remove(&mut self, send: u8, receive: u8) -> Result<(), KeyError> {
        let at = self.position(|held| held.send_id == send && held.receive_id == receive)?;
        if at == self.current || at == self.next {
            return Err(KeyError::InUse);
        }
        self.keys.remove(at);
        for index in [&mut self.current, &mut self.next] {
            *index -= usize::from(*index > at);
        }
        Ok(())
    }

    pub(super) fn set_current(&mut self, send_id: u8) -> Result<(), KeyError> {
        self.current = self.position(|held| held.send_id == send_id)?;
        Ok(())
    }

    pub(super) fn set_next(&mut self, receive_id: u8) -> Result<(), KeyError> {
        self.next = self.position(|held| held.receive_id == receive_id)?;
        Ok(())
    }

    fn position(&self, is_it: impl Fn(&Held) -> bool) -> Result<usize, KeyError> {
        self.keys.iter().position(is_it).ok_or(KeyError::NoSuchKey)
    }

    /// Current SendID, next RecvID, number of keys.
    pub(super) fn ids(&self) -> (Option<u8>, Option<u8>, usize) {
        let current = self.keys.get(self.current).map(|held| held.send_id);
        let next = self.keys.get(self.next).map(|held| held.receive_id);
        (current, next, self.keys.len())
    }

    pub(super) fn sign(&mut self, endpoints: &Endpoints, transmit: &mut Transmit) -> bool {
        let header = &transmit.header;
        let first_syn = header.flags.syn() && !header.flags.ack();
        if header.flags.syn() && self.sent.is_none() {
            self.sent = Some((header.seq, Extension::new(header.seq)));
        }
        let Some((own, latest)) = &mut self.sent else { return false };
        latest.advance(header.seq);
        let sne = if first_syn { 0 } else { latest.of(header.seq) };
        let own = *own;
        let Some(next_id) = self.keys.get(self.next).map(|held| held.receive_id) else {
            return false;
        };
        let Some(held) = self.keys.get_mut(self.current) else { return false };
        let traffic = match self.received {
            _ if first_syn => held.derive(outward(endpoints), own, SeqNumber(0)),
            Some((peer, _)) => held.traffic(endpoints, own, peer).0.clone(),
            None => return false,
        };
        let option = |mac: &[u8; MAC_BYTES]| {
            let option =
                TcpOption::Authentication { key_id: held.send_id, next_key_id: next_id, mac };
            with_signature(header, &[option])
        };
        let Some(options) = option(&[0; MAC_BYTES]) else { return false };
        let whole = TcpHeader {
            source_port: endpoints.local.port(),
            destination_port: endpoints.remote.port(),
            options,
            ..header.clone()
        };
        let mut bytes = [0; MAX_HEADER_BYTES];
        let len = whole.emit(&mut bytes);
        let place = len - whole.options.padded_len();
        let place = place..place + OPTION_BYTES;
        let data = transmit.payload.pieces().iter().map(|piece| &piece[..]);
        let mac = held.mac(&traffic, sne, outward(endpoints), (&bytes[..len], place), data);
        let Some(options) = option(&mac) else { return false };
        transmit.header.options = options;
        true
    }

    pub(super) fn verify<'a>(
        &mut self,
        endpoints: &Endpoints,
        header: &[u8],
        data: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<(), Rejection> {
        let place = find_signature(header, kind::AUTHENTICATION)?;
        let view = TcpView::parse(header).map_err(|_| Rejection::Wrong)?;
        let &[_, _, key_id, next_id, ref mac @ ..] = &header[place.clone()] else {
            return Err(Rejection::Wrong);
        };
        let at =
            self.position(|held| held.receive_id == key_id).map_err(|_| Rejection::UnknownKey)?;
        let held = &mut self.keys[at];
        let (seq, flags) = (view.seq(), view.flags());
        let first_syn = flags.syn() && !flags.ack();
        let (traffic, sne) = if first_syn {
            // Also of a peer that knows nothing of this connection any more: its ISN is its own.
            (held.derive(inward(endpoints), seq, SeqNumber(0)), 0)
        } else {
            let begun = (seq, Extension::new(seq));
            // Nothing but a SYN tells the peer's ISN.
            let peer = self.received.or(flags.syn().then_some(begun));
            let ((peer, latest), (own, _)) = peer.zip(self.sent).ok_or(Rejection::Wrong)?;
            let traffic = if self.received.is_some() {
                held.traffic(endpoints, own, peer).1.clone()
            } else {
                held.derive(inward(endpoints), peer, own)
            };
            (traffic, latest.of(seq))
        };
        let expected = held.mac(&traffic, sne, inward(endpoints), (header, place), data);
        if !is_equal(mac, &expected) {
            return Err(Rejection::Wrong);
        }
        match &mut self.received {
            Some((_, latest)) if !first_syn => latest.advance(seq),
            Some(_) => {}
            None => {
                self.received = Some((seq, Extension::new(seq)));
                if self.sent.is_none() {
                    // A passive open answers with the key that it was asked with.
                    self.next = at;
                }
            }
        }
        // RFC 5925 §7.5: the peer is ready for another key of ours.
        if let Ok(asked) = self.position(|held| held.send_id == next_id) {
            self.current = asked;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Ao {
    pub(super) fn syn_key(&self, endpoints: &Endpoints, isn: SeqNumber) -> Vec<u8> {
        self.keys[self.current].derive(outward(endpoints), isn, SeqNumber(0)).to_vec()
    }

    /// For sending and for receiving.
    pub(super) fn other_keys(&mut self, endpoints: &Endpoints) -> (Vec<u8>, Vec<u8>) {
        let ((own, _), (peer, _)) = self.sent.zip(self.received).unwrap();
        let traffic = self.keys[self.current].traffic(endpoints, own, peer);
        (traffic.0.to_vec(), traffic.1.to_vec())
    }
}
