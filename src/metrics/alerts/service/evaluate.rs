//! The rules are asked, and alerts raised, kept and resolved.

use crate::db::keys::among;
use crate::db::{DbError, Timestamp, Tx};
use crate::events::BusMessage;
use crate::metrics::alerts::plan::{Judgement, Step, plan};
use crate::metrics::alerts::rules::{Reading, judge, outage};
use crate::metrics::alerts::service::{Alerts, column, is_unresolved, select_alerts};
use crate::metrics::alerts::{Alert, AlertError, Rule, Severity, Status};
use crate::metrics::health::Outage;
use chrono::TimeDelta;
use entity::alert::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, SelectStatement, UpdateStatement};
use uuid::Uuid;

/// What came of asking the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evaluated {
    /// Alerts that were raised.
    pub raised: usize,
    /// Alerts that were resolved.
    pub resolved: usize,
}

/// What was found, as it goes into the database.
#[derive(Clone)]
struct Found {
    judgement: Judgement,
    outages: Vec<Outage>,
}

impl Alerts {
    /// Asks the rules, and raises, keeps and resolves alerts. Whoever does it at the same time comes
    /// to the same. A rule that cannot be asked leaves its alerts as they are.
    ///
    /// # Errors
    /// When the database fails: nothing happened then.
    pub async fn evaluate(&self) -> Result<Evaluated, AlertError> {
        let unresolved: Vec<Model> = self.db.all(&select_unresolved()).await?;
        let unresolved: Vec<Alert> = unresolved.into_iter().map(Alert::from).collect();
        let measured = self.measure(&unresolved).await;
        let judgement = Judgement {
            readings: judge(&measured),
            unknown: measured.unknown(),
            asked: unresolved.iter().map(|alert| alert.id).collect(),
        };
        let about: Vec<Model> = match measured.outages.as_slice() {
            [] => Vec::new(),
            outages => self.db.all(&select_about(outages)).await?,
        };
        let found = Found { judgement, outages: measured.outages };
        // Mostly there is nothing to do, and then nobody who writes has to wait.
        if plan(&unresolved, &found.judgement, self.db.now()).is_empty()
            && untold(&found.outages, about).is_empty()
        {
            return Ok(Evaluated::default());
        }
        let found = &found;
        let acting = self.db.tx(|tx| {
            let (alerts, found) = (self.clone(), found.clone());
            async move { alerts.act_in_txn(&tx, &found).await }
        });
        acting.await
    }

    async fn act_in_txn(&self, tx: &Tx, found: &Found) -> Result<Evaluated, AlertError> {
        tx.take_turn("alerts").await?;
        let unresolved: Vec<Model> = tx.all(&select_unresolved()).await?;
        let unresolved: Vec<Alert> = unresolved.into_iter().map(Alert::from).collect();
        let now = tx.db().now();
        let steps = plan(&unresolved, &found.judgement, now);
        let (mut told, mut done) = (Vec::new(), Evaluated::default());
        let mut raised = self.outages_in_txn(tx, &found.outages).await?;
        // What is away again is told of as it is.
        let raises = |outage: &Raised| {
            let same = |reading: &Reading| {
                (reading.rule, &reading.subject) == (outage.reading.rule, &outage.reading.subject)
            };
            steps.iter().any(|step| matches!(step, Step::Raise(reading) if same(reading)))
        };
        raised.retain(|outage| !raises(outage));
        for step in steps {
            match step {
                Step::Raise(reading) => raised.push(Raised::now(reading, now)),
                Step::Keep(id, reading) => {
                    let alert = unresolved.iter().find(|alert| alert.id == id);
                    let turned = alert.is_some_and(|alert| alert.severity != reading.severity);
                    tx.run(&keeping(id, &reading, turned, now)).await?;
                    if turned {
                        told.push(id);
                        log_turned(tx, id, reading);
                    }
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
            told.extend(raised.iter().map(|raised| raised.id));
            log_raised(tx, raised);
        }
        if !told.is_empty() {
            let bus = self.bus.clone();
            tx.after_commit(move || bus.publish(BusMessage::AlertsChanged(told)));
        }
        Ok(done)
    }

    /// Outages that nobody could tell of while they lasted: each is raised as of its beginning, and
    /// quiet since its end.
    async fn outages_in_txn(&self, tx: &Tx, outages: &[Outage]) -> Result<Vec<Raised>, AlertError> {
        if outages.is_empty() {
            return Ok(Vec::new());
        }
        let about: Vec<Model> = tx.all(&select_about(outages)).await?;
        let raise = |it: &Outage| Raised {
            id: Uuid::now_v7(),
            reading: outage(it),
            raised_at: it.from,
            quiet_since: Some(it.until),
        };
        // Of several the last: one alert of a component is unresolved at most.
        Ok(untold(outages, about).last().copied().map(raise).into_iter().collect())
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

/// An alert that is raised.
struct Raised {
    id: Uuid,
    reading: Reading,
    raised_at: Timestamp,
    quiet_since: Option<Timestamp>,
}

impl Raised {
    fn now(reading: Reading, now: Timestamp) -> Self {
        Self { id: Uuid::now_v7(), reading, raised_at: now, quiet_since: None }
    }
}

fn select_unresolved() -> SelectStatement {
    let mut select = select_alerts();
    select.and_where(is_unresolved());
    select
}

/// The alerts about components that outages may have been told by.
fn select_about(outages: &[Outage]) -> SelectStatement {
    let subjects: Vec<&str> = outages.iter().map(|outage| outage.component.name()).collect();
    let first = outages.iter().map(|outage| outage.from).min();
    let ended = column(Column::ResolvedAt);
    let mut select = select_alerts();
    select
        .and_where(column(Column::Rule).eq(Rule::ComponentDown.name()))
        .and_where(among(column(Column::Subject), &subjects))
        .and_where(ended.clone().is_null().or(ended.gte(first)));
    select
}

/// Outages that no alert is about. As long as one of the component stands open, none is told of.
fn untold(outages: &[Outage], about: Vec<Model>) -> Vec<&Outage> {
    let alerts: Vec<Alert> = about.into_iter().map(Alert::from).collect();
    let tells = |alert: &Alert, outage: &Outage| {
        let overlaps = alert.raised_at <= outage.until;
        alert.subject.as_deref() == Some(outage.component.name())
            && alert.resolved_at.is_none_or(|at| overlaps && at >= outage.from)
    };
    let untold = |outage: &&Outage| !alerts.iter().any(|alert| tells(alert, outage));
    outages.iter().filter(untold).collect()
}

fn log_raised(tx: &Tx, raised: Vec<Raised>) {
    tx.after_commit(move || {
        for Raised { id, reading, .. } in raised {
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

fn log_turned(tx: &Tx, id: Uuid, reading: Reading) {
    tx.after_commit(move || {
        let (rule, subject) = (reading.rule.name(), reading.subject.unwrap_or_default());
        let (severity, measured) = (reading.severity.name(), reading.measured);
        tracing::warn!(alert = %id, rule, subject, severity, measured, "an alert is as bad as this");
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

/// `turned`: it is better or worse than it was, which those who watch are to know.
fn keeping(id: Uuid, reading: &Reading, turned: bool, now: Timestamp) -> UpdateStatement {
    let mut update = update(id);
    if turned {
        update.value(Column::Version, Expr::col(Column::Version).add(1));
    }
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

async fn insert_in_txn(tx: &Tx, raised: &[Raised], now: Timestamp) -> Result<(), AlertError> {
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
        Column::QuietSince,
        Column::RaisedAt,
        Column::UpdatedAt,
    ]);
    for Raised { id, reading, raised_at, quiet_since } in raised {
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
            Expr::value(*quiet_since),
            Expr::value(*raised_at),
            Expr::value(now),
        ]);
    }
    // Nobody else raises while this transaction has the turn; the index would refuse a second one.
    insert.on_conflict(OnConflict::new().do_nothing().to_owned());
    tx.run(&insert).await?;
    Ok(())
}
