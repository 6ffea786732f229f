//! Queries for orders.

use crate::auth::{Permission, Viewer};
use crate::graphql::{Auth, Fault, NodeKind};
use crate::order::graphql::input::OrderBy;
use crate::order::graphql::types::Order;
use crate::order::loader::OrderLoaders;
use crate::order::{GuestToken, Orders};
use async_graphql::{Context, Object};

/// Queries for orders.
#[derive(Default)]
pub struct OrderQuery;

/// Queries for orders.
#[Object]
impl OrderQuery {
    /// An order: one's own, any for staff, or that of a guestAccessToken. Null when there is none,
    /// or none that you may see.
    #[graphql(directive = Auth::apply(Permission::OrderPlace))]
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: OrderBy,
    ) -> Option<Result<Order, Fault>> {
        find(ctx, by).await.map(|found| found.map(Order)).transpose()
    }
}

async fn find(ctx: &Context<'_>, by: OrderBy) -> Result<Option<crate::order::Order>, Fault> {
    let loaders = ctx.data_unchecked::<OrderLoaders>();
    match by {
        OrderBy::Id(id) => loaders.order.get(NodeKind::Order.key(&id)?).await,
        OrderBy::Number(number) => loaders.order_by_number.get(number).await,
        OrderBy::GuestAccessToken(token) => {
            let (orders, viewer) = (ctx.data_unchecked::<Orders>(), ctx.data_unchecked::<Viewer>());
            Ok(orders.find_by_token(viewer, &GuestToken::given(token)).await?)
        }
    }
}
