//! What few connections have, in one box, so that the others pay for one pointer.

use crate::fast_open::FastOpen;
use crate::tally::Tally;
use alloc::boxed::Box;

#[derive(Debug, Default)]
pub(crate) struct Extras(Option<Box<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// Fast Open is or was tried.
    fast_open: Option<FastOpen>,
    /// [`Config::tally`](crate::Config::tally).
    tally: Option<Tally>,
}

impl Extras {
    pub(super) fn new(tally: bool) -> Self {
        let kept = || Box::new(Kept { fast_open: None, tally: Some(Tally::default()) });
        Self(tally.then(kept))
    }

    pub(crate) fn set_fast_open(&mut self, fast_open: FastOpen) {
        self.0.get_or_insert_default().fast_open = Some(fast_open);
    }

    pub(crate) fn forget_fast_open(&mut self) {
        if let Some(kept) = self.0.as_deref_mut() {
            kept.fast_open = None;
        }
    }

    pub(crate) fn fast_open(&self) -> Option<&FastOpen> {
        self.0.as_deref()?.fast_open.as_ref()
    }

    pub(crate) fn fast_open_mut(&mut self) -> Option<&mut FastOpen> {
        self.0.as_deref_mut()?.fast_open.as_mut()
    }

    /// Nearly every connection answers no.
    #[inline]
    pub(super) fn tallies(&self) -> bool {
        self.0.as_deref().is_some_and(|kept| kept.tally.is_some())
    }

    pub(super) fn tally(&self) -> Option<&Tally> {
        self.0.as_deref()?.tally.as_ref()
    }

    pub(super) fn tally_mut(&mut self) -> Option<&mut Tally> {
        self.0.as_deref_mut()?.tally.as_mut()
    }
}
