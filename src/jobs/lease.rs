//! A lease on a job as the task sees it that runs the job, and the running itself.

use crate::jobs::handlers::Handlers;
use crate::jobs::job::{Attempt, Failure};
use crate::jobs::store::{Claimed, Holding};
use crate::telemetry;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

/// How long a job may still be worked on, unless the lease is renewed meanwhile.
pub(crate) struct Lease {
    /// None: not any more.
    until: watch::Sender<Option<Instant>>,
}

impl Lease {
    pub(crate) fn until(end: Instant) -> Self {
        Self { until: watch::channel(Some(end)).0 }
    }

    pub(crate) fn renew(&self, end: Instant) {
        self.until.send_replace(Some(end));
    }

    pub(crate) fn cut(&self) {
        self.until.send_replace(None);
    }
}

/// An attempt that has ended.
pub(crate) struct Ended {
    pub(crate) holding: Holding,
    /// None: the lease had ended before.
    pub(crate) result: Option<Result<(), Failure>>,
}

/// Does a job in a task of its own and tells how it ended. When the lease ends first, the handler
/// is dropped: by then the job may be someone else's.
pub(crate) fn attend(
    handlers: Arc<Handlers>,
    job: Claimed,
    lease: &Lease,
    tell: mpsc::UnboundedSender<Ended>,
) {
    let holding = Holding { id: job.id, token: job.token };
    let attempt = Attempt {
        job_id: job.id,
        number: u32::try_from(job.attempts).unwrap_or(1),
        max: u32::try_from(job.max_attempts).unwrap_or(1),
    };
    let span = tracing::info_span!(
        "job", job_id = %job.id, kind = job.kind.as_str(), attempt = attempt.number
    );
    let held = lease.until.subscribe();
    let work = async move {
        let correlation = format!("job-{}", job.id);
        let handled = handlers.run(&job.kind, job.args, attempt);
        let result = tokio::select! {
            result = telemetry::correlated(&correlation, handled) => Some(result),
            () = ended(held) => None,
        };
        // Nobody listens when the worker has ended before.
        let _ = tell.send(Ended { holding, result });
    };
    tokio::spawn(work.instrument(span));
}

async fn ended(mut held: watch::Receiver<Option<Instant>>) {
    loop {
        let Some(until) = *held.borrow_and_update() else { return };
        tokio::select! {
            () = sleep_until(until) => return,
            changed = held.changed() => if changed.is_err() {
                // Whoever renewed is gone; the lease runs out.
                sleep_until(until).await;
                return;
            },
        }
    }
}
