//! The pages in the binary: GraphiQL, the dashboard and their assets. They are stored compressed with
//! brotli and sent so to whoever takes it.

use crate::http::media::accepts_brotli;
use crate::http::observation::Observation;
use crate::http::problem;
use crate::http::state::HttpState;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::{Embed, EmbeddedFile};
use std::io::Read;

#[derive(Embed)]
#[folder = "web/dist"]
struct Files;

/// Scripts and styles come from here alone. Monaco and CodeMirror style their lines inline.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
    'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
    worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Assets have a hash of what is in them in their names.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// `GET /`: GraphiQL, where the settings allow it.
pub async fn graphiql(
    State(state): State<HttpState>,
    Extension(observation): Extension<Observation>,
    headers: HeaderMap,
) -> Response {
    if !state.app.settings.graphiql_enabled {
        return missing(&observation);
    }
    page("graphiql.html", &headers).unwrap_or_else(|| missing(&observation))
}

/// `GET /dashboard`: how the shop does. The page has no data of its own: those it shows are asked of
/// the schema, by the staff who sign in to it.
pub async fn dashboard(
    Extension(observation): Extension<Observation>,
    headers: HeaderMap,
) -> Response {
    page("dashboard.html", &headers).unwrap_or_else(|| missing(&observation))
}

/// `GET /licenses.md`: the licences of what the pages are made of.
pub async fn licenses(
    Extension(observation): Extension<Observation>,
    headers: HeaderMap,
) -> Response {
    page("licenses.md", &headers).unwrap_or_else(|| missing(&observation))
}

/// `GET /assets/…`.
pub async fn asset(
    Extension(observation): Extension<Observation>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let asset = page(&format!("assets/{name}"), &headers);
    asset.map_or_else(
        || missing(&observation),
        |mut asset| {
            asset.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
            asset
        },
    )
}

fn missing(observation: &Observation) -> Response {
    let detail = "Nothing is here. GraphQL is at /graphql.";
    problem::respond(StatusCode::NOT_FOUND, detail, observation.request_id())
}

/// The file under this name. None: there is none.
fn page(name: &str, headers: &HeaderMap) -> Option<Response> {
    let (body, is_brotli) = match Files::get(&format!("{name}.br")) {
        Some(file) if accepts_brotli(headers) => (bytes(file), true),
        Some(file) => (decompress(&file)?, false),
        None => (bytes(Files::get(name)?), false),
    };
    let mut response = Response::new(Body::from(body));
    let media = HeaderValue::from_static(media_type(name));
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, media);
    set.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    set.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    if is_brotli {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    Some(response)
}

fn bytes(file: EmbeddedFile) -> Bytes {
    match file.data {
        std::borrow::Cow::Borrowed(data) => Bytes::from_static(data),
        std::borrow::Cow::Owned(data) => Bytes::from(data),
    }
}

fn decompress(file: &EmbeddedFile) -> Option<Bytes> {
    let mut plain = Vec::new();
    let read = brotli::Decompressor::new(file.data.as_ref(), 16 * 1024).read_to_end(&mut plain);
    if let Err(error) = read {
        tracing::error!(%error, "an embedded page cannot be read");
        return None;
    }
    Some(plain.into())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "ttf" => "font/ttf",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "md" => "text/markdown; charset=utf-8",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}
