//! What is known of a request while it runs, and the one log line that tells of it: no variables,
//! no tokens, nothing that a client could break a line with.

use crate::auth::{Role, Viewer};
use crate::db::SqlStats;
use crate::graphql::code;
use crate::graphql::document::{OperationKind, Prepared};
use crate::http::answer::Execution;
use crate::http::execution::Run;
use crate::http::request_id::{REQUEST_ID, RequestId};
use crate::http::state::HttpState;
use crate::http::{metrics, problem, response_headers};
use crate::telemetry::{self, Standing};
use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

/// Collects what the log line of a request will say; clones share it.
#[derive(Clone)]
pub struct Observation {
    request_id: RequestId,
    began: Instant,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    viewer: Option<&'static str>,
    kind: Option<&'static str>,
    operation: Option<String>,
    sql: Option<u64>,
    events: Option<u64>,
    codes: Vec<String>,
    /// Whether it is a GraphQL request, and counted as one.
    graphql: bool,
    /// Whether it is counted as one that met a fault.
    faulty: bool,
}

impl Seen {
    /// Counts a request whose answer has a fault of the server in it, once.
    fn count_fault(&mut self) {
        let faults = [code::INTERNAL_SERVER_ERROR, code::SERVICE_UNAVAILABLE];
        if self.graphql && !self.faulty && faults.iter().any(|fault| self.failed(fault)) {
            self.faulty = true;
            telemetry::count(telemetry::GRAPHQL_FAULTS);
        }
    }

    fn joined_codes(&self) -> Option<String> {
        (!self.codes.is_empty()).then(|| self.codes.join(","))
    }

    fn failed(&self, code: &str) -> bool {
        self.codes.iter().any(|found| found == code)
    }
}

impl Observation {
    fn new(request_id: RequestId) -> Self {
        Self { request_id, began: Instant::now(), seen: Arc::default() }
    }

    /// Of an operation on a socket, which has an id of its own.
    pub fn of_operation() -> Self {
        let observation = Self::new(RequestId::new());
        observation.is_graphql();
        observation
    }

    /// Counts it as a GraphQL request.
    pub fn is_graphql(&self) {
        self.seen.lock().graphql = true;
        telemetry::count(telemetry::GRAPHQL_REQUESTS);
    }

    /// The request's id.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// Who asks.
    pub fn asked_by(&self, viewer: &Viewer) {
        self.seen.lock().viewer = Some(viewer_word(viewer));
    }

    /// Which operation was chosen.
    pub fn prepared(&self, prepared: &Prepared) {
        let mut seen = self.seen.lock();
        seen.kind = Some(kind_word(prepared.kind));
        seen.operation.clone_from(&prepared.operation_name);
    }

    /// What came of the operation.
    pub fn executed(&self, run: &Run) {
        let mut seen = self.seen.lock();
        seen.sql = Some(run.sql.count());
        seen.codes = run.execution.codes();
        seen.count_fault();
    }

    /// The answer was one that had been given before, or to others at the same time.
    pub fn reused(&self) {
        self.seen.lock().sql = Some(0);
    }

    /// What an event of a subscription came to; the figures add up.
    pub fn heard(&self, execution: &Execution, sql: &SqlStats) {
        let mut seen = self.seen.lock();
        seen.sql = Some(seen.sql.unwrap_or(0).saturating_add(sql.count()));
        seen.events = Some(seen.events.unwrap_or(0).saturating_add(1));
        if seen.codes.is_empty() {
            seen.codes = execution.codes();
            seen.count_fault();
        }
    }

    /// Why nothing was executed.
    pub fn rejected(&self, code: &'static str) {
        let mut seen = self.seen.lock();
        seen.codes = vec![code.to_owned()];
        seen.count_fault();
    }

    /// Writes the log line of an operation on a socket.
    pub fn write_operation_line(&self) {
        let seen = std::mem::take(&mut *self.seen.lock());
        let (ms, codes) = (self.ms(), seen.joined_codes());
        let Seen { viewer, kind, operation, sql, events, .. } = &seen;
        let operation = operation.as_deref();
        if seen.failed(code::INTERNAL_SERVER_ERROR) {
            tracing::error!(ms, kind, operation, viewer, sql, events, codes, "operation");
        } else if seen.failed(code::SERVICE_UNAVAILABLE) {
            tracing::warn!(ms, kind, operation, viewer, sql, events, codes, "operation");
        } else {
            tracing::info!(ms, kind, operation, viewer, sql, events, codes, "operation");
        }
    }

    /// Milliseconds since it began, with three decimals.
    fn ms(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 1_000_000.0).round() / 1_000.0
    }
}

/// A word for the kind of viewer; never which one.
pub fn viewer_word(viewer: &Viewer) -> &'static str {
    match viewer {
        Viewer::Guest => "guest",
        Viewer::User { role: Role::Customer, .. } => "customer",
        Viewer::User { role: Role::Staff, .. } => "staff",
        Viewer::User { role: Role::Admin, .. } => "admin",
        Viewer::Service { .. } => "service",
        Viewer::System => "system",
    }
}

/// A word for the kind of operation.
pub fn kind_word(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Query => "query",
        OperationKind::Mutation => "mutation",
        OperationKind::Subscription => "subscription",
    }
}

/// The outermost layer: names the request, keeps a panic from ending more than it, adds the
/// headers that every answer has, and writes the log line.
pub async fn observe(
    State(state): State<HttpState>,
    mut request: axum::http::Request<Body>,
    next: Next,
) -> Response {
    let request_id = RequestId::from_headers(request.headers());
    let observation = Observation::new(request_id.clone());
    let trace_id = trace_id(request.headers());
    let span = tracing::info_span!("request", %request_id, trace_id);
    let mut line = Line {
        observation: observation.clone(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        span: span.clone(),
        status: None,
        _in_flight: telemetry::stand(telemetry::REQUESTS_IN_FLIGHT),
    };
    request.extensions_mut().insert(observation);
    let answered = AssertUnwindSafe(next.run(request).instrument(span)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| problem::internal(&request_id));
    response_headers::complete(response.headers_mut(), state.app.settings.environment);
    if let Some(value) = request_id.header() {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    line.status = Some(response.status());
    response
}

/// The log line; written when dropped, so that a client that hung up leaves one as well.
struct Line {
    observation: Observation,
    method: String,
    path: String,
    span: tracing::Span,
    status: Option<StatusCode>,
    _in_flight: Standing,
}

impl Drop for Line {
    fn drop(&mut self) {
        let seen = std::mem::take(&mut *self.observation.seen.lock());
        if seen.graphql {
            telemetry::time(telemetry::HTTP_REQUESTS, self.observation.began.elapsed());
            // A panic has no code.
            if !seen.faulty && self.status.is_some_and(|status| status.is_server_error()) {
                telemetry::count(telemetry::GRAPHQL_FAULTS);
            }
        }
        let _in_span = self.span.enter();
        let (method, path) = (self.method.as_str(), self.path.as_str());
        let (ms, codes) = (self.observation.ms(), seen.joined_codes());
        let status = self.status.map(|status| status.as_u16());
        let Seen { viewer, kind, operation, sql, .. } = &seen;
        let operation = operation.as_deref();
        macro_rules! write {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    method, path, status, ms, kind, operation, viewer, sql, codes, $message
                )
            };
        }
        match self.status {
            None => write!(info, "the client hung up"),
            Some(_) if seen.failed(code::SERVICE_UNAVAILABLE) => write!(warn, "request"),
            Some(status) if status.is_server_error() => write!(error, "request"),
            Some(_) if seen.failed(code::INTERNAL_SERVER_ERROR) => write!(error, "request"),
            Some(_) if path.starts_with("/health/") || path == metrics::PATH => {
                write!(debug, "request");
            }
            Some(_) => write!(info, "request"),
        }
    }
}

/// The trace id of a W3C `traceparent`, if that is well-formed.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = value.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let known = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let sound = hex(trace, 32) && !zero(trace) && hex(parent, 16) && !zero(parent) && hex(flags, 2);
    (known && sound).then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;
    use crate::config::SettingsArgs;
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use clap::Parser;
    use http::HeaderValue;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        settings: SettingsArgs,
    }

    async fn panicking() -> Response {
        panic!("in a handler")
    }

    #[tokio::test]
    async fn a_panic_in_a_handler_is_one_answer_without_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display().to_string();
        let arguments = Arguments::parse_from(["stockroom", "--data-dir", &data]);
        let app = App::build(arguments.settings.check().unwrap()).await.unwrap();
        let state = HttpState::new(app);
        let router: Router = Router::new()
            .route("/", get(panicking))
            .layer(from_fn_with_state(state.clone(), observe))
            .with_state(state);

        let request = axum::http::Request::get("/").header(REQUEST_ID, "panic-test");
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();

        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[REQUEST_ID], "panic-test");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("panic-test") && !body.contains("in a handler"), "{body}");
    }

    #[test]
    fn a_sound_traceparent_gives_its_trace_id() {
        let trace = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            trace_id(&HeaderMap::from_iter([("traceparent".parse().unwrap(), value)]))
        };
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_deref(),
            Some(id)
        );
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(trace(bad), None, "{bad}");
        }
    }
}
