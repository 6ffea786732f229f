//! Runs a prepared operation for any transport: within its time, counted, and a mutation to its
//! end whatever becomes of the client.

use crate::auth::{Client, Viewer};
use crate::cache::reads::Reads;
use crate::db::SqlStats;
use crate::failpoint;
use crate::graphql::document::{OperationKind, Prepared};
use crate::graphql::idempotency::Replayed;
use crate::http::answer::{Execution, Rejection};
use crate::http::request_id::RequestId;
use crate::http::state::HttpState;
use crate::telemetry;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

/// Who asks, and under which name it goes into the log.
#[derive(Clone)]
pub struct Asker {
    /// Who asks.
    pub viewer: Viewer,
    /// By what.
    pub client: Client,
    /// The request's id.
    pub request_id: RequestId,
}

/// An operation that was run.
pub struct Run {
    /// What came of it.
    pub execution: Execution,
    /// The statements it took.
    pub sql: SqlStats,
}

/// Runs a query or a mutation, and notes what it reads. The permit is held until it is through: for
/// a mutation that can be after this future is gone. Queries take turns, a mutation goes ahead.
///
/// # Errors
/// It took too long, or met a fault that ended it.
pub async fn run(
    state: &HttpState,
    prepared: Prepared,
    asker: &Asker,
    permit: OwnedSemaphorePermit,
    reads: &Reads,
) -> Result<Run, Rejection> {
    let app = &state.app;
    let (sql, replayed) = (SqlStats::default(), Replayed::default());
    let request = app.services.attach(prepared.request, asker.viewer, replayed.clone());
    let request = request.data(asker.client.clone());
    let (schema, counted, noted) = (app.schema.clone(), sql.clone(), reads.clone());
    let request_id = asker.request_id.clone();
    let engine = async move {
        // Boxed: it holds the state of the largest resolver, and is handed on a few times.
        let answered = Box::pin(counted.scope(noted.scope(schema.execute(request))));
        telemetry::correlated(request_id.as_str(), answered).await
    };
    let work = contain(engine, permit);
    let limit = app.settings.transport.request;
    let executed = if prepared.kind == OperationKind::Mutation {
        // A handler is dropped as soon as its client hangs up; this task is not.
        let task = app.lifecycle.tasks.spawn(work.in_current_span());
        tokio::time::timeout(limit, task).await.map(|joined| joined.ok().flatten())
    } else {
        let turn = tokio::time::timeout(state.turns.wait, state.turns.places.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Rejection::too_much()) };
        failpoint::reach("query.in_turn").await;
        tokio::time::timeout(limit, work).await
    };
    match executed {
        Ok(Some(response)) => {
            let mut execution = Execution::new(response, &asker.request_id);
            execution.extend_with_sql(&app.settings, &sql);
            if replayed.get() {
                execution.extend_with_replayed();
            }
            Ok(Run { execution, sql })
        }
        Ok(None) => Err(Rejection::internal()),
        Err(_) => Err(Rejection::busy("The operation took too long. Try again in a moment.")),
    }
}

/// Holds the permit until the work is through. None: it panicked. The panic itself is in the log,
/// by the hook that every panic passes.
async fn contain<T>(work: impl Future<Output = T>, permit: OwnedSemaphorePermit) -> Option<T> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    drop(permit);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_panic_ends_its_operation_and_frees_its_place() {
        let gate = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&gate).try_acquire_owned().unwrap();

        let done: Option<()> = contain(async { panic!("in a resolver") }, permit).await;

        assert_eq!(done, None);
        assert_eq!(gate.available_permits(), 1);
    }
}
