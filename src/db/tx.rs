//! The one place that opens transactions: shielded from cancellation, IMMEDIATE on SQLite,
//! repeated when another transaction was in the way, and with actions that wait for the commit.

use crate::db::commits::Committing;
use crate::db::lines::Turn;
use crate::db::round::{Round, WRITER_PATIENCE};
use crate::db::{Clock, Db, DbError, DbErrorKind, SqlStats, Timestamp, Writes};
use crate::failpoint;
use crate::telemetry;
use futures::{FutureExt, TryFutureExt};
use parking_lot::Mutex;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, FromQueryResult, SqliteTransactionMode, StatementBuilder,
    TransactionOptions, TransactionTrait,
};
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{AcquireError, OwnedSemaphorePermit};
use tokio::time::timeout;
use tracing::Instrument;
use uuid::Uuid;

/// How often a transaction that stands in line tells the database that it lives: one that is idle for
/// 5 s is ended.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

tokio::task_local! {
    /// There inside the body of a transaction, and not in tasks that it spawns.
    static INSIDE: ();
}

/// An open transaction, and what it is still to write. Functions named `…_in_txn` take one, or its writes
/// alone when they only add to them; clones are the same transaction.
#[derive(Clone)]
pub struct Tx {
    inner: Arc<DatabaseTransaction>,
    writes: Arc<Writes>,
    repeats: Arc<AtomicBool>,
    /// What others of this process wait for until it has ended.
    turns: Arc<Mutex<Vec<Turn>>>,
    round: Round,
}

impl Deref for Tx {
    type Target = Writes;

    fn deref(&self) -> &Writes {
        &self.writes
    }
}

impl Tx {
    /// A transaction that is open, at its first try.
    pub(super) fn new(transaction: DatabaseTransaction, db: Db) -> Self {
        Self {
            inner: Arc::new(transaction),
            writes: Arc::new(Writes::new(db)),
            repeats: Arc::default(),
            turns: Arc::default(),
            round: Round::first(),
        }
    }

    /// The connection to run statements on that know nothing of writes that wait.
    #[must_use]
    pub fn connection(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Whether an earlier try of the same body met another transaction in its way. What was done
    /// in hope the first time is better done behind locks now.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.round.attempt > 1
    }

    /// Whether the body will be repeated when it ends with this error: otherwise what is in its way
    /// now is an answer.
    #[must_use]
    pub fn is_repeated_after(&self, error: &DbError) -> bool {
        self.round.is_repeated_after(error)
    }

    async fn run_last(&self) -> Result<(), DbError> {
        self.last_waits();
        self.send_waiting().await
    }

    /// What it answers was done by another transaction, which may have been committed this moment: it
    /// ends when what follows from that one is done, as if it were this one's.
    pub fn repeats(&self) {
        self.repeats.store(true, Ordering::Relaxed);
    }

    /// Decodes all rows of a query.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn all<T: FromQueryResult>(
        &self,
        query: &impl StatementBuilder,
    ) -> Result<Vec<T>, DbError> {
        self.send_waiting().await?;
        crate::db::rows(self.connection(), query).await
    }

    /// The same of a query that has nothing to do with the writes that wait: they go on waiting.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn all_aside<T: FromQueryResult>(
        &self,
        query: &impl StatementBuilder,
    ) -> Result<Vec<T>, DbError> {
        crate::db::rows(self.connection(), query).await
    }

    /// Decodes the first row of a query, if any.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn one<T: FromQueryResult>(
        &self,
        query: &impl StatementBuilder,
    ) -> Result<Option<T>, DbError> {
        self.send_waiting().await?;
        crate::db::row(self.connection(), query).await
    }

    /// The present time by the clock of [`Db::now_sql`], for rows that are made up before they are
    /// written.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn clock(&self) -> Result<Timestamp, DbError> {
        if !self.db().is_postgres() {
            return Ok(self.db().now());
        }
        let mut select = Query::select();
        select.expr_as(self.db().now_sql(), "now");
        let clock: Option<Clock> = crate::db::row(self.connection(), &select).await?;
        Ok(clock.map_or_else(|| self.db().now(), |clock| clock.now))
    }

    /// Waits until no other transaction holds the turn of this name, and holds it to the end: for
    /// limits on a number of rows, where there is no row to lock. On SQLite whoever writes has it.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn take_turn(&self, name: &str) -> Result<(), DbError> {
        if self.db().is_postgres() {
            let lock = "pg_advisory_xact_lock(hashtextextended($1, 0))";
            let mut select = Query::select();
            select.expr(Expr::cust_with_values(lock, [name]));
            self.run(&select).await?;
        }
        Ok(())
    }

    /// Stands in line, with others of this process, for rows that many change at once, by keys that
    /// name them; holds the turn to the end. Tells whether others were in front: what was read
    /// before is old then. Once in a transaction, and before it locks any of the rows. On SQLite
    /// whoever writes is alone.
    ///
    /// # Errors
    /// [`DbErrorKind::TimedOut`] when the turn did not come as long as a writer waits, and
    /// [`DbError`] when the database is gone meanwhile.
    pub async fn line_up(&self, keys: &[Uuid]) -> Result<bool, DbError> {
        if !self.db().is_postgres() {
            return Ok(false);
        }
        let mut taking = pin!(self.db().lines.take(keys.to_vec()));
        if let Some((turns, waited)) = taking.as_mut().now_or_never() {
            self.turns.lock().extend(turns);
            return Ok(waited);
        }
        // Not once it has its turn, when others wait for it.
        self.send_waiting().await?;
        loop {
            let left = self.round.time_left();
            if let Ok((turns, waited)) = timeout(SIGN_OF_LIFE.min(left), &mut taking).await {
                self.turns.lock().extend(turns);
                return Ok(waited);
            }
            if left <= SIGN_OF_LIFE {
                return Err(DbError {
                    kind: DbErrorKind::TimedOut,
                    constraint: None,
                    message: format!("no turn at a row within {} s", WRITER_PATIENCE.as_secs()),
                });
            }
            self.connection().execute_unprepared("SELECT 1").await?;
        }
    }

    /// Runs a statement now, whatever waits.
    pub(super) async fn execute(&self, statement: &impl StatementBuilder) -> Result<u64, DbError> {
        Ok(self.connection().execute(statement).await?.rows_affected())
    }

    /// Runs a statement and tells how many rows it touched.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn run(&self, statement: &impl StatementBuilder) -> Result<u64, DbError> {
        self.send_waiting().await?;
        self.execute(statement).await
    }
}

/// Errors that a transaction's body may end with: they tell whether to repeat it.
pub trait TxError: From<DbError> {
    /// The database error inside, if that is what it is.
    fn db_error(&self) -> Option<&DbError>;
}

impl TxError for DbError {
    fn db_error(&self) -> Option<&DbError> {
        Some(self)
    }
}

impl Db {
    /// Runs `body` in a transaction and commits it, or rolls back when it ends with an error. The
    /// whole body is repeated when another transaction was in the way, or a statement was cut off
    /// because it took too long and there is time for another try, so it must have no effect outside
    /// the database but through [`Tx::after_commit`].
    ///
    /// # Errors
    /// The body's own, and [`DbError`] of `BEGIN` and `COMMIT`.
    pub async fn tx<T, E, F, Fut>(&self, body: F) -> Result<T, E>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: TxError,
    {
        let began = Instant::now();
        // Boxed, as its body is: next to a transaction an allocation is nothing.
        let result = Box::pin(self.repeat(|round| self.attempt(&body, round))).await;
        telemetry::time(telemetry::DB_TRANSACTIONS, began.elapsed());
        result
    }

    /// Tries as often as it may help.
    pub(super) async fn repeat<T, E, F, Fut>(&self, attempt: F) -> Result<T, E>
    where
        F: Fn(Round) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: TxError,
    {
        let mut round = Round::first();
        loop {
            let result = attempt(round).await;
            let Err(error) = &result else { return result };
            if !error.db_error().is_some_and(|error| round.is_repeated_after(error)) {
                return result;
            }
            round = round.pause().await;
        }
    }

    /// Whether this task is in the body of a transaction, of whichever database: nothing slow and
    /// nothing foreign is waited for there.
    #[must_use]
    pub fn is_in_transaction() -> bool {
        INSIDE.try_with(|()| ()).is_ok()
    }

    async fn attempt<T, E, F, Fut>(&self, body: &F, round: Round) -> Result<T, E>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: TxError,
    {
        // Held to the end: a place among the writers is a connection.
        let (transaction, _place) = self.begin(round.patience()).await?;
        let tx = Tx { round, ..Tx::new(transaction, self.clone()) };
        // Boxed: the state of a body is large, and would stand in that of each caller up to the
        // request. Next to a transaction an allocation is nothing.
        let result = INSIDE.scope((), Box::pin(body(tx.clone()))).await;
        let result = match result {
            Ok(value) => Box::pin(tx.run_last()).await.map(|()| value).map_err(E::from),
            refused => refused,
        };
        // The next one in line goes when this one has ended.
        let Tx { inner, writes, repeats, turns, .. } = tx;
        let Some(inner) = Arc::into_inner(inner) else {
            // A clone outlived the body. Dropping the last one rolls back.
            return Err(DbError::stray().into());
        };
        match result {
            Ok(value) => {
                let committing = inner.commit().map_err(DbError::from);
                through(committing, writes, self.commits.begin()).await?;
                drop(turns);
                if repeats.load(Ordering::Relaxed) {
                    self.commits.told().await;
                }
                Ok(value)
            }
            Err(error) => {
                // The error of the body is the one to tell; a failed rollback ends the connection.
                let _ = inner.rollback().await;
                drop(turns);
                Err(error)
            }
        }
    }

    /// `BEGIN`, once it is this writer's turn, in a task of its own: when the caller is cancelled
    /// meanwhile, the task still ends and drops the transaction whole, which rolls it back.
    async fn begin(&self, patience: Duration) -> Result<(DatabaseTransaction, Place), DbError> {
        let place = self.place_within(patience).await?;
        let pool = self.write.clone();
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begin = async move {
            let transaction = pool.begin_with_options(options).await?;
            failpoint::reach("tx.during_begin").await;
            Ok((transaction, place))
        };
        tokio::spawn(begin).await.map_err(|_| DbError::stray())?
    }

    /// A place among the writers, when it comes in time.
    pub(super) async fn place_within(&self, patience: Duration) -> Result<Place, DbError> {
        let waited = timeout(patience, self.place()).await;
        let Ok(Ok(place)) = waited else { return Err(too_many_writers(patience)) };
        Ok(place)
    }

    /// Waits in line with those of the same pool first: only the foremost of each pool wait for the
    /// turn, so that it goes from pool to pool.
    async fn place(&self) -> Result<Place, AcquireError> {
        let place = Arc::clone(&self.writers).acquire_owned().await?;
        let turn = match &self.turn {
            Some(turn) => Some(Arc::clone(turn).acquire_owned().await?),
            None => None,
        };
        Ok((place, turn))
    }
}

/// A place among the writers, and the turn where writers of several pools take turns.
type Place = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

/// Commits, and does what follows from it, in a task of its own, so that a caller who is cancelled
/// meanwhile leaves neither the outcome to chance nor anybody untold.
pub(super) async fn through<T: Send + 'static>(
    commit: impl Future<Output = Result<T, DbError>> + Send + 'static,
    writes: Arc<Writes>,
    committing: Committing,
) -> Result<T, DbError> {
    let sql = SqlStats::current();
    let work = async move {
        // It may be a statement that commits by itself, which counts.
        let committed = sql.scope(commit).await?;
        failpoint::reach("tx.before_telling").await;
        writes.tell();
        drop(committing);
        Ok::<_, DbError>(committed)
    };
    tokio::spawn(work.in_current_span()).await.map_err(|_| DbError::stray())?
}

fn too_many_writers(patience: Duration) -> DbError {
    DbError {
        kind: DbErrorKind::Unavailable,
        constraint: None,
        message: format!("no turn to write within {} s", patience.as_secs()),
    }
}
