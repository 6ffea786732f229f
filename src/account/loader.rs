//! Look-ups of accounts, batched.

use crate::account::{Accounts, User};
use crate::auth::Viewer;
use crate::graphql::{Batch, Fault};
use uuid::Uuid;

/// The look-ups of one request.
pub struct AccountLoaders {
    /// Accounts by key.
    pub user: Batch<Uuid, User>,
}

impl AccountLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(accounts: &Accounts, viewer: Viewer) -> Self {
        let accounts = accounts.clone();
        Self {
            user: Batch::new(move |ids| {
                let accounts = accounts.clone();
                async move { accounts.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
        }
    }
}
