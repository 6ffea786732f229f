//! Alerts as they are kept.

mod acknowledge;
mod evaluate;
mod find;
mod measure;
mod watch;

pub use acknowledge::Acknowledged;
pub use evaluate::Evaluated;

use crate::db::Db;
use crate::events::Bus;
use crate::metrics::Metrics;
use crate::metrics::alerts::alert::{Alert, Rule, Severity, Status};
use crate::metrics::health::HealthLog;
use entity::alert::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, Query, SelectStatement};

/// The alerts of the shop; cheap to clone.
#[derive(Clone)]
pub struct Alerts {
    db: Db,
    bus: Bus,
    metrics: Metrics,
    health: HealthLog,
}

impl Alerts {
    /// Alerts in this database, told on this bus, about these figures and components.
    #[must_use]
    pub fn new(db: Db, bus: Bus, metrics: Metrics, health: HealthLog) -> Self {
        Self { db, bus, metrics, health }
    }
}

/// A select of whole alerts, to be restricted further.
fn select_alerts() -> SelectStatement {
    let mut select = Query::select();
    select.column((Entity, Asterisk)).from(Entity);
    select
}

/// Written out, so that the planner knows that the partial index has all of them.
fn is_unresolved() -> Expr {
    Expr::cust("status <> 'RESOLVED'")
}

fn column(column: Column) -> Expr {
    Expr::col((Entity, column))
}

impl From<Model> for Alert {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            // CHECKs name the words.
            rule: Rule::from_name(&row.rule).unwrap_or(Rule::ComponentDown),
            subject: Some(row.subject).filter(|subject| !subject.is_empty()),
            severity: Severity::from_name(&row.severity).unwrap_or(Severity::Critical),
            status: Status::from_name(&row.status).unwrap_or(Status::Open),
            message: row.message,
            threshold: row.threshold,
            measured: row.measured,
            version: row.version,
            quiet_since: row.quiet_since,
            raised_at: row.raised_at,
            updated_at: row.updated_at,
            acknowledged_at: row.acknowledged_at,
            acknowledged_by: row.acknowledged_by,
            note: row.note,
            resolved_at: row.resolved_at,
        }
    }
}
