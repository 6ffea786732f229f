//! `/.well-known/jwks.json`: the public keys of access tokens, for whoever wants to check them too.

use crate::auth::PublicKey;
use crate::http::answer::to_json;
use crate::http::observation::Observation;
use crate::http::problem;
use crate::http::state::HttpState;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// Short enough for a new key to be known before long.
const CACHED: &str = "public, max-age=300";

#[derive(Serialize)]
struct KeySet<'a> {
    keys: &'a [PublicKey],
}

/// `GET /.well-known/jwks.json`. Nothing is there while a secret signs: it has no public half.
pub async fn public_keys(
    State(state): State<HttpState>,
    Extension(observation): Extension<Observation>,
) -> Response {
    let keys = state.app.services.accounts.public_keys();
    if keys.is_empty() {
        let detail = "Access tokens are signed with a secret here: there are no public keys.";
        return problem::respond(StatusCode::NOT_FOUND, detail, observation.request_id());
    }
    let mut response = Response::new(Body::from(to_json(&KeySet { keys })));
    let media = HeaderValue::from_static("application/jwk-set+json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
    response
}
