//! Figures of the shop as clients see them.

use crate::auth::Viewer;
use crate::graphql::Fault;
use crate::graphql::scalars::{BigInt, Date, DateTime};
use crate::metrics::{self, CircuitState, DayCounts, Point, Report};
use crate::telemetry::{GRAPHQL_REQUESTS, STOCK_CONFLICTS, STOCK_REJECTIONS, THROTTLED_REQUESTS};
use async_graphql::{Context, Enum, Object, SimpleObject};
use std::sync::Arc;

/// How the shop did in some days.
pub struct Metrics(pub Arc<Report>);

/// How the shop did in a window of UTC days that ends with today. Percentages are of 0 to 100,
/// times in milliseconds; null: there was nothing to tell of.
#[Object]
impl Metrics {
    /// How many days the window has.
    async fn days(&self) -> i32 {
        i32::try_from(self.0.figures.days.len()).unwrap_or(i32::MAX)
    }

    /// Sales placed on each day, whatever became of them; each day of the window, the oldest first,
    /// also 0. Purchases of the shop are none. The figures equal a count over all orders.
    async fn orders_per_day(&self) -> Vec<DailyCount> {
        let count = |day: &DayCounts| DailyCount { date: Date(day.date), count: whole(day.orders) };
        self.0.figures.days.iter().map(count).collect()
    }

    /// Refunds on each day on which the provider gave the money back; several of one order count
    /// each. Refunds that are under way, or were refused, are none. Each day of the window, the
    /// oldest first, also 0. The figures equal a count over all refunds.
    async fn refunds_per_day(&self) -> Vec<DailyCount> {
        let count =
            |day: &DayCounts| DailyCount { date: Date(day.date), count: whole(day.refunds) };
        self.0.figures.days.iter().map(count).collect()
    }

    /// Attempts to pay by the day on which they were decided, and how; each day of the window, the
    /// oldest first, also 0. The figures equal a count over all payments.
    async fn payments_per_day(&self) -> Vec<DailyPayments> {
        let tell = |day: &DayCounts| DailyPayments {
            date: Date(day.date),
            succeeded: whole(day.succeeded),
            declined: whole(day.declined),
            failed: whole(day.failed),
        };
        self.0.figures.days.iter().map(tell).collect()
    }

    /// GraphQL requests: over HTTP each request, on a socket each operation, a subscription once.
    /// Those that were refused, and those whose client hung up, count as well.
    async fn requests(&self) -> BigInt {
        requests(&self.0.figures.counts)
    }

    /// GraphQL requests that met a fault of the server, in percent of `requests`. A fault: the
    /// answer has an error with the code INTERNAL_SERVER_ERROR or SERVICE_UNAVAILABLE, or there was
    /// none because of a panic. Refusals, such as of wrong input or of a missing permission, are no
    /// faults. Null: there were no requests.
    async fn error_rate(&self) -> Option<f64> {
        self.0.figures.counts.error_percent()
    }

    /// Attempts to pay that succeeded, in percent of those that succeeded or failed: `succeeded /
    /// (succeeded + failed)` of all of `paymentsPerDay`. Declines are the provider's answer and
    /// count on neither side; nor do attempts that are undecided. Null: nothing succeeded or
    /// failed.
    async fn payment_success_rate(&self) -> Option<f64> {
        self.0.figures.payment_success_percent()
    }

    /// How long a GraphQL request over HTTP took in the mean, in milliseconds: from the head of the
    /// request to the head of the answer, of a client that hung up until then. Operations on
    /// sockets are not in it. Null: there were no requests.
    async fn avg_response_time_ms(&self) -> Option<f64> {
        self.0.figures.counts.mean_response_ms()
    }

    /// The time that 95 percent of the GraphQL requests over HTTP did not exceed, in milliseconds,
    /// as `avgResponseTimeMs` takes it. Requests are counted in buckets with fixed bounds (0.5 ms,
    /// 1, 2, 3, 5, 7, 10 … 10,000 ms), and it is taken straight between the two bounds around it;
    /// at most 10,000. Null: there were no requests.
    async fn p95_response_time_ms(&self) -> Option<f64> {
        self.0.figures.counts.p95_response_ms()
    }

    /// Whether payment providers are called now, whatever the window: the worst of all providers
    /// and of all processes that were heard of in the last 20 seconds.
    async fn circuit_breaker_state(&self) -> CircuitBreakerState {
        self.0.figures.circuit.into()
    }

    /// Times that a constraint of the database had to keep stock from being oversold: must be 0.
    async fn stock_conflicts(&self) -> i32 {
        capped(self.0.figures.counts.total(STOCK_CONFLICTS))
    }

    /// Clean answers that there is not enough stock.
    async fn stock_rejections(&self) -> i32 {
        capped(self.0.figures.counts.total(STOCK_REJECTIONS))
    }

    /// Tries, such as to sign in, that were refused because there were too many (RATE_LIMITED).
    async fn throttled_requests(&self) -> i32 {
        capped(self.0.figures.counts.total(THROTTLED_REQUESTS))
    }

    /// Look-ups of catalogue entities by id that a process answered from its own memory, in percent
    /// of all; the others went on to Redis or the database. Null: there were none.
    async fn cache_hit_rate(&self) -> Option<f64> {
        self.0.figures.counts.cache_hit_percent()
    }

    /// How GraphQL requests went, from the first moment of the window until now, the oldest first:
    /// a point an hour, and when `days` is 1, a point for five minutes. Points without requests are
    /// there too. A request counts when it was written, up to five seconds after it was answered.
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<MetricsPoint>, Fault> {
        let (metrics, viewer) =
            (ctx.data_unchecked::<metrics::Metrics>(), ctx.data_unchecked::<Viewer>());
        let points = metrics.history_of(viewer, &self.0).await?;
        Ok(points.iter().map(MetricsPoint::from).collect())
    }
}

/// How many there were on a day.
#[derive(SimpleObject)]
pub struct DailyCount {
    /// The day, in UTC.
    date: Date,
    /// How many.
    count: i32,
}

/// Attempts to pay that were decided on a day, each once: on the day on which it was decided first.
/// Who pays an order at the second attempt has made two. An attempt that was let go before it was
/// decided is in none of these.
#[derive(SimpleObject)]
pub struct DailyPayments {
    /// The day, in UTC.
    date: Date,
    /// The money was set aside or taken, also when it came after the attempt was thought to be
    /// over.
    succeeded: i32,
    /// The provider said no.
    declined: i32,
    /// The provider could not be asked, or its circuit was open; nothing was charged.
    failed: i32,
}

/// How GraphQL requests went in an hour, or in five minutes.
#[derive(SimpleObject)]
pub struct MetricsPoint {
    /// When it begins.
    at: DateTime,
    /// GraphQL requests, as in `Metrics.requests`.
    requests: i32,
    /// As `Metrics.errorRate`; null: there were no requests.
    error_rate: Option<f64>,
    /// As `Metrics.avgResponseTimeMs`; null: there were no requests.
    avg_response_time_ms: Option<f64>,
    /// As `Metrics.p95ResponseTimeMs`; null: there were no requests.
    p95_response_time_ms: Option<f64>,
}

impl From<&Point> for MetricsPoint {
    fn from(point: &Point) -> Self {
        Self {
            at: DateTime(point.at),
            requests: capped(point.counts.total(GRAPHQL_REQUESTS)),
            error_rate: point.counts.error_percent(),
            avg_response_time_ms: point.counts.mean_response_ms(),
            p95_response_time_ms: point.counts.p95_response_ms(),
        }
    }
}

/// Whether payment providers are called.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum CircuitBreakerState {
    /// They are called.
    Closed,
    /// A provider failed; a few calls try whether it is well again.
    HalfOpen,
    /// A provider failed and is not called for a while: payments by it are refused at once.
    Open,
}

impl From<CircuitState> for CircuitBreakerState {
    fn from(state: CircuitState) -> Self {
        match state {
            CircuitState::Closed => Self::Closed,
            CircuitState::HalfOpen => Self::HalfOpen,
            CircuitState::Open => Self::Open,
        }
    }
}

fn requests(counts: &metrics::Counts) -> BigInt {
    BigInt(i64::try_from(counts.total(GRAPHQL_REQUESTS)).unwrap_or(i64::MAX))
}

fn whole(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn capped(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
