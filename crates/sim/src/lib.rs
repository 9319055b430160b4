//! Hosts joined by a seeded network in virtual time, with the eye as the oracle.
