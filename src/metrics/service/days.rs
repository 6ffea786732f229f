//! What happened on each day, from the figures that orders and payments keep with each change: a
//! few rows a day, however many orders there are.

use crate::metrics::service::Metrics;
use crate::metrics::{DayCounts, MetricsError};
use chrono::NaiveDate;
use entity::{order_stat, order_stat_change, payment_stat, payment_stat_change};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, UnionType};

/// Sales placed, as orders call it.
const PLACED: &str = "placed";

/// A part of a figure: its sum so far, or what is to be added to that.
#[derive(Debug, FromQueryResult)]
struct Part {
    day: String,
    outcome: String,
    count: i64,
}

impl Metrics {
    /// Each day from the first to the last.
    pub(super) async fn days_between(
        &self,
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<Vec<DayCounts>, MetricsError> {
        let mut days: Vec<DayCounts> =
            first.iter_days().take_while(|date| *date <= last).map(DayCounts::quiet).collect();
        // One statement sees each change once: as a row of its own or in the sum.
        let parts: Vec<Part> = self.db.all(&select_parts(first)).await?;
        for Part { day, outcome, count } in parts {
            let day = days.iter_mut().find(|counts| counts.date.to_string() == day);
            let Some(day) = day else { continue };
            let sum = match outcome.as_str() {
                PLACED => &mut day.orders,
                "refunded" => &mut day.refunds,
                "succeeded" => &mut day.succeeded,
                "declined" => &mut day.declined,
                "failed" => &mut day.failed,
                // A newer program counts more.
                _ => continue,
            };
            *sum = sum.saturating_add(count);
        }
        Ok(days)
    }
}

fn select_parts(first: NaiveDate) -> SelectStatement {
    let first = first.to_string();
    let total = |count: Expr| count.sum().cast_as(Alias::new("bigint"));
    let mut placed = Query::select();
    placed
        .column(order_stat::Column::Day)
        .expr_as(Expr::value(PLACED), "outcome")
        .column(order_stat::Column::Count)
        .from(order_stat::Entity)
        .and_where(Expr::col(order_stat::Column::Day).gte(first.as_str()))
        .and_where(Expr::col(order_stat::Column::Measure).eq(PLACED));
    let mut placed_lately = Query::select();
    placed_lately
        .column(order_stat_change::Column::Day)
        .expr_as(Expr::value(PLACED), "outcome")
        .expr_as(total(Expr::col(order_stat_change::Column::Count)), "count")
        .from(order_stat_change::Entity)
        .and_where(Expr::col(order_stat_change::Column::Day).gte(first.as_str()))
        .and_where(Expr::col(order_stat_change::Column::Measure).eq(PLACED))
        .group_by_col(order_stat_change::Column::Day);
    let mut decided = Query::select();
    decided
        .columns([
            payment_stat::Column::Day,
            payment_stat::Column::Outcome,
            payment_stat::Column::Count,
        ])
        .from(payment_stat::Entity)
        .and_where(Expr::col(payment_stat::Column::Day).gte(first.as_str()));
    let mut decided_lately = Query::select();
    decided_lately
        .columns([payment_stat_change::Column::Day, payment_stat_change::Column::Outcome])
        .expr_as(total(Expr::col(payment_stat_change::Column::Count)), "count")
        .from(payment_stat_change::Entity)
        .and_where(Expr::col(payment_stat_change::Column::Day).gte(first.as_str()))
        .group_by_columns([payment_stat_change::Column::Day, payment_stat_change::Column::Outcome]);
    placed
        .union(UnionType::All, placed_lately)
        .union(UnionType::All, decided)
        .union(UnionType::All, decided_lately);
    placed
}
