//! The examples run, each to its end.

use std::io;
use std::path::PathBuf;
use std::process::Command;

/// Cargo builds the examples beside the tests.
fn run(name: &str) -> io::Result<()> {
    let test = std::env::current_exe()?;
    let built: PathBuf = test.ancestors().nth(2).unwrap_or(&test).join("examples");
    let path = built.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    if !path.exists() {
        eprintln!("skipped: {} was not built, as by --test", path.display());
        return Ok(());
    }
    let output = Command::new(path).output()?;
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn echo() -> io::Result<()> {
    run("echo")
}

#[test]
fn http() -> io::Result<()> {
    run("http")
}

#[test]
fn blocking() -> io::Result<()> {
    run("blocking")
}

#[test]
fn capture() -> io::Result<()> {
    run("capture")
}

#[test]
fn options() -> io::Result<()> {
    run("options")
}
