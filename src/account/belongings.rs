//! What other parts of the shop keep of a person. Accounts know none of them: whoever wires the
//! program names them, and they are asked when an account is exported or erased.

use crate::db::{DbError, Tx};
use futures::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

/// Something that is kept of each person who has an account.
pub trait Belongings: Send + Sync {
    /// Under which name it stands in an export.
    fn name(&self) -> &'static str;

    /// Everything that is kept of this account.
    fn export(&self, account: Uuid) -> BoxFuture<'_, Result<Value, DbError>>;

    /// Why the account cannot be erased yet, for people; None: nothing here needs to know who it is.
    /// The account is locked.
    fn needs_in_txn<'a>(
        &'a self,
        tx: &'a Tx,
        account: Uuid,
    ) -> BoxFuture<'a, Result<Option<String>, DbError>>;

    /// Forgets it, with the account, in one transaction. The account is locked.
    fn erase_in_txn<'a>(&'a self, tx: &'a Tx, account: Uuid) -> BoxFuture<'a, Result<(), DbError>>;

    /// Makes what was kept of a guest under an address the account's, which has proved the address.
    /// The account is locked.
    fn join_in_txn<'a>(
        &'a self,
        tx: &'a Tx,
        account: Uuid,
        email_key: &'a str,
    ) -> BoxFuture<'a, Result<(), DbError>>;
}
