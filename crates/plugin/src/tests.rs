//! The table, used as packetdrill uses it.
