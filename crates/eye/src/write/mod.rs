//! Reports for people and for programs.

mod json;
mod ladder;
mod table;
#[cfg(test)]
mod tests;

pub use json::json_line;
pub use ladder::Ladder;
pub use table::table;
