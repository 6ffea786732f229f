//! The probes: alive tells of the process alone, ready whether requests should come here.

use crate::app::{App, Health};
use crate::http::answer::to_json;
use crate::http::state::HttpState;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use chrono::{SecondsFormat, Utc};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What `/health/ready` answers.
#[derive(Serialize)]
struct Report {
    status: Health,
    timestamp: String,
    latency_ms: f64,
    service: &'static str,
    version: &'static str,
    /// What was found, never why: the probe is open to everyone, and the log tells.
    checks: BTreeMap<String, Check>,
}

#[derive(Serialize)]
struct Check {
    status: Health,
    latency_ms: f64,
}

/// `GET /health/live`: touches nothing, so that a database that is away restarts no process.
pub async fn live() -> Response {
    #[derive(Serialize)]
    struct Alive {
        status: Health,
        service: &'static str,
        version: &'static str,
    }
    let alive = Alive {
        status: Health::Healthy,
        service: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
    };
    respond(StatusCode::OK, &alive)
}

/// `GET /health/ready`: 503 when requests should go elsewhere, because the database is away or the
/// process is about to end.
pub async fn ready(State(state): State<HttpState>) -> Response {
    let mut report = report(&state.app).await;
    if state.app.lifecycle.draining.is_cancelled() {
        report.status = Health::Unhealthy;
    }
    let status = match report.status {
        Health::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        Health::Healthy | Health::Degraded => StatusCode::OK,
    };
    respond(status, &report)
}

async fn report(app: &App) -> Report {
    let examination = app.examiner.lately().await;
    let checks = examination.findings.iter().map(|finding| {
        let check = Check { status: finding.health, latency_ms: to_ms(finding.latency) };
        (finding.component.name().to_lowercase(), check)
    });
    Report {
        status: examination.worst(),
        timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        latency_ms: to_ms(examination.took),
        service: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        checks: checks.collect(),
    }
}

fn to_ms(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn respond(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = Response::new(Body::from(to_json(body)));
    *response.status_mut() = status;
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}
