//! `sockeye demo`.

mod eye_story;
mod json;
mod narrator;

use crate::Failure;
use crate::terminal::{self, BAD, styled};
use crate::units::{self, Percent, Rate};
use indicatif::ProgressBar;
use narrator::Narrator;
use sockeye_sim::{Outcome, Phase, Progress, Scenario, SimError, Step, run as simulate};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

const AFTER_HELP: &str = "\
Reading a line:
  A → B  SYN,ACK  seq=7654321 ack=1234568
      who sends to whom; the flags that are set; the number of the first octet; the number of the
      octet that is expected next (SYN and FIN count as one octet each)
  A: CLOSED → SYN-SENT
      the state that an end leaves, and the one it enters (RFC 9293 §3.3.2)
  (again), ✗ lost, arrives twice
      sent before; what the network does to it

The last line: payload and wall time of the transfer (what stack, network, eye and hashes cost this
machine together), segments sent again, the seed, and the time that passed on the network's clock.

--json prints one object with
  handshake, close      lists of from, to, flags, seq, ack, state: the state of `from` once it has
                        sent, or, where `received` is true, of `to` once it has received;
                        `retransmission` and `lost` where they apply
  bytes, intact         octets that B read, and whether they are those that A wrote
  retransmissions       segments sent again by either end
  throughput_bps        payload bits per second of wall time
  virtual_s             network time from the SYN to the last packet
  eye                   connections, violations: what the eye counted
  seed                  what all of it follows from

Exit status: 1 if bytes differ, the eye finds a violation or the connection is lost.

Examples:
  sockeye demo
      1 GiB over a perfect network
  sockeye demo --isn 1234567,7654321 --bytes 1M
      with numbers that are easy to follow
  sockeye demo --loss 2 --reorder 2 --duplicate 1 --bytes 100M
      over a bad one
  sockeye demo --rtt 100ms --rate 1Gbit --pcap demo.pcapng && sockeye read demo.pcapng
      over a long one, for Wireshark and for the eye";

/// Watch two hosts shake hands, transfer data and part.
///
/// Two hosts, A and B, each with a TCP stack of its own, are joined by a network in memory: no privilege is needed, and no packet leaves
/// the program. A connects to B; the handshake is told line by line, with the check that each end makes and the state that it enters. Then
/// A sends, B reads, and both compute a hash. The connection is closed by request and answer. All the while the eye, which knows nothing
/// but the packets, forms its own opinion: it must tell the same story, and find no rule broken.
///
/// The network runs in virtual time: when nothing can arrive, its clock jumps to the next event, so that the 60 s in TIME-WAIT pass at
/// once. Everything follows from the seed: the same seed gives the same packets at the same times.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Demo {
    /// How much A sends to B: K, M, G are powers of 1000; Ki, Mi, Gi of 1024
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = units::parse_bytes)]
    bytes: u64,

    /// Initial sequence numbers of A and B, as in 1234567,7654321; unguessable ones (RFC 6528) if left out
    #[arg(long, value_name = "A,B", value_parser = Pair::parse)]
    isn: Option<Pair>,

    /// Packets lost, in percent, in each direction
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = units::parse_percent)]
    loss: Percent,

    /// Packets delayed behind later ones, in percent
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = units::parse_percent)]
    reorder: Percent,

    /// Packets delivered twice, in percent
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = units::parse_percent)]
    duplicate: Percent,

    /// Time to the other host and back
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = units::parse_duration)]
    rtt: Duration,

    /// Bits per second that each direction carries, or "unlimited"
    #[arg(long, value_name = "RATE", default_value = "10Gbit", value_parser = units::parse_rate)]
    rate: Rate,

    /// What all chance follows from; chosen at random if left out, and always told
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Write every packet, as its sender sent it, to this file (pcapng); virtual time begins in 1970
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,

    /// Print one JSON object instead of the story
    #[arg(long)]
    json: bool,
}

/// Two sequence numbers.
#[derive(Clone, Copy, Debug)]
struct Pair([u32; 2]);

impl Pair {
    fn parse(text: &str) -> Result<Self, String> {
        units::parse_isn(text).map(Self)
    }
}

impl Demo {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let args = &self;
        let seed = match args.seed {
            Some(seed) => seed,
            None => random_seed()?,
        };
        let scenario = args.scenario(seed);
        let capture = args.pcap.as_ref().map(create).transpose()?;
        let bar = terminal::byte_bar(scenario.bytes);
        let outcome = if args.json {
            simulate(&scenario, capture, &mut Bar(&bar))
        } else {
            let mut narrator = Narrator::new(terminal::stdout(), bar.clone());
            narrator.begin(&scenario).map_err(|error| Failure::of_output(&error))?;
            let outcome = simulate(&scenario, capture, &mut narrator);
            bar.finish_and_clear();
            narrator.end().map_err(|error| Failure::of_output(&error))?;
            outcome
        };
        bar.finish_and_clear();
        let outcome = outcome.map_err(|error| args.explain(&error, seed))?;
        let told = if args.json {
            json::write(&mut terminal::plain_stdout(), &outcome)
        } else {
            tell_end(&outcome)
        };
        told.map_err(|error| Failure::of_output(&error))?;
        judge(args, &outcome)
    }
    fn scenario(&self, seed: u64) -> Scenario {
        Scenario {
            bytes: self.bytes,
            loss: self.loss.probability(),
            reorder: self.reorder.probability(),
            duplicate: self.duplicate.probability(),
            rtt: self.rtt,
            rate_bps: self.rate.0,
            seed,
            isn: self.isn.map(|Pair(numbers)| numbers),
            ..Scenario::default()
        }
    }

    /// The command that does the same again.
    fn replay(&self, seed: u64) -> String {
        let mut command = format!("sockeye demo --bytes {}", self.bytes);
        for (name, percent) in
            [("loss", self.loss), ("reorder", self.reorder), ("duplicate", self.duplicate)]
        {
            if percent.0 > 0.0 {
                command.push_str(&format!(" --{name} {percent}"));
            }
        }
        if let Some(Pair([a, b])) = self.isn {
            command.push_str(&format!(" --isn {a},{b}"));
        }
        command.push_str(&format!(" --rtt {}us --rate {}", self.rtt.as_micros(), self.rate));
        command.push_str(&format!(" --seed {seed}"));
        command
    }

    fn explain(&self, error: &SimError, seed: u64) -> Failure {
        let advice = match (error, &self.pcap) {
            (SimError::Capture(_), Some(file)) => {
                return Failure::new(format!("demo: {}: {error}", file.display()));
            }
            (SimError::Lost { .. }, _) => {
                "\
the network may be too harsh for any connection; if it is not, this is a fault of the stack"
            }
            _ => "this is a fault of the stack",
        };
        let replay = self.replay(seed);
        Failure::new(format!("demo: {error}; {advice}. The same again: {replay}"))
    }
}

fn random_seed() -> Result<u64, Failure> {
    // 32 bits: short enough to be typed again, and exact in every JSON reader.
    getrandom::u32().map(u64::from).map_err(|error| {
        Failure::new(format!(
            "demo: the system gives no random seed ({error}); choose one: --seed 1"
        ))
    })
}

fn create(path: &PathBuf) -> Result<Box<dyn Write + Send>, Failure> {
    let file = File::create(path).map_err(|error| {
        let path = path.display();
        Failure::new(format!("demo: {path} cannot be created: {error}; choose another --pcap"))
    })?;
    Ok(Box::new(file))
}

/// The transfer's bar alone.
struct Bar<'a>(&'a ProgressBar);

impl Progress for Bar<'_> {
    fn step(&mut self, _phase: Phase, _step: &Step) {}

    fn transferred(&mut self, bytes: u64) {
        self.0.set_position(bytes);
    }
}

/// The eye's opinion, and the figures.
fn tell_end(outcome: &Outcome) -> io::Result<()> {
    let mut out = terminal::stdout();
    eye_story::write(&mut out, outcome)?;
    writeln!(
        out,
        "{} in {:.2} s: {}, {}, seed {} ({:.3} s of network time)",
        units::counted(outcome.bytes, "byte"),
        outcome.wall.as_secs_f64(),
        units::rate(outcome.throughput_bps()),
        units::counted(outcome.retransmissions, "retransmission"),
        outcome.seed,
        outcome.virtual_time.as_secs_f64(),
    )
}

fn judge(args: &Demo, outcome: &Outcome) -> Result<(), Failure> {
    let mut faults = Vec::new();
    if !outcome.is_intact() {
        faults.push("the bytes that arrived are not those that were sent".to_owned());
    }
    if outcome.summary.violations > 0 {
        faults.push(format!(
            "the eye found {}",
            units::counted(outcome.summary.violations, "violation")
        ));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let verdict = styled(BAD, &faults.join(", and "));
    let replay = args.replay(outcome.seed);
    Err(Failure::new(format!(
        "demo: {verdict} (seed {}); this is a fault of Sockeye. The same again: {replay}",
        outcome.seed
    )))
}
