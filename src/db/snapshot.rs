//! Reading at length: all statements see the database as it was at one moment, and nobody waits for
//! whoever reads.

use crate::db::{Db, DbError, Tx};
use sea_orm::{
    AccessMode, ConnectionTrait, IsolationLevel, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

/// Longer than any request may take: whoever reads the whole database is in no hurry.
const PATIENCE: &str = "SET LOCAL statement_timeout = '10min'";

impl Db {
    /// Runs `body` in a transaction that reads alone. It takes no writer's place and no lock.
    ///
    /// # Errors
    /// The body's, and [`DbError`] of `BEGIN`.
    pub async fn snapshot<T, F, Fut>(&self, body: F) -> Result<T, DbError>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T, DbError>>,
    {
        let options = if self.is_postgres() {
            TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            }
        } else {
            TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..TransactionOptions::default()
            }
        };
        let pool = self.reader().clone();
        // In a task of its own: a cancelled `BEGIN` would leave the connection in a transaction.
        let begin = tokio::spawn(async move { pool.begin_with_options(options).await });
        let transaction = begin.await.map_err(|_| DbError::stray())??;
        let tx = Tx::new(transaction, self.clone());
        if self.is_postgres() {
            tx.connection().execute_unprepared(PATIENCE).await?;
        }
        // There is nothing to commit: dropping it ends it.
        body(tx).await
    }
}
