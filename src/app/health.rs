//! How the components of this process are found to be well, and who writes it down.

use crate::app::App;
use crate::app::events::check_events;
use crate::app::jobs::check_worker;
use crate::cache::EntityCache;
use crate::config::ServeRole;
use crate::db::{Db, DbError};
use crate::jobs::Worker;
use crate::mail::Mailer;
use crate::metrics::alerts::Alerts;
use crate::metrics::health::{Component, Examination, Examiner, Health, HealthLog, Probe};
use crate::payment::Payments;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

/// How often a process looks at its components.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often it writes what it found, when nothing has changed; what has is written at once.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// How long that may take. The database's own limits are shorter; a connection that leads nowhere
/// has none.
const WRITE_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to ask the rules of alerts.
const ASK_LIMIT: Duration = Duration::from_secs(30);

/// What this process has of each component.
pub(super) struct Parts {
    pub(super) db: Db,
    pub(super) cache: EntityCache,
    pub(super) mailer: Mailer,
    pub(super) worker: Worker,
    pub(super) role: ServeRole,
    pub(super) payments: Payments,
}

/// Looks at these.
pub(super) fn examiner(parts: &Parts) -> Examiner {
    let Parts { db, cache, mailer, worker, role, payments } = parts;
    let (database, cache, events, mailer) = (db.clone(), cache.clone(), db.clone(), mailer.clone());
    let (jobs, worker, role, payments) = (db.clone(), worker.clone(), *role, payments.clone());
    Examiner::new(vec![
        Probe::new(Component::Database, move || {
            let database = database.clone();
            async move { database.ping().await }
        }),
        Probe::new(Component::Cache, move || {
            let cache = cache.clone();
            async move { cache.check().await }
        }),
        Probe::new(Component::Events, move || {
            let events = events.clone();
            async move { check_events(&events).await }
        }),
        Probe::new(Component::Mail, move || {
            let mailer = mailer.clone();
            async move { mailer.check().await }
        }),
        Probe::new(Component::Worker, move || {
            let (jobs, worker) = (jobs.clone(), worker.clone());
            async move { check_worker(role, &worker, &jobs).await }
        }),
        Probe::new(Component::Payments, move || {
            let payments = payments.clone();
            async move { payments.check() }
        }),
    ])
}

impl App {
    /// Looks at all components now, and writes what was found.
    ///
    /// # Errors
    /// When it cannot be written: then it is remembered, and written the next time.
    pub async fn examine(&self) -> Result<(), DbError> {
        let (log, examination) = (&self.services.health, self.examiner.now().await);
        let _ = log.note(&examination);
        log.write(&examination).await
    }

    /// Looks at the components now and then, and writes what is found, until the process stops.
    /// While nobody does jobs, and so nobody asks the rules of alerts, this process does.
    pub(super) fn look_after_health(&self) {
        let watch = HealthWatch {
            examiner: self.examiner.clone(),
            log: self.services.health.clone(),
            alerts: self.services.alerts.clone(),
            writing: Beside::default(),
            asking: Beside::default(),
            written: None,
            is_news: false,
            failed: false,
        };
        self.lifecycle.background.spawn(watch.run(self.lifecycle.stopping.clone()));
    }
}

/// The watch of a process over its components. Nothing that hangs or panics ends it, and what is
/// written and asked does not keep it from looking.
struct HealthWatch {
    examiner: Examiner,
    log: HealthLog,
    alerts: Alerts,
    writing: Beside,
    asking: Beside,
    /// When what is in the database was begun to be written.
    written: Option<Instant>,
    /// Whether something has changed since.
    is_news: bool,
    /// Whether it could not be written the last time.
    failed: bool,
}

impl HealthWatch {
    async fn run(mut self, stopping: CancellationToken) {
        let mut turns = tokio::time::interval(LOOK_EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stopping.run_until_cancelled(turns.tick()).await.is_some() {
            // The panic itself is in the log, by the hook that every panic passes.
            if AssertUnwindSafe(self.turn()).catch_unwind().await.is_err() {
                tracing::error!("the components could not be looked at");
            }
        }
        self.asking.end();
        // It would be there again after it was taken back.
        self.writing.ended().await;
        if let Err(error) = self.log.leave().await {
            tracing::debug!(%error, "what this process found counts for a while");
        }
    }

    async fn turn(&mut self) {
        let examination = self.examiner.now().await;
        self.is_news |= self.log.note(&examination);
        if nobody_does_jobs(&examination) && !self.asking.is_under_way() {
            let alerts = self.alerts.clone();
            self.asking.start(async move { ask_rules(&alerts).await });
        }
        if self.writing.is_under_way() {
            return;
        }
        if let Some(succeeded) = self.writing.ended().await {
            // Once: as long as the database is away each turn fails.
            if !succeeded && !self.failed {
                tracing::warn!("what was found cannot be written, and is remembered");
            }
            self.failed = !succeeded;
        }
        // A little less, so that every second turn writes however punctual the turns are.
        let due = self.written.is_none_or(|at| at.elapsed() + LOOK_EVERY / 2 > WRITE_EVERY);
        if due || self.is_news || self.failed {
            (self.written, self.is_news) = (Some(Instant::now()), false);
            let log = self.log.clone();
            self.writing.start(async move { write(&log, &examination).await });
        }
    }
}

/// Whether the jobs, of which one asks the rules of alerts, are done by nobody.
fn nobody_does_jobs(examination: &Examination) -> bool {
    let worker = examination.of(Component::Worker);
    worker.is_some_and(|worker| worker.health != Health::Healthy)
}

async fn write(log: &HealthLog, examination: &Examination) -> bool {
    match timeout(WRITE_LIMIT, log.write(examination)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::debug!(%error, "what was found could not be written");
            false
        }
        Err(_) => false,
    }
}

async fn ask_rules(alerts: &Alerts) -> bool {
    match timeout(ASK_LIMIT, alerts.evaluate()).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the rules of alerts could not be asked");
            false
        }
        Err(_) => false,
    }
}

/// Work beside the watch, one turn of it at a time.
#[derive(Default)]
struct Beside(Option<JoinHandle<bool>>);

impl Beside {
    fn is_under_way(&self) -> bool {
        self.0.as_ref().is_some_and(|work| !work.is_finished())
    }

    fn start(&mut self, work: impl Future<Output = bool> + Send + 'static) {
        self.0 = Some(tokio::spawn(work));
    }

    /// Waits for its end, and tells whether it succeeded; None when none was begun.
    async fn ended(&mut self) -> Option<bool> {
        let work = self.0.take()?;
        Some(work.await.unwrap_or(false))
    }

    fn end(&mut self) {
        if let Some(work) = self.0.take() {
            work.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::health::Finding;

    #[test]
    fn who_finds_a_worker_leaves_the_rules_to_it() {
        let worker = |health| Examination {
            findings: vec![Finding {
                component: Component::Worker,
                health,
                latency: Duration::ZERO,
                message: None,
            }],
            took: Duration::ZERO,
        };
        assert!(!nobody_does_jobs(&worker(Health::Healthy)));
        assert!(nobody_does_jobs(&worker(Health::Degraded)));
    }

    #[tokio::test]
    async fn what_panics_beside_the_watch_has_failed_and_the_next_one_begins() {
        let mut beside = Beside::default();
        assert_eq!(beside.ended().await, None);
        beside.start(async { panic!("on purpose") });
        assert_eq!(beside.ended().await, Some(false));
        beside.start(std::future::pending());
        assert!(beside.is_under_way());
        beside.end();
        assert!(!beside.is_under_way());
        beside.start(async { true });
        assert_eq!(beside.ended().await, Some(true));
    }
}
