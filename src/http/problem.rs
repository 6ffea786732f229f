//! Answers outside GraphQL that are no success: RFC 9457 problems, without anything of the inside.

use crate::http::observation::Observation;
use crate::http::request_id::RequestId;
use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(rename = "requestId")]
    request_id: &'a str,
}

/// A problem as an answer.
pub fn respond(status: StatusCode, detail: &str, request_id: &RequestId) -> Response {
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail,
        request_id: request_id.as_str(),
    };
    let mut response = Response::new(Body::from(crate::http::answer::to_json(&problem)));
    *response.status_mut() = status;
    let media = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}

/// No route has this path.
pub async fn not_found(Extension(observation): Extension<Observation>) -> Response {
    let detail = "Nothing is here. GraphQL is at /graphql.";
    respond(StatusCode::NOT_FOUND, detail, observation.request_id())
}

/// The path exists, the method does not. The router adds `Allow`.
pub async fn method_not_allowed(Extension(observation): Extension<Observation>) -> Response {
    let detail = "This path does not take this method.";
    respond(StatusCode::METHOD_NOT_ALLOWED, detail, observation.request_id())
}

/// A handler panicked.
pub fn internal(request_id: &RequestId) -> Response {
    let detail = "Something went wrong on the server. Its log has the details under the \
                  request's id.";
    respond(StatusCode::INTERNAL_SERVER_ERROR, detail, request_id)
}
