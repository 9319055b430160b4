//! A super-segment cut up as the device would cut it.

use super::actual::Actual;
use sockeye_wire::Flags;

/// The wire segments of a packet of which each carries at most `size` octets; 0 leaves it whole.
///
/// PSH and FIN go with the last, CWR with the first (RFC 3168 §6.1.2 wants it on one segment).
pub(crate) fn segment(whole: Actual, size: usize) -> Vec<Actual> {
    if size == 0 || whole.payload.len() <= size {
        return vec![whole];
    }
    let count = whole.payload.len().div_ceil(size);
    let piece = |index: usize| {
        let (from, to) = (index * size, ((index + 1) * size).min(whole.payload.len()));
        let mut piece = whole.clone();
        piece.payload = whole.payload.slice(from..to);
        piece.tcp.len = (to - from) as u16;
        piece.tcp.seq = whole.tcp.seq.wrapping_add(from as u32);
        if index + 1 < count {
            piece.tcp.flags = piece.tcp.flags - Flags::PSH - Flags::FIN;
        }
        if index > 0 {
            piece.tcp.flags = piece.tcp.flags - Flags::CWR;
        }
        piece
    };
    (0..count).map(piece).collect()
}
