//! `sockeye read`.

mod findings;
mod input;

use crate::Failure;
use crate::terminal;
use crate::units::counted;
use sockeye_eye::{CaptureReader, Config, ConnectionReport, Eye, ReadError, Summary, write};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Columns of the table:
  id         running number, in the order of first packets
  client     who sent the first SYN (or is judged to be it, where that was not captured)
  server     the other end
  handshake  established, refused (RST to the SYN), filtered (ICMP error to the SYN), unanswered,
             half_open (SYN,ACK never acknowledged), aborted, simultaneous, cookie, not_captured
  rtt ms     from the SYN to the client's ACK
  → bytes    octets delivered to the server, each counted once
  ← bytes    octets delivered to the client
  retr       packets sent again, by both
  close      fin (both closed), half_closed, reset, reset_after_fin, open, timed_out; who began
  findings   what is remarkable; spelled out below the table

Columns of the ladder (--connection): time since the first packet, the client's state after it, who
sent it, its flags, numbers counted from the SYNs, octets of payload, window in octets (scaled,
where the handshake is known), the server's state after it, and the packet's number in the file.

Exit status: 1 if a file is damaged or cannot be read, or has no connection N.

Examples:
  sockeye read trace.pcapng
  sockeye read trace.pcap.gz --connection 3
  sockeye read *.pcap --json | jq 'select(.close.how == \"reset\")'
  tcpdump -w - tcp | sockeye read -";

/// Tell the story of every connection in a capture.
///
/// Reads pcap and pcapng files, plain or in gzip, with Ethernet (and VLAN tags), Linux cooked, loopback or raw IP packets, and follows each TCP
/// connection: how it was opened and whether the numbers of the handshake were right, what was sent each way and what had to be sent
/// again, how it was closed and by whom. Nothing is sent or looked up; the capture is all there is.
///
/// A file that is damaged or cut is read up to the damage: what was found before it is printed, then the error.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Read {
    /// Captures, each judged by itself; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print one JSON object a connection, as soon as it is over
    #[arg(long, conflicts_with = "connection")]
    json: bool,

    /// Print the packets of connection N (its id) instead, as a ladder
    #[arg(long, value_name = "N")]
    connection: Option<u64>,
}

impl Read {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.connection.is_some() && self.files.len() > 1 {
            return Err(Failure::usage(
                "read: --connection is of one file, as ids begin anew in each: name only that file",
            ));
        }
        let mut failures = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            let told = self.tell(index, file).map_err(|error| Failure::of_output(&error))?;
            failures.extend(told.err());
        }
        let last = failures.pop();
        for failure in failures {
            // What was wrong with the earlier ones; the last one ends the program.
            let _ = failure.report();
        }
        last.map_or(Ok(()), Err)
    }

    /// One file: an output error, or what is wrong with the file.
    fn tell(&self, index: usize, file: &Path) -> io::Result<Result<(), Failure>> {
        let mut out = terminal::plain_stdout();
        let several = self.files.len() > 1;
        if several && !self.json {
            let gap = if index > 0 { "\n" } else { "" };
            writeln!(out, "{gap}{}:", file.display())?;
        }
        let told = match self.connection {
            Some(id) => ladder(&mut out, file, id),
            None if self.json => json(&mut out, file, several),
            None => table(&mut out, file),
        }?;
        out.flush()?;
        Ok(told)
    }
}

/// Shows every packet of a capture to an eye, and calls `each` after it.
fn follow(
    file: &Path,
    eye: &mut Eye,
    mut each: impl FnMut(&mut Eye) -> io::Result<()>,
) -> io::Result<Result<(), Failure>> {
    let mut capture: CaptureReader<'_> = match input::open(file) {
        Ok(capture) => capture,
        Err(error) => return Ok(Err(unreadable(&error))),
    };
    let mut foreign = None;
    loop {
        match capture.next_record() {
            Ok(Some(record)) => {
                if foreign.is_none() && !record.link_type.is_supported() {
                    foreign = Some((record.number, record.link_type.0));
                }
                eye.packet(&record);
            }
            Ok(None) => return Ok(foreign.map_or(Ok(()), |(number, link_type)| {
                Err(Failure::new(format_args!(
                    "{}: packet {number} and others like it have link type {link_type}, which cannot be read; capture on \
                     Ethernet, Linux cooked (-i any), loopback or raw IP instead",
                    file.display()
                )))
            })),
            Err(error) => return Ok(Err(unreadable(&error))),
        }
        each(eye)?;
    }
}

fn unreadable(error: &ReadError) -> Failure {
    Failure::new(format_args!("read: {error}"))
}

fn table(out: &mut impl Write, file: &Path) -> io::Result<Result<(), Failure>> {
    let mut eye = Eye::new(Config::default());
    let mut reports = Vec::new();
    let result = follow(file, &mut eye, |eye| {
        reports.extend(eye.drain_finished());
        Ok(())
    })?;
    let (rest, summary) = eye.finish();
    reports.extend(rest);
    reports.sort_unstable_by_key(|report| report.id);
    if summary.packets > 0 || result.is_ok() {
        write::table(out, &reports)?;
        findings::write(out, &reports)?;
        writeln!(out, "\n{}", totals(&summary))?;
    }
    Ok(result)
}

fn totals(summary: &Summary) -> String {
    let mut text = format!(
        "{}, {}; {}, of them {} TCP",
        counted(summary.connections, "connection"),
        counted(summary.violations, "violation"),
        counted(summary.packets, "packet"),
        crate::units::grouped(summary.tcp_packets),
    );
    if summary.malformed > 0 {
        text.push_str(&format!(", {} not readable as IP or TCP", summary.malformed));
    }
    text
}

fn json(out: &mut impl Write, file: &Path, several: bool) -> io::Result<Result<(), Failure>> {
    let name = several.then(|| file.display().to_string());
    let mut line = |mut report: ConnectionReport| {
        report.file.clone_from(&name);
        write::json_line(out, &report)
    };
    let mut eye = Eye::new(Config::default());
    let result = follow(file, &mut eye, |eye| eye.drain_finished().try_for_each(&mut line))?;
    eye.finish().0.into_iter().try_for_each(line)?;
    Ok(result)
}

fn ladder(out: &mut impl Write, file: &Path, id: u64) -> io::Result<Result<(), Failure>> {
    let mut eye = Eye::new(Config::default());
    let mut ladder = write::Ladder::new(id);
    let result = follow(file, &mut eye, |eye| {
        if let Some(seen) = eye.observation() {
            ladder.observe(out, &seen)?;
        }
        Ok(())
    })?;
    let connections = eye.summary().connections;
    if !ladder.begun() && result.is_ok() {
        return Ok(Err(Failure::new(format!(
            "read: {} has no connection {id}: it has {}; `sockeye read` without --connection lists them",
            file.display(),
            counted(connections, "connection"),
        ))));
    }
    Ok(result)
}
