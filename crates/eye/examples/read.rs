//! Prints the connections of capture files as JSON lines: `cargo run --example read -- FILE…`.

use sockeye_eye::{CaptureReader, Config, Eye, write};
use std::io::{self, BufWriter, Write};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    for file in std::env::args().skip(1) {
        let mut capture = CaptureReader::open(Path::new(&file))?;
        let mut eye = Eye::new(Config::default());
        while let Some(record) = capture.next_record()? {
            eye.packet(&record);
        }
        for report in &eye.finish().0 {
            write::json_line(&mut out, report)?;
        }
    }
    out.flush()?;
    Ok(())
}
