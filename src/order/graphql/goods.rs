//! Mutations on the goods of orders, for staff.

use crate::auth::Permission;
use crate::graphql::idempotency::Replayed;
use crate::graphql::{Auth, Fault, UserError, Warning};
use crate::order;
use crate::order::graphql::goods_input::{
    OrderCompleteInput, OrderFulfillInput, OrderReturnInput, PurchaseOrderPlaceInput,
    PurchaseOrderReceiveInput,
};
use crate::order::graphql::mutation::services;
use crate::order::graphql::refusal;
use crate::order::graphql::types::Order;
use crate::order::{OrderError, TakenBack};
use crate::payment::RefundState;
use async_graphql::{Context, Object, SimpleObject};

macro_rules! payloads {
    ($($(#[doc = $about:literal])+ $payload:ident,)+) => {
        $(
            $(#[doc = $about])+
            #[derive(SimpleObject, Default)]
            pub struct $payload {
                /// The order as it is now; null when nothing happened.
                order: Option<Order>,
                /// Why nothing happened; empty when it did.
                user_errors: Vec<UserError>,
                /// What differs from the ask.
                warnings: Vec<Warning>,
            }

            impl $payload {
                fn refused(user_errors: Vec<UserError>) -> Self {
                    Self { user_errors, ..Self::default() }
                }

                fn of(
                    ctx: &Context<'_>,
                    done: Result<(order::Order, bool), OrderError>,
                ) -> Result<Self, Fault> {
                    match done {
                        Ok((order, replayed)) => {
                            if replayed {
                                ctx.data_unchecked::<Replayed>().set();
                            }
                            Ok(Self { order: Some(Order(order)), ..Self::default() })
                        }
                        Err(error) => refusal(error).map(Self::refused),
                    }
                }
            }
        )+
    };
}

payloads! {
    /// The answer to orderFulfill.
    OrderFulfillPayload,
    /// The answer to orderComplete.
    OrderCompletePayload,
    /// The answer to orderReturn.
    OrderReturnPayload,
    /// The answer to purchaseOrderPlace.
    PurchaseOrderPlacePayload,
    /// The answer to purchaseOrderReceive.
    PurchaseOrderReceivePayload,
}

/// Mutations on the goods of orders, for staff.
#[derive(Default)]
pub struct GoodsMutation;

/// Mutations on the goods of orders, for staff.
#[Object]
impl GoodsMutation {
    /// Send goods of a paid order, some of them or all that is left: they leave their warehouses,
    /// and the buyer is told by mail. With the last piece the order is FULFILLED; until then it
    /// stays as it is, and can be sent on. Money that is only set aside (AUTHORIZED) is taken first.
    #[graphql(directive = Auth::apply(Permission::OrderWrite))]
    async fn order_fulfill(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and what of it.")] input: OrderFulfillInput,
    ) -> Option<Result<OrderFulfillPayload, Fault>> {
        let (orders, viewer) = services(ctx);
        Some(match input.read() {
            Ok(ask) => OrderFulfillPayload::of(ctx, orders.fulfill(viewer, ask).await),
            Err(error) => Ok(OrderFulfillPayload::refused(vec![error])),
        })
    }

    /// Say that an order which was sent in full is through. One that is COMPLETED already is
    /// answered as it is.
    #[graphql(directive = Auth::apply(Permission::OrderWrite))]
    async fn order_complete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order.")] input: OrderCompleteInput,
    ) -> Option<Result<OrderCompletePayload, Fault>> {
        let (orders, viewer) = services(ctx);
        Some(match input.read() {
            Ok(ask) => OrderCompletePayload::of(ctx, orders.complete(viewer, &ask).await),
            Err(error) => Ok(OrderCompletePayload::refused(vec![error])),
        })
    }

    /// Take back goods that were sent: they go back on the shelf that they left (unless restock is
    /// false), and their money to who paid (if refund is true). An order whose money went back in
    /// full is REFUNDED. The goods are back also when the provider refuses the money (the warning
    /// REFUND_FAILED) or nobody knows yet what came of it (PAYMENT_PENDING).
    #[graphql(directive = Auth::apply(Permission::OrderWrite))]
    async fn order_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and what of it.")] input: OrderReturnInput,
    ) -> Option<Result<OrderReturnPayload, Fault>> {
        let (orders, viewer) = services(ctx);
        Some(match input.read() {
            Ok(ask) => returned(ctx, orders.take_back(viewer, ask).await),
            Err(error) => Ok(OrderReturnPayload::refused(vec![error])),
        })
    }

    /// Say that a purchase was ordered from its supplier: a DRAFT becomes ORDERED, and its pieces
    /// are incoming at its warehouse. One that is ORDERED already is answered as it is.
    #[graphql(directive = Auth::apply(Permission::OrderWrite))]
    async fn purchase_order_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which purchase.")] input: PurchaseOrderPlaceInput,
    ) -> Option<Result<PurchaseOrderPlacePayload, Fault>> {
        let (orders, viewer) = services(ctx);
        Some(match input.read() {
            Ok(ask) => {
                PurchaseOrderPlacePayload::of(ctx, orders.place_purchase(viewer, &ask).await)
            }
            Err(error) => Ok(PurchaseOrderPlacePayload::refused(vec![error])),
        })
    }

    /// Put goods of a purchase on the shelf, some of them or all that is open: they are incoming no
    /// more, and on hand. With the last piece the purchase is RECEIVED. Nothing more arrives than
    /// was ordered.
    #[graphql(directive = Auth::apply(Permission::OrderWrite))]
    async fn purchase_order_receive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which purchase, and what of it.")] input: PurchaseOrderReceiveInput,
    ) -> Option<Result<PurchaseOrderReceivePayload, Fault>> {
        let (orders, viewer) = services(ctx);
        Some(match input.read() {
            Ok(ask) => PurchaseOrderReceivePayload::of(ctx, orders.receive(viewer, &ask).await),
            Err(error) => Ok(PurchaseOrderReceivePayload::refused(vec![error])),
        })
    }
}

/// The goods are back; of their money it is told when it is not.
fn returned(
    ctx: &Context<'_>,
    done: Result<TakenBack, OrderError>,
) -> Result<OrderReturnPayload, Fault> {
    let (done, refund) = match done {
        Ok(TakenBack { order, refund, replayed }) => (Ok((order, replayed)), refund),
        Err(error) => (Err(error), None),
    };
    let payload = OrderReturnPayload::of(ctx, done)?;
    let warning = refund.and_then(|refund| match refund.state {
        RefundState::Failed => Some(Warning::refund_failed(refund.failure_code)),
        state => state.is_under_way().then(Warning::refund_unsettled),
    });
    Ok(OrderReturnPayload { warnings: warning.into_iter().collect(), ..payload })
}
