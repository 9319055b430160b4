//! What runs on the hosts: state machines that are told events and act on a host.

mod bulk;
mod stream;

pub use bulk::{BulkReceiver, BulkSender};
pub use stream::Stream;
