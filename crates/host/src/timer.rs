//! Who waits on the wheel.

/// The owner of a timer, as an index into the table of its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimerKey {
    Connection(u32),
    HalfOpen(u32),
    TimeWait(u32),
    Neighbour(u32),
    Reassembly,
}
