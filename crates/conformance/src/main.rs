//! `cargo run -p sockeye-conformance` rewrites CONFORMANCE.md; with `-- --without-drill` it tells what no drill shows yet.

use std::process::ExitCode;

fn main() -> ExitCode {
    let root = sockeye_conformance::repository();
    let report = match sockeye_conformance::examine(&root) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if std::env::args().any(|argument| argument == "--without-drill") {
        for name in report.without_drill() {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    let path = root.join("CONFORMANCE.md");
    if let Err(error) = std::fs::write(&path, report.markdown()) {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    println!("CONFORMANCE.md: {}", report.summary());
    let complaints = report.complaints();
    for complaint in &complaints {
        println!("{complaint}");
    }
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
