//! What clients see of accounts.

use crate::account::User as Account;
use crate::account::graphql::Address;
use crate::account::loader::AccountLoaders;
use crate::auth::Permission;
use crate::auth::Role as AccountRole;
use crate::cart::graphql::Cart;
use crate::cart::loader::CartLoaders;
use crate::graphql::connection::{Connection, PageArgs};
use crate::graphql::scalars::DateTime;
use crate::graphql::{Auth, Fault, NodeKind};
use crate::order::graphql::{Order, orders_of};
use async_graphql::{Context, Enum, ID, Object};

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

impl From<Role> for AccountRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Staff => Self::Staff,
            Role::Admin => Self::Admin,
        }
    }
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

    /// The e-mail address that the account signs in with; empty when it was erased.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Whether the address was proved to be the owner's. Signing in and buying work without it.
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

    /// Whether its owner can sign in.
    async fn active(&self) -> bool {
        self.0.active
    }

    /// When its personal data was erased; null for most.
    async fn erased_at(&self) -> Option<DateTime> {
        self.0.erased_at.map(DateTime)
    }

    /// The address book, in the order in which it was filled: 50 at most. Its owner and
    /// administrators see it; for others it is empty.
    async fn addresses(&self, ctx: &Context<'_>) -> Result<Vec<Address>, Fault> {
        let book = ctx.data_unchecked::<AccountLoaders>().address_book.get(self.0.id).await?;
        Ok(book.unwrap_or_default().into_iter().map(Address::from).collect())
    }

    /// The open cart; null when there is none. Its owner alone sees it.
    async fn cart(&self, ctx: &Context<'_>) -> Option<Result<Cart, Fault>> {
        let found = ctx.data_unchecked::<CartLoaders>().cart_of.get(self.0.id).await;
        found.map(|cart| cart.map(Cart)).transpose()
    }

    /// The orders of the account, the latest first. Its owner and staff see them; for others there
    /// are none.
    #[graphql(directive = Auth::apply(Permission::OrderList))]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<Order>, Fault>> {
        Some(orders_of(ctx, self.0.id, PageArgs { first, after, last, before }).await)
    }

    /// When the account was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
