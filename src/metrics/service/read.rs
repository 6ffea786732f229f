//! Reading what all processes have counted: as many rows as there are figures and buckets, however
//! much was counted.

use crate::db::Timestamp;
use crate::metrics::service::{Metrics, Resolution, Sum};
use crate::metrics::{Counts, MetricsError};
use chrono::{Days, NaiveTime, TimeDelta};
use entity::metric_bucket::{Column, Entity};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};

impl Metrics {
    /// What all processes counted since the beginning of the minute that was so long ago, at most
    /// 48 h back, by the clock of the database, as far as they have told: each does every 5 s.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn in_the_last(&self, time: TimeDelta) -> Result<Counts, MetricsError> {
        // The bucket that a moment lies in began less than its length before.
        let before = self.db.now_plus_sql(-(time + Resolution::Minute.length()));
        let from = Expr::col(Column::StartsAt).gt(before);
        self.sum_up(Resolution::Minute, from).await
    }

    /// What all processes counted in the UTC days of a window, today included, as far as they have
    /// told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_days(&self, days: u32) -> Result<Counts, MetricsError> {
        self.since(start_of(self.db.clock().await?, days)).await
    }

    /// What all processes counted since the beginning of this hour, as far as they have told.
    pub(super) async fn since(&self, from: Timestamp) -> Result<Counts, MetricsError> {
        self.sum_up(Resolution::Hour, Expr::col(Column::StartsAt).gte(from)).await
    }

    async fn sum_up(
        &self,
        resolution: Resolution,
        since: SimpleExpr,
    ) -> Result<Counts, MetricsError> {
        let mut select = select_since(resolution, since);
        select
            .column(Column::Metric)
            .expr_as(Expr::col(Column::Value).sum().cast_as(Alias::new("bigint")), "value")
            .group_by_col(Column::Metric);
        let sums: Vec<Sum> = self.db.all(&select).await?;
        Ok(sums.into_iter().collect())
    }
}

/// When a window of UTC days begins that ends with the day of this moment.
pub(super) fn start_of(now: Timestamp, days: u32) -> Timestamp {
    let today = now.date_naive();
    let first = today.checked_sub_days(Days::new(u64::from(days.saturating_sub(1))));
    first.unwrap_or(today).and_time(NaiveTime::MIN).and_utc()
}

/// The buckets that began since then.
pub(super) fn select_since(resolution: Resolution, since: SimpleExpr) -> SelectStatement {
    let mut select = Query::select();
    select
        .from(Entity)
        .and_where(Expr::col(Column::Resolution).eq(resolution.name()))
        .and_where(since);
    select
}
