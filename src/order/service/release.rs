//! What an order holds is free again: its stock, and after that its share of flash sales.

use crate::db::Tx;
use crate::order::OrderError;
use crate::order::service::Orders;
use uuid::Uuid;

impl Orders {
    /// Gives back what a locked order holds and what it took of flash sales; repeated it gives
    /// nothing. Gives how many pieces of stock became free.
    pub(super) async fn release_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<i64, OrderError> {
        let freed = self.stock.release_in_txn(tx, order_id).await?;
        self.flash_sales.give_back_in_txn(tx, order_id).await?;
        Ok(freed)
    }
}
