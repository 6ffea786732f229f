//! Who does which job, and what is done at which times. Handlers live in their domains; here they
//! are only introduced to the worker.

use crate::account;
use crate::app::App;
use crate::config::{ServeRole, Settings};
use crate::db::{Db, DbError};
use crate::events;
use crate::idempotency;
use crate::jobs::{self, Handlers, Job, Schedule, Timing, Worker};
use crate::mail::Mailer;
use crate::metrics::alerts::jobs::{EvaluateAlerts, PurgeAlerts};
use crate::metrics::health::jobs::PurgeHealth;
use crate::metrics::{alerts, health};
use crate::order;
use crate::order::jobs::{ExpireOrders, RecoverPayments, SumUpOrderStats};
use crate::payment::sandbox::{self, Sandbox};
use crate::schema::Services;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A worker that has not looked for jobs for so long is not well, or is not there.
const WORKER_SILENT: Duration = Duration::from_secs(30);

/// Forgets idempotency keys that are old.
#[derive(Serialize, Deserialize)]
struct PurgeIdempotencyKeys {}

impl Job for PurgeIdempotencyKeys {
    const KIND: &'static str = "idempotency.purge";
}

/// Why jobs are not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkerAway {
    /// No worker has looked for jobs lately.
    #[error("no worker has looked for jobs for {} s", WORKER_SILENT.as_secs())]
    Silent,
    /// Nobody knows.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Forgets sessions that have ended by themselves.
#[derive(Serialize, Deserialize)]
struct PurgeSessions {}

impl Job for PurgeSessions {
    const KIND: &'static str = "sessions.purge";
}

/// Forgets jobs that were done long ago, and dead ones that hold somebody's address.
#[derive(Serialize, Deserialize)]
struct PurgeDoneJobs {}

impl Job for PurgeDoneJobs {
    const KIND: &'static str = "jobs.purge";
}

/// Forgets links that were mailed and tries that were counted, when they are past.
#[derive(Serialize, Deserialize)]
struct PurgeAccountTraces {}

impl Job for PurgeAccountTraces {
    const KIND: &'static str = "account.purge";
}

/// Removes carts that are past their time.
#[derive(Serialize, Deserialize)]
struct PurgeCarts {}

impl Job for PurgeCarts {
    const KIND: &'static str = "cart.purge";
}

/// Forgets events that were delivered long ago.
#[derive(Serialize, Deserialize)]
struct PurgeSentEvents {}

impl Job for PurgeSentEvents {
    const KIND: &'static str = "outbox.purge";
}

/// Sums up what payments add to the figures.
#[derive(Serialize, Deserialize)]
struct SumUpPaymentStats {}

impl Job for SumUpPaymentStats {
    const KIND: &'static str = "payment.sum_up";
}

/// Forgets figures that are old.
#[derive(Serialize, Deserialize)]
struct PurgeMetrics {}

impl Job for PurgeMetrics {
    const KIND: &'static str = "metrics.purge";
}

/// Forgets what the sandbox of payments need not know any more.
#[derive(Serialize, Deserialize)]
struct PurgeSandbox {}

impl Job for PurgeSandbox {
    const KIND: &'static str = "sandbox.purge";
}

impl App {
    /// A worker with every handler there is; it works when it is run.
    pub(crate) fn worker(
        db: &Db,
        services: &Services,
        (mailer, sandbox): (&Mailer, Option<&Sandbox>),
        settings: &Settings,
    ) -> anyhow::Result<Worker> {
        let mut handlers = handlers(db, services);
        on_sandbox(&mut handlers, services, sandbox);
        let links = account::Links::new(settings.mail.storefront_url.clone());
        account::jobs::register(&mut handlers, &services.accounts, mailer, &links);
        order::jobs::register(&mut handlers, &services.orders, mailer, &links);
        let kept = settings.metrics.retention;
        alerts::jobs::register(&mut handlers, &services.alerts, kept);
        health::jobs::register(&mut handlers, &services.health, kept);
        Ok(Worker::new(db.clone(), handlers, schedules()?, Timing::default()))
    }

    /// Whether jobs are done: by this process, or by another one if this does none.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check_worker(&self) -> Result<(), WorkerAway> {
        check_worker(self.settings.role, &self.worker, &self.db).await
    }
}

pub(super) async fn check_worker(
    role: ServeRole,
    worker: &Worker,
    db: &Db,
) -> Result<(), WorkerAway> {
    let there = match role {
        ServeRole::All | ServeRole::Worker => worker.pulse().is_felt(WORKER_SILENT),
        ServeRole::Api => jobs::is_worked(db, WORKER_SILENT).await?,
    };
    if there { Ok(()) } else { Err(WorkerAway::Silent) }
}

fn handlers(db: &Db, services: &Services) -> Handlers {
    let mut handlers = Handlers::default();
    let keys = db.clone();
    handlers.on(move |_: PurgeIdempotencyKeys, _| {
        let db = keys.clone();
        async move { Ok(idempotency::purge(&db).await.map(drop)?) }
    });
    let accounts = services.accounts.clone();
    handlers.on(move |_: PurgeSessions, _| {
        let accounts = accounts.clone();
        async move { Ok(accounts.purge_sessions().await.map(drop)?) }
    });
    let done = db.clone();
    handlers.on(move |_: PurgeDoneJobs, _| {
        let db = done.clone();
        async move {
            jobs::purge_done(&db).await?;
            Ok(jobs::purge_dead(&db).await.map(drop)?)
        }
    });
    let sent = db.clone();
    handlers.on(move |_: PurgeSentEvents, _| {
        let db = sent.clone();
        async move { Ok(events::purge_sent(&db).await.map(drop)?) }
    });
    let accounts = services.accounts.clone();
    handlers.on(move |_: PurgeAccountTraces, _| {
        let accounts = accounts.clone();
        async move { Ok(accounts.purge().await.map(drop)?) }
    });
    let payments = services.payments.clone();
    handlers.on(move |_: SumUpPaymentStats, _| {
        let payments = payments.clone();
        async move {
            let summed = payments.sum_up().await;
            summed.map(drop).map_err(|error| jobs::Failure::retry(error.to_string()))
        }
    });
    let metrics = services.metrics.clone();
    handlers.on(move |_: PurgeMetrics, _| {
        let metrics = metrics.clone();
        async move {
            let forgotten = metrics.purge().await;
            forgotten.map(drop).map_err(|error| jobs::Failure::retry(error.to_string()))
        }
    });
    let carts = services.carts.clone();
    handlers.on(move |_: PurgeCarts, _| {
        let carts = carts.clone();
        async move { Ok(carts.purge().await.map(drop)?) }
    });
    handlers
}

fn on_sandbox(handlers: &mut Handlers, services: &Services, sandbox: Option<&Sandbox>) {
    let (payments, sandbox) = (services.payments.clone(), sandbox.cloned());
    handlers.on(move |_: PurgeSandbox, _| {
        let (payments, sandbox) = (payments.clone(), sandbox.clone());
        async move {
            // The tick is of all shops; the sandbox is not in every one.
            let Some(sandbox) = sandbox else { return Ok(()) };
            let needed = payments.unsettled(sandbox::KEPT).await;
            let needed = needed.map_err(|error| jobs::Failure::retry(error.to_string()))?;
            Ok(sandbox.purge(&needed).await.map(drop)?)
        }
    });
}

fn schedules() -> anyhow::Result<Vec<Schedule>> {
    Ok(vec![
        Schedule::new("idempotency.purge", "7 * * * *", &PurgeIdempotencyKeys {})?,
        Schedule::new("account.purge", "17 * * * *", &PurgeAccountTraces {})?,
        Schedule::new("sessions.purge", "22 * * * *", &PurgeSessions {})?,
        Schedule::new("cart.purge", "27 * * * *", &PurgeCarts {})?,
        Schedule::new("sandbox.purge", "52 * * * *", &PurgeSandbox {})?,
        Schedule::new("alerts.evaluate", "*/10 * * * * *", &EvaluateAlerts {})?,
        Schedule::new("alerts.purge", "42 * * * *", &PurgeAlerts {})?,
        Schedule::new("health.purge", "57 * * * *", &PurgeHealth {})?,
        Schedule::new("metrics.purge", "32 * * * *", &PurgeMetrics {})?,
        Schedule::new("jobs.purge", "37 * * * *", &PurgeDoneJobs {})?,
        Schedule::new("outbox.purge", "47 * * * *", &PurgeSentEvents {})?,
        Schedule::new("order.expire", "*/5 * * * * *", &ExpireOrders {})?,
        Schedule::new("order.sum_up", "* * * * *", &SumUpOrderStats {})?,
        Schedule::new("payment.sum_up", "* * * * *", &SumUpPaymentStats {})?,
        Schedule::new("payment.recover", "*/5 * * * * *", &RecoverPayments {})?,
    ])
}
