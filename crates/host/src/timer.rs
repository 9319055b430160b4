//! Who waits on the wheel.

/// The owner of a timer, as an index into the table of its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimerOwner {
    Connection(u32),
    HalfOpen(u32),
    TimeWait(u32),
    Neighbour(u32),
    Reassembly,
    Held(u32),
}

/// A [`TimerOwner`] in 32 bits, as the wheel keeps it: the highest say which table, the others which place in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerKey(u32);

const PLACE_BITS: u32 = 29;

impl From<TimerOwner> for TimerKey {
    fn from(owner: TimerOwner) -> Self {
        let (table, place) = match owner {
            TimerOwner::Connection(place) => (0, place),
            TimerOwner::HalfOpen(place) => (1, place),
            TimerOwner::TimeWait(place) => (2, place),
            TimerOwner::Neighbour(place) => (3, place),
            TimerOwner::Reassembly => (4, 0),
            TimerOwner::Held(place) => (5, place),
        };
        debug_assert!(place < 1 << PLACE_BITS);
        Self(table << PLACE_BITS | place)
    }
}

impl TimerKey {
    pub(crate) const fn owner(self) -> TimerOwner {
        let place = self.0 & ((1 << PLACE_BITS) - 1);
        match self.0 >> PLACE_BITS {
            0 => TimerOwner::Connection(place),
            1 => TimerOwner::HalfOpen(place),
            2 => TimerOwner::TimeWait(place),
            3 => TimerOwner::Neighbour(place),
            4 => TimerOwner::Reassembly,
            _ => TimerOwner::Held(place),
        }
    }
}
