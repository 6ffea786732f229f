//! Workers of a test and the jobs they are given.

use crate::app::TestApp;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stockroom::jobs::{
    Attempt, Failure, Handlers, Job, NewJob, Queue, Schedule, Subject, Timing, Worker,
    enqueue_in_txn,
};
use tokio_util::sync::CancellationToken;

/// A job of tests.
#[derive(Serialize, Deserialize)]
pub struct Errand {
    pub name: String,
}

impl Errand {
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    pub fn job(name: &str) -> NewJob {
        NewJob::new(&Self::named(name))
    }
}

impl Job for Errand {
    const KIND: &'static str = "test.errand";
    const TIME_LIMIT: Duration = Duration::from_secs(5);
}

/// A job of tests that waits in another queue.
#[derive(Serialize, Deserialize)]
pub struct Letter {
    pub name: String,
}

impl Job for Letter {
    const KIND: &'static str = "test.letter";
    const QUEUE: Queue = Queue::Mail;

    fn subject(&self) -> Option<Subject> {
        Some(Subject::new("test", &self.name))
    }
}

/// Times that a test can wait for.
pub const QUICK: Timing = Timing {
    gather: Duration::ZERO,
    lease: Duration::from_millis(900),
    poll: Duration::from_millis(25),
    backoff: Duration::from_millis(10),
    pause: Duration::from_millis(50),
    statement: Duration::from_secs(5),
    grace: Duration::from_millis(500),
    seen: Duration::from_millis(50),
};

/// A lease that does not end while a test runs, however slow the machine is.
pub const NO_END: Duration = Duration::from_secs(60);

/// Workers on the database of a test, and what was asked of their handler.
pub struct Crew<'a> {
    app: &'a TestApp,
    handlers: Handlers,
    /// Of each attempt that began: which job, and which attempt.
    begun: Arc<Mutex<Vec<(String, u32)>>>,
    pub schedules: Vec<Schedule>,
    pub timing: Timing,
}

impl<'a> Crew<'a> {
    /// Whoever does what is asked.
    pub fn obedient(app: &'a TestApp) -> Self {
        Self::of(app, |_, _| async { Ok(()) })
    }

    /// Whoever does this.
    pub fn of<F, Fut>(app: &'a TestApp, does: F) -> Self
    where
        F: Fn(String, Attempt) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let begun = Arc::new(Mutex::new(Vec::new()));
        let mut handlers = Handlers::default();
        let (noted, does_errands) = (Arc::clone(&begun), does.clone());
        handlers.on(move |errand: Errand, attempt| {
            noted.lock().unwrap().push((errand.name.clone(), attempt.number));
            does_errands(errand.name, attempt)
        });
        handlers.on(move |letter: Letter, attempt| does(letter.name, attempt));
        Self { app, handlers, begun, schedules: Vec::new(), timing: QUICK }
    }

    fn worker(&self) -> Worker {
        let (db, handlers) = (self.app.app.db.clone(), self.handlers.clone());
        Worker::new(db, handlers, self.schedules.clone(), self.timing)
    }

    /// A worker that works until it is told to end.
    pub fn hire(&self) -> Hired {
        let stopping = CancellationToken::new();
        let worker = self.worker();
        let pulse = worker.pulse();
        let task = tokio::spawn(worker.run(stopping.clone()));
        Hired { stopping, task, pulse }
    }

    /// Does what is due; tells how many attempts there were.
    pub async fn works(&self) -> usize {
        self.worker().run_due().await.unwrap()
    }

    pub async fn asks(&self, name: &str) {
        assert!(self.writes(Errand::job(name)).await);
    }

    /// Writes a job; false when its key is there.
    pub async fn writes(&self, job: NewJob) -> bool {
        let job = &job;
        let written = self.app.app.db.tx(|tx| async move { enqueue_in_txn(&tx, job).await });
        written.await.unwrap()
    }

    /// Of each attempt that began: which job, and which attempt.
    pub fn attempts(&self) -> Vec<(String, u32)> {
        self.begun.lock().unwrap().clone()
    }

    pub async fn until_begun(&self, count: usize) {
        let what = format!("{count} attempts have begun");
        self.app.until(&what, async |_| self.attempts().len() >= count).await;
    }

    pub async fn until_done(&self, count: i64) {
        self.until_there_are(count, "done").await;
    }

    pub async fn until_there_are(&self, count: i64, status: &str) {
        let sql = format!("SELECT count(*) FROM job WHERE status = '{status}'");
        let what = format!("{count} jobs are {status}");
        self.app.until(&what, async |app| app.number(&sql).await == count).await;
    }
}

/// A worker that works.
pub struct Hired {
    stopping: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    pub pulse: stockroom::jobs::Pulse,
}

impl Hired {
    /// Tells it to end and waits until it has.
    pub async fn ends(self) {
        self.stopping.cancel();
        self.task.await.unwrap();
    }

    /// It is gone, without a word.
    pub fn vanishes(self) {
        self.task.abort();
    }

    /// It is gone, without a word, and what it did is gone with it.
    pub async fn dies(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Whether it still works.
    pub fn is_there(&self) -> bool {
        !self.task.is_finished()
    }
}
