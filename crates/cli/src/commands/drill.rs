//! `sockeye drill`.

use crate::Failure;
use crate::terminal;
use sockeye_drill::{IpVersion, Report, Settings, Suite, Verdict};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
One line a script on standard output: pass, skip with the reason, or FAIL with the script's line;
below a failure the packet that was expected and the actual one. The last line is
`N passed, M failed`; scripts that were skipped are counted in the line before it. Settings and
commands that were not understood are told on standard error.

Names that differ between the versions of IP have values in every script: CMSG_LEVEL_IP,
CMSG_TYPE_RECVERR and CODE (the code of an ICMP host unreachable).

Exit status: 1 if a script failed, 2 if one is not there.

Examples:
  sockeye drill drills/
  sockeye drill handshake.pkt --ip-version all
  sockeye drill fastopen/ -D TFO_COOKIE=3021b9d889017eeb";

/// Run packetdrill scripts against Sockeye's sockets.
///
/// A script says which system calls a program makes, which packets the other end sends, and which packets must come
/// back, when and with exactly which contents. Everything happens in virtual time within this process: no privilege, no interface.
/// The language is that of google/packetdrill; drills/README.md shows how to write a script.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Drill {
    /// Scripts, and folders of *.pkt files, searched to the bottom
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,

    /// Which IP to run over [default: the one that a script is for, else ipv4]; a script that is for another, as its name (…v4.pkt,
    /// …v6.pkt) or its lines tell, is skipped
    #[arg(long, value_enum)]
    ip_version: Option<Version>,

    /// A value for a name in scripts
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = definition)]
    define: Vec<(String, String)>,

    /// Do as packetdrill does with packets after the last event of a script: nothing
    #[arg(long)]
    allow_trailing: bool,

    /// Print failures and the last lines only
    #[arg(short, long)]
    quiet: bool,

    /// Also print every packet, and what the code in scripts prints
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Version {
    Ipv4,
    Ipv6,
    /// IPv4 packets, IPv6 sockets
    Ipv4MappedIpv6,
    /// Each script over all three
    All,
}

fn definition(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".into()),
    }
}

impl Drill {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let versions = match self.ip_version {
            None => Vec::new(),
            Some(Version::Ipv4) => vec![IpVersion::V4],
            Some(Version::Ipv6) => vec![IpVersion::V6],
            Some(Version::Ipv4MappedIpv6) => vec![IpVersion::Mapped],
            Some(Version::All) => vec![IpVersion::V4, IpVersion::V6, IpVersion::Mapped],
        };
        let settings = Settings {
            allow_trailing: self.allow_trailing,
            trace: self.verbose,
            defines: self.define.iter().cloned().collect::<BTreeMap<_, _>>(),
            ..Settings::default()
        };
        let suite = Suite::collect(&self.paths, settings)
            .map_err(|error| Failure::usage(format_args!("drill: {error}")))?
            .with_versions(versions);
        let failed = self.tell(&suite).map_err(|error| Failure::of_output(&error))?;
        if failed > 0 { Err(Failure::Told) } else { Ok(()) }
    }

    /// The number of failed scripts.
    fn tell(&self, suite: &Suite) -> io::Result<usize> {
        let mut out = terminal::plain_stdout();
        let (mut passed, mut skipped, mut failed) = (0_usize, 0_usize, 0_usize);
        for report in suite.run() {
            for warning in &report.warnings {
                eprintln!("warning: {}: {warning}", report.path.display());
            }
            match report.verdict {
                Verdict::Passed => passed += 1,
                Verdict::Skipped(_) => skipped += 1,
                Verdict::Failed(_) => failed += 1,
            }
            self.tell_one(&mut out, &report)?;
        }
        if skipped > 0 {
            writeln!(out, "{skipped} skipped")?;
        }
        writeln!(out, "{passed} passed, {failed} failed")?;
        out.flush()?;
        Ok(failed)
    }

    fn tell_one(&self, out: &mut impl Write, report: &Report) -> io::Result<()> {
        if !self.quiet || matches!(report.verdict, Verdict::Failed(_)) {
            let version = match self.ip_version {
                Some(Version::All) => format!(" ({})", report.version.name()),
                _ => String::new(),
            };
            let text = report.to_string();
            let (line, rest) = text.split_once('\n').unwrap_or((&text, ""));
            writeln!(out, "{line}{version}")?;
            if !rest.is_empty() {
                writeln!(out, "{rest}")?;
            }
        }
        if self.verbose {
            for line in report.packets.iter().chain(&report.printed) {
                writeln!(out, "     {line}")?;
            }
        }
        Ok(())
    }
}
