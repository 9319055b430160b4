//! The maximum of recent values (Kathleen Nichols' algorithm): the best three, each later than the one before, stand for all.

/// Time is a count of rounds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WindowedMax {
    best: [Entry; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    round: u32,
    value: u32,
}

impl WindowedMax {
    /// The largest value in the window.
    pub(super) fn get(&self) -> u32 {
        self.best[0].value
    }

    /// A value measured in `round`; those more than `length` rounds old no longer count.
    pub(super) fn update(&mut self, round: u32, value: u32, length: u32) {
        let entry = Entry { round, value };
        let age = |entry: Entry| round.wrapping_sub(entry.round);
        if value >= self.best[0].value || age(self.best[2]) > length {
            self.best = [entry; 3];
            return;
        }
        if value >= self.best[1].value {
            self.best[1] = entry;
            self.best[2] = entry;
        } else if value >= self.best[2].value {
            self.best[2] = entry;
        }
        if age(self.best[0]) > length {
            self.best = [self.best[1], self.best[2], entry];
            if age(self.best[0]) > length {
                self.best = [self.best[1], self.best[2], entry];
            }
        } else if self.best[1].round == self.best[0].round && age(self.best[1]) > length / 4 {
            self.best[1] = entry;
            self.best[2] = entry;
        } else if self.best[2].round == self.best[1].round && age(self.best[2]) > length / 2 {
            self.best[2] = entry;
        }
    }
}
