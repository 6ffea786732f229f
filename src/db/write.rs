//! Writes that are transactions by themselves.

use crate::db::round::Round;
use crate::db::tx::too_many_writers;
use crate::db::{Db, DbError};
use crate::telemetry;
use sea_orm::{FromQueryResult, StatementBuilder};
use std::time::Instant;
use tokio::time::timeout;

impl Db {
    /// Runs one write that is a transaction by itself, repeated like one, and decodes what it
    /// returns. On Postgres without BEGIN and COMMIT: they would be two more round trips. When the
    /// caller is cancelled meanwhile, it is done whole or not at all.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn write<T: FromQueryResult + Send>(
        &self,
        statement: &impl StatementBuilder,
    ) -> Result<Vec<T>, DbError> {
        if !self.is_postgres() {
            return self.tx(|tx| async move { tx.all(statement).await }).await;
        }
        let began = Instant::now();
        let result = self.repeat_alone(statement).await;
        telemetry::time(telemetry::DB_TRANSACTIONS, began.elapsed());
        result
    }

    /// The same of several writes: all of them are done or none.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn write_each<T: FromQueryResult + Send>(
        &self,
        statements: &[impl StatementBuilder],
    ) -> Result<Vec<T>, DbError> {
        if let [statement] = statements {
            return self.write(statement).await;
        }
        let writing = self.tx(|tx| async move {
            let mut returned = Vec::new();
            for statement in statements {
                returned.append(&mut tx.all(statement).await?);
            }
            Ok(returned)
        });
        writing.await
    }

    async fn repeat_alone<T: FromQueryResult>(
        &self,
        statement: &impl StatementBuilder,
    ) -> Result<Vec<T>, DbError> {
        let mut round = Round::first();
        loop {
            let patience = round.patience();
            let waited = timeout(patience, self.place()).await;
            let Ok(Ok(place)) = waited else { return Err(too_many_writers(patience)) };
            let result = crate::db::rows(&self.write, statement).await;
            drop(place);
            match &result {
                Err(error) if round.is_repeated_after(error) => round = round.pause().await,
                _ => return result,
            }
        }
    }
}
