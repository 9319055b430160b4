use super::{Header, Step, StepKind, told_once};
use crate::network::NodeId;
use sockeye_wire::{Flags, Instant, SeqNumber, StateName};

fn header(flags: Flags, seq: u32) -> Header {
    Header { flags, seq: SeqNumber(seq), ack: SeqNumber(0), payload_len: 0 }
}

#[test]
fn syn_and_fin_take_a_number_each() {
    assert_eq!(header(Flags::SYN, 7).end(), SeqNumber(8));
    assert_eq!(header(Flags::FIN | Flags::ACK, u32::MAX).end(), SeqNumber(0));
    assert_eq!(Header { payload_len: 10, ..header(Flags::ACK, 7) }.end(), SeqNumber(17));
}

#[test]
fn a_state_that_the_answer_tells_is_told_once() {
    let at = |time, kind, before, after| Step {
        time: Instant::from_millis(time),
        node: NodeId(0),
        kind,
        before,
        after,
    };
    let syn_ack = StepKind::Received { header: header(Flags::SYN_ACK, 1) };
    let ack = StepKind::Sent { header: header(Flags::ACK, 2), again: false, copies: 1 };
    let (before, after) = (StateName::SynSent, StateName::Established);
    let answered = [at(1, syn_ack, before, after), at(1, ack, after, after)];
    assert_eq!(told_once(&answered).count(), 1);
    let later = [at(1, syn_ack, before, after), at(2, ack, after, after)];
    assert_eq!(told_once(&later).count(), 2);
    // What changes nothing and is only received is not told.
    assert_eq!(told_once(&[at(1, syn_ack, after, after)]).count(), 0);
}
