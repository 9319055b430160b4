//! SEGMENT ARRIVES in the synchronized states: RFC 9293 §3.10.7.4 step by step, with RFC 5961's and RFC 7323's additions.

mod closing;
mod next;

use crate::config::Checks;
use crate::state::{Open, State};
use crate::{Connection, Error, Events, Segment};
use closing::{on_fin_acked, on_fin_received};
pub use next::Continuation;
use sockeye_wire::{Instant, SeqNumber};

/// What the checks before the text say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The segment is used up; an answer may be owed.
    Done,
    /// The peer reset the connection.
    Reset,
    /// On to the ACK field.
    Acceptable,
    /// Not acceptable, but its ACK field counts: a probe just left of the window, or data into a closed one.
    AckOnly,
}

/// All eight steps.
#[inline]
pub(crate) fn in_synchronized_state(
    connection: &mut Connection,
    now: Instant,
    segment: &mut Segment,
) {
    let checks = connection.config().checks();
    let Some(open) = connection.state_mut().open_mut() else { return };
    open.heard = now;
    open.keep_alive_probes = 0;
    let step = check(open, now, segment, &checks);
    match step {
        Step::Done => return,
        Step::Reset => return on_reset(connection),
        Step::Acceptable => {}
        Step::AckOnly => {
            segment.payload = Default::default();
            segment.flags = segment.flags - sockeye_wire::Flags::FIN;
            open.challenge(now, segment, &checks);
        }
    }
    open.user_timeout.on_option(segment.options.user_timeout);
    if let Some(ecn) = &mut open.ecn
        && ecn.on_received(segment)
    {
        open.receive.ack.now();
    }
    if ack_field(connection, now, segment, step, &checks) {
        urg_text_and_fin(connection, now, segment);
    }
}

/// Steps 0 to 4: timestamps, sequence number, RST, SYN.
#[inline]
fn check(open: &mut Open, now: Instant, segment: &Segment, checks: &Checks) -> Step {
    if segment.flags.rst() {
        return check_rst(open, now, segment, checks);
    }
    if let Some(step) = check_timestamps(open, now, segment, checks) {
        return step;
    }
    let len = segment.sequence_len();
    if !open.receive.is_acceptable(segment.seq, len) {
        open.receive.note_duplicate(segment.seq, segment.payload.len() as u32);
        let nxt = open.receive.nxt;
        let closed_window = len > 0 && segment.seq == nxt && open.receive.window() == 0;
        let left_of_window = segment.end() == nxt || segment.seq == nxt.back(1);
        if !segment.flags.syn() && (closed_window || left_of_window) {
            // Its sender waits for the answer, data or not (RFC 9293 §3.8.6.1, A.2).
            open.receive.ack.now();
            return Step::AckOnly;
        }
        open.challenge(now, segment, checks);
        return Step::Done;
    }
    if segment.flags.syn() {
        // RFC 5961 §4.2: whatever its sequence number.
        open.challenge(now, segment, checks);
        return Step::Done;
    }
    Step::Acceptable
}

/// Step 2 (RFC 5961 §3.2): the exact number resets, another in the window is challenged, the rest is dropped. Neither a closed
/// window (RFC 9293 MUST-66) nor data on the segment (SHLD-2) changes that.
fn check_rst(open: &mut Open, now: Instant, segment: &Segment, checks: &Checks) -> Step {
    let nxt = open.receive.nxt;
    if segment.seq == nxt {
        return Step::Reset;
    }
    if segment.seq.within(nxt, open.receive.window())
        && open.challenge.permit(now, checks.challenge_interval)
    {
        open.receive.ack.now();
    }
    Step::Done
}

/// RFC 7323 §3.2 and §5.3; `None`: go on.
#[inline]
fn check_timestamps(
    open: &mut Open,
    now: Instant,
    segment: &Segment,
    checks: &Checks,
) -> Option<Step> {
    if !open.negotiated.timestamps {
        return None;
    }
    // A segment without them is dropped silently, never a reason to abort.
    let Some(timestamps) = segment.options.timestamps else {
        return checks.require_timestamps.then_some(Step::Done);
    };
    if open.receive.is_old_duplicate(now, timestamps) {
        open.challenge(now, segment, checks);
        return Some(Step::Done);
    }
    None
}

fn on_reset(connection: &mut Connection) {
    match connection.state_mut() {
        // Both directions were closed: the peer has only forgotten us sooner.
        State::Closing(_) | State::LastAck(_) => connection.end(None, None),
        State::CloseWait(_) => connection.fail(Error::Closing),
        _ => connection.fail(Error::Reset),
    }
}

/// Step 5; false if the segment ends here.
#[inline]
fn ack_field(
    connection: &mut Connection,
    now: Instant,
    segment: &Segment,
    step: Step,
    checks: &Checks,
) -> bool {
    let Some(open) = connection.state_mut().open_mut() else { return false };
    if !segment.flags.ack() {
        return false;
    }
    if !open.believes(segment.ack) {
        open.challenge(now, segment, checks);
        return false;
    }
    if step == Step::Acceptable
        && open.negotiated.timestamps
        && let Some(timestamps) = segment.options.timestamps
    {
        open.receive.update_timestamp(now, segment.seq, timestamps);
    }
    let echo = open.echoed(segment);
    let congestion = open.ecn.as_mut().is_some_and(|ecn| {
        let new =
            if segment.ack.after(open.send.una) { segment.ack.since(open.send.una) } else { 0 };
        ecn.on_feedback(segment, new.div_ceil(open.send.mss()))
    });
    let outcome = open.send.on_ack(segment, echo, congestion);
    let progress = outcome.acked > 0 || outcome.fin_acked;
    let (starved, runs_dry) = (open.send.starved, open.send.runs_dry());
    let buffered = open.send.buffer.len();
    if progress {
        connection.made_progress(now);
        connection.notify(Events::FORWARD_PROGRESS);
    }
    // The buffer grows with the window, which also happens while nothing is acknowledged because a hole is being repaired.
    if progress || (starved && runs_dry) {
        let enough = buffered <= connection.send_low_water();
        if enough || (starved && runs_dry && buffered < connection.send_limit()) {
            if let Some(open) = connection.state_mut().open_mut() {
                open.send.starved = false;
            }
            connection.notify(Events::WRITABLE);
        }
    }
    if outcome.fin_acked {
        return on_fin_acked(connection, now);
    }
    true
}

impl Open {
    /// Whether `ack` acknowledges what was sent (RFC 9293 §3.10.7.4) and is not too old to be true (RFC 5961 §5.2). Nothing of a
    /// segment that fails this is believed, its timestamp neither.
    #[inline]
    fn believes(&self, ack: SeqNumber) -> bool {
        !ack.after(self.send.nxt) && self.send.is_recent_ack(ack)
    }
}

/// Steps 6 to 8.
#[inline]
pub(crate) fn urg_text_and_fin(connection: &mut Connection, now: Instant, segment: &mut Segment) {
    let config = connection.config();
    let (delay, tuning) = (config.delayed_ack, config.receive_tuning());
    let (orphaned, shut) = (connection.is_orphaned(), connection.is_shut());
    let Some(open) = connection.state_mut().open_mut() else { return };
    let mut events = Events::NONE;
    if segment.flags.urg() && !open.receive.is_finished() {
        let seq = segment.seq + u32::from(segment.flags.syn());
        if open.receive.on_urgent(seq + u32::from(segment.urgent_pointer)) {
            events |= Events::URGENT;
        }
    }
    if segment.payload.is_empty() && !segment.flags.fin() {
        connection.notify(events);
        return;
    }
    if (orphaned || shut)
        && (segment.seq + segment.payload.len() as u32).after(open.receive.nxt)
        && !segment.payload.is_empty()
    {
        // Nobody will read it: the peer must not believe that somebody did (RFC 9293 SHLD-3, RFC 1122 §4.2.2.13).
        let farewell = open.farewell_to(now, segment);
        // Whoever still has the connection learns of it.
        let error = if orphaned { Error::Aborted } else { Error::Reset };
        connection.end(Some(error), Some(farewell));
        return;
    }
    if !segment.payload.is_empty() {
        let echo = open.echoed(segment);
        open.receive.measure(segment.arrival, echo, open.negotiated.own_mss, tuning);
    }
    let delivery = open.receive.on_text(now, segment, delay);
    if delivery.delivered > 0 || delivery.finished {
        events |= Events::READABLE;
    }
    connection.notify(events);
    if delivery.finished {
        on_fin_received(connection, now);
    }
}
