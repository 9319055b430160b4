//! Prints the connections of a capture: `cargo run --example read -- FILE [json|table|ladder N]`.

use sockeye_eye::{CaptureReader, Config, Eye, write};
use std::io::{self, BufWriter, Write};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let form = arguments.next().unwrap_or_default();
    let wanted = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(1);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut capture = CaptureReader::open(Path::new(&file))?;
    let mut eye = Eye::new(Config::default());
    let mut ladder = write::Ladder::new(wanted);
    loop {
        match capture.next_record() {
            Ok(Some(record)) => eye.packet(&record),
            Ok(None) => break,
            Err(error) => {
                eprintln!("{error}");
                break;
            }
        }
        if let Some(seen) = eye.observation().filter(|_| form == "ladder") {
            ladder.observe(&mut out, &seen)?;
        }
    }
    let (reports, summary) = eye.finish();
    match form.as_str() {
        "ladder" => {}
        "table" => {
            write::table(&mut out, &reports)?;
            writeln!(out, "{summary:?}")?;
        }
        _ => {
            for report in &reports {
                write::json_line(&mut out, report)?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
