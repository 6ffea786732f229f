//! Answers of the GraphQL endpoint: what was executed, and what was refused before that.

use crate::config::Settings;
use crate::db::SqlStats;
use crate::graphql::document::{DocumentError, RefusalKind, Refused};
use crate::graphql::fault::RETRY_AFTER_SECONDS;
use crate::graphql::{Fault, code};
use crate::http::media::Media;
use crate::http::request_id::RequestId;
use async_graphql::{ErrorExtensionValues, Name, Number, Response as Executed, ServerError, Value};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use std::collections::BTreeMap;

/// A request that ends before anything is executed.
#[derive(Debug)]
pub struct Rejection {
    /// The status; None: what the media type says for refusals of GraphQL.
    status: Option<StatusCode>,
    code: &'static str,
    errors: Vec<DocumentError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    retry_after_seconds: Option<u64>,
}

impl Rejection {
    /// A rejection by HTTP.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: Some(status),
            code,
            errors: vec![DocumentError { message: message.into(), locations: Vec::new() }],
            headers: Vec::new(),
            retry_after_seconds: None,
        }
    }

    /// The server cannot take this now.
    pub fn busy(message: impl Into<String>) -> Self {
        let rejection =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, code::SERVICE_UNAVAILABLE, message);
        rejection.retry_after(1)
    }

    /// There is more to do than can be done in time.
    pub fn too_much() -> Self {
        Self::busy("The server has too much to do. Try again in a moment.")
    }

    /// A fault of ours. What it was stands in the log.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            code::INTERNAL_SERVER_ERROR,
            Fault::internal_message(),
        )
    }

    /// The client may try again after so many seconds.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header to the answer.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The value of `extensions.code`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The errors, ready to be sent.
    pub fn errors(&self, request_id: &RequestId) -> Vec<RequestError<'_>> {
        let extensions = RequestErrorExtensions {
            code: self.code,
            request_id: request_id.as_str().to_owned(),
            retry_after_seconds: self.retry_after_seconds,
        };
        let errors = self.errors.iter();
        errors.map(|error| RequestError { error, extensions: extensions.clone() }).collect()
    }

    /// The answer over HTTP.
    pub fn into_response(self, media: Media, request_id: &RequestId) -> Response {
        #[derive(Serialize)]
        struct Refusal<'a> {
            errors: Vec<RequestError<'a>>,
        }
        let body = to_json(&Refusal { errors: self.errors(request_id) });
        let mut response = respond(self.status.unwrap_or(media.refusal_status()), media, body);
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<Refused> for Rejection {
    fn from(refused: Refused) -> Self {
        let mut headers = Vec::new();
        let status = match refused.kind {
            // No well-formed GraphQL request at all: 400 in either media type.
            RefusalKind::QueryMissing | RefusalKind::ParameterInvalid => {
                Some(StatusCode::BAD_REQUEST)
            }
            RefusalKind::MethodNotAllowed => {
                headers.push((header::ALLOW, HeaderValue::from_static("POST")));
                Some(StatusCode::METHOD_NOT_ALLOWED)
            }
            _ => None,
        };
        let code = refused.code();
        Self { status, code, errors: refused.errors, headers, retry_after_seconds: None }
    }
}

/// An error of the request as it is sent.
#[derive(Serialize)]
pub struct RequestError<'a> {
    #[serde(flatten)]
    error: &'a DocumentError,
    extensions: RequestErrorExtensions,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestErrorExtensions {
    code: &'static str,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
}

/// What the engine answered, with codes and the request's id in every error.
#[derive(Debug, Serialize)]
pub struct Execution {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    data: Value,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<String, Value>,
}

impl Execution {
    /// Completes what the engine answered.
    pub fn new(executed: Executed, request_id: &RequestId) -> Self {
        let errors = executed.errors.into_iter().map(|error| complete(error, request_id)).collect();
        Self { errors, data: executed.data, extensions: executed.extensions }
    }

    /// Adds `sql { count, ms }` where the settings want it.
    pub fn extend_with_sql(&mut self, settings: &Settings, sql: &SqlStats) {
        if settings.sql_extension_enabled {
            // Milliseconds with three decimals.
            let ms = (sql.elapsed_ms() * 1_000.0).round() / 1_000.0;
            let ms = Number::from_f64(ms).map_or(Value::Null, Value::Number);
            self.extend("sql", object([("count", sql.count().into()), ("ms", ms)]));
        }
    }

    /// Adds `idempotency { replayed: true }`.
    pub fn extend_with_replayed(&mut self) {
        self.extend("idempotency", object([("replayed", true.into())]));
    }

    fn extend(&mut self, name: &str, value: Value) {
        self.extensions.insert(name.to_owned(), value);
    }

    /// The codes of the errors, for the log.
    pub fn codes(&self) -> Vec<String> {
        self.errors.iter().filter_map(code_of).collect()
    }

    /// Whether it is data and nothing else.
    pub fn is_plain(&self) -> bool {
        self.errors.is_empty() && self.extensions.is_empty()
    }

    /// Whether there are errors and nothing else.
    pub fn has_no_data(&self) -> bool {
        self.data == Value::Null && !self.errors.is_empty()
    }

    /// The answer over HTTP. Once execution began, the status is 200 whatever came of it; when it
    /// was too soon for something, a header says when to try again, as the error does.
    pub fn into_response(self, media: Media) -> Response {
        let mut response = respond(StatusCode::OK, media, to_json(&self));
        if let Some(seconds) = self.errors.iter().filter_map(retry_after_seconds).max() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// The errors, for a message that carries errors alone.
    pub fn into_errors(self) -> Vec<ServerError> {
        self.errors
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}

fn code_of(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code.clone()),
        _ => None,
    }
}

fn retry_after_seconds(error: &ServerError) -> Option<u64> {
    match error.extensions.as_ref()?.get(RETRY_AFTER_SECONDS)? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    }
}

/// Resolvers give every error a code. What has none comes from the engine: a value that a scalar
/// refused is the client's to mend, everything else is ours and stays inside.
fn complete(mut error: ServerError, request_id: &RequestId) -> ServerError {
    if code_of(&error).is_none() {
        let refused_value = ["Failed to parse \"", "Expected input type \"", "Invalid value for"]
            .iter()
            .any(|beginning| error.message.starts_with(beginning));
        if refused_value {
            set(&mut error, "code", code::BAD_USER_INPUT);
        } else {
            tracing::error!(error = %error.message, path = ?error.path, "a request met a fault");
            error.message = Fault::internal_message();
            set(&mut error, "code", code::INTERNAL_SERVER_ERROR);
        }
    }
    set(&mut error, "requestId", request_id.as_str());
    error
}

fn set(error: &mut ServerError, name: &str, value: &str) {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set(name, value);
}

/// An answer with this body.
pub fn respond(status: StatusCode, media: Media, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
    response
}

/// As [`to_json`], as text.
pub fn to_json_text(value: &impl Serialize) -> String {
    String::from_utf8_lossy(&to_json(value)).into_owned()
}

/// Serialises in one pass, without a detour through a tree that would sort the keys.
pub fn to_json(value: &impl Serialize) -> Bytes {
    match serde_json::to_vec(value) {
        Ok(json) => json.into(),
        Err(error) => {
            // Binary values are the one kind that JSON cannot hold, and the schema has none.
            tracing::error!(%error, "an answer could not be written");
            Bytes::from_static(
                b"{\"errors\":[{\"message\":\"The answer could not be written.\",\
                  \"extensions\":{\"code\":\"INTERNAL_SERVER_ERROR\"}}]}",
            )
        }
    }
}
