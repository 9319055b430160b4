//! Who waits for a timer of its own.

/// The owner of a timer, as an index into the table of its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimerOwner {
    Connection(u32),
    Neighbour(u32),
    Reassembly,
    Held(u32),
}

/// A [`TimerOwner`] in 32 bits, as the wheel keeps it: the highest say which table, the others which place in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerKey(u32);

const PLACE_BITS: u32 = 30;

impl From<TimerOwner> for TimerKey {
    fn from(owner: TimerOwner) -> Self {
        let (table, place) = match owner {
            TimerOwner::Connection(place) => (0, place),
            TimerOwner::Neighbour(place) => (1, place),
            TimerOwner::Reassembly => (2, 0),
            TimerOwner::Held(place) => (3, place),
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
            1 => TimerOwner::Neighbour(place),
            2 => TimerOwner::Reassembly,
            _ => TimerOwner::Held(place),
        }
    }
}
