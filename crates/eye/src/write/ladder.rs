//! One connection, packet by packet: who sent what, and where it left both ends.

use crate::observation::{Marks, Observation};
use crate::tracker::Side;
use sockeye_wire::StateName;
use std::io::{self, Write};

/// Writes the packets of one connection as they are observed; those of others are passed over.
///
/// ```text
///      time  client        A → B  flags, numbers counted from the SYN       server
///  0.000000  SYN-SENT     ──────▶ [SYN] seq=0 len=0 win=64240                -             #1
/// ```
#[derive(Debug)]
pub struct Ladder {
    connection: u64,
    begun: bool,
}

const STATE_WIDTH: usize = 12;
const PACKET_WIDTH: usize = 52;

impl Ladder {
    /// Of the connection with this `id`.
    #[must_use]
    pub const fn new(connection: u64) -> Self {
        Self { connection, begun: false }
    }

    /// Whether any packet of the connection was seen.
    #[must_use]
    pub const fn begun(&self) -> bool {
        self.begun
    }

    /// Writes a line, if the packet is one of the connection.
    ///
    /// # Errors
    /// What the writer says.
    pub fn observe(&mut self, out: &mut impl Write, seen: &Observation) -> io::Result<()> {
        if seen.connection != self.connection {
            return Ok(());
        }
        if !self.begun {
            self.begun = true;
            writeln!(
                out,
                "{:>11}  {:STATE_WIDTH$}         {:PACKET_WIDTH$}  {:STATE_WIDTH$}  packet",
                "time s", "client", "flags; numbers counted from the SYN", "server",
            )?;
        }
        let arrow = match seen.from {
            Side::Client => "──────▶",
            Side::Server => "◀──────",
        };
        let time = seen.time.since(seen.first).as_secs_f64();
        let line = format!(
            "{time:>11.6}  {:STATE_WIDTH$} {arrow} {:PACKET_WIDTH$}  {:STATE_WIDTH$}  #{}{}",
            state(seen.client),
            packet(seen),
            state(seen.server),
            seen.packet,
            notes(seen),
        );
        writeln!(out, "{}", line.trim_end())
    }
}

fn state(state: Option<StateName>) -> &'static str {
    state.map_or("-", StateName::as_str)
}

fn packet(seen: &Observation) -> String {
    let number = |relative: Option<i64>, absolute: u32| match relative {
        Some(relative) => relative.to_string(),
        None => format!("{absolute} (absolute)"),
    };
    let mut text = format!("{} seq={}", seen.flags, number(seen.relative_seq, seen.seq.0));
    if let Some(ack) = seen.ack {
        text.push_str(&format!(" ack={}", number(seen.relative_ack, ack.0)));
    }
    text.push_str(&format!(" len={} win={}", seen.payload_len, seen.window));
    text
}

fn notes(seen: &Observation) -> String {
    const NOTES: [(Marks, &str); 14] = [
        (Marks::ACKS_SYN, "ack = seq + 1 ✓"),
        (Marks::ACKS_SYN_ACK, "ack = seq + 1 ✓, seq follows ✓"),
        (Marks::WRONG_NUMBER, "✗ wrong handshake number"),
        (Marks::SYN_AGAIN, "again"),
        (Marks::RETRANSMISSION, "retransmission"),
        (Marks::OUT_OF_ORDER, "late"),
        (Marks::DUPLICATE, "copy made by the network"),
        (Marks::KEEP_ALIVE, "keep-alive or probe"),
        (Marks::AFTER_HOLE, "data before it not seen"),
        (Marks::FIRST_FIN, "closes"),
        (Marks::ACKS_FIN, "FIN acknowledged ✓"),
        (Marks::BAD_CHECKSUM, "✗ wrong checksum, dropped"),
        (Marks::VIOLATION, "✗ breaks a rule"),
        (Marks::STRAY, "not of this connection"),
    ];
    let mut text = String::new();
    for (mark, note) in NOTES {
        if seen.marks.contains(mark) && !(mark == Marks::SYN_AGAIN && again(seen)) {
            text.push_str(if text.is_empty() { "  " } else { "; " });
            text.push_str(note);
        }
    }
    text
}

/// A SYN sent again is marked as a retransmission as well; once is enough.
fn again(seen: &Observation) -> bool {
    seen.marks.contains(Marks::RETRANSMISSION)
}
