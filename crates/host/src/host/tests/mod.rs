//! Two hosts, back to back, in virtual time.

mod address;
mod auth;
mod closing;
mod garbage;
mod handshake;
mod icmp;
mod neighbours;
mod scale;
mod transfer;
mod world;
