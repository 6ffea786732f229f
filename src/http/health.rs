//! The probes: alive tells of the process alone, ready whether requests should come here.

use crate::app::App;
use crate::http::answer::to_json;
use crate::http::state::HttpState;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use chrono::{SecondsFormat, Utc};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a component may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a finding is good, so that probes cost the same however many come.
const FRESH: Duration = Duration::from_secs(1);

/// The last finding; whoever comes while components are asked waits for the same answer.
#[derive(Clone, Default)]
pub struct Findings(Arc<Mutex<Option<(Instant, Report)>>>);

/// What `/health/ready` answers.
#[derive(Clone, Serialize)]
struct Report {
    status: Health,
    timestamp: String,
    latency_ms: f64,
    service: &'static str,
    version: &'static str,
    checks: Checks,
}

/// The components that this server has.
#[derive(Clone, Serialize)]
struct Checks {
    database: Check,
    cache: Check,
    worker: Check,
    mail: Check,
    payments: Check,
    events: Check,
}

#[derive(Clone, Serialize)]
struct Check {
    status: Health,
    latency_ms: f64,
}

/// How well the server, or a component, is; the worse the larger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Healthy,
    /// Serves, without something that it has otherwise.
    Degraded,
    Unhealthy,
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
    let mut report = report(&state).await;
    if state.app.lifecycle.draining.is_cancelled() {
        report.status = Health::Unhealthy;
    }
    let status = match report.status {
        Health::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        Health::Healthy | Health::Degraded => StatusCode::OK,
    };
    respond(status, &report)
}

async fn report(state: &HttpState) -> Report {
    let mut last = state.findings.0.lock().await;
    if let Some((at, report)) = &*last
        && at.elapsed() < FRESH
    {
        return report.clone();
    }
    let report = examine(&state.app).await;
    *last = Some((Instant::now(), report.clone()));
    report
}

async fn examine(app: &App) -> Report {
    let began = Instant::now();
    let (database, cache, worker, mail, payments, events) = tokio::join!(
        check("database", Health::Unhealthy, app.db.ping()),
        // Without Redis everything works, and each replica for itself.
        check("cache", Health::Degraded, app.cache.check()),
        // Requests are answered; what follows from them waits.
        check("worker", Health::Degraded, app.check_worker()),
        check("mail", Health::Degraded, app.mailer.check()),
        // Everything but paying works.
        check("payments", Health::Degraded, async { app.services.payments.check() }),
        // Others are told late.
        check("events", Health::Degraded, app.check_events()),
    );
    let checks = Checks { database, cache, worker, mail, payments, events };
    Report {
        status: checks.worst(),
        timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        latency_ms: elapsed_ms(began),
        service: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        checks,
    }
}

impl Checks {
    fn worst(&self) -> Health {
        let Self { database, cache, worker, mail, payments, events } = self;
        let all = [database, cache, worker, mail, payments, events].map(|check| check.status);
        all.into_iter().max().unwrap_or(Health::Healthy)
    }
}

/// Asks a component; `without` is how well the server is when it does not answer.
async fn check<E: Display>(
    component: &'static str,
    without: Health,
    answer: impl Future<Output = Result<(), E>>,
) -> Check {
    let began = Instant::now();
    let status = match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(())) => Health::Healthy,
        // What is wrong stands in the log; the probe is open to everyone.
        Ok(Err(error)) => {
            tracing::warn!(component, %error, "a component is not well");
            without
        }
        Err(_) => {
            tracing::warn!(component, "a component does not answer");
            without
        }
    };
    Check { status, latency_ms: elapsed_ms(began) }
}

fn elapsed_ms(began: Instant) -> f64 {
    (began.elapsed().as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn respond(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = Response::new(Body::from(to_json(body)));
    *response.status_mut() = status;
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}
