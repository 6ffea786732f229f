//! Ports of this machine: one for a server of a test, and one at which nobody answers.

use rand::RngExt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use tokio::net::TcpSocket;

/// A port that is free. It is none of those that the system gives away by itself, so that nobody
/// gets it by chance while the server of a test is away.
pub fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| rand::rng().random_range(20_000..32_000_u16));
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.find(is_free).expect("there are ports without end")
}

/// A port that is taken, and at which nobody listens: whoever connects is refused.
pub struct Nobody(TcpSocket);

impl Nobody {
    /// Takes a port, for as long as this is kept.
    pub fn there() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port is free");
        Self(socket)
    }

    /// Where nobody listens.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("the port is known")
    }
}
