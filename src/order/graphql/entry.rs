//! Orders that staff enter.

use crate::auth::{Permission, Viewer};
use crate::catalog::Catalog;
use crate::graphql::idempotency::Replayed;
use crate::graphql::{Auth, Fault, UserError, Warning};
use crate::order::graphql::entry_input::{Entry, OrderCreateInput};
use crate::order::graphql::mutation::{services, told};
use crate::order::graphql::refusal_at;
use crate::order::graphql::types::Order;
use crate::order::{EnterPurchase, EnterSale, GuestToken, OrderError, Orders};
use crate::payment::graphql::Payment;
use async_graphql::{Context, Object, SimpleObject};

/// The answer to orderCreate.
#[derive(SimpleObject, Default)]
pub struct OrderCreatePayload {
    /// The order; null when nothing happened. Also there, waiting for another payment, when the
    /// payment was declined or could not be made.
    order: Option<Order>,
    /// The attempt to pay; null when nothing happened, or nobody tried to pay.
    payment: Option<Payment>,
    /// What lets a guest see the order; it is in the mail to the guest as well. Null for an
    /// account's order and for a purchase.
    guest_access_token: Option<String>,
    /// Why nothing happened, or why the order is not paid.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// Orders that staff enter.
#[derive(Default)]
pub struct EntryMutation;

/// Orders that staff enter.
#[Object]
impl EntryMutation {
    /// Enter an order. A SALE costs what a checkout of the same goods costs now, and sets its stock
    /// aside alike; it is paid at once when `payment` is given, else its buyer is asked by mail. A
    /// PURCHASE is a DRAFT, or ORDERED with `place: true`: then its pieces are incoming.
    #[graphql(directive = Auth::apply(Permission::OrderWrite))]
    async fn order_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is ordered, by whom or from whom.")] input: OrderCreateInput,
    ) -> Option<Result<OrderCreatePayload, Fault>> {
        let currency = ctx.data_unchecked::<Catalog>().shop_currency();
        let (orders, viewer) = services(ctx);
        // What is wrong with an order is told to those alone who may enter one.
        if let Err(denied) = viewer.may(Permission::OrderWrite) {
            return Some(Err(denied.into()));
        }
        Some(match input.read(currency) {
            Ok(Entry::Sale(ask)) => enter_sale(ctx, orders, viewer, *ask).await,
            Ok(Entry::Purchase(ask)) => enter_purchase(ctx, orders, viewer, ask).await,
            Err(user_errors) => Ok(refused(user_errors)),
        })
    }
}

async fn enter_sale(
    ctx: &Context<'_>,
    orders: &Orders,
    viewer: &Viewer,
    ask: EnterSale,
) -> Result<OrderCreatePayload, Fault> {
    let placed = match orders.enter_sale(viewer, ask).await {
        Ok(placed) => placed,
        Err(error) => return refuse(error),
    };
    let (placed, user_errors, warnings) = told(ctx, placed);
    let token = placed.guest_token.as_ref().map(GuestToken::reveal);
    Ok(OrderCreatePayload {
        guest_access_token: token.map(str::to_owned),
        order: Some(Order(placed.order)),
        payment: placed.payment.map(Payment),
        user_errors,
        warnings,
    })
}

async fn enter_purchase(
    ctx: &Context<'_>,
    orders: &Orders,
    viewer: &Viewer,
    ask: EnterPurchase,
) -> Result<OrderCreatePayload, Fault> {
    let (order, replayed) = match orders.enter_purchase(viewer, ask).await {
        Ok(done) => done,
        Err(error) => return refuse(error),
    };
    if replayed {
        ctx.data_unchecked::<Replayed>().set();
    }
    Ok(OrderCreatePayload { order: Some(Order(order)), ..Default::default() })
}

fn refuse(error: OrderError) -> Result<OrderCreatePayload, Fault> {
    refusal_at(error, "lines").map(refused)
}

fn refused(user_errors: Vec<UserError>) -> OrderCreatePayload {
    OrderCreatePayload { user_errors, ..Default::default() }
}
