//! Writes that are transactions by themselves.

use crate::db::round::Round;
use crate::db::{Db, DbError};
use crate::telemetry;
use sea_orm::{FromQueryResult, StatementBuilder};
use std::time::Instant;

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
        let result = self.repeat(|round| self.write_alone(statement, round)).await;
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

    async fn write_alone<T: FromQueryResult>(
        &self,
        statement: &impl StatementBuilder,
        round: Round,
    ) -> Result<Vec<T>, DbError> {
        let _place = self.place_within(round.patience()).await?;
        crate::db::rows(&self.write, statement).await
    }
}
