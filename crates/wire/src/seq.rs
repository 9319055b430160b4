//! Sequence numbers, compared modulo 2³² (RFC 9293 §3.4).

use core::fmt;
use core::ops::{Add, AddAssign};

/// A position in one direction's sequence space.
///
/// There is deliberately no `Ord` and no `-`: which of two numbers comes first is a question modulo 2³², asked with
/// [`before`](Self::before) and its kin, and a distance is taken with [`since`](Self::since), which never panics and
/// never wraps a negative distance into a huge one.
///
/// ```
/// use sockeye_wire::SeqNumber;
/// let near_wrap = SeqNumber(u32::MAX);
/// assert!(near_wrap.before(near_wrap + 10));
/// assert_eq!((near_wrap + 10).since(near_wrap), 10);
/// assert_eq!(near_wrap.since(near_wrap + 10), 0);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// `self < other`.
    #[inline]
    #[must_use]
    pub const fn before(self, other: Self) -> bool {
        self.distance_to(other) > 0
    }

    /// `self ≤ other`.
    #[inline]
    #[must_use]
    pub const fn at_or_before(self, other: Self) -> bool {
        self.distance_to(other) >= 0
    }

    /// `self > other`.
    #[inline]
    #[must_use]
    pub const fn after(self, other: Self) -> bool {
        other.before(self)
    }

    /// `self ≥ other`.
    #[inline]
    #[must_use]
    pub const fn at_or_after(self, other: Self) -> bool {
        other.at_or_before(self)
    }

    /// Whether `start ≤ self < start + len`.
    #[inline]
    #[must_use]
    pub const fn within(self, start: Self, len: u32) -> bool {
        self.0.wrapping_sub(start.0) < len
    }

    /// Octets from `earlier` to `self`; 0 if `self` comes first.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> u32 {
        let distance = earlier.distance_to(self);
        if distance > 0 { distance as u32 } else { 0 }
    }

    /// The signed distance from `self` to `other`, modulo 2³².
    #[inline]
    #[must_use]
    pub const fn distance_to(self, other: Self) -> i32 {
        other.0.wrapping_sub(self.0) as i32
    }

    /// The later of two numbers.
    #[inline]
    #[must_use]
    pub const fn max(self, other: Self) -> Self {
        if self.before(other) { other } else { self }
    }

    /// The earlier of two numbers.
    #[inline]
    #[must_use]
    pub const fn min(self, other: Self) -> Self {
        if other.before(self) { other } else { self }
    }

    /// The number `octets` before this one.
    #[inline]
    #[must_use]
    pub const fn back(self, octets: u32) -> Self {
        Self(self.0.wrapping_sub(octets))
    }
}

impl Add<u32> for SeqNumber {
    type Output = Self;
    #[inline]
    fn add(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }
}

impl AddAssign<u32> for SeqNumber {
    #[inline]
    fn add_assign(&mut self, octets: u32) {
        *self = *self + octets;
    }
}

impl fmt::Display for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::SeqNumber;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn order_holds_across_the_wrap(start: u32, ahead in 1u32..0x8000_0000) {
            let (a, b) = (SeqNumber(start), SeqNumber(start) + ahead);
            prop_assert!(a.before(b) || ahead == 0x8000_0000);
            prop_assert!(!b.before(a));
            prop_assert_eq!(b.since(a), ahead);
            prop_assert_eq!(a.since(b), 0);
            prop_assert_eq!(a.max(b), b);
            prop_assert_eq!(b.min(a), a);
            prop_assert_eq!(b.back(ahead), a);
            prop_assert!(a.within(a, 1) && b.within(a, ahead + 1) && !b.within(a, ahead));
        }
    }
}
