//! The same for programs without tokio: calls that block, as those of [`std::net`].
//!
//! A thread of the stack's own serves it. Calls run the protocol in the thread that calls, as elsewhere, and wait without busy polling.
//!
//! ```
//! use sockeye::Interface;
//! use sockeye::blocking::Stack;
//! use sockeye::link::memory::{PairConfig, pair};
//! use std::io::{Read, Write};
//! use std::net::Shutdown;
//! use std::time::Duration;
//!
//! # fn main() -> std::io::Result<()> {
//! let (a, b) = pair(PairConfig::default());
//! let builder = sockeye::Stack::builder();
//! let a = Stack::start(builder.interface(Interface::new(a).address([10, 0, 0, 1], 24)))?;
//! let builder = sockeye::Stack::builder();
//! let b = Stack::start(builder.interface(Interface::new(b).address([10, 0, 0, 2], 24)))?;
//!
//! let listener = b.listen(([10, 0, 0, 2], 80).into())?;
//! let server = std::thread::spawn(move || -> std::io::Result<String> {
//!     let (mut stream, _peer) = listener.accept()?;
//!     let mut heard = String::new();
//!     stream.read_to_string(&mut heard)?;
//!     Ok(heard)
//! });
//! let mut client = a.connect(([10, 0, 0, 2], 80).into())?;
//! client.set_read_timeout(Some(Duration::from_secs(5)))?;
//! client.write_all(b"hello")?;
//! client.shutdown(Shutdown::Write)?;
//! assert_eq!(server.join().unwrap()?, "hello");
//! a.shutdown(Duration::from_secs(1));
//! # Ok(())
//! # }
//! ```

mod listener;
mod stack;
mod stream;
mod wait;

pub use listener::{Incoming, TcpListener};
pub use stack::Stack;
pub use stream::TcpStream;
