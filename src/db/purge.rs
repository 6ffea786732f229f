//! Forgetting what is past, a batch at a time, so that nobody waits long for the writer.

use crate::db::{Db, DbError};
use sea_orm::sea_query::{DeleteStatement, Expr, ExprTrait, IntoIden, Query, SelectStatement};

/// Rows that one transaction forgets at most.
pub const PURGED_AT_ONCE: u64 = 1_000;

impl Db {
    /// Deletes the rows of a table whose key `column` is among those that `old` selects, until
    /// there are none; tells how many. `old` is made anew for each batch, because of the time in
    /// it, and selects the key alone.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses; the batches before are done.
    pub async fn delete_in_batches(
        &self,
        table: impl IntoIden + Copy + Send + Sync,
        column: impl IntoIden + Copy + Send + Sync,
        old: impl Fn(&Self) -> SelectStatement + Send + Sync,
    ) -> Result<u64, DbError> {
        let mut all = 0;
        loop {
            let delete = &batch(table, column, old(self));
            let deleted = self.tx(|tx| async move { tx.run(delete).await }).await?;
            all += deleted;
            if deleted < PURGED_AT_ONCE {
                return Ok(all);
            }
        }
    }
}

fn batch(table: impl IntoIden, column: impl IntoIden, mut old: SelectStatement) -> DeleteStatement {
    old.limit(PURGED_AT_ONCE);
    let mut delete = Query::delete();
    delete.from_table(table.into_iden()).and_where(Expr::col(column.into_iden()).in_subquery(old));
    delete
}
