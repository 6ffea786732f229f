//! What is forgotten in time, and who is there to work.

use crate::db::{Db, DbError};
use crate::jobs::job::Queue;
use chrono::TimeDelta;
use entity::{job, job_worker};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Order, Query, SelectStatement, SimpleExpr};
use std::time::Duration;
use uuid::Uuid;

/// How long a job that is done can be looked at, and keeps its dedupe key from being used again.
pub const KEPT_DAYS: i64 = 7;
/// How long a job that is dead and about a person, or a mail, can be looked at and tried again.
pub const DEAD_KEPT_DAYS: i64 = 30;
/// How long ticks of schedules that are dead can be looked at: the next ones have done their work.
const DEAD_TICKS_KEPT: TimeDelta = TimeDelta::days(1);
/// A worker that was not seen for so long is gone for good.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(1);

/// How long the ticks of schedules are kept: longer than one may come late. Some come every few
/// seconds, and would be most of the table.
const TICKS_KEPT: TimeDelta = TimeDelta::hours(2);

/// Forgets the jobs that were done more than [`KEPT_DAYS`] ago, and of those that schedules wrote
/// what was done, or was not begun, two hours ago; tells how many.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn purge_done(db: &Db) -> Result<u64, DbError> {
    let done = |db: &Db| finished_before(db, "done", TimeDelta::days(KEPT_DAYS));
    let ticks = |db: &Db| {
        let mut old = finished_before(db, "done", TICKS_KEPT);
        old.and_where(is_tick());
        old
    };
    // Nobody has the queue or the kind any more, or a later one has done the work.
    let missed = |db: &Db| {
        let mut old = Query::select();
        old.column(job::Column::Id)
            .from(job::Entity)
            .and_where(Expr::col(job::Column::Status).eq("queued"))
            .and_where(Expr::col(job::Column::RunAt).lt(db.now_plus_sql(-TICKS_KEPT)))
            .and_where(is_tick())
            .order_by(job::Column::RunAt, Order::Asc);
        old
    };
    let done = db.delete_in_batches(job::Entity, job::Column::Id, done).await?;
    let ticks = db.delete_in_batches(job::Entity, job::Column::Id, ticks).await?;
    Ok(done + ticks + db.delete_in_batches(job::Entity, job::Column::Id, missed).await?)
}

/// Forgets the jobs that are dead for more than [`DEAD_KEPT_DAYS`] and would keep somebody's
/// address for ever: mails, and all that are about a person; and after a day ticks of schedules.
/// Other dead jobs stay until someone has looked at them. Tells how many.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn purge_dead(db: &Db) -> Result<u64, DbError> {
    let dead = |db: &Db| {
        let mut old = finished_before(db, "dead", TimeDelta::days(DEAD_KEPT_DAYS));
        let mail = Expr::col(job::Column::Queue).eq(Queue::Mail.name());
        old.and_where(Expr::col(job::Column::Subject).is_not_null().or(mail));
        old
    };
    let ticks = |db: &Db| {
        let mut old = finished_before(db, "dead", DEAD_TICKS_KEPT);
        old.and_where(is_tick());
        old
    };
    let dead = db.delete_in_batches(job::Entity, job::Column::Id, dead).await?;
    Ok(dead + db.delete_in_batches(job::Entity, job::Column::Id, ticks).await?)
}

/// Whether a schedule wrote it.
fn is_tick() -> SimpleExpr {
    Expr::col(job::Column::Dedupe).like("schedule:%")
}

fn finished_before(db: &Db, status: &'static str, kept: TimeDelta) -> SelectStatement {
    let mut old = Query::select();
    old.column(job::Column::Id)
        .from(job::Entity)
        .and_where(Expr::col(job::Column::Status).eq(status))
        .and_where(Expr::col(job::Column::FinishedAt).lt(db.now_plus_sql(-kept)))
        .order_by(job::Column::FinishedAt, Order::Asc);
    old
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
