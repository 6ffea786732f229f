//! How the components of this process are found to be well, and who writes it down.

use crate::app::App;
use crate::app::events::check_events;
use crate::app::jobs::check_worker;
use crate::cache::EntityCache;
use crate::config::ServeRole;
use crate::db::{Db, DbError};
use crate::jobs::Worker;
use crate::mail::Mailer;
use crate::metrics::health::{Component, Examiner, HealthLog, Probe};
use crate::payment::Payments;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// How often a process looks at its components.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often it writes what it found, when nothing has changed; what has is written at once.
const WRITE_EVERY: Duration = Duration::from_secs(10);

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
    pub(super) fn look_after_health(&self) {
        let (examiner, log) = (self.examiner.clone(), self.services.health.clone());
        let stopping = self.lifecycle.stopping.clone();
        self.lifecycle.background.spawn(async move {
            let looking = look(examiner, log.clone());
            stopping.run_until_cancelled_owned(looking).await;
            if let Err(error) = log.leave().await {
                tracing::debug!(%error, "what this process found counts for a while");
            }
        });
    }
}

async fn look(examiner: Examiner, log: HealthLog) {
    let mut turns = tokio::time::interval(LOOK_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut written, mut failed) = (None::<Instant>, false);
    loop {
        turns.tick().await;
        let examination = examiner.now().await;
        let changed = log.note(&examination);
        // A little less, so that every second turn writes however punctual the turns are.
        let due = written.is_none_or(|at| at.elapsed() + LOOK_EVERY / 2 > WRITE_EVERY);
        if !(changed || due || failed) {
            continue;
        }
        match log.write(&examination).await {
            Ok(()) => (written, failed) = (Some(Instant::now()), false),
            Err(error) => {
                // Once: as long as the database is away each turn fails.
                if !failed {
                    tracing::warn!(%error, "what was found cannot be written, and is remembered");
                }
                failed = true;
            }
        }
    }
}
