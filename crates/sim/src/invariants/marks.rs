//! What a congested network marks, and what both ends make of it (RFC 3168 §6.1, RFC 9768 §3.2).

use super::breach::{Found, Rule};
use super::seen::Seen;
use sockeye_tcp::{EcnMode, Info, Phase};
use sockeye_wire::{Ecn, Flags, SeqNumber};

/// Where the counter of marked packets begins (RFC 9768 §3.2.1).
const FIRST_PACKETS: u32 = 5;
/// Where those of octets begin: with ECT(0), CE, ECT(1).
const FIRST_OCTETS: [u32; 3] = [1, 0, 1];

/// How many of those that arrived the end has counted: a segment may have been refused for reasons that cannot be seen from here.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    least: u32,
    most: u32,
}

impl Span {
    fn add(&mut self, count: u32, is_certain: bool) {
        self.most += count;
        self.least += if is_certain { count } else { 0 };
    }

    const fn holds(self, count: u32) -> bool {
        self.least <= count && count <= self.most
    }
}

/// Both halves of one end's congestion notification.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Marked packets that arrived, and octets by codepoint: ECT(0), CE, ECT(1).
    packets: Span,
    octets: [Span; 3],
    /// A mark was taken, and nothing has said since that the sender's window is smaller; that may have happened.
    must_echo: bool,
    may_echo: bool,
    has_answered: bool,
    /// Of the current step: data sent for the first time, and whether one of those said that the window is smaller.
    fresh: bool,
    told: bool,
    /// The window is smaller, and the next fresh data has to say so.
    owes_telling: bool,
    /// SND.NXT when the window was last known to be coming down.
    reduced_at: Option<SeqNumber>,
}

impl Marks {
    /// `is_certain`: it was taken, whatever the end's state is.
    pub(super) fn on_arrival(&mut self, seen: &Seen, is_certain: bool) {
        if seen.flags.syn() {
            return;
        }
        if seen.flags.intersects(Flags::CWR) {
            self.must_echo = false;
            self.may_echo &= !is_certain;
        }
        let octets = seen.payload.len() as u32;
        match seen.ecn {
            Ecn::NotEct => {}
            Ecn::Ect0 => self.octets[0].add(octets, is_certain),
            Ecn::Ect1 => self.octets[2].add(octets, is_certain),
            Ecn::Ce => {
                self.octets[1].add(octets, is_certain);
                self.packets.add(1, is_certain);
                self.may_echo = true;
                self.must_echo |= is_certain;
            }
        }
    }

    /// `mode`: what both agreed on, where it is known and the end is not past its close; `is_fresh`: it carries data for the first time.
    pub(super) fn on_sent(
        &mut self,
        seen: &Seen,
        mode: Option<EcnMode>,
        is_fresh: bool,
        found: &mut Found,
    ) {
        let is_capable = seen.ecn != Ecn::NotEct;
        found.demand(!is_capable || is_fresh, Rule::Capable, || {
            format!("{:?} on what is no new data", seen.ecn)
        });
        if seen.flags.syn() {
            return;
        }
        // The first answer of a client tells how the SYN-ACK arrived instead (RFC 9768 §3.2.2.1).
        let is_first = !std::mem::replace(&mut self.has_answered, true);
        match mode {
            Some(EcnMode::Off) => found.demand(!is_capable, Rule::Capable, || "not agreed".into()),
            Some(EcnMode::Classic) => self.check_classic(seen, is_fresh, found),
            Some(EcnMode::Accurate) if !is_first => self.check_counters(seen, found),
            Some(EcnMode::Accurate) | None => {}
        }
    }

    fn check_classic(&mut self, seen: &Seen, is_fresh: bool, found: &mut Found) {
        let echoes = seen.flags.intersects(Flags::ECE);
        found.demand(echoes || !self.must_echo, Rule::Echoes, || "a mark is not echoed".into());
        found
            .demand(!echoes || self.may_echo, Rule::Echoes, || "an echo of what never came".into());
        let tells = seen.flags.intersects(Flags::CWR);
        if is_fresh {
            found.demand(tells || !self.owes_telling, Rule::Reduction, || {
                "new data does not tell that the window is smaller".into()
            });
            self.owes_telling = false;
            self.fresh = true;
            self.told |= tells;
        }
    }

    fn check_counters(&self, seen: &Seen, found: &mut Found) {
        let field = u32::from(seen.flags.bits() >> 6) & 7;
        let Span { least, most } = self.packets;
        let agrees = (least..=most).any(|count| (FIRST_PACKETS + count) & 7 == field);
        found.demand(agrees, Rule::Echoes, || {
            format!("ACE {field} where {least} to {most} marks arrived")
        });
        for (place, count) in seen.octets.iter().enumerate() {
            let Some(count) = count else { continue };
            let told = count.wrapping_sub(FIRST_OCTETS[place]) & 0x00ff_ffff;
            found.demand(self.octets[place].holds(told), Rule::Echoes, || {
                format!("octet counter {place} is {told}, arrived {:?}", self.octets[place])
            });
        }
    }

    /// What the connection says of it after a step.
    pub(super) fn on_snapshot(&mut self, last: &Info, info: &Info, found: &mut Found) {
        found.demand(self.packets.holds(info.ecn_marks.1), Rule::Echoes, || {
            format!("{} marks counted, arrived {:?}", info.ecn_marks.1, self.packets)
        });
        let was_open = matches!(last.phase, Phase::Open | Phase::Disorder);
        let is_open = matches!(info.phase, Phase::Open | Phase::Disorder);
        let hears = info.ecn_marks.0 != last.ecn_marks.0 && info.snd_una != last.snd_una;
        // Once a round trip: what was sent before the last reduction tells nothing new (RFC 3168 §6.1.2).
        let is_news = hears
            && was_open
            && last.ecn == info.ecn
            && self.reduced_at.is_none_or(|at| info.snd_una.after(at));
        let comes_down = !is_open
            || info.slow_start_threshold < last.slow_start_threshold
            || info.congestion_window < last.congestion_window;
        found.demand(!is_news || comes_down, Rule::Reduction, || {
            format!("{} marks told of, cwnd {} as before", info.ecn_marks.0, info.congestion_window)
        });
        if !is_open {
            self.reduced_at = Some(info.snd_nxt);
        }
        if was_open && info.phase == Phase::Reduced && info.ecn == EcnMode::Classic {
            found.demand(!self.fresh || self.told, Rule::Reduction, || {
                "new data did not tell that the window is smaller".into()
            });
            self.owes_telling = !self.fresh;
        }
        (self.fresh, self.told) = (false, false);
    }

    /// How many marked packets were certainly counted here, if that is known to one.
    pub(super) fn known(&self) -> Option<u32> {
        (self.packets.least == self.packets.most).then_some(self.packets.most)
    }
}
