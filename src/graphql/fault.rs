//! Errors that are not an answer of the domain: not allowed, malformed, out of order. They become
//! GraphQL errors with `extensions.code`; what is inside stays in the log.

use crate::auth::Denied;
use crate::db::{DbError, DbErrorKind};
use async_graphql::{Error, ErrorExtensions};

/// Writes down codes, and the table of all of them from the same lines.
macro_rules! codes {
    ($($(#[doc = $means:literal])+ $name:ident)+) => {
        $($(#[doc = $means])+ pub const $name: &str = stringify!($name);)+

        /// All of them, with what each means.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), concat!($($means),+))),+];
    };
}

/// The values of `extensions.code`.
pub mod code {
    codes! {
        /// The document cannot be parsed.
        GRAPHQL_PARSE_FAILED
        /// The document does not fit the schema.
        GRAPHQL_VALIDATION_FAILED
        /// An argument or variable has a value that cannot be used.
        BAD_USER_INPUT
        /// GET runs queries alone, and the path takes no other method than GET and POST.
        METHOD_NOT_ALLOWED
        /// The operation to run is not clear.
        OPERATION_RESOLUTION_FAILURE
        /// The hash names no known document: send the document with it.
        PERSISTED_QUERY_NOT_FOUND
        /// The document would cost more than allowed.
        QUERY_TOO_COMPLEX
        /// Sign in, or sign in again.
        UNAUTHENTICATED
        /// Signed in, and still not allowed.
        FORBIDDEN
        /// Too many requests: `extensions.retryAfterSeconds` says when to try again.
        RATE_LIMITED
        /// The server, or what it depends on, cannot answer now. Trying again later may help.
        SERVICE_UNAVAILABLE
        /// A fault of the server, in the log under the request's id.
        INTERNAL_SERVER_ERROR
    }
}

/// The member of `extensions` that says after how many seconds to try again.
pub const RETRY_AFTER_SECONDS: &str = "retryAfterSeconds";

/// An error for the `errors` list of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// One of [`code`].
    pub code: &'static str,
    /// For the client.
    pub message: String,
    /// After how many seconds trying again can help, where that is known.
    pub retry_after_seconds: Option<u32>,
}

impl Fault {
    /// A fault with this code and this message for the client.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_seconds: None }
    }

    /// Too many tries: the next one can be had after so many seconds.
    #[must_use]
    pub fn rate_limited(retry_after_seconds: u32) -> Self {
        let message = format!("Too many tries. Try again in {retry_after_seconds} s.");
        let retry_after_seconds = Some(retry_after_seconds);
        Self { code: code::RATE_LIMITED, message, retry_after_seconds }
    }

    /// An argument has a value that cannot be used; the message says what to change.
    pub fn bad_user_input(message: impl Into<String>) -> Self {
        Self::new(code::BAD_USER_INPUT, message)
    }

    /// A fault of the server: `inside` goes to the log, the client gets a plain sentence.
    pub fn internal(inside: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %inside, "a request met a fault");
        Self::new(code::INTERNAL_SERVER_ERROR, Self::internal_message())
    }

    /// What clients are told of a fault of the server.
    #[must_use]
    pub fn internal_message() -> String {
        "Something went wrong on the server. Its log has the details under the request's id."
            .to_owned()
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        match error.kind {
            DbErrorKind::Unavailable | DbErrorKind::TimedOut | DbErrorKind::Contention => {
                tracing::warn!(error = %error, "the database cannot answer now");
                // Who looks what is wrong is told as much as the probe tells everybody.
                let message = match error.kind {
                    DbErrorKind::Unavailable => {
                        "The database does not answer. Try again in a moment."
                    }
                    _ => "The server is too busy to answer. Try again in a moment.",
                };
                Self::new(code::SERVICE_UNAVAILABLE, message)
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::Unauthenticated => code::UNAUTHENTICATED,
            Denied::Forbidden => code::FORBIDDEN,
        };
        Self::new(code, denied.to_string())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::new(fault.message).extend_with(|_, extensions| {
            extensions.set("code", fault.code);
            if let Some(seconds) = fault.retry_after_seconds {
                extensions.set(RETRY_AFTER_SECONDS, seconds);
            }
        })
    }
}
