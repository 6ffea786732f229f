//! Reads the body of a request, within a size and a time.

use crate::config::TransportLimits;
use crate::graphql::code;
use crate::graphql::document::GraphqlParams;
use crate::http::answer::Rejection;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Reads the whole body. The limit holds for what arrives, whatever `Content-Length` says.
///
/// # Errors
/// 413 when it is too large, 408 when it takes too long, 400 when it breaks off.
pub async fn read(
    body: Body,
    headers: &HeaderMap,
    limits: &TransportLimits,
) -> Result<Bytes, Rejection> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|value| value.parse::<usize>().ok()).unwrap_or(0);
    if announced > limits.body_bytes {
        return Err(too_large(limits.body_bytes));
    }
    let collected = Limited::new(body, limits.body_bytes).collect();
    match tokio::time::timeout(limits.body_read, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limits.body_bytes)),
        Ok(Err(_)) => Err(malformed("The request's body broke off.")),
        Err(_) => Err(Rejection::new(
            StatusCode::REQUEST_TIMEOUT,
            code::BAD_USER_INPUT,
            "The request's body took too long to arrive.",
        )),
    }
}

/// Reads the parameters of a GraphQL request out of a body.
///
/// # Errors
/// 400 when it is no JSON object with the members that GraphQL over HTTP knows.
pub fn params(body: &[u8]) -> Result<GraphqlParams, Rejection> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(malformed("Batches are not supported: send one operation a request."));
    }
    serde_json::from_slice(body)
        .map_err(|error| malformed(format!("The body is no GraphQL request in JSON: {error}.")))
}

fn malformed(message: impl Into<String>) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, code::BAD_USER_INPUT, message)
}

fn too_large(bytes: usize) -> Rejection {
    Rejection::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        code::BAD_USER_INPUT,
        format!("The request's body has more than {bytes} bytes."),
    )
}
