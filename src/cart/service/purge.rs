//! The end of carts that nobody has touched for long. No promise waits for it: a cart past its time
//! is not there, whether or not its row is.

use crate::cart::service::Carts;
use crate::cart::service::row::column;
use crate::db::{DbError, Tx};
use entity::cart::{Column, Entity};
use sea_orm::sea_query::{ExprTrait, Order, Query};

/// Carts that one transaction removes at most.
const REMOVED_AT_ONCE: u64 = 500;

impl Carts {
    /// Removes the carts that are past their time, a batch at a time, so that nobody waits long for
    /// the writer; tells how many.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn purge(&self) -> Result<u64, DbError> {
        let mut all: u64 = 0;
        loop {
            let removed = self.db.tx(|tx| async move { purge_batch_in_txn(&tx).await }).await?;
            all = all.saturating_add(removed);
            if removed < REMOVED_AT_ONCE {
                return Ok(all);
            }
        }
    }
}

async fn purge_batch_in_txn(tx: &Tx) -> Result<u64, DbError> {
    let mut old = Query::select();
    old.column(Column::Id)
        .from(Entity)
        .and_where(column(Column::ExpiresAt).lte(tx.db().now_sql()))
        .order_by(Column::ExpiresAt, Order::Asc)
        .limit(REMOVED_AT_ONCE);
    let mut delete = Query::delete();
    delete.from_table(Entity).and_where(column(Column::Id).in_subquery(old));
    tx.run(&delete).await
}
