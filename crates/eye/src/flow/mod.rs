//! Which connection a segment belongs to.

mod key;
mod table;

pub use key::{Endpoint, FlowKey};
pub(crate) use table::FlowTable;
