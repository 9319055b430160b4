//! Many TCP connections behind addresses: demultiplexing, listeners, timers, routes, neighbours, ICMP.
