//! The health of the server's components in the schema.

use crate::auth::{Permission, Viewer};
use crate::graphql::scalars::DateTime;
use crate::graphql::{Auth, Fault};
use crate::metrics::health::loader::HealthLoaders;
use crate::metrics::health::{self, Change, Component, Health, HealthLog, State};
use async_graphql::{Context, Enum, Object, SimpleObject};

/// Days that are told of at most.
const DAYS_MAX: i32 = 90;
/// Changes that are told of at most.
const CHANGES_MAX: i32 = 100;

/// A part of the server that can be away while others work.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Component")]
pub enum ServiceName {
    /// Where everything is kept: without it nothing is served.
    Database,
    /// What replicas share: Redis, where there is one. Without it each replica works for itself.
    Cache,
    /// What others are told of orders, payments and stock. Without it they are told late.
    Events,
    /// The way that mail goes out. Without it mails wait.
    Mail,
    /// Work apart from requests. Without it what follows from requests waits.
    Worker,
    /// The payment providers. Without them everything but paying works.
    Payments,
}

/// How well a component is.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceStatus {
    /// As it should be.
    Healthy,
    /// It is away or not well, and the server serves without it.
    Degraded,
    /// It is away, and the server serves nothing without it.
    Unhealthy,
    /// No process has told for more than half a minute.
    Unknown,
}

impl From<Health> for ServiceStatus {
    fn from(health: Health) -> Self {
        match health {
            Health::Healthy => Self::Healthy,
            Health::Degraded => Self::Degraded,
            Health::Unhealthy => Self::Unhealthy,
        }
    }
}

/// A component became better or worse.
#[derive(SimpleObject)]
pub struct ServiceStateChange {
    /// How it was since.
    status: ServiceStatus,
    /// When that was found.
    at: DateTime,
    /// What was wrong; null when nothing was.
    message: Option<String>,
}

/// How fast a component answered within an hour.
#[derive(SimpleObject)]
pub struct LatencyPoint {
    /// The beginning of the hour.
    at: DateTime,
    /// On average, in milliseconds.
    avg_ms: f64,
    /// At worst, in milliseconds.
    max_ms: f64,
}

/// How a component of the server is and was. Each process looks every five seconds; the shop's
/// state is the worst that a live process finds.
pub struct ServiceHealth(State);

/// How a component of the server is and was. Each process looks every five seconds; the shop's
/// state is the worst that a live process finds.
#[Object]
impl ServiceHealth {
    /// Which component.
    async fn name(&self) -> ServiceName {
        self.0.component.into()
    }

    /// How it is.
    async fn status(&self) -> ServiceStatus {
        self.0.health.map_or(ServiceStatus::Unknown, ServiceStatus::from)
    }

    /// What is wrong; null when nothing is, or nobody tells.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// How long it took to answer last, or to be given up, in milliseconds; of several processes the
    /// longest time. Null when nobody tells.
    async fn latency_ms(&self) -> Option<f64> {
        self.0.latency.map(|latency| latency.as_secs_f64() * 1_000.0)
    }

    /// When a process looked last; null when none has for more than half a minute.
    async fn checked_at(&self) -> Option<DateTime> {
        self.0.checked_at.map(DateTime)
    }

    /// Since when it is as it is; null when that is not known.
    async fn since(&self) -> Option<DateTime> {
        self.0.since.map(DateTime)
    }

    /// How much of the time it was HEALTHY, in percent: of all looks of all processes in these UTC
    /// days, so many. Null when nobody looked.
    async fn availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many UTC days, today included: 1 to 90.", default = 7)] days: i32,
    ) -> Result<Option<f64>, Fault> {
        let asked = u32::try_from(days).ok().filter(|_| (1..=DAYS_MAX).contains(&days));
        let asked = asked.ok_or_else(|| out_of_range("days", days, 1, DAYS_MAX))?;
        loaders(ctx).availability.get((self.0.component, asked)).await
    }

    /// When it became better or worse, the newest first. Kept for METRICS_RETENTION_DAYS.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many at most: 1 to 100.", default = 20)] first: i32,
    ) -> Result<Vec<ServiceStateChange>, Fault> {
        let asked = u64::try_from(first).ok().filter(|_| (1..=CHANGES_MAX).contains(&first));
        let asked = asked.ok_or_else(|| out_of_range("first", first, 1, CHANGES_MAX))?;
        let found = loaders(ctx).changes.get((self.0.component, asked)).await?;
        Ok(found.unwrap_or_default().into_iter().map(ServiceStateChange::from).collect())
    }

    /// How fast it answered when it was well, by the hour, for the last 24 hours, the oldest first;
    /// hours without an answer are left out.
    async fn latency(&self, ctx: &Context<'_>) -> Result<Vec<LatencyPoint>, Fault> {
        let found = loaders(ctx).latency.get(self.0.component).await?;
        Ok(found.unwrap_or_default().into_iter().map(LatencyPoint::from).collect())
    }
}

impl From<Change> for ServiceStateChange {
    fn from(change: Change) -> Self {
        let Change { health, message, at } = change;
        Self { status: health.into(), at: DateTime(at), message }
    }
}

impl From<health::LatencyPoint> for LatencyPoint {
    fn from(point: health::LatencyPoint) -> Self {
        Self { at: DateTime(point.at), avg_ms: point.avg_ms, max_ms: point.max_ms }
    }
}

fn loaders<'a>(ctx: &'a Context<'_>) -> &'a HealthLoaders {
    ctx.data_unchecked::<HealthLoaders>()
}

fn out_of_range(name: &str, value: i32, min: i32, max: i32) -> Fault {
    Fault::bad_user_input(format!("{name} is {value}; it must be between {min} and {max}."))
}

/// Queries about the health of the server.
#[derive(Default)]
pub struct HealthQuery;

/// Queries about the health of the server.
#[Object]
impl HealthQuery {
    /// The server's components: how each is, how fast it answers, and how it was. Always all six, in
    /// the same order. While the database is away this cannot be answered; afterwards the time
    /// without it is in the history.
    #[graphql(directive = Auth::apply(Permission::MetricsRead))]
    async fn services(&self, ctx: &Context<'_>) -> Option<Result<Vec<ServiceHealth>, Fault>> {
        let (log, viewer) = (ctx.data_unchecked::<HealthLog>(), ctx.data_unchecked::<Viewer>());
        let states = log.states(viewer).await.map_err(Fault::from);
        Some(states.map(|states| states.into_iter().map(ServiceHealth).collect()))
    }
}
