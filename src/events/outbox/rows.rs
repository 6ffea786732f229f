//! The rows of `outbox`: the statements by which couriers take events and write what became of
//! them. Each is a short transaction, in which nothing is handed on but to a sink that is at hand.
//!
//! A courier takes an aggregate by its first event that is not delivered, and with it those that
//! follow: whoever has the first keeps all others off the rest.

use crate::db::keys::among;
use crate::db::{Db, DbError, Timestamp, Tx};
use crate::events::outbox::Event;
use chrono::TimeDelta;
use entity::outbox::{Column, Entity, Model};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{
    Alias, Asterisk, Expr, ExprTrait, IntoIden, LockBehavior, LockType, Order, Query,
    SelectStatement, SimpleExpr, UpdateStatement,
};
use uuid::Uuid;

/// Written out, so that the planner knows that the partial indexes have all of them.
pub(super) const OPEN: &str = "status IN ('PENDING', 'INFLIGHT')";
/// What the events before an event are called in a question about it.
const EARLIER: &str = "earlier";
/// How long a delivered event can be looked at.
pub const SENT_KEPT: TimeDelta = TimeDelta::days(7);
/// Placeholders in one statement at most.
const KEYS_AT_ONCE: usize = 512;

/// An event that a courier holds.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) row: i64,
    pub(super) attempts: i32,
    pub(super) event: Event,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Sent,
    /// Refused, and offered again after this time.
    Again {
        reason: String,
        after: TimeDelta,
    },
    /// Refused for the last time.
    Dead {
        reason: String,
    },
    /// Not offered: as if it had not been taken.
    Back,
}

/// Takes events: of as many aggregates as there are places their first one, then what follows them
/// while there are places left. Of what was written before the row `from`, none is looked for. They come
/// by aggregate, in the order of each.
pub(super) async fn claim(
    db: &Db,
    claim: Uuid,
    (from, places): (Option<i64>, u64),
    lease: TimeDelta,
) -> Result<Vec<Held>, DbError> {
    let mut rows = db
        .tx(|tx| async move {
            let mut rows = claim_heads_in_txn(&tx, claim, (from, places), lease).await?;
            let taken = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            let left = places.saturating_sub(taken);
            if left > 0 && !rows.is_empty() {
                rows.extend(claim_followers_in_txn(&tx, claim, &rows, left, lease).await?);
            }
            Ok::<_, DbError>(rows)
        })
        .await?;
    rows.sort_by_key(|row| (row.aggregate_id, row.seq));
    Ok(rows.into_iter().map(held).collect())
}

fn held(row: Model) -> Held {
    Held {
        row: row.id,
        attempts: row.attempts,
        event: Event {
            id: row.event_id,
            topic: row.topic,
            kind: row.kind,
            aggregate_id: row.aggregate_id,
            seq: row.seq,
            payload: row.payload,
            correlation_id: row.correlation_id,
            created_at: row.created_at,
        },
    }
}

/// Takes events as [`claim`] does, until the transaction ends: others pass by their rows meanwhile.
pub(super) async fn hold_in_txn(
    tx: &Tx,
    (from, places): (Option<i64>, u64),
) -> Result<Vec<Held>, DbError> {
    let whole = (Entity, Asterisk);
    let mut rows: Vec<Model> = tx.all(heads(tx, from, places).column(whole)).await?;
    let taken = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let left = places.saturating_sub(taken);
    if left > 0 && !rows.is_empty() {
        let held: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut followers = followers(tx, &rows, left, is_earlier_due(tx).not());
        followers.column(whole).and_where(among(Expr::col((Entity, Column::Id)), &held).not());
        rows.extend(tx.all::<Model>(&followers).await?);
    }
    rows.sort_by_key(|row| (row.aggregate_id, row.seq));
    Ok(rows.into_iter().map(held).collect())
}

async fn claim_heads_in_txn(
    tx: &Tx,
    claim: Uuid,
    (from, places): (Option<i64>, u64),
    lease: TimeDelta,
) -> Result<Vec<Model>, DbError> {
    // Apart from the update: inside it, Postgres may run the choice more than once, and each time
    // skip what the last one locked.
    let chosen: Vec<Chosen> = tx.all(heads(tx, from, places).column((Entity, Column::Id))).await?;
    take_in_txn(tx, claim, &chosen, lease).await
}

/// The first event of each aggregate that is due, in the order of writing; locks them.
fn heads(tx: &Tx, from: Option<i64>, places: u64) -> SelectStatement {
    let mut heads = Query::select();
    heads
        .from(Entity)
        .and_where(Expr::cust(OPEN))
        .and_where_option(from.map(|from| Expr::col((Entity, Column::Id)).gte(from)))
        .and_where(is_due(tx.db(), Entity))
        .and_where(none(earlier(Entity)))
        .order_by((Entity, Column::Id), Order::Asc)
        .limit(places);
    if tx.db().is_postgres() {
        heads.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    heads
}

/// What follows heads that this transaction holds, up to the first that is not due.
async fn claim_followers_in_txn(
    tx: &Tx,
    claim: Uuid,
    heads: &[Model],
    places: u64,
    lease: TimeDelta,
) -> Result<Vec<Model>, DbError> {
    let its_claim = || Expr::col((Alias::new(EARLIER), Column::Claim));
    let foreign = its_claim().ne(claim).or(its_claim().is_null());
    let mut followers = followers(tx, heads, places, foreign.and(is_earlier_due(tx).not()));
    followers.column((Entity, Column::Id));
    let chosen: Vec<Chosen> = tx.all(&followers).await?;
    take_in_txn(tx, claim, &chosen, lease).await
}

fn is_earlier_due(tx: &Tx) -> SimpleExpr {
    is_due(tx.db(), Alias::new(EARLIER))
}

/// What follows these heads, up to the first before which an earlier one stops it.
fn followers(tx: &Tx, heads: &[Model], places: u64, stops: SimpleExpr) -> SelectStatement {
    let mut in_the_way = earlier(Entity);
    in_the_way.and_where(stops);
    let aggregates: Vec<Uuid> = heads.iter().map(|head| head.aggregate_id).collect();
    let mut followers = Query::select();
    followers
        .from(Entity)
        .and_where(among(Expr::col((Entity, Column::AggregateId)), &aggregates))
        .and_where(Expr::cust(OPEN))
        .and_where(is_due(tx.db(), Entity))
        .and_where(none(in_the_way))
        // By aggregate, so that what the limit cuts off is the end of one.
        .order_by((Entity, Column::AggregateId), Order::Asc)
        .order_by((Entity, Column::Seq), Order::Asc)
        .limit(places);
    followers
}

#[derive(FromQueryResult)]
struct Chosen {
    id: i64,
}

async fn take_in_txn(
    tx: &Tx,
    claim: Uuid,
    chosen: &[Chosen],
    lease: TimeDelta,
) -> Result<Vec<Model>, DbError> {
    let mut taken = Vec::with_capacity(chosen.len());
    for chosen in chosen.chunks(KEYS_AT_ONCE) {
        let keys: Vec<i64> = chosen.iter().map(|chosen| chosen.id).collect();
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::Status, "INFLIGHT")
            .value(Column::Claim, claim)
            .value(Column::LeaseUntil, tx.db().now_plus_sql(lease))
            .and_where(among(Expr::col(Column::Id), &keys))
            .and_where(Expr::cust(OPEN))
            .returning_all();
        taken.extend(tx.all::<Model>(&update).await?);
    }
    Ok(taken)
}

/// Whether nobody holds it, and it is time for it.
fn is_due(db: &Db, of: impl IntoIden) -> SimpleExpr {
    let of = of.into_iden();
    let column = |column: Column| Expr::col((of.clone(), column));
    let free = column(Column::Status).eq("PENDING");
    let left = column(Column::LeaseUntil).lt(now_once(db));
    column(Column::NextAttemptAt).lte(now_once(db)).and(free.or(left))
}

/// Whether there are none of these.
fn none(earlier: SelectStatement) -> SimpleExpr {
    SimpleExpr::from(earlier).is_null()
}

/// The first of the undelivered events of the same aggregate that come before, as `earlier`. Not asked
/// for with NOT EXISTS, which Postgres makes a join of: seeing hardly an event undelivered when it
/// last counted, it then goes through all of them for each event.
fn earlier(than: impl IntoIden) -> SelectStatement {
    let (than, earlier) = (than.into_iden(), Alias::new(EARLIER));
    let mut select = Query::select();
    select
        .expr(Expr::col((earlier.clone(), Column::Seq)).min())
        .from_as(Entity, earlier.clone())
        .and_where(
            Expr::col((earlier.clone(), Column::AggregateId))
                .equals((than.clone(), Column::AggregateId)),
        )
        .and_where(Expr::col((earlier.clone(), Column::Seq)).lt(Expr::col((than, Column::Seq))))
        // Written out: bound, a general plan could not use the partial index, and would walk through all
        // that was ever delivered of the aggregate. Not as in `OPEN`, which is said of another index:
        // seeing no event undelivered when it last counted, Postgres takes either for empty, and may
        // read all open ones for each instead of those of one aggregate.
        .and_where(Expr::cust("earlier.status <> 'SENT' AND earlier.status <> 'DEAD'"));
    select
}

/// Writes what became of events, of those that this claim still holds: what somebody else has taken
/// over is theirs. Tells for how many it counts.
pub(super) async fn settle(db: &Db, claim: Uuid, fates: &[(i64, Fate)]) -> Result<u64, DbError> {
    let mut statements = settling(db, fates, true);
    for update in &mut statements {
        update
            .and_where(Expr::col(Column::Claim).eq(claim))
            .and_where(Expr::cust("status = 'INFLIGHT'"))
            .returning(Query::returning().column(Column::Id));
    }
    let settled: Vec<Chosen> = db.write_each(&statements).await?;
    Ok(u64::try_from(settled.len()).unwrap_or(u64::MAX))
}

/// Writes what became of events that [`hold_in_txn`] took.
pub(super) async fn settle_in_txn(tx: &Tx, fates: &[(i64, Fate)]) -> Result<(), DbError> {
    for update in settling(tx.db(), fates, false) {
        tx.run(&update).await?;
    }
    Ok(())
}

/// What writes it; what was not offered is as it was, but for being taken.
fn settling(db: &Db, fates: &[(i64, Fate)], taken: bool) -> Vec<UpdateStatement> {
    let rows = |wanted: &Fate| -> Vec<i64> {
        fates.iter().filter(|(_, fate)| fate == wanted).map(|(row, _)| *row).collect()
    };
    let mut statements = Vec::new();
    for rows in rows(&Fate::Sent).chunks(KEYS_AT_ONCE) {
        let mut update = leaving("SENT", rows);
        update.value(Column::SentAt, db.now_sql()).value(Column::LastError, Option::<String>::None);
        statements.push(update);
    }
    for rows in rows(&Fate::Back).chunks(KEYS_AT_ONCE).filter(|_| taken) {
        statements.push(leaving("PENDING", rows));
    }
    for (row, fate) in fates {
        let (status, reason, after) = match fate {
            Fate::Sent | Fate::Back => continue,
            Fate::Again { reason, after } => ("PENDING", reason, *after),
            Fate::Dead { reason } => ("DEAD", reason, TimeDelta::zero()),
        };
        let mut update = leaving(status, &[*row]);
        update
            .value(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .value(Column::NextAttemptAt, db.now_plus_sql(after))
            .value(Column::LastError, reason.as_str());
        statements.push(update);
    }
    statements
}

fn leaving(status: &'static str, rows: &[i64]) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, status)
        .value(Column::Claim, Option::<Uuid>::None)
        .value(Column::LeaseUntil, Option::<Timestamp>::None)
        .and_where(among(Expr::col(Column::Id), rows));
    update
}

/// How long the events that nobody has delivered wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Since when the oldest could have been delivered; None when there is none.
    pub oldest: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct Oldest {
    oldest: Option<Timestamp>,
}

/// Tells since when events wait that could have been delivered: not those that are offered again
/// later.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn waiting(db: &Db) -> Result<Waiting, DbError> {
    let mut select = Query::select();
    select
        .expr_as(Expr::col(Column::NextAttemptAt), "oldest")
        .from(Entity)
        .and_where(Expr::cust(OPEN))
        .and_where(Expr::col(Column::NextAttemptAt).lte(now_once(db)))
        .order_by(Column::Id, Order::Asc)
        .limit(1);
    let oldest: Option<Oldest> = db.one(&select).await?;
    Ok(Waiting { oldest: oldest.and_then(|row| row.oldest) })
}

/// Forgets events that were delivered more than a week ago, of each aggregate the oldest first;
/// tells how many.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn purge_sent(db: &Db) -> Result<u64, DbError> {
    let old = |db: &Db| {
        let before = || db.now_plus_sql(-SENT_KEPT);
        let kept = Alias::new("kept");
        let column = |column: Column| Expr::col((kept.clone(), column));
        let mut in_the_way = Query::select();
        in_the_way
            .expr(Expr::value(1))
            .from_as(Entity, kept.clone())
            .and_where(column(Column::AggregateId).equals((Entity, Column::AggregateId)))
            .and_where(column(Column::Seq).lt(Expr::col((Entity, Column::Seq))))
            .and_where(column(Column::Status).ne("SENT").or(column(Column::SentAt).gte(before())));
        let mut old = Query::select();
        old.column((Entity, Column::Id))
            .from(Entity)
            .and_where(Expr::cust("status = 'SENT'"))
            .and_where(Expr::col((Entity, Column::SentAt)).lt(before()))
            .and_where(Expr::exists(in_the_way).not())
            .order_by((Entity, Column::SentAt), Order::Asc)
            .order_by((Entity, Column::Id), Order::Asc);
        old
    };
    db.delete_in_batches(Entity, Column::Id, old).await
}

/// The present time, asked for once a statement: an index can be searched for it.
fn now_once(db: &Db) -> SimpleExpr {
    Query::select().expr(db.now_sql()).to_owned().into()
}
