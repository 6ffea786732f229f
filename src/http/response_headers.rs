//! Headers of every answer, and which foreign pages may call.

use crate::config::{Environment, Settings};
use crate::http::request_id::REQUEST_ID;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// Adds the headers that keep browsers careful, where a handler has not set its own.
pub fn complete(headers: &mut HeaderMap, environment: Environment) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    if environment == Environment::Production {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
}

/// Lets pages of exactly the listed origins call: with tokens in headers, and with cookies only
/// where the settings want it.
pub fn cors(settings: &Settings) -> CorsLayer {
    let origins = settings
        .cors_allowed_origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            REQUEST_ID,
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
        ])
        .expose_headers([REQUEST_ID, header::RETRY_AFTER])
        .allow_credentials(settings.tokens.cookies)
        .max_age(PREFLIGHT_AGE)
}
