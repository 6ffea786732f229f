//! The id of a request: taken from the client if it is sane, else made.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::sync::Arc;

/// The header that carries the id, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names a request in logs, errors and events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// An id of our own.
    pub fn new() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }

    /// The client's id if it has 8 to 64 letters, digits and hyphens, so that it can break no log
    /// line; else one of our own.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let sane = |text: &&str| {
            (8..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        given.filter(sane).map_or_else(Self::new, |id| Self(id.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as the value of a header.
    pub fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        RequestId::from_headers(&headers).to_string()
    }

    #[test]
    fn a_sane_id_is_kept() {
        assert_eq!(id_for("order-page-0042"), "order-page-0042");
    }

    #[test]
    fn an_id_that_could_break_a_log_line_is_replaced() {
        let too_long = "a".repeat(65);
        for odd in [
            "short",
            "has space in it",
            "semi;colon;",
            too_long.as_str(),
            "\u{e4}\u{f6}\u{fc}abcdefg",
        ] {
            let id = id_for(odd);
            assert_ne!(id, odd);
            assert!(uuid::Uuid::parse_str(&id).is_ok());
        }
    }
}
