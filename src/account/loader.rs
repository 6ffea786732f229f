//! Look-ups of accounts and their addresses, batched.

use crate::account::{AccountError, Accounts, Address, ApiToken, User};
use crate::auth::Viewer;
use crate::graphql::{Batch, Fault};
use std::collections::HashMap;
use uuid::Uuid;

/// The look-ups of one request. What the viewer may not see is not there.
pub struct AccountLoaders {
    /// Accounts by key.
    pub user: Batch<Uuid, User>,
    /// API tokens by key.
    pub api_token: Batch<Uuid, ApiToken>,
    /// Addresses by key.
    pub address: Batch<Uuid, Address>,
    /// The addresses of an account.
    pub address_book: Batch<Uuid, Vec<Address>>,
}

impl AccountLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(accounts: &Accounts, viewer: Viewer) -> Self {
        let (with, tokens) = (|| accounts.clone(), accounts.api_tokens().clone());
        Self {
            user: batch(with(), move |accounts, ids| async move {
                accounts.find_many(&viewer, &ids).await
            }),
            address: batch(with(), move |accounts, ids| async move {
                accounts.find_addresses(&viewer, &ids).await
            }),
            address_book: batch(with(), move |accounts, users| async move {
                accounts.find_address_books(&viewer, &users).await
            }),
            api_token: Batch::new(move |ids| {
                let tokens = tokens.clone();
                async move { tokens.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
        }
    }
}

fn batch<V, F, Fut>(accounts: Accounts, find: F) -> Batch<Uuid, V>
where
    V: Clone + Send + Sync + 'static,
    F: Fn(Accounts, Vec<Uuid>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<HashMap<Uuid, V>, AccountError>> + Send + 'static,
{
    Batch::new(move |keys| {
        let found = find(accounts.clone(), keys);
        async move { found.await.map_err(Fault::from) }
    })
}
