//! The outbox for those who look after it: what is in it, and another chance for what was refused.

use crate::db::page::{Keyset, Page, Window};
use crate::db::{Db, DbError, Timestamp, Tx};
use crate::events::outbox::rows::OPEN;
use entity::outbox::{Column, Entity, Model};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Query, SelectStatement};
use std::collections::HashMap;
use uuid::Uuid;

macro_rules! statuses {
    ($($(#[doc = $about:literal])+ $status:ident $name:literal,)+) => {
        /// Where an event stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventStatus {
            $($(#[doc = $about])+ $status,)+
        }

        impl EventStatus {
            /// Every status.
            pub const ALL: &'static [Self] = &[$(Self::$status,)+];

            /// Its name, in the schema and in the database.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$status => $name,)+ }
            }

            /// What it means.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$status => concat!($($about),+).trim_start(),)+ }
            }
        }
    };
}

statuses! {
    /// It is to be delivered, now or when its time has come.
    Pending "PENDING",
    /// It is on its way.
    Inflight "INFLIGHT",
    /// It was delivered.
    Sent "SENT",
    /// It was refused for the last time; others of its object are delivered without it.
    Dead "DEAD",
}

/// An event as operators see it.
#[derive(Debug, Clone)]
pub struct OutboxEvent {
    /// The key, by which whoever is told twice knows it.
    pub id: Uuid,
    /// What it is about.
    pub topic: String,
    /// What happened.
    pub kind: String,
    /// To which row.
    pub aggregate_id: Uuid,
    /// The row's version after it.
    pub seq: i64,
    /// Where it stands.
    pub status: EventStatus,
    /// How often it was refused.
    pub attempts: i32,
    /// Why it was refused last.
    pub last_error: Option<String>,
    /// The request or job that it comes from.
    pub correlation_id: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was delivered.
    pub sent_at: Option<Timestamp>,
}

impl From<Model> for OutboxEvent {
    fn from(row: Model) -> Self {
        let all = EventStatus::ALL.iter().copied();
        Self {
            id: row.event_id,
            topic: row.topic,
            kind: row.kind,
            aggregate_id: row.aggregate_id,
            seq: row.seq,
            // A CHECK names the words.
            status: all.clone().find(|it| it.name() == row.status).unwrap_or(EventStatus::Dead),
            attempts: row.attempts,
            last_error: row.last_error,
            correlation_id: row.correlation_id,
            created_at: row.created_at,
            sent_at: row.sent_at,
        }
    }
}

/// How many events are not delivered; of more than 10,000 so many.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn count_open(db: &Db) -> Result<u32, DbError> {
    let mut open = Query::select();
    open.column(Column::Id).from(Entity).and_where(Expr::cust(OPEN)).limit(COUNTED_AT_MOST);
    let mut select = Query::select();
    select.expr_as(Expr::col(Asterisk).count(), "count").from_subquery(open, Alias::new("open"));
    let count: Option<Count> = db.one(&select).await?;
    Ok(count.map_or(0, |row| u32::try_from(row.count).unwrap_or(u32::MAX)))
}

/// More events than so many are not counted.
const COUNTED_AT_MOST: u64 = 10_000;

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

/// A page of events, the latest first.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn list(
    db: &Db,
    status: Option<EventStatus>,
    window: &Window,
) -> Result<Page<OutboxEvent>, DbError> {
    let mut select = select(status);
    select.column((Entity, Asterisk));
    let id = Expr::col((Entity, Column::EventId));
    Keyset { key: None, id, descending: true }.apply(&mut select, window);
    let rows = db.all::<Model>(&select).await?;
    Ok(Page::cut(rows.into_iter().map(OutboxEvent::from).collect(), window))
}

/// How many events a list has.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn count(db: &Db, status: Option<EventStatus>) -> Result<u64, DbError> {
    let mut select = select(status);
    select.expr_as(Expr::col((Entity, Column::Id)).count(), "count");
    let count = db.one::<Count>(&select).await?;
    Ok(count.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
}

/// Events by key.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn find_many(db: &Db, ids: &[Uuid]) -> Result<HashMap<Uuid, OutboxEvent>, DbError> {
    let mut select = select(None);
    select
        .column((Entity, Asterisk))
        .and_where(Expr::col((Entity, Column::EventId)).is_in(ids.iter().copied()));
    let rows = db.all::<Model>(&select).await?;
    Ok(rows.into_iter().map(|row| (row.event_id, row.into())).collect())
}

/// Gives the dead among these events all their attempts again; tells which these were.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn retry_in_txn(tx: &Tx, ids: &[Uuid]) -> Result<Vec<OutboxEvent>, DbError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Status, "PENDING")
        .value(Column::Attempts, 0_i32)
        .value(Column::NextAttemptAt, tx.db().now_sql())
        .and_where(Expr::col(Column::EventId).is_in(ids.iter().copied()))
        .and_where(Expr::cust("status = 'DEAD'"))
        .returning_all();
    let revived: Vec<Model> = tx.all(&update).await?;
    let db = tx.db().clone();
    tx.after_commit(move || db.announce_events());
    Ok(revived.into_iter().map(OutboxEvent::from).collect())
}

fn select(status: Option<EventStatus>) -> SelectStatement {
    let mut select = Query::select();
    select.from(Entity);
    if let Some(status) = status {
        // Written out, so that the planner may use the partial index of it.
        select.and_where(Expr::cust(format!("status = '{}'", status.name())));
    }
    select
}
