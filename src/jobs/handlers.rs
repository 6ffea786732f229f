//! Which handler does which kind of job.

use crate::jobs::job::{Attempt, Failure, Job, Queue};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

type Run = dyn Fn(Value, Attempt) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;

/// The handlers by the kind of job. A worker takes the kinds that it has a handler for and leaves
/// the others to those who know them.
#[derive(Clone, Default)]
pub struct Handlers {
    by_kind: BTreeMap<&'static str, Handler>,
}

#[derive(Clone)]
struct Handler {
    queue: Queue,
    time_limit: Duration,
    run: Arc<Run>,
}

impl Handlers {
    /// Has jobs of the kind `J` done by `handler`. It may be called again for a job that it did
    /// before, when the process ended before that was written down: doing it twice must come to the
    /// same. It may be dropped at any `await`, when the job is taken from this worker.
    pub fn on<J, F, Fut>(&mut self, handler: F)
    where
        J: Job,
        F: Fn(J, Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let run = move |args: Value, attempt: Attempt| match serde_json::from_value::<J>(args) {
            Ok(args) => handler(args, attempt).boxed(),
            // Perhaps another version of the program can.
            Err(error) => {
                let reason = format!("the arguments cannot be read: {error}");
                futures::future::ready(Err(Failure::Retry(reason))).boxed()
            }
        };
        let handler = Handler { queue: J::QUEUE, time_limit: J::TIME_LIMIT, run: Arc::new(run) };
        self.by_kind.insert(J::KIND, handler);
    }

    /// The kinds of a queue that there are handlers for.
    pub(crate) fn kinds_of(&self, queue: Queue) -> Vec<&'static str> {
        let of_queue = self.by_kind.iter().filter(|(_, handler)| handler.queue == queue);
        of_queue.map(|(kind, _)| *kind).collect()
    }

    /// Does a job; what goes wrong is a failure, whether an error, a panic or the time limit.
    pub(crate) async fn run(
        &self,
        kind: &str,
        args: Value,
        attempt: Attempt,
    ) -> Result<(), Failure> {
        let Some(handler) = self.by_kind.get(kind) else {
            return Err(Failure::Retry("there is no handler for this kind".to_owned()));
        };
        // The call itself may panic before there is a future.
        let run = Arc::clone(&handler.run);
        let work = AssertUnwindSafe(async move { run(args, attempt).await }).catch_unwind();
        match tokio::time::timeout(handler.time_limit, work).await {
            Ok(Ok(result)) => result,
            // The panic itself is in the log, by the hook that every panic passes.
            Ok(Err(_)) => Err(Failure::Retry("the handler panicked".to_owned())),
            Err(_) => {
                let seconds = handler.time_limit.as_secs_f32();
                Err(Failure::Retry(format!("it took longer than {seconds} s")))
            }
        }
    }
}
