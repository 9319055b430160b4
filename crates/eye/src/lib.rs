//! Captures in, connections and findings out.
