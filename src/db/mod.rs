//! The database: pools, the one helper that opens transactions, and the mapping of its errors.
//! SQLite and Postgres look the same from here up.

mod commits;
mod connect;
mod error;
mod heard;
mod in_turn;
pub mod keys;
mod later;
mod lines;
mod looks;
mod migrate;
pub mod page;
mod pools;
mod purge;
mod round;
mod snapshot;
mod stats;
pub mod text;
mod tx;
mod write;
mod writes;

pub use error::{DbError, DbErrorKind};
pub use heard::Heard;
pub use later::Write;
pub use looks::Looks;
pub use pools::PoolFigures;
pub use stats::SqlStats;
pub use tx::{Tx, TxError};
pub use writes::Writes;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, Query, SimpleExpr};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, FromQueryResult, StatementBuilder};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::{Semaphore, watch};

/// Clocks are compared when the answer took no longer.
const CLOSE: TimeDelta = TimeDelta::milliseconds(100);

/// One moment, in UTC, cut to microseconds.
pub type Timestamp = DateTime<Utc>;

/// Handle on the database; cheap to clone, which each request does many times over.
#[derive(Clone)]
pub struct Db {
    parts: Arc<Parts>,
}

/// What the handles share.
pub struct Parts {
    read: DatabaseConnection,
    write: DatabaseConnection,
    /// Places for transactions, given in the order of asking: fewer than connections, so that
    /// reads find one however many want to write.
    writers: Arc<Semaphore>,
    /// On SQLite the turn to write, shared with those beside: see [`Db::beside`].
    turn: Option<Arc<Semaphore>>,
    /// Where writers stand in line for rows that many want.
    lines: lines::Lines,
    backend: DbBackend,
    clock_offset_us: Arc<AtomicI64>,
    /// By how much the database's clock is ahead of this process's, as it was seen last.
    clock_ahead_us: Arc<AtomicI64>,
    commits: commits::Commits,
    work: watch::Sender<()>,
    events: watch::Sender<()>,
}

impl Deref for Db {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Db {
    /// Whether this is Postgres; otherwise it is SQLite.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.backend == DbBackend::Postgres
    }

    /// The database's dialect.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    /// The pool that reads use. On SQLite it refuses writes.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// Runs a query outside any transaction and decodes all its rows.
    ///
    /// # Errors
    /// [`DbError`] when the database cannot be reached or refuses.
    pub async fn all<T: FromQueryResult>(
        &self,
        query: &impl StatementBuilder,
    ) -> Result<Vec<T>, DbError> {
        rows(&self.read, query).await
    }

    /// Runs a query outside any transaction and decodes its first row, if any.
    ///
    /// # Errors
    /// [`DbError`] when the database cannot be reached or refuses.
    pub async fn one<T: FromQueryResult>(
        &self,
        query: &impl StatementBuilder,
    ) -> Result<Option<T>, DbError> {
        row(&self.read, query).await
    }

    /// The present time as SQL: the database's own clock on Postgres, so that replicas agree; the
    /// process's clock on SQLite, whose database is the process. Tests can move both.
    #[must_use]
    pub fn now_sql(&self) -> SimpleExpr {
        self.now_plus_sql(TimeDelta::zero())
    }

    /// A time so long from now (or ago, when negative) as SQL, by the clock of [`Db::now_sql`].
    #[must_use]
    pub fn now_plus_sql(&self, by: TimeDelta) -> SimpleExpr {
        if !self.is_postgres() {
            return Expr::value(self.now() + by);
        }
        let offset_us = self
            .clock_offset_us
            .load(Ordering::Relaxed)
            .saturating_add(by.num_microseconds().unwrap_or_default());
        if offset_us == 0 {
            return Expr::cust("clock_timestamp()");
        }
        Expr::cust_with_values("(clock_timestamp() + $1 * interval '1 microsecond')", [offset_us])
    }

    /// The present time by the clock of [`Db::now_sql`], for what is named by it in code.
    ///
    /// # Errors
    /// [`DbError`] when the database cannot be reached.
    pub async fn clock(&self) -> Result<Timestamp, DbError> {
        if !self.is_postgres() {
            return Ok(self.now());
        }
        let mut select = Query::select();
        select.expr_as(self.now_sql(), "now");
        let asked_at = self.now();
        let clock: Option<Clock> = self.one(&select).await?;
        let Some(Clock { now }) = clock else { return Ok(self.now()) };
        self.compare_clocks(asked_at, now);
        Ok(now)
    }

    /// Notes what time the database said it is, when asked at this time of the process.
    pub fn compare_clocks(&self, asked_at: Timestamp, told: Timestamp) {
        let answered_at = self.now();
        let way = answered_at - asked_at;
        // Who waited long does not know when the database looked at its clock.
        if self.is_postgres() && TimeDelta::zero() <= way && way <= CLOSE {
            let ahead = told - (asked_at + way / 2);
            let us = ahead.num_microseconds().unwrap_or_default();
            self.clock_ahead_us.store(us, Ordering::Relaxed);
        }
    }

    /// The present time by the clock of the database, as far as it is known without asking: for how
    /// long ago something is that the database has the time of, not for deciding anything.
    #[must_use]
    pub fn estimated_clock(&self) -> Timestamp {
        self.now() + TimeDelta::microseconds(self.clock_ahead_us.load(Ordering::Relaxed))
    }

    /// The present time of this process, cut to microseconds, moved by the test offset. Not for
    /// comparing with times that another replica may have written: see [`Db::now_sql`].
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = Utc::now() + self.clock_offset();
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    /// By how much tests have moved the clock.
    #[must_use]
    pub fn clock_offset(&self) -> TimeDelta {
        TimeDelta::microseconds(self.clock_offset_us.load(Ordering::Relaxed))
    }

    /// Moves the clock that SQL sees, for tests of expiry.
    pub fn move_clock(&self, by: TimeDelta) {
        let us = by.num_microseconds().unwrap_or_default();
        self.clock_offset_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Tells those who work in the background of this process that a row was committed for them.
    pub fn announce_work(&self) {
        self.work.send_replace(());
    }

    /// Hears [`Db::announce_work`] from now on.
    #[must_use]
    pub fn work_announced(&self) -> watch::Receiver<()> {
        self.work.subscribe()
    }

    /// Tells the couriers of this process that events were committed.
    pub fn announce_events(&self) {
        self.events.send_replace(());
    }

    /// Hears [`Db::announce_events`] from now on.
    #[must_use]
    pub fn events_announced(&self) -> watch::Receiver<()> {
        self.events.subscribe()
    }

    /// Answers when the database does.
    ///
    /// # Errors
    /// [`DbError`] when it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.read.ping().await.map_err(DbError::from)
    }

    /// Closes the pools after the statements under way.
    pub async fn close(&self) {
        // Nothing is left to do for an error while closing.
        let _ = self.read.clone().close().await;
        let _ = self.write.clone().close().await;
    }
}

#[derive(FromQueryResult)]
struct Clock {
    now: Timestamp,
}

/// Decodes all rows of a query on any connection.
///
/// # Errors
/// [`DbError`] when the database refuses, or a row is not of the shape asked for.
pub async fn rows<T: FromQueryResult>(
    connection: &impl ConnectionTrait,
    query: &impl StatementBuilder,
) -> Result<Vec<T>, DbError> {
    let rows = connection.query_all(query).await?;
    let decoded: Result<Vec<T>, _> = rows.iter().map(|row| T::from_query_result(row, "")).collect();
    Ok(decoded?)
}

/// Decodes the first row of a query on any connection.
///
/// # Errors
/// [`DbError`] when the database refuses, or the row is not of the shape asked for.
pub async fn row<T: FromQueryResult>(
    connection: &impl ConnectionTrait,
    query: &impl StatementBuilder,
) -> Result<Option<T>, DbError> {
    let row = connection.query_one(query).await?;
    Ok(row.map(|row| T::from_query_result(&row, "")).transpose()?)
}
