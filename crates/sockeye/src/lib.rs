//! TCP in user space: Stack, TcpListener and TcpStream on tokio.
