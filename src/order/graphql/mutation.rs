//! Mutations on orders.

use crate::auth::{Permission, Viewer};
use crate::graphql::idempotency::Replayed;
use crate::graphql::{Auth, Fault, UserError, Warning};
use crate::order::graphql::input::{CheckoutCompleteInput, OrderCancelInput, OrderPayInput};
use crate::order::graphql::types::Order;
use crate::order::graphql::{refusal, verdict};
use crate::order::{GuestToken, Orders, Placed};
use crate::payment::graphql::Payment;
use async_graphql::{Context, Object, SimpleObject};

/// The answer to checkoutComplete.
#[derive(SimpleObject, Default)]
pub struct CheckoutCompletePayload {
    /// The order; null when nothing happened. Also there, waiting for another payment, when the
    /// payment was declined or could not be made.
    order: Option<Order>,
    /// The attempt to pay; null when nothing happened, or there was nothing to pay.
    payment: Option<Payment>,
    /// What lets a guest see the order: keep it. Null for those who are signed in.
    guest_access_token: Option<String>,
    /// Why nothing happened, or why the order is not paid.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to orderPay.
#[derive(SimpleObject, Default)]
pub struct OrderPayPayload {
    /// The order as it is now; null when nothing happened.
    order: Option<Order>,
    /// The attempt to pay; null when nothing happened.
    payment: Option<Payment>,
    /// Why nothing happened, or why the order is not paid.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to orderCancel.
#[derive(SimpleObject, Default)]
pub struct OrderCancelPayload {
    /// The order as it is now; null when nothing happened.
    order: Option<Order>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// Mutations on orders.
#[derive(Default)]
pub struct OrderMutation;

/// Mutations on orders.
#[Object]
impl OrderMutation {
    /// Turn a cart into an order and pay it, once per idempotencyKey. Prices, tax and shipping are
    /// those of this moment; stock is set aside for 15 minutes and, once the order is paid, until it
    /// is sent. Refused (nothing happened): not enough stock, another total than expectedTotal, a
    /// cart that became an order before (CART_COMPLETED). A payment that is declined or cannot be
    /// made answers with that error *and* the order, PENDING_PAYMENT: go on with orderPay. While
    /// nobody knows whether it is paid, the warning PAYMENT_PENDING says so.
    #[graphql(directive = Auth::apply(Permission::OrderPlace))]
    async fn checkout_complete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to buy, where it goes, and how it is paid.")]
        input: CheckoutCompleteInput,
    ) -> Option<Result<CheckoutCompletePayload, Fault>> {
        let refused = |user_errors| CheckoutCompletePayload { user_errors, ..Default::default() };
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(refused(vec![error]))),
        };
        let (orders, viewer) = services(ctx);
        Some(match orders.place(viewer, &ask).await {
            Ok(placed) => {
                let (placed, user_errors, warnings) = told(ctx, placed);
                let token = placed.guest_token.as_ref().map(GuestToken::reveal);
                Ok(CheckoutCompletePayload {
                    guest_access_token: token.map(str::to_owned),
                    order: Some(Order(placed.order)),
                    payment: placed.payment.map(Payment),
                    user_errors,
                    warnings,
                })
            }
            Err(error) => refusal(error).map(refused),
        })
    }

    /// Try again to pay an order that is PENDING_PAYMENT; its stock is held anew for 15 minutes.
    /// Refused while another payment is not decided (PAYMENT_IN_PROGRESS) and when the order does
    /// not wait for money any more (InvalidTransitionError). Answers as checkoutComplete does.
    #[graphql(directive = Auth::apply(Permission::OrderPlace))]
    async fn order_pay(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and how it is paid.")] input: OrderPayInput,
    ) -> Option<Result<OrderPayPayload, Fault>> {
        let refused = |user_errors| OrderPayPayload { user_errors, ..Default::default() };
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(refused(vec![error]))),
        };
        let (orders, viewer) = services(ctx);
        Some(match orders.pay(viewer, &ask).await {
            Ok(placed) => {
                let (placed, user_errors, warnings) = told(ctx, placed);
                let (order, payment) = (Some(Order(placed.order)), placed.payment.map(Payment));
                Ok(OrderPayPayload { order, payment, user_errors, warnings })
            }
            Err(error) => refusal(error).map(refused),
        })
    }

    /// Call an order off before anything of it was sent: its stock is free again, its money is let
    /// go or goes back. Its customer, who holds its guestAccessToken, and staff may. Of a purchase,
    /// which is for staff alone, what has not arrived is incoming no more. An order that
    /// is cancelled already is answered as it is. While nobody knows whether it is paid it can be
    /// cancelled as well: what comes in later goes back.
    #[graphql(directive = Auth::apply(Permission::OrderPlace))]
    async fn order_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order, and why.")] input: OrderCancelInput,
    ) -> Option<Result<OrderCancelPayload, Fault>> {
        let refused = |user_errors| OrderCancelPayload { user_errors, ..Default::default() };
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(refused(vec![error]))),
        };
        let (orders, viewer) = services(ctx);
        Some(match orders.cancel(viewer, &ask).await {
            Ok((order, replayed)) => {
                if replayed {
                    ctx.data_unchecked::<Replayed>().set();
                }
                Ok(OrderCancelPayload { order: Some(Order(order)), ..Default::default() })
            }
            Err(error) => refusal(error).map(refused),
        })
    }
}

pub(super) fn services<'a>(ctx: &Context<'a>) -> (&'a Orders, &'a Viewer) {
    (ctx.data_unchecked::<Orders>(), ctx.data_unchecked::<Viewer>())
}

pub(super) fn told(ctx: &Context<'_>, placed: Placed) -> (Placed, Vec<UserError>, Vec<Warning>) {
    if placed.replayed {
        ctx.data_unchecked::<Replayed>().set();
    }
    let (user_errors, warnings) = verdict(&placed);
    (placed, user_errors, warnings)
}
