//! Reading accounts.

use crate::account::graphql::User;
use crate::account::loader::AccountLoaders;
use crate::auth::{Permission, Viewer};
use crate::graphql::{Auth, Fault};
use async_graphql::{Context, Object};

/// Who asks.
#[derive(Default)]
pub struct MeQuery;

/// Who asks.
#[Object]
impl MeQuery {
    /// The account that asks; null for a guest.
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn me(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let viewer = ctx.data_unchecked::<Viewer>();
        let id = viewer.user_id()?;
        let found = ctx.data_unchecked::<AccountLoaders>().user.get(id).await;
        found.map(|user| user.map(User)).transpose()
    }
}
