//! The codes that a socket is closed with: those of `graphql-transport-ws`, and RFC 6455's.

/// Why the server closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// For the client's program.
    pub code: u16,
    /// For the client's developer.
    pub reason: &'static str,
}

const fn closing(code: u16, reason: &'static str) -> Closing {
    Closing { code, reason }
}

/// The server stops; clients connect again, to another replica.
pub const GOING_AWAY: Closing = closing(1001, "The server restarts");
/// The frames are no WebSocket protocol.
pub const PROTOCOL_ERROR: Closing = closing(1002, "Protocol error");
/// A message is larger than allowed.
pub const TOO_BIG: Closing = closing(1009, "Message too big");
/// The server cannot do it now; clients try again after a while.
pub const TRY_AGAIN_LATER: Closing = closing(1013, "Try again later");
/// Something that is no message of the protocol.
pub const BAD_REQUEST: Closing = closing(4400, "Invalid message");
/// An operation before the connection was acknowledged.
pub const UNAUTHORIZED: Closing = closing(4401, "Unauthorized");
/// The token is not good, or not good any more.
pub const FORBIDDEN: Closing = closing(4403, "Forbidden");
/// No `connection_init` in time.
pub const INIT_TIMEOUT: Closing = closing(4408, "Connection initialisation timeout");
/// An operation with the id of one that still runs. The reason is what the protocol wants, but for
/// the id, which is the client's text.
pub const SUBSCRIBER_EXISTS: Closing = closing(4409, "Subscriber already exists");
/// A second `connection_init`.
pub const TOO_MANY_INITS: Closing = closing(4429, "Too many initialisation requests");
/// More messages than allowed.
pub const TOO_MANY_MESSAGES: Closing = closing(4429, "Too many messages");
/// The peer takes nothing of what is sent to it.
pub const TOO_SLOW: Closing = closing(4508, "The client reads too slowly");
