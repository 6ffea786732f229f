//! The rules are asked, and alerts raised, kept and resolved.

use crate::db::{DbError, Timestamp, Tx};
use crate::events::BusMessage;
use crate::metrics::alerts::plan::{Step, plan};
use crate::metrics::alerts::rules::{Reading, judge};
use crate::metrics::alerts::service::{Alerts, column, is_unresolved, select_alerts};
use crate::metrics::alerts::{Alert, AlertError, Rule, Severity, Status};
use chrono::TimeDelta;
use entity::alert::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, UpdateStatement};
use uuid::Uuid;

/// What came of asking the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evaluated {
    /// Alerts that were raised.
    pub raised: usize,
    /// Alerts that were resolved.
    pub resolved: usize,
}

impl Alerts {
    /// Asks the rules, and raises, keeps and resolves alerts. Whoever does it at the same time comes
    /// to the same.
    ///
    /// # Errors
    /// When the database fails: nothing happened then.
    pub async fn evaluate(&self) -> Result<Evaluated, AlertError> {
        let measured = self.measure().await?;
        let readings = judge(&measured);
        let unknown: Vec<Rule> =
            measured.low_is_cut.then_some(Rule::LowStock).into_iter().collect();
        // Mostly there is nothing to do, and then nobody who writes has to wait.
        let mut select = select_alerts();
        select.and_where(is_unresolved());
        let unresolved: Vec<Model> = self.db.all(&select).await?;
        let unresolved: Vec<Alert> = unresolved.into_iter().map(Alert::from).collect();
        if plan(&unresolved, &readings, &unknown, self.db.now()).is_empty() {
            return Ok(Evaluated::default());
        }
        let acting = self.db.tx(|tx| {
            let (alerts, readings, unknown) = (self.clone(), readings.clone(), unknown.clone());
            async move { alerts.act_in_txn(&tx, &readings, &unknown).await }
        });
        acting.await
    }

    async fn act_in_txn(
        &self,
        tx: &Tx,
        readings: &[Reading],
        unknown: &[Rule],
    ) -> Result<Evaluated, AlertError> {
        tx.take_turn("alerts").await?;
        let mut select = select_alerts();
        select.and_where(is_unresolved());
        let unresolved: Vec<Model> = tx.all(&select).await?;
        let unresolved: Vec<Alert> = unresolved.into_iter().map(Alert::from).collect();
        let now = tx.db().now();
        let steps = plan(&unresolved, readings, unknown, now);
        let (mut told, mut done) = (Vec::new(), Evaluated::default());
        let mut raised = Vec::new();
        for step in steps {
            match step {
                Step::Raise(reading) => raised.push((Uuid::now_v7(), reading)),
                Step::Keep(id, reading) => {
                    tx.run(&keeping(id, &reading, now)).await?;
                }
                Step::Calm(id) => {
                    tx.run(&calming(id, now)).await?;
                }
                Step::Resolve(id) => {
                    if tx.run(&resolving(id, now)).await? == 1 {
                        done.resolved = done.resolved.saturating_add(1);
                        told.push(id);
                        log_resolved(tx, &unresolved, id);
                    }
                }
            }
        }
        if !raised.is_empty() {
            insert_in_txn(tx, &raised, now).await?;
            done.raised = raised.len();
            told.extend(raised.iter().map(|(id, _)| *id));
            log_raised(tx, raised);
        }
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::AlertsChanged(told)));
        Ok(done)
    }

    /// Forgets alerts that were resolved so long ago; tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge(&self, kept: TimeDelta) -> Result<u64, AlertError> {
        let mut delete = Query::delete();
        delete
            .from_table(Entity)
            .and_where(column(Column::Status).eq(Status::Resolved.name()))
            .and_where(column(Column::ResolvedAt).lt(self.db.now_plus_sql(-kept)));
        let delete = &delete;
        let forgotten: Result<u64, DbError> =
            self.db.tx(|tx| async move { tx.run(delete).await }).await;
        Ok(forgotten?)
    }
}

fn log_raised(tx: &Tx, raised: Vec<(Uuid, Reading)>) {
    tx.after_commit(move || {
        for (id, reading) in raised {
            let (rule, subject) = (reading.rule.name(), reading.subject.unwrap_or_default());
            let measured = reading.measured;
            if reading.severity == Severity::Critical {
                tracing::error!(alert = %id, rule, subject, measured, "an alert is raised");
            } else {
                tracing::warn!(alert = %id, rule, subject, measured, "an alert is raised");
            }
        }
    });
}

fn log_resolved(tx: &Tx, unresolved: &[Alert], id: Uuid) {
    let Some(alert) = unresolved.iter().find(|alert| alert.id == id) else { return };
    let (rule, subject) = (alert.rule.name(), alert.subject.clone().unwrap_or_default());
    tx.after_commit(move || tracing::info!(alert = %id, rule, subject, "an alert is resolved"));
}

fn update(id: Uuid) -> UpdateStatement {
    let mut update = Query::update();
    update.table(Entity).and_where(column(Column::Id).eq(id)).and_where(is_unresolved());
    update
}

fn keeping(id: Uuid, reading: &Reading, now: Timestamp) -> UpdateStatement {
    let mut update = update(id);
    update
        .value(Column::Measured, reading.measured.as_str())
        .value(Column::Message, reading.message.as_str())
        .value(Column::Threshold, reading.threshold.as_str())
        .value(Column::Severity, reading.severity.name())
        .value(Column::QuietSince, Option::<Timestamp>::None)
        .value(Column::UpdatedAt, now);
    update
}

fn calming(id: Uuid, now: Timestamp) -> UpdateStatement {
    let mut update = update(id);
    update.value(Column::QuietSince, now);
    update
}

fn resolving(id: Uuid, now: Timestamp) -> UpdateStatement {
    let mut update = update(id);
    update
        .value(Column::Status, Status::Resolved.name())
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, now)
        .value(Column::ResolvedAt, now);
    update
}

async fn insert_in_txn(
    tx: &Tx,
    raised: &[(Uuid, Reading)],
    now: Timestamp,
) -> Result<(), AlertError> {
    let mut insert = Query::insert();
    insert.into_table(Entity).columns([
        Column::Id,
        Column::Rule,
        Column::Subject,
        Column::Severity,
        Column::Status,
        Column::Message,
        Column::Threshold,
        Column::Measured,
        Column::Version,
        Column::RaisedAt,
        Column::UpdatedAt,
    ]);
    for (id, reading) in raised {
        insert.values_panic([
            Expr::value(*id),
            Expr::value(reading.rule.name()),
            Expr::value(reading.subject.as_deref().unwrap_or_default()),
            Expr::value(reading.severity.name()),
            Expr::value(Status::Open.name()),
            Expr::value(reading.message.as_str()),
            Expr::value(reading.threshold.as_str()),
            Expr::value(reading.measured.as_str()),
            Expr::value(1_i64),
            Expr::value(now),
            Expr::value(now),
        ]);
    }
    // Nobody else raises while this transaction has the turn; the index would refuse a second one.
    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    tx.run(&insert).await?;
    Ok(())
}
