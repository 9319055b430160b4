//! Where packets come from and go to: memory, TUN, capture tap, impairment.
