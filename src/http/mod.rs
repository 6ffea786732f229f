//! How requests come in: the router, GraphQL over HTTP and over WebSockets, probes, pages, and the
//! server that accepts connections. Nothing here knows a domain; services come through `App`.

mod answer;
mod authorization;
mod client_address;
mod connection;
mod endpoint;
mod execution;
mod health;
mod jwks;
mod media;
mod metrics;
mod observation;
mod origin;
mod pages;
mod patient_io;
mod problem;
mod refresh_cookie;
mod request_body;
mod request_id;
mod response_headers;
mod server;
mod socket;
mod state;
mod webhook;

pub use crate::http::server::{serve, serve_metrics};

use crate::app::App;
use crate::config::ServeRole;
use crate::http::state::HttpState;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, get, on, post};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

/// Answers below this size are not worth the time of compressing them.
const COMPRESSED_FROM_BYTES: u64 = 1_024;

/// The router of the whole server.
pub fn router(app: App) -> Router {
    let cors = response_headers::cors(&app.settings);
    let role = app.settings.role;
    let shows_metrics = metrics::is_public(&app.settings);
    let state = HttpState::new(app);
    let probes = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    let probes =
        if shows_metrics { probes.route(metrics::PATH, get(metrics::tell)) } else { probes };
    let routes = match role {
        ServeRole::All | ServeRole::Api => with_api(probes),
        ServeRole::Worker => probes,
    };
    // The last layer is the outermost: it sees the request first and the answer last.
    routes
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_FROM_BYTES)))
        .layer(cors)
        .layer(from_fn_with_state(state.clone(), observation::observe))
        .with_state(state)
}

/// Adds what only processes have that answer requests.
fn with_api(routes: Router<HttpState>) -> Router<HttpState> {
    let graphql = on(MethodFilter::POST, endpoint::post)
        .get(endpoint::get)
        .fallback(endpoint::method_not_allowed);
    routes
        .route("/graphql", graphql)
        .route("/.well-known/jwks.json", get(jwks::public_keys))
        .route("/webhooks/payments/{provider}", post(webhook::payment_event))
        .route("/", get(pages::graphiql))
        .route("/dashboard", get(pages::dashboard))
        .route("/assets/{name}", get(pages::asset))
        .route("/licenses.md", get(pages::licenses))
}
