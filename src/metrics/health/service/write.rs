//! What a process writes of what it found.

use crate::db::{DbError, Timestamp, Tx};
use crate::metrics::health::changes::{Known, changes};
use crate::metrics::health::component::Component;
use crate::metrics::health::diary::{Entries, Turn};
use crate::metrics::health::examiner::Examination;
use crate::metrics::health::service::{HealthLog, health};
use chrono::TimeDelta;
use entity::{component_change, component_finding, component_hour, component_state};
use sea_orm::sea_query::{
    CaseStatement, Expr, ExprTrait, InsertStatement, OnConflict, Query, SelectStatement,
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// What a process that has ended has found is kept for so long.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(1);

/// What a process found, as it goes into the database.
#[derive(Clone)]
struct Looked {
    instance: Uuid,
    examination: Examination,
    entries: Entries,
    now: Timestamp,
}

impl HealthLog {
    /// Takes down what this process has found, without writing it; tells whether there is news:
    /// something became better or worse, or a second look found it not to be well either.
    #[must_use]
    pub fn note(&self, examination: &Examination) -> bool {
        self.diary.lock().note(&examination.findings, self.db.now())
    }

    /// Writes what this process has found last, and what was noted since it could write.
    ///
    /// # Errors
    /// When the database fails: then all is written the next time.
    pub async fn write(&self, examination: &Examination) -> Result<(), DbError> {
        let _alone = self.pen.lock().await;
        let looked = Looked {
            instance: self.instance,
            examination: examination.clone(),
            entries: self.diary.lock().entries(),
            now: self.db.now(),
        };
        let written = &looked;
        self.db.tx(|tx| async move { write_in_txn(&tx, written).await }).await?;
        self.diary.lock().strike(&looked.entries);
        Ok(())
    }

    /// This process ends: what it found does not count any more.
    ///
    /// # Errors
    /// When the database fails: then it counts for half a minute more.
    pub async fn leave(&self) -> Result<(), DbError> {
        let _alone = self.pen.lock().await;
        let mut delete = Query::delete();
        delete
            .from_table(component_finding::Entity)
            .and_where(Expr::col(component_finding::Column::Instance).eq(self.instance));
        let delete = &delete;
        self.db.tx(|tx| async move { tx.run(delete).await.map(drop) }).await
    }

    /// Forgets history that is older than this, and processes that are gone; tells how many rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge(&self, kept: TimeDelta) -> Result<u64, DbError> {
        let old = || self.db.now_plus_sql(-kept);
        let mut changes = Query::delete();
        changes
            .from_table(component_change::Entity)
            .and_where(Expr::col(component_change::Column::ChangedAt).lt(old()));
        let mut hours = Query::delete();
        hours
            .from_table(component_hour::Entity)
            .and_where(Expr::col(component_hour::Column::StartsAt).lt(old()));
        let gone = self.db.now_plus_sql(-FORGOTTEN_AFTER);
        let mut findings = Query::delete();
        findings
            .from_table(component_finding::Entity)
            .and_where(Expr::col(component_finding::Column::CheckedAt).lt(gone));
        let deletes = &[changes, hours, findings];
        self.db
            .tx(|tx| async move {
                let mut forgotten = 0_u64;
                for delete in deletes {
                    forgotten = forgotten.saturating_add(tx.run(delete).await?);
                }
                Ok(forgotten)
            })
            .await
    }
}

async fn write_in_txn(tx: &Tx, looked: &Looked) -> Result<(), DbError> {
    // One after the other: what all found together is told once.
    tx.take_turn("component health").await?;
    tx.run(&upsert_findings(tx, looked)).await?;
    if !looked.entries.tallies.is_empty() {
        tx.run(&upsert_hours(&looked.entries)).await?;
    }
    let live: Vec<component_finding::Model> = tx.all(&select_live(tx)).await?;
    let mut known = Query::select();
    known.column((component_state::Entity, sea_orm::sea_query::Asterisk));
    known.from(component_state::Entity);
    let known: Vec<component_state::Model> = tx.all(&known).await?;
    let known: HashMap<Component, Known> = known
        .iter()
        .filter_map(|row| {
            let known = Known { health: health(&row.status), since: row.since };
            Some((Component::from_name(&row.component)?, known))
        })
        .collect();
    let merged = crate::metrics::health::service::read::merge(&live);
    let merged = merged.into_iter().map(|(component, worst)| (component, worst.into())).collect();
    let changes = changes(&known, &looked.entries.turns, &merged, looked.now);
    if changes.is_empty() {
        return Ok(());
    }
    tx.run(&insert_changes(&changes)).await?;
    tx.run(&upsert_states(&changes)).await?;
    for change in changes {
        let (component, status) = (change.component.name(), change.health.name());
        tx.after_commit(move || tracing::info!(component, status, "a component changed"));
    }
    Ok(())
}

/// What live processes found last.
pub(super) fn select_live(tx: &Tx) -> SelectStatement {
    crate::metrics::health::service::read::select_live(tx.db())
}

fn upsert_findings(tx: &Tx, looked: &Looked) -> InsertStatement {
    use component_finding::Column as C;
    let mut insert = Query::insert();
    insert.into_table(component_finding::Entity).columns([
        C::Component,
        C::Instance,
        C::Status,
        C::Message,
        C::LatencyUs,
        C::CheckedAt,
        C::BadLooks,
    ]);
    for finding in &looked.examination.findings {
        let bad_looks = looked.entries.bad_looks.get(&finding.component);
        insert.values_panic([
            Expr::value(finding.component.name()),
            Expr::value(looked.instance),
            Expr::value(finding.health.name()),
            Expr::value(finding.message.clone()),
            Expr::value(i64::try_from(finding.latency.as_micros()).unwrap_or(i64::MAX)),
            tx.db().now_sql(),
            Expr::value(bad_looks.copied().unwrap_or_default()),
        ]);
    }
    insert.on_conflict(
        OnConflict::columns([C::Component, C::Instance])
            .update_columns([C::Status, C::Message, C::LatencyUs, C::CheckedAt, C::BadLooks])
            .to_owned(),
    );
    insert
}

fn upsert_hours(entries: &Entries) -> InsertStatement {
    use component_hour::Column as C;
    let mut insert = Query::insert();
    insert.into_table(component_hour::Entity).columns([
        C::Component,
        C::StartsAt,
        C::Looks,
        C::Healthy,
        C::LatencySumUs,
        C::LatencyMaxUs,
    ]);
    for ((component, starts_at), tally) in &entries.tallies {
        insert.values_panic([
            Expr::value(component.name()),
            Expr::value(*starts_at),
            Expr::value(tally.looks),
            Expr::value(tally.healthy),
            Expr::value(tally.latency_sum_us),
            Expr::value(tally.latency_max_us),
        ]);
    }
    let own = |column| Expr::col((component_hour::Entity, column));
    let new = |column| Expr::col((sea_orm::sea_query::Alias::new("excluded"), column));
    let longer = CaseStatement::new()
        .case(new(C::LatencyMaxUs).gt(own(C::LatencyMaxUs)), new(C::LatencyMaxUs))
        .finally(own(C::LatencyMaxUs));
    let sum = |column| (column, own(column).add(new(column)));
    let mut conflict = OnConflict::columns([C::Component, C::StartsAt]);
    conflict
        .values([sum(C::Looks), sum(C::Healthy), sum(C::LatencySumUs)])
        .value(C::LatencyMaxUs, longer);
    insert.on_conflict(conflict);
    insert
}

fn insert_changes(changes: &[Turn]) -> InsertStatement {
    use component_change::Column as C;
    let mut insert = Query::insert();
    insert.into_table(component_change::Entity).columns([
        C::Id,
        C::Component,
        C::Status,
        C::Message,
        C::ChangedAt,
    ]);
    for change in changes {
        insert.values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(change.component.name()),
            Expr::value(change.health.name()),
            Expr::value(change.message.clone()),
            Expr::value(change.at),
        ]);
    }
    insert
}

/// Each component as its last change left it.
fn upsert_states(changes: &[Turn]) -> InsertStatement {
    use component_state::Column as C;
    let last: BTreeMap<Component, &Turn> =
        changes.iter().map(|change| (change.component, change)).collect();
    let mut insert = Query::insert();
    insert.into_table(component_state::Entity).columns([C::Component, C::Status, C::Since]);
    for change in last.values() {
        insert.values_panic([
            Expr::value(change.component.name()),
            Expr::value(change.health.name()),
            Expr::value(change.at),
        ]);
    }
    insert.on_conflict(
        OnConflict::column(C::Component).update_columns([C::Status, C::Since]).to_owned(),
    );
    insert
}
