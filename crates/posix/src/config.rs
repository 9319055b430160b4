//! What Linux has as sysctls and this crate needs to know.

/// Sizes of a kind of buffer, in octets as Linux counts them: with its overhead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BufferSizes {
    /// Least.
    pub min: u32,
    /// At first.
    pub default: u32,
    /// Most that a buffer grows to by itself.
    pub max: u32,
}

/// Settings of all sockets.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SocketsConfig {
    /// `net.ipv4.tcp_wmem`.
    pub send_buffer: BufferSizes,
    /// `net.ipv4.tcp_rmem`. The window that a host offers at first is the host's own setting; `SO_RCVBUF` changes it.
    pub receive_buffer: BufferSizes,
    /// `net.core.wmem_max`: most that `SO_SNDBUF` takes, before doubling.
    pub send_buffer_limit: u32,
    /// `net.core.rmem_max`, for `SO_RCVBUF`.
    pub receive_buffer_limit: u32,
    /// `net.core.somaxconn`: longest accept queue.
    pub backlog_limit: u32,
    /// `net.ipv4.tcp_notsent_lowat`.
    pub notsent_low_water: u32,
    /// `net.ipv6.bindv6only`.
    pub v6_only: bool,
    /// Most open descriptors.
    pub descriptors: usize,
}

impl Default for SocketsConfig {
    /// Linux's defaults.
    fn default() -> Self {
        Self {
            send_buffer: BufferSizes { min: 4_096, default: 16_384, max: 4 << 20 },
            receive_buffer: BufferSizes { min: 4_096, default: 131_072, max: 6 << 20 },
            send_buffer_limit: 4 << 20,
            receive_buffer_limit: 4 << 20,
            backlog_limit: 4_096,
            notsent_low_water: u32::MAX,
            v6_only: false,
            descriptors: 1 << 20,
        }
    }
}
