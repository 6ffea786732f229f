//! The jobs about a person: told to them, and forgotten with them.

use crate::db::{Db, DbError, Timestamp, Tx};
use crate::jobs::job::Subject;
use entity::job::{Column, Entity};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SimpleExpr};

/// What a person may know of a job about them.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct JobNote {
    /// What it was for.
    pub kind: String,
    /// queued, running, done or dead.
    pub status: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done, or given up.
    pub finished_at: Option<Timestamp>,
}

/// The jobs about a person, the earliest first.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn find_about(db: &Db, subjects: &[Subject]) -> Result<Vec<JobNote>, DbError> {
    let mut select = Query::select();
    select
        .columns([Column::Kind, Column::Status, Column::CreatedAt, Column::FinishedAt])
        .from(Entity)
        .and_where(about(subjects))
        .order_by(Column::Id, Order::Asc);
    db.all(&select).await
}

/// Deletes the jobs about a person, also those that are still to be done: whoever does one of them
/// loses it. Tells how many there were.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn forget_in_txn(tx: &Tx, subjects: &[Subject]) -> Result<u64, DbError> {
    let mut delete = Query::delete();
    delete.from_table(Entity).and_where(about(subjects));
    tx.run(&delete).await
}

/// Makes the jobs that are about one subject be about another: the same person, known otherwise.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn hand_over_in_txn(tx: &Tx, from: &Subject, to: &Subject) -> Result<(), DbError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Subject, to.as_str())
        .and_where(Expr::col(Column::Subject).eq(from.as_str()));
    tx.run(&update).await.map(drop)
}

fn about(subjects: &[Subject]) -> SimpleExpr {
    Expr::col(Column::Subject).is_in(subjects.iter().map(Subject::as_str))
}
