//! Two hosts, back to back, in virtual time.

mod address;
mod auth;
mod closing;
mod cookies;
mod errors;
mod fast_open;
mod garbage;
mod handshake;
mod icmp;
mod icmp_rows;
mod incoming;
mod neighbours;
mod opening;
mod packets;
mod path;
mod reuse;
mod scale;
mod shards;
mod strays;
mod transfer;
mod world;
