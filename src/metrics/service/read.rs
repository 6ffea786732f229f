//! Reading what all processes have counted: as many rows as there are figures and buckets, however
//! much was counted.

use crate::db::Timestamp;
use crate::metrics::service::{Metrics, Resolution, Sum};
use crate::metrics::{Counts, MetricsError};
use chrono::{Days, NaiveTime};
use entity::metric_bucket::{Column, Entity};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};

impl Metrics {
    /// What all processes counted since the beginning of the minute of this moment, at most 48 h
    /// back, as far as they have told: each does every 5 s, and what it tells counts in the minute
    /// in which it does.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn since(&self, from: Timestamp) -> Result<Counts, MetricsError> {
        self.sum_up(Resolution::Minute, from).await
    }

    /// What all processes counted in the UTC days of a window, today included, as far as they have
    /// told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_days(&self, days: u32) -> Result<Counts, MetricsError> {
        self.sum_up(Resolution::Hour, self.start_of(days)).await
    }

    /// When a window of UTC days begins that ends with today.
    pub(super) fn start_of(&self, days: u32) -> Timestamp {
        let today = self.db.now().date_naive();
        let first = today.checked_sub_days(Days::new(u64::from(days.saturating_sub(1))));
        first.unwrap_or(today).and_time(NaiveTime::MIN).and_utc()
    }

    async fn sum_up(
        &self,
        resolution: Resolution,
        from: Timestamp,
    ) -> Result<Counts, MetricsError> {
        let mut select = select_since(resolution, from);
        select
            .column(Column::Metric)
            .expr_as(Expr::col(Column::Value).sum().cast_as(Alias::new("bigint")), "value")
            .group_by_col(Column::Metric);
        let sums: Vec<Sum> = self.db.all(&select).await?;
        Ok(sums.into_iter().collect())
    }
}

/// The buckets from the one on that this moment lies in.
pub(super) fn select_since(resolution: Resolution, from: Timestamp) -> SelectStatement {
    let mut select = Query::select();
    select
        .from(Entity)
        .and_where(Expr::col(Column::Resolution).eq(resolution.name()))
        .and_where(Expr::col(Column::StartsAt).gte(resolution.start(from)));
    select
}
