//! Flag sets that no TCP sends.

use super::{Case, Rule};
use sockeye_wire::Flags;

const CHRISTMAS: Flags = Flags::from_bits(0x029);

#[inline]
pub(super) fn broken(case: &Case<'_>) -> Option<Rule> {
    // ECN's flags and AccECN's mean nothing here.
    let flags = case.flags - Flags::from_bits(0x1c0);
    if flags.ack() && !flags.intersects(Flags::from_bits(0x027)) {
        return None;
    }
    if flags.is_empty() {
        return Some(Rule::NoFlags);
    }
    let tree = flags.contains(CHRISTMAS);
    if tree && (!flags.ack() || flags.syn() || flags.rst()) {
        return Some(Rule::ChristmasTree);
    }
    if flags.contains(Flags::SYN | Flags::FIN) {
        return Some(Rule::SynFin);
    }
    if flags.rst() && flags.intersects(Flags::SYN | Flags::FIN) {
        return Some(Rule::ContradictoryFlags);
    }
    (!flags.ack() && !flags.syn() && !flags.rst()).then_some(Rule::AckMissing)
}
