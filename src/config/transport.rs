//! Limits of the transport: how much, how many and how long, over HTTP and over sockets.

use crate::config::network::Network;
use std::time::Duration;

/// The limits that can be set. What cannot be set has one value that fits every shop.
#[derive(Debug, Clone, clap::Args)]
pub struct TransportArgs {
    /// Requests that are worked on at one time; further ones are told to come back.
    #[arg(long, env = "REQUESTS_IN_FLIGHT", default_value_t = 2_048, global = true,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub requests_in_flight: u32,
    /// Addresses of the proxies in front, or ranges such as 10.0.0.0/8, separated by commas. Only
    /// what they say of where a request came from is believed.
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',', global = true)]
    pub trusted_proxies: Vec<Network>,
    /// Seconds between "not ready" and the end of accepting, for a load balancer to notice.
    /// Default: 5 in production, none in development.
    #[arg(long, env = "DRAIN_DELAY_SECONDS", global = true,
        value_parser = clap::value_parser!(u64).range(0..=60))]
    pub drain_delay_seconds: Option<u64>,
    /// WebSockets that the process holds.
    #[arg(long, env = "SOCKETS_MAX", default_value_t = 12_000, global = true)]
    pub sockets_max: u32,
    /// WebSockets that one client address may hold.
    #[arg(long, env = "SOCKETS_MAX_PER_ADDRESS", default_value_t = 1_000, global = true)]
    pub sockets_max_per_address: u32,
    /// WebSockets that one account may hold.
    #[arg(long, env = "SOCKETS_MAX_PER_USER", default_value_t = 100, global = true)]
    pub sockets_max_per_user: u32,
    /// Operations that may run on one WebSocket at one time.
    #[arg(long, env = "SOCKET_OPERATIONS_MAX", default_value_t = 64, global = true)]
    pub socket_operations_max: u32,
    /// Messages a minute that one WebSocket may send, after the burst.
    #[arg(long, env = "SOCKET_MESSAGES_PER_MINUTE", default_value_t = 600, global = true,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub socket_messages_per_minute: u32,
    /// Messages that one WebSocket may send at once.
    #[arg(long, env = "SOCKET_MESSAGES_BURST", default_value_t = 200, global = true,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub socket_messages_burst: u32,
}

impl TransportArgs {
    /// The limits, with what depends on where the server runs.
    #[must_use]
    pub fn limits(&self, production: bool) -> TransportLimits {
        let drain_delay_seconds =
            self.drain_delay_seconds.unwrap_or(if production { 5 } else { 0 });
        TransportLimits {
            trusted_proxies: self.trusted_proxies.clone(),
            connections: 20_000,
            body_bytes: 256 * 1024,
            idle: Duration::from_secs(75),
            header_read: Duration::from_secs(5),
            write: Duration::from_secs(10),
            body_read: Duration::from_secs(10),
            request: Duration::from_secs(10),
            requests_in_flight: count(self.requests_in_flight),
            drain_delay: Duration::from_secs(drain_delay_seconds),
            drain: Duration::from_secs(15),
            sockets: SocketLimits {
                per_process: count(self.sockets_max),
                per_address: count(self.sockets_max_per_address),
                per_user: count(self.sockets_max_per_user),
                operations: count(self.socket_operations_max),
                messages_per_minute: self.socket_messages_per_minute,
                messages_burst: self.socket_messages_burst,
                message_bytes: 64 * 1024,
                init: Duration::from_secs(5),
                ping: Duration::from_secs(20),
                write: Duration::from_secs(5),
                look: Duration::from_secs(30),
            },
        }
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What a client may take of the server.
#[derive(Debug, Clone)]
pub struct TransportLimits {
    /// Proxies that are believed.
    pub trusted_proxies: Vec<Network>,
    /// Connections at one time; further ones wait to be accepted.
    pub connections: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Time that a connection is kept for another request; longer than proxies keep theirs, or
    /// they would send requests into connections that are just being closed.
    pub idle: Duration,
    /// Time for the head of a request to arrive, once it has begun.
    pub header_read: Duration,
    /// Time for the peer to take something of what is sent.
    pub write: Duration,
    /// Time for the body of a request to arrive.
    pub body_read: Duration,
    /// Time for an operation to be answered.
    pub request: Duration,
    /// Requests that are worked on at one time.
    pub requests_in_flight: usize,
    /// Time between "not ready" and the end of accepting.
    pub drain_delay: Duration,
    /// Time for the requests under way to end.
    pub drain: Duration,
    /// The limits of WebSockets.
    pub sockets: SocketLimits,
}

/// What a WebSocket may take.
#[derive(Debug, Clone)]
pub struct SocketLimits {
    /// Sockets in all.
    pub per_process: usize,
    /// Sockets of one client address.
    pub per_address: usize,
    /// Sockets of one account.
    pub per_user: usize,
    /// Operations that run on one socket at one time.
    pub operations: usize,
    /// Messages a minute on one socket.
    pub messages_per_minute: u32,
    /// Messages at once on one socket.
    pub messages_burst: u32,
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Time until `connection_init` has to be there.
    pub init: Duration,
    /// Time between pings; a peer that is silent for two of them is gone.
    pub ping: Duration,
    /// Time for a message to be taken by the peer.
    pub write: Duration,
    /// Time between looks at whether its holder still may, besides those that the bus asks for.
    pub look: Duration,
}
