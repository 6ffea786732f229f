//! The messages of `graphql-transport-ws`.

use crate::graphql::document::{GraphqlParams, JsonObject};
use crate::http::answer::{Execution, to_json_text};
use async_graphql::{Name, Value};
use serde::{Deserialize, Serialize};

/// Ids longer than this are refused; clients use counters and UUIDs.
const LONGEST_ID: usize = 128;

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// The first message.
    ConnectionInit {
        /// Where a token may be.
        #[serde(default)]
        payload: Option<JsonObject>,
    },
    /// Begins an operation.
    Subscribe {
        /// Names the operation on this socket.
        id: String,
        /// The request.
        payload: GraphqlParams,
    },
    /// Ends an operation.
    Complete {
        /// Which one.
        id: String,
    },
    /// Asks for a pong.
    Ping {
        /// Comes back with it.
        #[serde(default)]
        payload: Option<JsonObject>,
    },
    /// Answers a ping, or tells that the client lives.
    Pong {},
}

impl ClientMessage {
    /// Reads a text frame. None: it is no message of the protocol.
    pub fn read(text: &str) -> Option<Self> {
        let message = serde_json::from_str(text).ok()?;
        match &message {
            Self::Subscribe { id, .. } | Self::Complete { id }
                if id.is_empty() || id.len() > LONGEST_ID =>
            {
                None
            }
            _ => Some(message),
        }
    }
}

/// The value that a payload has for a header, whatever the case of its name: GraphiQL and others
/// send their headers there. Some(None): it is there and is no text.
pub fn header_in(payload: &JsonObject, name: &str) -> Option<Option<String>> {
    let found = payload.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    match found.map(|(_, value)| value) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => Some(None),
    }
}

/// A payload with one moment in it, given in seconds since 1970.
pub fn time_in(name: &str, seconds: i64) -> Option<JsonObject> {
    let time = chrono::DateTime::from_timestamp(seconds, 0)?;
    let text = time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    Some(JsonObject::from_iter([(Name::new(name), Value::String(text))]))
}

/// What the server says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a, E: Serialize> {
    /// The connection may be used.
    ConnectionAck,
    /// Answers a ping.
    Pong {
        /// What came with the ping.
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<JsonObject>,
    },
    /// A result.
    Next {
        /// Of which operation.
        id: &'a str,
        /// The result.
        payload: &'a Execution,
    },
    /// The operation was refused before it was executed.
    Error {
        /// Which one.
        id: &'a str,
        /// Why.
        payload: E,
    },
    /// The operation is through.
    Complete {
        /// Which one.
        id: &'a str,
    },
}

impl<E: Serialize> ServerMessage<'_, E> {
    /// The message as the text of a frame.
    pub fn text(&self) -> String {
        to_json_text(self)
    }
}

/// For messages that have no errors in them.
pub type PlainMessage<'a> = ServerMessage<'a, ()>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_protocol_are_read() {
        let reads = |text: &str| ClientMessage::read(text).is_some();
        assert!(reads(r#"{"type":"connection_init"}"#));
        assert!(reads(r#"{"payload":{"a":1},"type":"connection_init"}"#));
        assert!(reads(r#"{"type":"ping"}"#));
        assert!(reads(r#"{"type":"pong","payload":{"a":null}}"#));
        assert!(reads(r#"{"id":"1","type":"complete"}"#));
        assert!(reads(
            r#"{"id":"1","type":"subscribe","payload":{"query":"{a}","variables":null}}"#
        ));
    }

    #[test]
    fn anything_else_is_not() {
        let long = format!(r#"{{"id":"{}","type":"complete"}}"#, "x".repeat(129));
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":"start"}"#,
            r#"{"type":"complete"}"#,
            r#"{"id":"","type":"complete"}"#,
            r#"{"id":7,"type":"complete"}"#,
            r#"{"id":"1","type":"subscribe"}"#,
            r#"{"id":"1","type":"subscribe","payload":{"query":7}}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            &long,
        ] {
            assert!(ClientMessage::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_header_in_a_payload_is_found_in_any_case() {
        let payload = |text: &str| serde_json::from_str::<JsonObject>(text).unwrap();
        let found = header_in(&payload(r#"{"AUTHORIZATION":"Bearer x"}"#), "authorization");
        assert_eq!(found, Some(Some("Bearer x".to_owned())));
        assert_eq!(header_in(&payload(r#"{"Authorization":null}"#), "authorization"), None);
        assert_eq!(header_in(&payload(r#"{"Authorization":7}"#), "authorization"), Some(None));
    }
}
