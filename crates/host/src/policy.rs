//! What may be switched while the host runs, as Linux's `net.ipv4.tcp_*` settings are.

/// Switches of a host. Changes hold for what opens afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Data on the SYN (RFC 7413).
    pub fast_open: FastOpenPolicy,
    /// When SYNs are answered without remembering them (RFC 4987 §3.6).
    pub syn_cookies: CookiePolicy,
    /// A handshake that finds the accept queue full is reset; otherwise the client is left to try again.
    pub abort_on_overflow: bool,
    /// The first soft ICMP error about its SYN-ACK ends a connection of which no application knows yet, as on Linux; otherwise only
    /// hard errors do (RFC 9293 MUST-56).
    pub soft_errors_end_half_open: bool,
    /// Connections leave what they learned of their path for the next one to the same address (RFC 9040).
    pub save_metrics: bool,
    /// And the slow-start threshold too: off by default, as on Linux, because networks change faster than they are asked.
    pub save_threshold: bool,
    /// Smallest MTU that a report about an IPv4 path is believed to be, in octets: a forged report is more likely than such a path.
    /// RFC 1191 §3 asks for 68; Linux's `min_pmtu` is this too.
    pub min_path_mtu: u16,
    /// An own connection may take a 4-tuple from TIME-WAIT after a second, if timestamps tell old segments (RFC 6191 §3).
    pub time_wait_reuse: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            fast_open: FastOpenPolicy::default(),
            syn_cookies: CookiePolicy::default(),
            abort_on_overflow: false,
            soft_errors_end_half_open: false,
            save_metrics: true,
            save_threshold: false,
            min_path_mtu: 552,
            time_wait_reuse: true,
        }
    }
}

/// Who may put data on a SYN. All that is on by default waits for an application to ask for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FastOpenPolicy {
    /// Own connections may.
    pub client: bool,
    /// Listeners may take it.
    pub server: bool,
    /// Own connections put it there without a cookie.
    pub client_without_cookie: bool,
    /// Listeners take it without a cookie.
    pub server_without_cookie: bool,
    /// Listeners take it that were not told to.
    pub every_listener: bool,
}

impl Default for FastOpenPolicy {
    fn default() -> Self {
        Self {
            client: true,
            server: true,
            client_without_cookie: false,
            server_without_cookie: false,
            every_listener: false,
        }
    }
}

/// When SYN cookies are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CookiePolicy {
    /// Never: a SYN that finds no room is dropped.
    Off,
    /// When the table of half-open connections, or the listener's share of it, is full.
    #[default]
    WhenFull,
    /// For every SYN; for tests.
    Always,
}
