//! What belongs to an account besides itself, for those who have it exported or erased.

use crate::account::Belongings;
use crate::cart::Carts;
use crate::db::{DbError, Tx};
use crate::order::Orders;
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

    fn needs_in_txn<'a>(
        &'a self,
        _: &'a Tx,
        _: Uuid,
    ) -> BoxFuture<'a, Result<Option<String>, DbError>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn erase_in_txn<'a>(&'a self, tx: &'a Tx, account: Uuid) -> BoxFuture<'a, Result<(), DbError>> {
        self.0.erase_in_txn(tx, account).boxed()
    }

    fn join_in_txn<'a>(
        &'a self,
        _: &'a Tx,
        _: Uuid,
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        // A guest's cart belongs to who holds its id, and to no address.
        std::future::ready(Ok(())).boxed()
    }
}

/// The orders of an account.
pub(crate) struct OrdersOf(pub(crate) Orders);

impl Belongings for OrdersOf {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn export(&self, account: Uuid) -> BoxFuture<'_, Result<Value, DbError>> {
        self.0.export(account).boxed()
    }

    fn needs_in_txn<'a>(
        &'a self,
        tx: &'a Tx,
        account: Uuid,
    ) -> BoxFuture<'a, Result<Option<String>, DbError>> {
        self.0.waiting_for_customer_in_txn(tx, account).boxed()
    }

    fn erase_in_txn<'a>(&'a self, tx: &'a Tx, account: Uuid) -> BoxFuture<'a, Result<(), DbError>> {
        self.0.erase_in_txn(tx, account).boxed()
    }

    fn join_in_txn<'a>(
        &'a self,
        tx: &'a Tx,
        account: Uuid,
        email_key: &'a str,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        self.0.join_in_txn(tx, account, email_key).boxed()
    }
}
