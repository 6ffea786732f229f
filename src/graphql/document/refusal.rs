//! Why a request did not reach the engine, and where in its text. The transports turn a refusal
//! into a response; nothing here knows of HTTP or sockets.

use std::fmt;

use serde::Serialize;

/// A request that is answered without execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What kind of refusal this is.
    pub kind: RefusalKind,
    /// At least one error, most telling first.
    pub errors: Vec<DocumentError>,
}

/// The kinds of refusal. Several share a code where a transport must still tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The request is well-formed JSON but holds no query and no hash of one.
    QueryMissing,
    /// A parameter (`extensions.persistedQuery`) has the wrong shape.
    ParameterInvalid,
    /// The document is no GraphQL.
    ParseFailed,
    /// The document does not fit the schema.
    ValidationFailed,
    /// A variable or a literal does not fit its type, or cannot be stored.
    InputInvalid,
    /// No operation can be chosen: the name is unknown, or needed and missing.
    OperationUnresolved,
    /// No document with this hash is known; the client sends the text with the hash next.
    PersistedQueryNotFound,
    /// Text and hash do not belong together.
    PersistedQueryMismatch,
    /// A limit of size, depth, number or cost is exceeded.
    TooComplex,
    /// A mutation or subscription came by GET.
    MethodNotAllowed,
}

/// One error of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentError {
    /// For the developer of the client; never repeats a value that was sent.
    pub message: String,
    /// Where in the document, if the error has a place there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
}

/// A place in a document's text; both numbers begin at 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// Line.
    pub line: usize,
    /// Character in the line.
    pub column: usize,
}

impl Refused {
    /// A refusal with one error that has no place in the document.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, errors: vec![DocumentError { message: message.into(), locations: vec![] }] }
    }

    /// A refusal with one error at a place in the document.
    pub fn at(kind: RefusalKind, message: impl Into<String>, location: Location) -> Self {
        let error = DocumentError { message: message.into(), locations: vec![location] };
        Self { kind, errors: vec![error] }
    }

    /// The `extensions.code` of every error of this refusal.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl RefusalKind {
    /// The `extensions.code` that clients see.
    pub const fn code(self) -> &'static str {
        match self {
            Self::QueryMissing | Self::ParameterInvalid | Self::InputInvalid => "BAD_USER_INPUT",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::OperationUnresolved => "OPERATION_RESOLUTION_FAILURE",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryMismatch => "PERSISTED_QUERY_MISMATCH",
            Self::TooComplex => "QUERY_TOO_COMPLEX",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        for error in &self.errors {
            write!(f, ": {}", error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}
