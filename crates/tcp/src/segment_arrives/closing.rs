//! The close, from either side and from both at once (RFC 9293 §3.6).

use crate::Connection;
use crate::state::State;
use sockeye_wire::Instant;

/// Our FIN was acknowledged; false if there is nothing more for the segment to do.
pub(super) fn on_fin_acked(connection: &mut Connection, now: Instant) -> bool {
    match connection.state_mut() {
        State::FinWait1(_) => {
            connection.enter_fin_wait_2(now);
            true
        }
        State::Closing(_) => {
            connection.enter_time_wait(now);
            false
        }
        State::LastAck(_) => {
            connection.end(None, None);
            false
        }
        _ => true,
    }
}

/// The peer's FIN, and everything before it, has arrived.
pub(super) fn on_fin_received(connection: &mut Connection, now: Instant) {
    match connection.state_mut() {
        state @ State::Established(_) => state.advance(State::CloseWait),
        // Ours is not acknowledged yet: both closed at the same time.
        state @ State::FinWait1(_) => state.advance(State::Closing),
        State::FinWait2(_) => connection.enter_time_wait(now),
        _ => {}
    }
}
