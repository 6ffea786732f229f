//! `GET /metrics`: figures of this process, for Prometheus. Not for the public: in production they
//! are told at an address of their own, or not at all.

use crate::app::{App, PROMETHEUS_MEDIA_TYPE};
use crate::config::{Environment, Settings};
use crate::http::state::HttpState;
use crate::http::{observation, problem};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, header};

/// Where they are.
pub const PATH: &str = "/metrics";

/// Whether they are told where everything else is served.
pub fn is_public(settings: &Settings) -> bool {
    settings.metrics.listen_addr.is_none() && settings.environment == Environment::Development
}

/// The router of a listener that tells nothing else.
pub fn router(app: App) -> Router {
    let state = HttpState::new(app);
    Router::new()
        .route(PATH, get(tell))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(state.clone(), observation::observe))
        .with_state(state)
}

/// The figures.
pub async fn tell(State(state): State<HttpState>) -> Response {
    let mut response = Response::new(Body::from(state.app.prometheus_text().await));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROMETHEUS_MEDIA_TYPE));
    response
}
