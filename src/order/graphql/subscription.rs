//! Orders as they change.

use crate::auth::{Permission, Viewer};
use crate::graphql::{Auth, Fault, NodeKind};
use crate::order::graphql::types::Order;
use crate::order::{Access, GuestToken, Orders};
use async_graphql::{Context, ID, Subscription};
use futures::{Stream, StreamExt};

/// What can be watched of orders.
#[derive(Default)]
pub struct OrderSubscription;

/// What can be watched of orders.
#[Subscription]
impl OrderSubscription {
    /// The order as it is, then again after each change of it or of its payment: its customer, who
    /// holds its guestAccessToken, and staff may watch. A slow reader gets the newest state.
    #[graphql(directive = Auth::apply(Permission::OrderPlace))]
    async fn order_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order.")] order_id: ID,
        #[graphql(desc = "The token of a guest's order; left out by its customer and by staff.")]
        guest_access_token: Option<String>,
    ) -> Result<impl Stream<Item = Result<Order, Fault>> + use<>, Fault> {
        let access = Access {
            order_id: NodeKind::Order.key(&order_id)?,
            token: guest_access_token.map(GuestToken::given),
        };
        let (orders, viewer) = (ctx.data_unchecked::<Orders>(), *ctx.data_unchecked::<Viewer>());
        let states = orders.watch(viewer, access).await?;
        Ok(states.map(|state| state.map(Order).map_err(Fault::from)))
    }
}
