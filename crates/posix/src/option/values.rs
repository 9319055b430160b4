//! Values of options as they lie in memory.

use crate::errno::Errno;
use core::time::Duration;

/// `struct linger`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Linger {
    /// Whether close lingers at all.
    pub on: bool,
    /// For how many seconds; 0 resets the connection.
    pub seconds: i32,
}

impl Linger {
    /// Reads it.
    ///
    /// # Errors
    /// [`Errno::EINVAL`] if it is too short.
    pub fn decode(bytes: &[u8]) -> Result<Self, Errno> {
        let seconds = bytes.get(4..).unwrap_or(&[]);
        Ok(Self { on: decode_int(bytes)? != 0, seconds: decode_int(seconds)? })
    }

    /// Writes it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [i32::from(self.on), self.seconds].into_iter().flat_map(i32::to_ne_bytes).collect()
    }
}

/// Reads a C `int`.
///
/// # Errors
/// [`Errno::EINVAL`] if it is too short.
pub fn decode_int(bytes: &[u8]) -> Result<i32, Errno> {
    bytes.first_chunk::<4>().map(|int| i32::from_ne_bytes(*int)).ok_or(Errno::EINVAL)
}

/// Reads a `struct timeval`; all zero means none.
///
/// # Errors
/// [`Errno::EINVAL`] if it is too short, [`Errno::EDOM`] if the microseconds are no part of
/// a second.
pub fn decode_timeval(bytes: &[u8]) -> Result<Option<Duration>, Errno> {
    let number = |at: usize| {
        let part = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
        part.map(|part| i64::from_ne_bytes(*part)).ok_or(Errno::EINVAL)
    };
    let (seconds, micros) = (number(0)?, number(8)?);
    if !(0..1_000_000).contains(&micros) {
        return Err(Errno::EDOM);
    }
    // A negative time has passed already.
    let time = match u64::try_from(seconds) {
        Ok(seconds) => Duration::from_secs(seconds) + Duration::from_micros(micros as u64),
        Err(_) => return Ok(Some(Duration::ZERO)),
    };
    Ok((time != Duration::ZERO).then_some(time))
}

/// Writes a `struct timeval`.
#[must_use]
pub fn encode_timeval(time: Option<Duration>) -> Vec<u8> {
    let time = time.unwrap_or_default();
    [time.as_secs() as i64, i64::from(time.subsec_micros())]
        .into_iter()
        .flat_map(i64::to_ne_bytes)
        .collect()
}
