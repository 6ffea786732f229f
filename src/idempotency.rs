//! Idempotency keys: a mutation that is sent again answers as it did the first time. The key is
//! claimed and its outcome written in the transaction of the effect, so that both stand or neither
//! does; a refusal that changed nothing rolls the claim back with the rest.

use crate::db::{Db, DbError, DbErrorKind, Tx};
use crate::validation::{Problem, ProblemKind};
use entity::idempotency::{Column, Entity, Model};
use sea_orm::sea_query::{
    Expr, ExprTrait, OnConflict, Order, Query, SelectStatement, UpdateStatement,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// How long a key is kept.
pub const KEPT_HOURS: i64 = 72;
const MAX_KEY_CHARS: usize = 255;
/// Keys that one transaction forgets at most.
const PURGED_AT_ONCE: u64 = 1_000;

/// A key that a client gave, bound to who sent it, for which mutation and with what input.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    scope: String,
    operation: &'static str,
    key: String,
    fingerprint: Vec<u8>,
}

/// What claiming a key found.
#[derive(Debug)]
pub enum Claim<T> {
    /// Nobody used it: go on.
    New,
    /// It was used with the same input, and this is what came of it.
    Earlier(T),
}

/// Why a key cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IdempotencyError {
    /// It was used with another input.
    #[error("the idempotency key was used with another input")]
    DifferentInput,
    /// Its first use did not end within the time that this one could wait.
    #[error("the first use of the idempotency key still runs")]
    InProgress,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl IdempotencyKey {
    /// Binds a key to `scope`, which tells who sends it (`Viewer::scope`). `input` is the coerced
    /// input of the mutation, the key itself left out.
    ///
    /// # Errors
    /// A [`Problem`] when the key is not of 1 to 255 printable ASCII characters.
    pub fn bind(
        scope: String,
        operation: &'static str,
        key: &str,
        input: &impl Serialize,
    ) -> Result<Self, Problem> {
        let printable = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if key.is_empty() || key.len() > MAX_KEY_CHARS || !printable {
            return Err(Problem::new(
                ProblemKind::Invalid,
                ["idempotencyKey"],
                format!("The key must have 1 to {MAX_KEY_CHARS} printable ASCII characters."),
            ));
        }
        // Serialising plain inputs cannot fail; were it to, equal inputs would still agree.
        let canonical = serde_json::to_value(input).unwrap_or_default().to_string();
        let fingerprint = Sha256::digest(canonical.as_bytes()).to_vec();
        Ok(Self { scope, operation, key: key.to_owned(), fingerprint })
    }

    /// Claims the key in a transaction, as its first statement. When another transaction has
    /// claimed it and still runs, this waits for it: on Postgres at the key's row, on SQLite for
    /// the turn to write.
    ///
    /// # Errors
    /// [`IdempotencyError`] when the key cannot be used.
    pub async fn claim_in_txn<T: DeserializeOwned>(
        &self,
        tx: &Tx,
    ) -> Result<Claim<T>, IdempotencyError> {
        self.claim(tx, serde_json::Value::Null).await
    }

    /// The same for whoever knows before it is done what will have come of it.
    ///
    /// # Errors
    /// As [`IdempotencyKey::claim_in_txn`].
    pub async fn claim_for_in_txn<T: Serialize + DeserializeOwned>(
        &self,
        tx: &Tx,
        outcome: &T,
    ) -> Result<Claim<T>, IdempotencyError> {
        self.claim(tx, serde_json::to_value(outcome).unwrap_or_default()).await
    }

    async fn claim<T: DeserializeOwned>(
        &self,
        tx: &Tx,
        outcome: serde_json::Value,
    ) -> Result<Claim<T>, IdempotencyError> {
        let mut insert = Query::insert();
        insert
            .into_table(Entity)
            .columns([
                Column::Scope,
                Column::Operation,
                Column::Key,
                Column::Fingerprint,
                Column::Outcome,
                Column::CreatedAt,
            ])
            .values_panic([
                Expr::value(self.scope.as_str()),
                Expr::value(self.operation),
                Expr::value(self.key.as_str()),
                Expr::value(self.fingerprint.clone()),
                Expr::value(outcome),
                tx.db().now_sql(),
            ])
            .on_conflict(OnConflict::new().do_nothing().to_owned());
        let claimed = tx.run(&insert).await.map_err(|error| match error.kind {
            // The whole is repeated as long as a request may take; the first one runs even longer.
            DbErrorKind::Contention | DbErrorKind::TimedOut if !tx.is_repeated_after(&error) => {
                IdempotencyError::InProgress
            }
            _ => IdempotencyError::Db(error),
        })?;
        if claimed == 1 {
            return Ok(Claim::New);
        }
        let found: Option<Model> = tx.one(&self.select()).await?;
        let Some(found) = found else {
            // Between the two statements the other one rolled back or was purged.
            return Err(IdempotencyError::InProgress);
        };
        tx.repeats();
        if found.fingerprint != self.fingerprint {
            return Err(IdempotencyError::DifferentInput);
        }
        serde_json::from_value(found.outcome).map(Claim::Earlier).map_err(|error| {
            IdempotencyError::Db(DbError {
                kind: DbErrorKind::Fault,
                constraint: None,
                message: format!("the outcome of an idempotency key cannot be read: {error}"),
            })
        })
    }

    /// Writes what came of the mutation, in the same transaction.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn record_in_txn(&self, tx: &Tx, outcome: &impl Serialize) -> Result<(), DbError> {
        tx.run(&self.recording(outcome)).await?;
        Ok(())
    }

    /// The same, sent with other writes of the transaction.
    pub fn record_later(&self, tx: &Tx, outcome: &impl Serialize) {
        tx.later(Entity, self.recording(outcome), 1);
    }

    fn recording(&self, outcome: &impl Serialize) -> UpdateStatement {
        let outcome = serde_json::to_value(outcome).unwrap_or_default();
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::Outcome, outcome)
            .and_where(Expr::col(Column::Scope).eq(self.scope.as_str()))
            .and_where(Expr::col(Column::Operation).eq(self.operation))
            .and_where(Expr::col(Column::Key).eq(self.key.as_str()));
        update
    }

    fn select(&self) -> SelectStatement {
        Entity::find()
            .filter(Column::Scope.eq(self.scope.as_str()))
            .filter(Column::Operation.eq(self.operation))
            .filter(Column::Key.eq(self.key.as_str()))
            .into_query()
    }
}

/// Forgets the keys that are older than [`KEPT_HOURS`], a batch at a time, so that nobody waits
/// long for the writer; tells how many.
///
/// # Errors
/// [`DbError`] when the database refuses.
pub async fn purge(db: &Db) -> Result<u64, DbError> {
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
    let key = [Column::Scope, Column::Operation, Column::Key];
    let since = tx.db().now_plus_sql(chrono::TimeDelta::hours(-KEPT_HOURS));
    let mut old = Query::select();
    old.columns(key)
        .from(Entity)
        .and_where(Expr::col(Column::CreatedAt).lt(since))
        .order_by(Column::CreatedAt, Order::Asc)
        .limit(PURGED_AT_ONCE);
    let mut delete = Query::delete();
    delete.from_table(Entity).and_where(Expr::tuple(key.map(Expr::col)).in_subquery(old));
    tx.run(&delete).await
}
