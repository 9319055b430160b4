//! Blocking calls in threads, without tokio in the program: `cargo run -p sockeye --example blocking`.

use sockeye::Interface;
use sockeye::blocking::Stack;
use sockeye::link::memory::{PairConfig, pair};
use std::io::{self, BufRead, BufReader, Write};
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let (left, right) = pair(PairConfig::default());
    let client_side = Interface::new(left).address([10, 0, 0, 1], 24);
    let server_side = Interface::new(right).address([10, 0, 0, 2], 24);
    let clients = Stack::start(sockeye::Stack::builder().interface(client_side))?;
    let servers = Stack::start(sockeye::Stack::builder().interface(server_side))?;

    let listener = servers.listen(([10, 0, 0, 2], 1_000).into())?;
    let server = thread::spawn(move || -> io::Result<()> {
        let (mut stream, peer) = listener.accept()?;
        for line in BufReader::new(stream.try_clone()?).lines() {
            writeln!(stream, "{peer} said {}", line?.to_uppercase())?;
        }
        Ok(())
    });

    let mut stream =
        clients.connect_timeout(([10, 0, 0, 2], 1_000).into(), Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut answers = BufReader::new(stream.try_clone()?);
    for text in ["hello", "good-bye"] {
        writeln!(stream, "{text}")?;
        let mut answer = String::new();
        answers.read_line(&mut answer)?;
        print!("{answer}");
        assert!(answer.ends_with(&format!("{}\n", text.to_uppercase())));
    }
    drop((stream, answers));
    server.join().map_err(|_panic| io::Error::other("the server panicked"))??;
    clients.shutdown(Duration::from_secs(1));
    Ok(())
}
