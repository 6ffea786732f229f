//! What operators see and do: jobs by their state, and another chance for those that are dead.

use crate::db::{Db, DbError};
use entity::job::{Column, Entity, Model};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Order, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use uuid::Uuid;

/// More jobs than so many are not counted.
const COUNTED_AT_MOST: u64 = 10_000;

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Status {
    /// Waits for its time, for the first or another attempt.
    Queued,
    /// Is held by a worker.
    Running,
    /// Was done.
    Done,
    /// Failed for the last time.
    Dead,
}

impl Status {
    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

/// Jobs in a state, the newest first, so many at most.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn list(db: &Db, status: Status, limit: u64) -> Result<Vec<Model>, DbError> {
    let query = Entity::find()
        .filter(Column::Status.eq(status.name()))
        .order_by(Column::Id, Order::Desc)
        .limit(limit)
        .into_query();
    db.all(&query).await
}

/// How many jobs are due and not begun; of more than 10,000 so many.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn count_due(db: &Db) -> Result<u32, DbError> {
    let mut due = Query::select();
    due.column(Column::Id)
        .from(Entity)
        // In the words of the index, which has no others.
        .and_where(Expr::cust("status IN ('queued', 'running') AND status = 'queued'"))
        .and_where(Expr::col(Column::RunAt).lte(db.now_sql()))
        .limit(COUNTED_AT_MOST);
    let mut select = Query::select();
    select.expr_as(Expr::col(Asterisk).count(), "count").from_subquery(due, Alias::new("due"));
    let count: Option<Count> = db.one(&select).await?;
    Ok(count.map_or(0, |row| u32::try_from(row.count).unwrap_or(u32::MAX)))
}

/// Queues a dead job again, with all its attempts. False: there is no dead job with this key.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn retry(db: &Db, id: Uuid) -> Result<bool, DbError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, "queued")
        .value(Column::Attempts, 0)
        .value(Column::RunAt, db.now_sql())
        .value(Column::FinishedAt, Option::<chrono::DateTime<chrono::Utc>>::None)
        .and_where(Expr::col(Column::Id).eq(id))
        .and_where(Expr::col(Column::Status).eq(Status::Dead.name()));
    let update = &update;
    let queued = db.tx(|tx| async move { tx.run(update).await }).await? == 1;
    if queued {
        db.announce_work();
    }
    Ok(queued)
}
