//! What is told of the server's health.

use crate::auth::{Permission, Viewer};
use crate::db::{Db, DbError, Timestamp};
use crate::metrics::health::changes::Merged;
use crate::metrics::health::component::{Component, Health};
use crate::metrics::health::diary::CONFIRMED_BY;
use crate::metrics::health::service::{ALIVE, Error, HealthLog, health};
use chrono::{Days, NaiveTime, TimeDelta};
use entity::{component_change, component_finding, component_hour, component_state};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{
    Alias, Asterisk, Expr, ExprTrait, Order, Query, SelectStatement, UnionType,
};
use std::collections::HashMap;
use std::time::Duration;

/// How a component is for the whole shop.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Which one.
    pub component: Component,
    /// How it is, by the worst of what live processes found; None when no process tells.
    pub health: Option<Health>,
    /// What is wrong.
    pub message: Option<String>,
    /// How long it took to answer last; of several processes the longest time.
    pub latency: Option<Duration>,
    /// When somebody looked last.
    pub checked_at: Option<Timestamp>,
    /// Whether a process has found it not to be well twice in a row.
    pub is_confirmed: bool,
    /// Since when it is so.
    pub since: Option<Timestamp>,
}

/// A change in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How it was since.
    pub health: Health,
    /// What was wrong.
    pub message: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How fast a component answered within an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatencyPoint {
    /// The beginning of the hour.
    pub at: Timestamp,
    /// On average, in milliseconds.
    pub avg_ms: f64,
    /// At worst.
    pub max_ms: f64,
}

#[derive(FromQueryResult)]
struct Share {
    component: String,
    looks: i64,
    healthy: i64,
}

/// The worst of what live processes found of a component, of equal ones the latest.
pub(super) struct Worst {
    row: component_finding::Model,
    latency_us: i64,
    checked_at: Timestamp,
    bad_looks: i64,
}

impl From<Worst> for Merged {
    fn from(worst: Worst) -> Self {
        Self { health: health(&worst.row.status), message: worst.row.message }
    }
}

pub(super) fn merge(live: &[component_finding::Model]) -> HashMap<Component, Worst> {
    let mut merged: HashMap<Component, Worst> = HashMap::new();
    for row in live {
        let Some(component) = Component::from_name(&row.component) else { continue };
        let one = Worst {
            row: row.clone(),
            latency_us: row.latency_us,
            checked_at: row.checked_at,
            bad_looks: row.bad_looks,
        };
        let Some(worst) = merged.get_mut(&component) else {
            merged.insert(component, one);
            continue;
        };
        worst.latency_us = Ord::max(worst.latency_us, row.latency_us);
        worst.checked_at = Ord::max(worst.checked_at, row.checked_at);
        worst.bad_looks = Ord::max(worst.bad_looks, row.bad_looks);
        let place = |row: &component_finding::Model| (health(&row.status), row.checked_at);
        if place(row) > place(&worst.row) {
            worst.row = row.clone();
        }
    }
    merged
}

pub(super) fn select_live(db: &Db) -> SelectStatement {
    let mut select = Query::select();
    select
        .column((component_finding::Entity, Asterisk))
        .from(component_finding::Entity)
        .and_where(Expr::col(component_finding::Column::CheckedAt).gt(db.now_plus_sql(-ALIVE)));
    select
}

impl HealthLog {
    /// How all components are. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn states(&self, viewer: &Viewer) -> Result<Vec<State>, Error> {
        viewer.may(Permission::MetricsRead)?;
        Ok(self.all_states().await?)
    }

    /// As [`HealthLog::states`], for the server itself.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn all_states(&self) -> Result<Vec<State>, DbError> {
        let live: Vec<component_finding::Model> = self.db.all(&select_live(&self.db)).await?;
        let mut known = Query::select();
        known.column((component_state::Entity, Asterisk)).from(component_state::Entity);
        let known: Vec<component_state::Model> = self.db.all(&known).await?;
        let mut merged = merge(&live);
        let state = |component: Component| {
            let worst = merged.remove(&component);
            let health = worst.as_ref().map(|worst| health(&worst.row.status));
            let same = |row: &&component_state::Model| {
                row.component == component.name()
                    && health.is_some_and(|it| it.name() == row.status)
            };
            let us = worst.as_ref().and_then(|worst| u64::try_from(worst.latency_us).ok());
            State {
                component,
                health,
                since: known.iter().find(same).map(|row| row.since),
                latency: us.map(Duration::from_micros),
                checked_at: worst.as_ref().map(|worst| worst.checked_at),
                is_confirmed: worst.as_ref().is_some_and(|it| it.bad_looks >= CONFIRMED_BY),
                message: worst.and_then(|worst| worst.row.message),
            }
        };
        Ok(Component::ALL.into_iter().map(state).collect())
    }

    /// How much of the last days, today included, each component was well, in percent: of all looks
    /// of all processes, so many. Those that nobody looked at are left out. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn availability(
        &self,
        viewer: &Viewer,
        days: u32,
    ) -> Result<HashMap<Component, f64>, Error> {
        viewer.may(Permission::MetricsRead)?;
        use component_hour::Column as C;
        let today = self.db.now().date_naive();
        let first =
            today.checked_sub_days(Days::new(u64::from(days.saturating_sub(1)))).unwrap_or(today);
        let sum = |column| Expr::col(column).sum().cast_as(Alias::new("bigint"));
        let mut select = Query::select();
        select
            .column(C::Component)
            .expr_as(sum(C::Looks), "looks")
            .expr_as(sum(C::Healthy), "healthy")
            .from(component_hour::Entity)
            .and_where(Expr::col(C::StartsAt).gte(first.and_time(NaiveTime::MIN).and_utc()))
            .group_by_col(C::Component);
        let shares: Vec<Share> = self.db.all(&select).await?;
        let percent = |share: Share| {
            let component = Component::from_name(&share.component)?;
            let looks = to_float(share.looks);
            (share.looks > 0).then(|| (component, to_float(share.healthy) * 100.0 / looks))
        };
        Ok(shares.into_iter().filter_map(percent).collect())
    }

    /// The last changes of each component, so many of each, the newest first. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changes(
        &self,
        viewer: &Viewer,
        components: &[Component],
        first: u64,
    ) -> Result<HashMap<Component, Vec<Change>>, Error> {
        viewer.may(Permission::MetricsRead)?;
        use component_change::Column as C;
        let of = |component: &Component| {
            let mut select = Query::select();
            select
                .column((component_change::Entity, Asterisk))
                .from(component_change::Entity)
                .and_where(Expr::col(C::Component).eq(component.name()))
                .order_by(C::ChangedAt, Order::Desc)
                .order_by(C::Id, Order::Desc)
                .limit(first);
            let mut part = Query::select();
            part.column(Asterisk).from_subquery(select, "part");
            part
        };
        let mut parts = components.iter().map(of);
        let Some(mut all) = parts.next() else { return Ok(HashMap::new()) };
        all.unions(parts.map(|part| (UnionType::All, part)));
        let rows: Vec<component_change::Model> = self.db.all(&all).await?;
        let mut changes: HashMap<Component, Vec<Change>> = HashMap::new();
        for row in rows {
            let Some(component) = Component::from_name(&row.component) else { continue };
            let health = health(&row.status);
            let change = Change { health, message: row.message, at: row.changed_at };
            changes.entry(component).or_default().push(change);
        }
        for of_one in changes.values_mut() {
            of_one.sort_by_key(|change| std::cmp::Reverse(change.at));
        }
        Ok(changes)
    }

    /// How fast each component answered in each of the last 24 hours in which it did, the oldest
    /// first. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latency(
        &self,
        viewer: &Viewer,
    ) -> Result<HashMap<Component, Vec<LatencyPoint>>, Error> {
        viewer.may(Permission::MetricsRead)?;
        use component_hour::Column as C;
        let mut select = Query::select();
        select
            .column((component_hour::Entity, Asterisk))
            .from(component_hour::Entity)
            .and_where(Expr::col(C::StartsAt).gt(self.db.now() - TimeDelta::hours(24)))
            .and_where(Expr::col(C::Healthy).gt(0))
            .order_by(C::StartsAt, Order::Asc);
        let rows: Vec<component_hour::Model> = self.db.all(&select).await?;
        let mut points: HashMap<Component, Vec<LatencyPoint>> = HashMap::new();
        for row in rows {
            let Some(component) = Component::from_name(&row.component) else { continue };
            points.entry(component).or_default().push(LatencyPoint {
                at: row.starts_at,
                avg_ms: to_float(row.latency_sum_us) / to_float(row.healthy) / 1_000.0,
                max_ms: to_float(row.latency_max_us) / 1_000.0,
            });
        }
        Ok(points)
    }
}

/// Exact up to 2^53: counts of looks and microseconds of an hour are far from it.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "see above")]
fn to_float(number: i64) -> f64 {
    number as f64
}
