//! The control bits of a TCP header (RFC 9293 §3.1, RFC 3168, RFC 9768).

use core::fmt;
use core::ops::{BitOr, BitOrAssign, Sub};

/// A set of TCP flags.
///
/// `Display` writes them as people do, [`compact`](Self::compact) as packetdrill and tcpdump do.
///
/// ```
/// use sockeye_wire::Flags;
/// let answer = Flags::SYN | Flags::ACK;
/// assert_eq!(answer.to_string(), "[SYN,ACK]");
/// assert_eq!(answer.compact().to_string(), "S.");
/// assert_eq!(Flags::from_compact("FP."), Some(Flags::FIN | Flags::PSH | Flags::ACK));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u16);

impl Flags {
    /// No flag at all.
    pub const NONE: Self = Self(0);
    /// No more data from the sender: closes its direction.
    pub const FIN: Self = Self(0x001);
    /// Synchronize sequence numbers: opens the connection.
    pub const SYN: Self = Self(0x002);
    /// Reset the connection.
    pub const RST: Self = Self(0x004);
    /// Push: the segment ends data to be delivered at once.
    pub const PSH: Self = Self(0x008);
    /// The acknowledgement number is significant.
    pub const ACK: Self = Self(0x010);
    /// The urgent pointer is significant.
    pub const URG: Self = Self(0x020);
    /// ECN echo (RFC 3168).
    pub const ECE: Self = Self(0x040);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Self = Self(0x080);
    /// Accurate ECN (RFC 9768).
    pub const AE: Self = Self(0x100);

    /// The usual answer to a SYN.
    pub const SYN_ACK: Self = Self(0x012);

    /// The order in which they are named, the article's six first.
    const NAMED: [(Self, &'static str, char); 9] = [
        (Self::SYN, "SYN", 'S'),
        (Self::FIN, "FIN", 'F'),
        (Self::RST, "RST", 'R'),
        (Self::PSH, "PSH", 'P'),
        (Self::ACK, "ACK", '.'),
        (Self::URG, "URG", 'U'),
        (Self::ECE, "ECE", 'E'),
        (Self::CWR, "CWR", 'W'),
        (Self::AE, "AE", 'A'),
    ];

    /// From the low nine bits of the header's 13th and 14th octet; the three reserved bits are dropped.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }

    /// The nine bits as they stand in the header.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether every flag of `other` is set.
    #[inline]
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any flag of `other` is set.
    #[inline]
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether no flag is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// SYN is set.
    #[inline]
    #[must_use]
    pub const fn syn(self) -> bool {
        self.contains(Self::SYN)
    }

    /// ACK is set.
    #[inline]
    #[must_use]
    pub const fn ack(self) -> bool {
        self.contains(Self::ACK)
    }

    /// FIN is set.
    #[inline]
    #[must_use]
    pub const fn fin(self) -> bool {
        self.contains(Self::FIN)
    }

    /// RST is set.
    #[inline]
    #[must_use]
    pub const fn rst(self) -> bool {
        self.contains(Self::RST)
    }

    /// PSH is set.
    #[inline]
    #[must_use]
    pub const fn psh(self) -> bool {
        self.contains(Self::PSH)
    }

    /// URG is set.
    #[inline]
    #[must_use]
    pub const fn urg(self) -> bool {
        self.contains(Self::URG)
    }

    /// Sequence numbers that the flags themselves take: one each for SYN and FIN (RFC 9293 §3.4).
    #[inline]
    #[must_use]
    pub const fn sequence_len(self) -> u32 {
        self.syn() as u32 + self.fin() as u32
    }

    /// The one-letter form: `S.` for SYN+ACK, `.` for a plain ACK, `-` for none.
    #[must_use]
    pub const fn compact(self) -> CompactFlags {
        CompactFlags(self)
    }

    /// Reads the one-letter form; `None` if a letter is unknown or repeated.
    #[must_use]
    pub fn from_compact(text: &str) -> Option<Self> {
        if text == "-" {
            return Some(Self::NONE);
        }
        let mut flags = Self::NONE;
        for letter in text.chars() {
            let &(flag, ..) = Self::NAMED.iter().find(|(.., known)| *known == letter)?;
            if flags.contains(flag) {
                return None;
            }
            flags |= flag;
        }
        (!flags.is_empty()).then_some(flags)
    }

    /// The names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED
            .into_iter()
            .filter(move |(flag, ..)| self.contains(*flag))
            .map(|(_, name, _)| name)
    }
}

/// [`Flags`] displayed by one letter each.
#[derive(Clone, Copy, Debug)]
pub struct CompactFlags(Flags);

impl fmt::Display for CompactFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        // tcpdump and packetdrill put the ACK's dot after the letters.
        for (flag, _, letter) in Flags::NAMED {
            if flag != Flags::ACK && self.0.contains(flag) {
                write!(f, "{letter}")?;
            }
        }
        if self.0.ack() { f.write_str(".") } else { Ok(()) }
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, name) in self.names().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(name)?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl BitOr for Flags {
    type Output = Self;
    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The flags of the left side that are not on the right.
impl Sub for Flags {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;
    use std::string::ToString;

    #[test]
    fn every_set_survives_its_compact_form() {
        for bits in 0..0x200 {
            let flags = Flags::from_bits(bits);
            assert_eq!(Flags::from_compact(&flags.compact().to_string()), Some(flags));
        }
        assert_eq!(Flags::from_compact("SS"), None);
        assert_eq!(Flags::from_compact("X"), None);
        assert_eq!(Flags::from_compact(""), None);
    }

    #[test]
    fn names_follow_the_fields_usage() {
        assert_eq!((Flags::PSH | Flags::ACK).to_string(), "[PSH,ACK]");
        assert_eq!((Flags::FIN | Flags::PSH | Flags::ACK).compact().to_string(), "FP.");
        assert_eq!(Flags::NONE.to_string(), "[]");
        assert_eq!(Flags::from_bits(0xf012), Flags::SYN_ACK);
    }
}
