//! Two processes on two hosts, back to back, in virtual time.

mod closing;
mod connecting;
mod fast_open;
mod keys;
mod options;
mod transfer;
mod waiting;
mod world;
