//! Brings the database's schema up to date: all steps that are missing, or none.

use crate::db::{Db, DbError, DbErrorKind, Tx};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbErr};

/// Replicas that start together migrate one after the other, behind this lock. On SQLite the write
/// lock of the transaction does the same.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8243110875042)";

/// A step may build an index over a large table and wait for its turn: longer than any request may.
const PATIENCE: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; \
                        SET LOCAL idle_in_transaction_session_timeout = 0";

impl Db {
    /// Applies the steps that are missing, in one transaction, and tells their names.
    ///
    /// # Errors
    /// [`DbError`] when a step fails; the schema is then as it was.
    pub async fn migrate(&self) -> Result<Vec<String>, DbError> {
        if self.pending_migrations().await?.is_empty() {
            return Ok(Vec::new());
        }
        self.tx(|tx| async move { migrate_in_txn(&tx).await }).await
    }

    /// The steps that are missing. Changes nothing.
    ///
    /// # Errors
    /// [`DbError`] when the database cannot be read, or is of a newer version of the program.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, DbError> {
        let pending = Migrator::get_pending_migrations_read_only(self.reader()).await;
        let pending = pending.map_err(known_step)?;
        Ok(pending.iter().map(|step| step.name().to_owned()).collect())
    }
}

/// Says what to do when the database knows a step that the program does not.
fn known_step(error: DbErr) -> DbError {
    let DbErr::Custom(unknown) = error else { return error.into() };
    DbError {
        kind: DbErrorKind::Fault,
        constraint: None,
        message: format!(
            "a newer release has brought it up to date: start that one, or one that came after it; {unknown}"
        ),
    }
}

async fn migrate_in_txn(tx: &Tx) -> Result<Vec<String>, DbError> {
    let connection = tx.connection();
    if tx.db().is_postgres() {
        connection.execute_unprepared(PATIENCE).await?;
        connection.execute_unprepared(LOCK).await?;
    }
    // Read again behind the lock: another replica may have done it meanwhile.
    let pending = Migrator::get_pending_migrations(connection).await?;
    Migrator::up(connection, None).await?;
    Ok(pending.iter().map(|step| step.name().to_owned()).collect())
}
