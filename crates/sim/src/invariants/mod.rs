//! What must be true of every connection at every moment, whatever the network does.
//!
//! A [`Monitor`] is shown each packet as it leaves a host and as it reaches one, and after each step what every connection says of
//! itself ([`Info`]). It knows no more of the stack than that, and keeps its own account of sequence space in numbers that do not wrap.
//!
//! | file | what it looks at |
//! |---|---|
//! | `outgoing` | sequence numbers, data and FIN of what an end sends, against what its peer has offered |
//! | `incoming` | acknowledgements, windows, SACK blocks and timestamps that it sends, against what has reached it |
//! | `marks` | congestion notification: what arrives marked, and what both ends make of it |
//! | `steps` | what it answers: resets and challenges |
//! | `way` | whether what arrives is what was sent |
//! | `inner` | what the connection says of itself: windows, timers, what is in flight |
//!
//! What TCP must keep, rule by rule, and where it is looked at; a [`Rule`] has a test that shows it a broken trace, a
//! [`Fault`](crate::Fault) of a trial one that brings it about:
//!
//! | always | asserted by |
//! |---|---|
//! | SND.UNA ≤ SND.NXT | [`Rule::SendSequence`], [`Rule::Gap`] |
//! | nothing is sent beyond the offered window; nothing again that was acknowledged or, but for a timeout, reported | [`Rule::BeyondWindow`], [`Rule::AcknowledgedAgain`], [`Rule::SackedAgain`] |
//! | the right edge of the window never goes back | [`Rule::ShrinkingWindow`] |
//! | every octet is delivered once and in order, the end of data after all of them | [`Fault::Misread`](crate::Fault::Misread), [`Fault::Incomplete`](crate::Fault::Incomplete) |
//! | acknowledgements never go back, nor beyond what has arrived | [`Rule::AckGoesBack`], [`Rule::AckBeyondData`] |
//! | no more is in flight than the windows take, a tail loss probe and limited transmit aside | [`Rule::InFlight`], [`Rule::BeyondWindow`] |
//! | no reset answers a reset, none leaves a connection that goes on, one challenge in half a second | [`Rule::ResetAnswersReset`], [`Rule::ResetWhileOpen`], [`Rule::Challenge`] |
//! | while something is outstanding one timer runs, of four kinds, and none without need or in the past | [`Rule::Timer`] |
//! | one FIN; the same octets for the same numbers | [`Rule::Fin`], [`Rule::OtherOctets`] |
//! | TSval never goes back, TSecr was received, and no timestamp saves from a reset | [`Rule::Timestamps`], [`Rule::Echo`], [`Rule::ResetIgnored`] |
//! | a silent peer pins nothing | [`Fault::Deadlock`](crate::Fault::Deadlock), [`Fault::Endless`](crate::Fault::Endless), in scenarios `vanishing`, `blackouts` and `resets` |
//! | SACK describes what is held, the newest first | [`Rule::Sack`] |
//! | the least congestion window and threshold; no growth without use | [`Rule::LeastWindow`], [`Rule::UnusedGrowth`] |
//! | marks are only asked for on new data, echoed as the network made them, and answered | [`Rule::Capable`], [`Rule::Echoes`], [`Rule::Reduction`] |
//! | what has keys signs, and takes nothing that its peer did not send | [`Rule::Signature`], and all those above |

mod breach;
mod end;
mod incoming;
mod inner;
mod marks;
mod outgoing;
mod ranges;
mod seen;
mod steps;
#[cfg(test)]
mod tests;
mod way;

pub use breach::{Breach, Rule};

use breach::Found;
use end::End;
use seen::Seen;
use sockeye_host::{Connection, Endpoints};
use sockeye_tcp::Info;
use sockeye_wire::{Instant, Packet};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Breaches remembered; what follows the first few follows from them.
const MOST_BREACHES: usize = 20;

/// Watches all connections of a network.
#[derive(Debug, Default)]
pub struct Monitor {
    ends: Vec<End>,
    /// Where each end is among them.
    places: HashMap<Endpoints, usize>,
    /// Those that had something to do in the current step.
    touched: BTreeSet<usize>,
    breaches: Vec<Breach>,
}

/// What a connection says of itself after a step.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    /// Its two ends.
    pub endpoints: Endpoints,
    /// Everything else.
    pub info: Info,
    /// Octets written and not acknowledged.
    pub unacknowledged: usize,
    /// Any timer at all runs.
    pub has_deadline: bool,
}

impl Snapshot {
    /// Of a connection between these ends.
    #[must_use]
    pub fn of(endpoints: Endpoints, connection: &Connection) -> Self {
        Self {
            endpoints,
            info: connection.info(),
            unacknowledged: connection.unacknowledged(),
            has_deadline: connection.deadline().is_some(),
        }
    }
}

impl Monitor {
    /// Nothing has been seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet leaves the host that its source address names.
    pub fn sent(&mut self, now: Instant, packet: &Packet) {
        let Some(seen) = Seen::parse(packet) else { return };
        let mut found = Found::default();
        self.end(Endpoints { local: seen.source, remote: seen.destination })
            .on_sent(&seen, &mut found);
        let who = Endpoints { local: seen.source, remote: seen.destination };
        self.note(now, who, found);
    }

    /// A packet reaches the host that its destination address names. One that is damaged is nothing.
    pub fn arrived(&mut self, packet: &Packet) {
        let Some(seen) = Seen::parse(packet) else { return };
        let from = Endpoints { local: seen.source, remote: seen.destination };
        if self.end(from).has_sent(&seen) {
            self.end(flipped(from)).on_arrival(&seen);
        }
    }

    /// Everything that happens at `now` has happened; `snapshots` are of all connections that exist.
    pub fn stepped(&mut self, now: Instant, snapshots: impl IntoIterator<Item = Snapshot>) {
        for snapshot in snapshots {
            let mut found = Found::default();
            let (own, peer) = (snapshot.endpoints, flipped(snapshot.endpoints));
            let (own, peer) = (self.place(own), self.place(peer));
            self.touched.insert(own);
            let peers_marks = self.ends[peer].known_marks(&self.ends[own]);
            self.ends[own].on_snapshot((now, &snapshot), peers_marks, &mut found);
            self.note(now, snapshot.endpoints, found);
        }
        for at in std::mem::take(&mut self.touched) {
            let mut found = Found::default();
            let end = &mut self.ends[at];
            end.finish_step(now, &mut found);
            let who = end.endpoints;
            self.note(now, who, found);
        }
    }

    /// What was found since this was last asked.
    pub fn take_breaches(&mut self) -> Vec<Breach> {
        std::mem::take(&mut self.breaches)
    }

    fn end(&mut self, endpoints: Endpoints) -> &mut End {
        let at = self.place(endpoints);
        self.touched.insert(at);
        &mut self.ends[at]
    }

    fn place(&mut self, endpoints: Endpoints) -> usize {
        *self.places.entry(endpoints).or_insert_with(|| {
            self.ends.push(End::new(endpoints));
            self.ends.len() - 1
        })
    }

    fn note(&mut self, now: Instant, who: Endpoints, found: Found) {
        let at: Duration = now.since(Instant::ZERO);
        for (rule, what) in found.into_iter() {
            if self.breaches.len() < MOST_BREACHES {
                self.breaches.push(Breach { at, who: who.local, rule, what });
            }
        }
    }
}

/// The same connection, seen from the other end.
const fn flipped(endpoints: Endpoints) -> Endpoints {
    Endpoints { local: endpoints.remote, remote: endpoints.local }
}
