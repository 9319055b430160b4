//! One TCP connection: the RFC 9293 machine, pure and deterministic.
