//! The figures of some days, for those who may see them.

use crate::auth::{Permission, Viewer};
use crate::db::Timestamp;
use crate::metrics::service::read::{select_since, start_of};
use crate::metrics::service::{Metrics, Resolution};
use crate::metrics::{CircuitState, Counts, Figures, MetricsError, Point};
use crate::telemetry::{GRAPHQL_FAULTS, GRAPHQL_REQUESTS, HTTP_REQUESTS};
use crate::validation::{Problem, ProblemKind};
use chrono::{DurationRound, TimeDelta};
use entity::metric_bucket::Column;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait};
use std::collections::BTreeMap;

/// The longest time that figures are told of at once, in days.
const LONGEST: i32 = 90;

#[derive(Debug, FromQueryResult)]
struct Bucket {
    starts_at: Timestamp,
    metric: String,
    value: i64,
}

impl Metrics {
    /// How the shop did in these last UTC days, today included. It costs the same whatever the
    /// number of orders and of requests.
    ///
    /// # Errors
    /// [`MetricsError::Invalid`] unless it is 1 to 90 days; when the viewer may not see them.
    pub async fn figures(&self, viewer: &Viewer, days: i32) -> Result<Figures, MetricsError> {
        viewer.may(Permission::MetricsRead)?;
        let days = check_days(days)?;
        let now = self.db.clock().await?;
        let first = start_of(now, days);
        let circuits = self.circuits().await?;
        Ok(Figures {
            days: self.days_between(first.date_naive(), now.date_naive()).await?,
            counts: self.since(first).await?,
            circuit: circuits.iter().map(|it| it.state).max().unwrap_or(CircuitState::Closed),
        })
    }

    /// How requests went in these last UTC days, from the first of them until now, the oldest
    /// first: by the hour, and of one day by five minutes.
    ///
    /// # Errors
    /// As of [`Metrics::figures`].
    pub async fn history(&self, viewer: &Viewer, days: i32) -> Result<Vec<Point>, MetricsError> {
        viewer.may(Permission::MetricsRead)?;
        let days = check_days(days)?;
        let (resolution, step) = match days {
            1 => (Resolution::Minute, TimeDelta::minutes(5)),
            _ => (Resolution::Hour, TimeDelta::hours(1)),
        };
        let now = self.db.clock().await?;
        let from = start_of(now, days);
        let timed = HTTP_REQUESTS.bucket_names().chain([HTTP_REQUESTS.sum_name()]);
        let counted = [GRAPHQL_REQUESTS.name(), GRAPHQL_FAULTS.name()];
        let mut select = select_since(resolution, Expr::col(Column::StartsAt).gte(from));
        select
            .columns([Column::StartsAt, Column::Metric, Column::Value])
            .and_where(Expr::col(Column::Metric).is_in(timed.chain(counted)));
        let buckets: Vec<Bucket> = self.db.all(&select).await?;
        let mut points: BTreeMap<Timestamp, Counts> =
            starts(from, now, step).map(|at| (at, Counts::default())).collect();
        for Bucket { starts_at, metric, value } in buckets {
            let at = starts_at.duration_trunc(step).unwrap_or(starts_at);
            // What has begun since the clock was read is told of the next time.
            if let Some(counts) = points.get_mut(&at) {
                counts.add(metric, u64::try_from(value).unwrap_or_default());
            }
        }
        Ok(points.into_iter().map(|(at, counts)| Point { at, counts }).collect())
    }
}

/// When each step begins that has begun.
fn starts(from: Timestamp, now: Timestamp, step: TimeDelta) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(Some(from), move |at| at.checked_add_signed(step))
        .take_while(move |at| *at <= now)
}

/// How many days, if so many can be told of.
fn check_days(days: i32) -> Result<u32, MetricsError> {
    let valid = u32::try_from(days).ok().filter(|_| (1..=LONGEST).contains(&days));
    valid.ok_or_else(|| {
        let message = format!("days is {days}; it must be between 1 and {LONGEST}.");
        Problem::new(ProblemKind::OutOfRange, ["days"], message).into()
    })
}
