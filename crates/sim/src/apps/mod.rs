//! What runs on the hosts: state machines that are told events and act on a host.

mod bulk;
mod pattern;
mod stream;
mod talker;
#[cfg(test)]
mod tests;

pub use bulk::{BulkReceiver, BulkSender};
pub use pattern::Pattern;
pub use stream::Stream;
pub use talker::{Ending, Misread, Talk, Talker};
