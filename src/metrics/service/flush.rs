//! Writing what this process counted: one statement for the minutes and one for the hours, however
//! much there was.

use crate::db::{DbError, Timestamp, Tx};
use crate::events::BusMessage;
use crate::failpoint;
use crate::metrics::MetricsError;
use crate::metrics::service::pending::{Batch, Moment};
use crate::metrics::service::{Metrics, Resolution};
use crate::telemetry;
use entity::metric_bucket::{Column, Entity};
use entity::metric_flush;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, InsertStatement, OnConflict, Query};
use std::sync::Arc;
use uuid::Uuid;

/// Rows that one statement writes at most: a database takes so many values at once and no more.
const ROWS: usize = 2_000;

#[derive(FromQueryResult)]
struct Written {
    written_at: Timestamp,
}

impl Metrics {
    /// Adds what this process counted since the last time to what all have counted; tells how many
    /// figures that were. It counts in the minute and the hour of this moment, and what was
    /// [`Metrics::note`]d or could not be written before in those of then.
    ///
    /// # Errors
    /// When the database fails. Nothing is lost then, and nothing counts twice: the next time
    /// begins with what may or may not have been written. Dropped half-way it is the same.
    pub async fn flush(&self) -> Result<u64, MetricsError> {
        let _turn = self.own.flushing.lock().await;
        self.note();
        let written = self.write_all().await;
        written.inspect_err(|_| telemetry::count(telemetry::METRICS_FLUSHES_FAILED))
    }

    /// Takes what was counted until now, so that it counts in this minute whenever it is written.
    pub fn note(&self) {
        let taken = telemetry::take();
        let now = (Moment::now(&self.db), self.db.now());
        self.own.pending.lock().add(taken.amounts(), now);
        taken.settle();
    }

    async fn write_all(&self) -> Result<u64, MetricsError> {
        let mut figures = 0_u64;
        loop {
            let next = self.own.pending.lock().next();
            let Some(batch) = next else { break };
            self.write(&batch).await?;
            // Whoever does not get here does not know whether it is written.
            failpoint::reach("metrics.after_write").await;
            self.own.pending.lock().settle();
            figures = figures.saturating_add(batch.figures());
        }
        if let Some(circuits) = self.circuits_to_tell() {
            let telling = self.db.tx(|tx| {
                let (metrics, circuits) = (self.clone(), Arc::clone(&circuits));
                async move {
                    metrics.tell_circuits_in_txn(&tx, &circuits).await?;
                    metrics.publish_in_txn(&tx);
                    Ok::<_, MetricsError>(())
                }
            });
            telling.await?;
        }
        Ok(figures)
    }

    async fn write(&self, batch: &Arc<Batch>) -> Result<(), MetricsError> {
        let writing = self.db.tx(|tx| {
            let (metrics, batch) = (self.clone(), Arc::clone(batch));
            async move {
                let process = metrics.own.process;
                let Some(time) = take_turn_in_txn(&tx, process, batch.turn).await? else {
                    // It was written, and the answer was lost.
                    return Ok(());
                };
                let now = (Moment::now(tx.db()), time);
                for resolution in [Resolution::Minute, Resolution::Hour] {
                    let buckets = batch.buckets(resolution, now);
                    let rows: Vec<Row<'_>> = buckets.into_iter().collect();
                    for rows in rows.chunks(ROWS) {
                        tx.run(&adding(resolution, rows)).await?;
                    }
                }
                metrics.publish_in_txn(&tx);
                Ok::<_, MetricsError>(())
            }
        });
        writing.await
    }

    fn publish_in_txn(&self, tx: &Tx) {
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::MetricsChanged));
    }
}

/// Notes that a process writes its figures of this number, and tells what time it is by the clock
/// of the database, which names the buckets of all processes. None: they are written.
async fn take_turn_in_txn(tx: &Tx, process: Uuid, turn: i64) -> Result<Option<Timestamp>, DbError> {
    use metric_flush::Column as F;
    let excluded = |column: F| Expr::col((Alias::new("excluded"), column));
    let mut insert = Query::insert();
    insert
        .into_table(metric_flush::Entity)
        .columns([F::Process, F::Turn, F::WrittenAt])
        .values_panic([Expr::value(process), Expr::value(turn), tx.db().now_sql()])
        .on_conflict(
            OnConflict::column(F::Process)
                .update_columns([F::Turn, F::WrittenAt])
                .action_and_where(Expr::col((metric_flush::Entity, F::Turn)).lt(excluded(F::Turn)))
                .to_owned(),
        )
        .returning(Query::returning().column(F::WrittenAt));
    let asked_at = tx.db().now();
    let written: Option<Written> = tx.one(&insert).await?;
    Ok(written.map(|Written { written_at }| {
        tx.db().compare_clocks(asked_at, written_at);
        written_at
    }))
}

/// A bucket, and how much is to be added to it.
type Row<'a> = ((Timestamp, &'a str), u64);

/// The rows come in the order of their keys, so that no two processes wait for each other.
fn adding(resolution: Resolution, rows: &[Row<'_>]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(Entity).columns([
        Column::Resolution,
        Column::StartsAt,
        Column::Metric,
        Column::Value,
    ]);
    for ((starts_at, metric), amount) in rows {
        insert.values_panic([
            Expr::value(resolution.name()),
            Expr::value(*starts_at),
            Expr::value(*metric),
            Expr::value(i64::try_from(*amount).unwrap_or(i64::MAX)),
        ]);
    }
    let new = Expr::col((Alias::new("excluded"), Column::Value));
    let sum = Expr::col((Entity, Column::Value)).add(new);
    insert.on_conflict(
        OnConflict::columns([Column::Resolution, Column::StartsAt, Column::Metric])
            .value(Column::Value, sum)
            .to_owned(),
    );
    insert
}
