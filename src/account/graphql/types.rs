//! What clients see of accounts.

use crate::account::User as Account;
use crate::auth::Role as AccountRole;
use crate::graphql::NodeKind;
use crate::graphql::scalars::DateTime;
use async_graphql::{Enum, ID, Object};

/// What an account is in the shop.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Shops.
    Customer,
    /// Runs the shop: catalogue, stock, orders.
    Staff,
    /// Runs the shop and its accounts.
    Admin,
}

/// Someone who can sign in.
pub struct User(pub Account);

/// Someone who can sign in. Seen by its owner and by staff.
#[Object]
impl User {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::User.id(self.0.id)
    }

    /// The display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The e-mail address that the account signs in with.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Whether the address was proved to be the owner's.
    async fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// What the account is in the shop.
    async fn role(&self) -> Role {
        match self.0.role {
            AccountRole::Customer => Role::Customer,
            AccountRole::Staff => Role::Staff,
            AccountRole::Admin => Role::Admin,
        }
    }

    /// When the account was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
