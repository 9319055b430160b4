//! Which congestion control there is, by the names that `TCP_CONGESTION` knows.

use core::fmt;
use core::str::FromStr;

/// Which congestion control a connection uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// RFC 5681.
    Reno,
    /// RFC 9438 with HyStart++ (RFC 9406).
    #[default]
    Cubic,
    /// draft-ietf-ccwg-bbr (BBRv3).
    Bbr,
}

/// No congestion control has that name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no such congestion control")]
pub struct UnknownAlgorithm;

impl Algorithm {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Reno, Self::Cubic, Self::Bbr];

    /// Its name, as `TCP_CONGESTION` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reno => "reno",
            Self::Cubic => "cubic",
            Self::Bbr => "bbr",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}
