//! Queries about carts.

use crate::auth::Permission;
use crate::cart::graphql::Cart;
use crate::cart::loader::CartLoaders;
use crate::graphql::{Auth, Fault, NodeKind};
use async_graphql::{Context, ID, Object};

/// Queries about carts.
#[derive(Default)]
pub struct CartQuery;

/// Queries about carts.
#[Object]
impl CartQuery {
    /// A cart by its id; null when there is none, when it became an order, was merged or has
    /// expired, and when it is another customer's.
    #[graphql(directive = Auth::apply(Permission::CartUse))]
    async fn cart(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id that `cartCreate` gave.")] id: ID,
    ) -> Option<Result<Cart, Fault>> {
        let key = match NodeKind::Cart.key(&id) {
            Ok(key) => key,
            Err(fault) => return Some(Err(fault)),
        };
        let found = ctx.data_unchecked::<CartLoaders>().cart.get(key).await;
        found.map(|cart| cart.map(Cart)).transpose()
    }
}
