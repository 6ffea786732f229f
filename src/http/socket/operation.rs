//! One operation on a socket, in a task of its own: it works while the socket is busy writing, and
//! waits, holding nothing, when its results are not taken.

use crate::app::App;
use crate::auth::Client;
use crate::cache::reads::Reads;
use crate::db::SqlStats;
use crate::failpoint;
use crate::graphql::document::{GraphqlParams, OperationKind, Prepared, Transport};
use crate::graphql::idempotency::Replayed;
use crate::graphql::{Fault, Freshness, code};
use crate::http::answer::{Execution, Rejection};
use crate::http::authorization::identity_of;
use crate::http::endpoint::access;
use crate::http::execution::{Asker, run};
use crate::http::observation::{Observation, kind_word};
use crate::http::request_id::RequestId;
use crate::http::socket::close::{self, Closing};
use crate::http::socket::delay::Delays;
use crate::http::socket::message::{PlainMessage, ServerMessage};
use crate::http::state::HttpState;
use futures::{FutureExt, StreamExt};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tracing::Instrument;

/// What an operation tells its session.
pub struct Report {
    /// Of which operation: its id on the socket.
    pub id: Arc<str>,
    /// Of which operation, among those that had the id.
    pub number: u64,
    /// What.
    pub step: Step,
}

/// A step of an operation.
pub enum Step {
    /// A message to send.
    Message(String),
    /// The last message to send.
    Last(String),
    /// The socket has to be closed.
    Close(Closing),
}

/// An operation that was asked for.
pub struct Operation {
    /// What the handlers share.
    pub state: HttpState,
    /// The id on the socket.
    pub id: Arc<str>,
    /// Which of those that had the id.
    pub number: u64,
    /// The token of the socket, if it has one.
    pub token: Option<Arc<str>>,
    /// The client, but for its session.
    pub client: Client,
    /// The request.
    pub params: GraphqlParams,
    /// Where to report.
    pub reports: Sender<Report>,
}

impl Operation {
    /// Runs the operation to its end.
    pub async fn run(mut self) {
        let params = std::mem::take(&mut self.params);
        let observation = Observation::of_operation();
        let span = tracing::info_span!("operation", request_id = %observation.request_id());
        let work = AssertUnwindSafe(self.work(params, &observation)).catch_unwind();
        let last = match work.instrument(span.clone()).await {
            Ok(Ok(())) => Step::Last(PlainMessage::Complete { id: &self.id }.text()),
            Ok(Err(Stop::Refused(rejection))) => {
                observation.rejected(rejection.code());
                self.refusal(&rejection, observation.request_id())
            }
            Ok(Err(Stop::Errors(execution))) => {
                let payload = execution.into_errors();
                Step::Last(ServerMessage::Error { id: &self.id, payload }.text())
            }
            Ok(Err(Stop::Close(closing))) => Step::Close(closing),
            // The panic itself is in the log, by the hook that every panic passes.
            Err(_) => {
                let rejection = Rejection::internal();
                observation.rejected(rejection.code());
                self.refusal(&rejection, observation.request_id())
            }
        };
        span.in_scope(|| observation.write_operation_line());
        self.report(last).await;
    }

    async fn work(&self, params: GraphqlParams, observation: &Observation) -> Result<(), Stop> {
        let app = &self.state.app;
        let identity = match identity_of(app, self.token.as_deref()).await {
            Ok(identity) => identity,
            // The account is gone since the socket was opened, or the token has just ended.
            Err(Fault { code: code::UNAUTHENTICATED, .. }) => {
                return Err(Stop::Close(close::FORBIDDEN));
            }
            Err(fault) => return Err(Rejection::busy(fault.message).into()),
        };
        let viewer = identity.viewer;
        let mut client = self.client.clone();
        client.session = identity.session;
        observation.asked_by(&viewer);
        let prepared = app
            .front
            .prepare(params, Transport::Socket, access(&viewer))
            .map_err(Rejection::from)?;
        observation.prepared(&prepared);
        let request_id = RequestId::clone(observation.request_id());
        let asker = Asker { viewer, client, request_id };
        if prepared.kind == OperationKind::Subscription {
            return self.subscribe(prepared, asker, observation).await;
        }
        let permit =
            Arc::clone(&self.state.gate).try_acquire_owned().map_err(|_| Rejection::too_much())?;
        let run = run(&self.state, prepared, &asker, permit, &Reads::default()).await?;
        observation.executed(&run);
        self.next(&run.execution).await;
        Ok(())
    }

    async fn subscribe(
        &self,
        prepared: Prepared,
        asker: Asker,
        observation: &Observation,
    ) -> Result<(), Stop> {
        let app: &App = &self.state.app;
        let freshness = Freshness::default();
        let (viewer, replayed) = (asker.viewer, Replayed::default());
        let request = prepared.request.data(asker.client);
        let request = app.services.attach_watching(request, viewer, replayed, freshness.clone());
        let mut events = app.schema.execute_stream(request);
        tracing::debug!(kind = kind_word(prepared.kind), "a subscription begins");
        let (mut is_first, mut delays) = (true, Delays::default());
        loop {
            failpoint::reach("subscription.before_event").await;
            let sql = SqlStats::default();
            let Some(response) = sql.scope(events.next()).await else { return Ok(()) };
            let mut execution = Execution::new(response, observation.request_id());
            observation.heard(&execution, &sql);
            if is_first && execution.has_no_data() {
                return Err(Stop::Errors(execution));
            }
            is_first = false;
            execution.extend_with_sql(&app.settings, &sql);
            failpoint::reach("subscription.before_handing").await;
            let from = app.db.estimated_clock();
            if let Some(committed_at) = freshness.take_committed() {
                delays.record(committed_at, from);
            }
            self.next(&execution).await;
            delays.handed(from, app.db.estimated_clock());
        }
    }

    async fn next(&self, payload: &Execution) {
        self.report(Step::Message(PlainMessage::Next { id: &self.id, payload }.text())).await;
    }

    fn refusal(&self, rejection: &Rejection, request_id: &RequestId) -> Step {
        let payload = rejection.errors(request_id);
        Step::Last(ServerMessage::Error { id: &self.id, payload }.text())
    }

    async fn report(&self, step: Step) {
        let report = Report { id: Arc::clone(&self.id), number: self.number, step };
        // The session is gone, and this task ends with it.
        let _ = self.reports.send(report).await;
    }
}

/// Why an operation ends early.
enum Stop {
    /// Refused before it was executed.
    Refused(Rejection),
    /// The engine could not begin it.
    Errors(Execution),
    /// The socket has to be closed.
    Close(Closing),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}
