//! Look-ups of accounts, batched.

use crate::account::{Accounts, ApiToken, User};
use crate::auth::Viewer;
use crate::graphql::{Batch, Fault};
use uuid::Uuid;

/// The look-ups of one request.
pub struct AccountLoaders {
    /// Accounts by key.
    pub user: Batch<Uuid, User>,
    /// API tokens by key.
    pub api_token: Batch<Uuid, ApiToken>,
}

impl AccountLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(accounts: &Accounts, viewer: Viewer) -> Self {
        let (accounts, tokens) = (accounts.clone(), accounts.api_tokens().clone());
        Self {
            user: Batch::new(move |ids| {
                let accounts = accounts.clone();
                async move { accounts.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
            api_token: Batch::new(move |ids| {
                let tokens = tokens.clone();
                async move { tokens.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
        }
    }
}
