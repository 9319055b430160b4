//! Two hosts, back to back, in virtual time.

mod address;
mod attackers;
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
mod memory;
mod neighbours;
mod opening;
mod packets;
mod path;
mod raw;
mod reuse;
mod runs;
mod scale;
mod shards;
mod strays;
mod transfer;
mod world;
