//! What belongs to an account besides itself, for those who have it exported or erased.

use crate::account::Belongings;
use crate::cart::Carts;
use crate::db::{DbError, Tx};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

/// The carts of an account.
pub(crate) struct CartsOf(pub(crate) Carts);

impl Belongings for CartsOf {
    fn name(&self) -> &'static str {
        "carts"
    }

    fn export(&self, account: Uuid) -> BoxFuture<'_, Result<Value, DbError>> {
        self.0.export(account).boxed()
    }

    fn erase_in_txn<'a>(&'a self, tx: &'a Tx, account: Uuid) -> BoxFuture<'a, Result<(), DbError>> {
        self.0.erase_in_txn(tx, account).boxed()
    }
}
