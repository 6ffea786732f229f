//! The rows of `job`: the statements by which jobs are written, claimed and settled. Each claim and
//! each settlement is a short transaction that nobody's handler is awaited in.

use crate::db::{Db, DbError, DbErrorKind, Tx, Writes};
use crate::jobs::job::{NewJob, Queue, Subject};
use chrono::TimeDelta;
use entity::job::{Column, Entity};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{
    CommonTableExpression, Condition, Expr, ExprTrait, InsertStatement, LockBehavior, LockType,
    OnConflict, Order, Query, SimpleExpr, UpdateStatement, WithClause, WithQuery,
};
use std::collections::HashSet;
use uuid::Uuid;

/// Written out, so that the planner knows that the partial index has all of them.
const OPEN: &str = "status IN ('queued', 'running')";
const RUNNING: &str = "status = 'running'";
/// Nobody needs to know any more what a job that is done said of a person.
const REDACTED: &str = "CASE WHEN subject IS NULL THEN args ELSE '{}' END";

/// Writes a job in the transaction of what it follows from: it is there when that is, and not
/// otherwise. Workers of this process begin as soon as it is committed. False: a job with the same
/// dedupe key is there.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn enqueue_in_txn(tx: &Tx, job: &NewJob) -> Result<bool, DbError> {
    let written = tx.run(&inserting(tx.db(), job)?).await? == 1;
    if written {
        announce_in_txn(tx, job);
    }
    Ok(written)
}

/// The same, sent with other writes of the transaction.
///
/// # Errors
/// [`DbError`] when its arguments cannot be written.
pub fn enqueue_later(tx: &Writes, job: &NewJob) -> Result<(), DbError> {
    tx.later(Entity, inserting(tx.db(), job)?, 1);
    announce_in_txn(tx, job);
    Ok(())
}

fn announce_in_txn(tx: &Writes, job: &NewJob) {
    if job.delay.is_zero() {
        let db = tx.db().clone();
        tx.after_commit(move || db.announce_work());
    }
}

fn inserting(db: &Db, job: &NewJob) -> Result<InsertStatement, DbError> {
    let args = job.args.clone().map_err(|error| DbError {
        kind: DbErrorKind::Fault,
        constraint: None,
        message: format!("the arguments of a job {} cannot be written: {error}", job.kind),
    })?;
    let delay = TimeDelta::from_std(job.delay).unwrap_or(TimeDelta::MAX);
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::Queue,
            Column::Kind,
            Column::Args,
            Column::Dedupe,
            Column::Status,
            Column::Attempts,
            Column::MaxAttempts,
            Column::RunAt,
            Column::Token,
            Column::CreatedAt,
            Column::Subject,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(job.queue.name()),
            Expr::value(job.kind),
            Expr::value(args),
            Expr::value(job.dedupe.clone()),
            Expr::value("queued"),
            Expr::value(0),
            Expr::value(i32::from(job.max_attempts)),
            db.now_plus_sql(delay),
            Expr::value(0_i64),
            db.now_sql(),
            Expr::value(job.subject.as_ref().map(Subject::as_str)),
        ])
        .on_conflict(OnConflict::column(Column::Dedupe).do_nothing().to_owned());
    Ok(insert)
}

/// A job that this process holds a lease on.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Claimed {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) args: serde_json::Value,
    pub(crate) attempts: i32,
    pub(crate) max_attempts: i32,
    pub(crate) token: i64,
}

/// A claim of a job: of all claims the one with the highest token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Holding {
    pub(crate) id: Uuid,
    pub(crate) token: i64,
}

impl Holding {
    /// Whether the row is still held by this claim.
    fn holds(self) -> Condition {
        Condition::all()
            .add(Expr::col(Column::Id).eq(self.id))
            .add(Expr::col(Column::Token).eq(self.token))
    }
}

/// What became of an attempt.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// It was done, or there was nothing to do for this reason.
    Done { note: Option<String> },
    /// It failed and is tried again after this time.
    Again { reason: String, after: TimeDelta },
    /// It failed for the last time.
    Dead { reason: String },
    /// It was cut short by the end of this process: as if it had not begun.
    Back,
}

/// Claims jobs that are due, or whose holders let their lease run out.
pub(crate) async fn claim(
    db: &Db,
    queue: Queue,
    kinds: &[&'static str],
    places: usize,
    lease: TimeDelta,
) -> Result<Vec<Claimed>, DbError> {
    db.write(&claiming(db, queue, kinds, places, lease)).await
}

fn claiming(
    db: &Db,
    queue: Queue,
    kinds: &[&'static str],
    places: usize,
    lease: TimeDelta,
) -> WithQuery {
    let mut due = Query::select();
    due.column(Column::Id)
        .from(Entity)
        .and_where(Expr::col(Column::Queue).eq(queue.name()))
        .and_where(Expr::cust(OPEN))
        .and_where(Expr::col(Column::RunAt).lte(now_once(db)))
        .and_where(Expr::col(Column::Kind).is_in(kinds.iter().copied()))
        .and_where(Expr::col(Column::Attempts).lt(Expr::col(Column::MaxAttempts)))
        .order_by(Column::RunAt, Order::Asc)
        .limit(u64::try_from(places).unwrap_or(u64::MAX));
    if db.is_postgres() {
        due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    // Apart from the update: inside it, Postgres may run the choice more than once, and each time
    // skip what the last one locked.
    let mut chosen = CommonTableExpression::new();
    chosen.table_name("due").column(Column::Id).materialized(true).query(due);
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, "running")
        .value(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .value(Column::Token, Expr::col(Column::Token).add(1))
        .value(Column::RunAt, db.now_plus_sql(lease))
        .and_where(
            Expr::col(Column::Id)
                .in_subquery(Query::select().column(Column::Id).from("due").to_owned()),
        )
        .returning(Query::returning().columns([
            Column::Id,
            Column::Kind,
            Column::Args,
            Column::Attempts,
            Column::MaxAttempts,
            Column::Token,
        ]));
    update.with(WithClause::new().cte(chosen).to_owned())
}

/// Holds on to jobs for another lease and tells which are still held.
pub(crate) async fn renew(
    db: &Db,
    holdings: &[Holding],
    lease: TimeDelta,
) -> Result<HashSet<Holding>, DbError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::RunAt, db.now_plus_sql(lease))
        .and_where(Expr::cust(RUNNING))
        .cond_where(any_of(holdings.iter().copied()))
        .returning(Query::returning().columns([Column::Id, Column::Token]));
    Ok(holdings_of(db.write(&update).await?))
}

/// Writes what became of attempts and tells for which of them it counts: a holder whose job was
/// claimed by someone else has nothing to say any more.
pub(crate) async fn settle(
    db: &Db,
    verdicts: &[(Holding, Verdict)],
) -> Result<HashSet<Holding>, DbError> {
    // Most are done, and those are settled in one statement.
    let (plain, others): (Vec<_>, Vec<_>) =
        verdicts.iter().partition(|(_, verdict)| matches!(verdict, Verdict::Done { note: None }));
    let mut statements: Vec<_> =
        others.into_iter().map(|(holding, verdict)| settling(db, *holding, verdict)).collect();
    if !plain.is_empty() {
        let mut update = done(db, None);
        update.cond_where(any_of(plain.into_iter().map(|(holding, _)| *holding)));
        statements.push(update);
    }
    Ok(holdings_of(db.write_each(&statements).await?))
}

fn settling(db: &Db, holding: Holding, verdict: &Verdict) -> UpdateStatement {
    let mut update = match verdict {
        Verdict::Done { note } => done(db, note.as_deref()),
        Verdict::Dead { reason } => finishing(db, "dead", Some(reason)),
        Verdict::Again { reason, after } => {
            let mut update = holding_update("queued", db.now_plus_sql(*after));
            update.value(Column::Error, reason.as_str());
            update
        }
        Verdict::Back => {
            let mut update = holding_update("queued", db.now_sql());
            update.value(Column::Attempts, Expr::col(Column::Attempts).sub(1));
            update
        }
    };
    update.cond_where(holding.holds());
    update
}

fn holding_update(status: &'static str, run_at: SimpleExpr) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, status)
        .value(Column::RunAt, run_at)
        .and_where(Expr::cust(RUNNING))
        .returning(Query::returning().columns([Column::Id, Column::Token]));
    update
}

fn done(db: &Db, note: Option<&str>) -> UpdateStatement {
    let mut update = finishing(db, "done", note);
    update.value(Column::Args, Expr::cust(REDACTED));
    update
}

fn finishing(db: &Db, status: &'static str, error: Option<&str>) -> UpdateStatement {
    let mut update = holding_update(status, db.now_sql());
    update.value(Column::Error, error.map(str::to_owned)).value(Column::FinishedAt, db.now_sql());
    update
}

/// A job that no attempt is left for.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Buried {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
}

/// Ends the jobs whose last attempt never came back: they may be what ended their worker. Of any
/// kind, whether this process knows it or not.
pub(crate) async fn bury(db: &Db) -> Result<Vec<Buried>, DbError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, "dead")
        .value(Column::FinishedAt, db.now_sql())
        .value(Column::Token, Expr::col(Column::Token).add(1))
        .value(Column::Error, "its worker ended or was cut off during the last attempt")
        .and_where(Expr::col(Column::Queue).is_in(Queue::ALL.map(Queue::name)))
        .and_where(Expr::cust(RUNNING))
        .and_where(Expr::col(Column::RunAt).lte(now_once(db)))
        .and_where(Expr::col(Column::Attempts).gte(Expr::col(Column::MaxAttempts)))
        .returning(Query::returning().columns([Column::Id, Column::Kind]));
    db.write(&update).await
}

/// The present time, asked for once a statement: an index can be searched for it.
fn now_once(db: &Db) -> SimpleExpr {
    Query::select().expr(db.now_sql()).to_owned().into()
}

fn any_of(holdings: impl Iterator<Item = Holding>) -> Condition {
    holdings.fold(Condition::any(), |any, holding| any.add(holding.holds()))
}

#[derive(FromQueryResult)]
struct Touched {
    id: Uuid,
    token: i64,
}

fn holdings_of(touched: Vec<Touched>) -> HashSet<Holding> {
    touched.into_iter().map(|Touched { id, token }| Holding { id, token }).collect()
}
