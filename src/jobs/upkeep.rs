//! What is forgotten in time, and who is there to work.

use crate::db::{Db, DbError, Tx};
use chrono::TimeDelta;
use entity::{job, job_worker};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Order, Query};
use std::time::Duration;
use uuid::Uuid;

/// How long a job that is done can be looked at, and keeps its dedupe key from being used again.
pub const KEPT_DAYS: i64 = 7;
/// Jobs that one transaction forgets at most.
const PURGED_AT_ONCE: u64 = 1_000;
/// A worker that was not seen for so long is gone for good.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(1);

/// Forgets the jobs that were done more than [`KEPT_DAYS`] ago, a batch at a time; tells how many.
/// Those that are dead stay until someone has looked at them.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn purge_done(db: &Db) -> Result<u64, DbError> {
    let mut all = 0;
    loop {
        let purged = db.tx(|tx| async move { purge_batch_in_txn(&tx).await }).await?;
        all += purged;
        if purged < PURGED_AT_ONCE {
            return Ok(all);
        }
    }
}

async fn purge_batch_in_txn(tx: &Tx) -> Result<u64, DbError> {
    let since = tx.db().now_plus_sql(TimeDelta::days(-KEPT_DAYS));
    let mut old = Query::select();
    old.column(job::Column::Id)
        .from(job::Entity)
        .and_where(Expr::col(job::Column::Status).eq("done"))
        .and_where(Expr::col(job::Column::FinishedAt).lt(since))
        .order_by(job::Column::FinishedAt, Order::Asc)
        .limit(PURGED_AT_ONCE);
    let mut delete = Query::delete();
    delete.from_table(job::Entity).and_where(Expr::col(job::Column::Id).in_subquery(old));
    tx.run(&delete).await
}

/// Writes that a worker is there.
pub(crate) async fn be_seen(db: &Db, worker: Uuid) -> Result<(), DbError> {
    let mut seen = Query::insert();
    seen.into_table(job_worker::Entity)
        .columns([job_worker::Column::Id, job_worker::Column::SeenAt])
        .values_panic([Expr::value(worker), db.now_sql()])
        .on_conflict(
            OnConflict::column(job_worker::Column::Id)
                .update_column(job_worker::Column::SeenAt)
                .to_owned(),
        );
    let gone = db.now_plus_sql(-FORGOTTEN_AFTER);
    let mut forget = Query::delete();
    forget.from_table(job_worker::Entity).and_where(Expr::col(job_worker::Column::SeenAt).lt(gone));
    let (seen, forget) = (&seen, &forget);
    db.tx(|tx| async move {
        tx.run(seen).await?;
        tx.run(forget).await?;
        Ok(())
    })
    .await
}

/// Writes that a worker has left.
pub(crate) async fn leave(db: &Db, worker: Uuid) -> Result<(), DbError> {
    let mut delete = Query::delete();
    delete.from_table(job_worker::Entity).and_where(Expr::col(job_worker::Column::Id).eq(worker));
    let delete = &delete;
    db.tx(|tx| async move { tx.run(delete).await.map(drop) }).await
}

/// Whether a worker of any process was seen within this time.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn is_worked(db: &Db, within: Duration) -> Result<bool, DbError> {
    let within = TimeDelta::from_std(within).unwrap_or(TimeDelta::MAX);
    let mut seen = Query::select();
    seen.column(job_worker::Column::Id)
        .column(job_worker::Column::SeenAt)
        .from(job_worker::Entity)
        .and_where(Expr::col(job_worker::Column::SeenAt).gt(db.now_plus_sql(-within)))
        .limit(1);
    let seen: Option<job_worker::Model> = db.one(&seen).await?;
    Ok(seen.is_some())
}
