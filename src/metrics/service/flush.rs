//! Writing what this process counted: one statement for the minute and one for the hour, however
//! much there was.

use crate::db::{Timestamp, Tx};
use crate::events::BusMessage;
use crate::metrics::MetricsError;
use crate::metrics::service::{Metrics, Resolution};
use crate::telemetry::{self, Kept};
use entity::metric_bucket::{Column, Entity};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, InsertStatement, OnConflict, Query};
use std::sync::Arc;

impl Metrics {
    /// Adds what this process counted since the last time to what all have counted; tells how many
    /// figures that were. It counts in the minute and the hour of this moment.
    ///
    /// # Errors
    /// When the database fails. Nothing is lost then: the next time has it.
    pub async fn flush(&self) -> Result<u64, MetricsError> {
        let _turn = self.own.flushing.lock().await;
        let taken = telemetry::take();
        let amounts = taken.amounts();
        let written = u64::try_from(amounts.len()).unwrap_or(u64::MAX);
        let circuits = self.circuits_to_tell();
        if written == 0 && circuits.is_none() {
            return Ok(0);
        }
        let amounts: Arc<[Kept]> = amounts.into();
        let writing = self.db.tx(|tx| {
            let (metrics, amounts, circuits) =
                (self.clone(), Arc::clone(&amounts), circuits.clone());
            async move {
                let now = tx.db().now();
                for resolution in [Resolution::Minute, Resolution::Hour] {
                    add_in_txn(&tx, resolution, now, &amounts).await?;
                }
                if let Some(circuits) = &circuits {
                    metrics.tell_circuits_in_txn(&tx, circuits).await?;
                }
                Ok::<_, MetricsError>(())
            }
        });
        // What was taken comes back when it is dropped.
        writing.await.inspect_err(|_| telemetry::count(telemetry::METRICS_FLUSHES_FAILED))?;
        taken.settle();
        self.bus.publish(BusMessage::MetricsChanged);
        Ok(written)
    }
}

async fn add_in_txn(
    tx: &Tx,
    resolution: Resolution,
    now: Timestamp,
    amounts: &[Kept],
) -> Result<(), MetricsError> {
    if !amounts.is_empty() {
        tx.run(&adding(resolution, now, amounts)).await?;
    }
    Ok(())
}

/// The rows come in the order of their keys, so that no two processes wait for each other.
fn adding(resolution: Resolution, now: Timestamp, amounts: &[Kept]) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(Entity).columns([
        Column::Resolution,
        Column::StartsAt,
        Column::Metric,
        Column::Value,
    ]);
    for Kept { name, amount } in amounts {
        insert.values_panic([
            Expr::value(resolution.name()),
            Expr::value(resolution.start(now)),
            Expr::value(name.as_str()),
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
