//! An HTTP/1.1 file server over any byte stream, by hyper.
//!
//! | module | what it is |
//! |---|---|
//! | `folder` | opening what lies in the folder, and nothing else |
//! | `target` | the path that a request asks for |
//! | `answer` | request in, response out |
//! | `validators` | whether what a client has is still good: ETag, Last-Modified |
//! | `range` | parts of a file |
//! | `body` | a file, read while it is sent |
//! | `listing` | a directory as a page |
//! | `media_type` | what a file is, by its name |
//! | `log` | a line a request |

mod answer;
mod body;
mod folder;
mod listing;
mod log;
mod media_type;
mod range;
mod target;
#[cfg(test)]
mod tests;
mod validators;

pub(crate) use answer::Server;
pub(crate) use folder::Folder;
