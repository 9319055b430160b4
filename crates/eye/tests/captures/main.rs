//! The eye over whole captures: the corpus against its truth and against tshark, and damaged files.

mod common;
mod corpus;
mod damage;
mod tshark;
