//! Two processes on two hosts, back to back, in virtual time.

mod connecting;
mod world;
