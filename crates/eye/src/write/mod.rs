//! Reports for people and for programs.

mod json;

pub use json::json_line;
