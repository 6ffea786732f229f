//! The transaction that makes an order of a cart.

use crate::account::PostalAddress;
use crate::auth::Viewer;
use crate::cart::{Destination, LineProblem, Quote};
use crate::db::{Heard, Timestamp, Tx};
use crate::failpoint;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::money::Money;
use crate::order::checkout::Addressed;
use crate::order::service::Orders;
use crate::order::service::at_once::Opened;
use crate::order::service::place::Round;
use crate::order::service::record::Step;
use crate::order::{
    Checkout, EventKind, GuestToken, Order, OrderError, OrderKind, OrderLine, OrderStatus,
    PaymentAsk, Refusal, number,
};
use crate::payment::NewPayment;
use crate::stock::{ReserveLine, ReserveOrder, Served, Shortage};
use crate::validation::{Problem, ProblemKind};
use entity::{order_line, shop_order};
use sea_orm::{EntityTrait, QueryTrait};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// What the transaction wrote, and what a repetition of its key finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Written {
    pub order_id: Uuid,
    /// None when there was nothing to pay.
    pub payment_id: Option<Uuid>,
    /// Why the payment came to nothing, as somebody was told first.
    #[serde(default)]
    pub refusal: Option<Refusal>,
    /// The payment as it was opened, for whoever opened it.
    #[serde(skip)]
    pub opened: Option<Arc<Opened>>,
    /// The lines as they were written, for whoever wrote them.
    #[serde(skip)]
    pub lines: Option<Arc<[OrderLine]>>,
}

impl Written {
    /// Of an order and a payment that are to be written.
    fn expected((order_id, payment_id): (Uuid, Uuid)) -> Self {
        Self { payment_id: Some(payment_id), ..Self::again(order_id, None) }
    }

    /// Of an order that is new.
    pub fn new(order_id: Uuid, opened: Option<Opened>, lines: &Arc<[OrderLine]>) -> Self {
        Self { lines: Some(Arc::clone(lines)), ..Self::again(order_id, opened) }
    }

    /// Of one that was there.
    pub fn again(order_id: Uuid, opened: Option<Opened>) -> Self {
        let payment_id = opened.as_ref().map(|opened| opened.payment.id);
        let opened = opened.map(Arc::new);
        Self { order_id, payment_id, refusal: None, opened, lines: None }
    }
}

/// A checkout that is ready to be written.
pub(super) struct Ready {
    pub viewer: Viewer,
    pub ask: Checkout,
    pub key: IdempotencyKey,
}

impl Orders {
    /// Tells also whether it was written before, under the same key.
    pub(super) async fn write_once(
        &self,
        ready: &Arc<Ready>,
        round: Round,
    ) -> Result<(Written, bool), OrderError> {
        let writing = self.db.tx(|tx| {
            let (orders, ready) = (self.clone(), Arc::clone(ready));
            async move {
                // Named before they are there, so that the key says at once what came of it.
                let ids = (Uuid::now_v7(), Uuid::now_v7());
                let expected = Written::expected(ids);
                if let Claim::Earlier(earlier) = ready.key.claim_for_in_txn(&tx, &expected).await? {
                    return Ok((earlier, true));
                }
                Ok((orders.write_in_txn(&tx, &ready, ids, round).await?, false))
            }
        });
        writing.await.map_err(|error| match error {
            OrderError::Db(error)
                if error.violates("shop_order_cart_key", "shop_order.cart_id") =>
            {
                OrderError::CartCompleted
            }
            error => error,
        })
    }

    async fn write_in_txn(
        &self,
        tx: &Tx,
        ready: &Ready,
        (order_id, payment_id): (Uuid, Uuid),
        round: Round,
    ) -> Result<Written, OrderError> {
        let Ready { viewer, ask, key } = ready;
        // Only now: what was placed before answers as it did, whatever the rules are by now.
        let addressed = &ask.addressed().map_err(OrderError::Invalid)?;
        self.payments.check_method(&ask.payment.provider, &ask.payment.method)?;
        let (quote, served, heard) = self.quote_in_txn(tx, ready, addressed, round).await?;
        let owner = Owner {
            customer_id: viewer.user_id(),
            token: viewer.user_id().is_none().then(|| GuestToken::of(ask.cart_id, order_id)),
            cart_id: Some(ask.cart_id),
            token_key: None,
        };
        let order = insert_order_in_txn(tx, addressed, &quote, &owner, (order_id, heard.at()))?;
        let payment = (&ask.payment, payment_id);
        let opened = self.open_first_payment_in_txn(tx, &order, payment, heard)?;
        let lines = insert_lines_in_txn(tx, order.id, &quote)?;
        self.note_in_txn(tx, &order, (EventKind::Placed, None, None), viewer);
        let written = Written::new(order.id, opened, &lines);
        if written.payment_id.is_none() {
            key.record_later(tx, &written);
        }
        self.carts.complete_in_txn(tx, ask.cart_id, order.id);
        // Stock last, and flash sales after it: a hot level stays locked until the commit.
        let needed = [needed(order.id, &lines)];
        let hold = self.policy.hold;
        let reserved = self.stock.reserve_in_txn(tx, &needed, hold, Some(served)).await?;
        if let Some(Err(shortages)) = reserved.into_iter().next() {
            return Err(OrderError::Insufficient(shortages));
        }
        self.flash_sales.take_in_txn(tx, order.id, &quote.takes()).await?;
        failpoint::reach("checkout.holds_stock").await;
        if written.payment_id.is_none() {
            // Nothing to pay is paid.
            self.stock.commit_in_txn(tx, order.id).await?;
            let step = Step::new(EventKind::Paid, OrderStatus::Paid, viewer);
            self.confirm_in_txn(tx, &order, step).await?;
        }
        Ok(written)
    }

    /// Locks the cart, prices it anew, and reads what is in stock.
    async fn quote_in_txn(
        &self,
        tx: &Tx,
        Ready { viewer, ask, .. }: &Ready,
        addressed: &Addressed,
        round: Round,
    ) -> Result<(Quote, Served, Heard), OrderError> {
        let cart = self.carts.lock_in_txn(tx, viewer, ask.cart_id).await?;
        let heard = self.db.heard(cart.locked_at);
        let method = ask.shipping_method.clone().or(cart.cart.shipping_method);
        let (currency, to) = (cart.cart.currency, destination(&addressed.shipping));
        let pricing =
            self.carts.quote_in_txn(tx, currency, &cart.items, Some(&to), method.as_deref());
        let (quote, served) = pricing.await?;
        self.check_sold_out_in_txn(tx, &quote, round).await?;
        check_quote(ask, &quote)?;
        Ok((quote, served, heard))
    }

    /// Has the first attempt to pay an order written, with the order itself.
    pub(super) fn open_first_payment_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        (ask, payment_id): (&PaymentAsk, Uuid),
        heard: Heard,
    ) -> Result<Option<Opened>, OrderError> {
        if order.total == 0 {
            return Ok(None);
        }
        let new = NewPayment { id: payment_id, ..self.new_payment(order, ask) };
        let payment = self.payments.open_first_in_txn(tx, &new, order.created_at)?;
        self.tell_payment_in_txn(tx, &payment);
        Ok(Some(Opened { order: order.clone(), payment, heard }))
    }

    pub(super) fn new_payment(&self, order: &Order, ask: &PaymentAsk) -> NewPayment {
        NewPayment {
            id: Uuid::now_v7(),
            order_id: order.id,
            order_number: order.number.clone(),
            amount: order.money(order.total),
            provider: ask.provider.clone(),
            method: ask.method.clone(),
            capture: self.policy.capture_at_checkout,
        }
    }
}

pub(super) fn destination(address: &PostalAddress) -> Destination {
    let postal_code = Some(address.postal_code.clone()).filter(|code| !code.is_empty());
    Destination { country: address.country, region: address.region.clone(), postal_code }
}

/// Whether the buyer gets what the buyer asked for, for what the buyer was shown.
fn check_quote(ask: &Checkout, quote: &Quote) -> Result<(), OrderError> {
    if quote.lines.is_empty() {
        let message = "There is nothing in the cart.";
        return Err(Problem::new(ProblemKind::Invalid, ["cartId"], message).into());
    }
    let gone = quote.problems.iter().filter(|it| it.problem == LineProblem::Unavailable);
    let gone: Vec<Shortage> = gone
        .filter_map(|it| quote.lines.get(it.line))
        .map(|line| Shortage {
            variant_id: line.variant_id,
            sku: line.sku.clone(),
            requested: line.quantity,
            available: 0,
            dead_holds: Vec::new(),
        })
        .collect();
    if !gone.is_empty() {
        return Err(OrderError::Insufficient(gone));
    }
    check_total(ask.expected_total, quote)
}

/// Whether it costs what the buyer was shown.
pub(super) fn check_total(expected: Option<Money>, quote: &Quote) -> Result<(), OrderError> {
    let actual = quote.money(quote.total);
    match expected {
        Some(expected) if expected.currency != actual.currency => {
            let message = format!("The total is in {}.", actual.currency);
            let path = ["expectedTotal", "currency"];
            Err(Problem::new(ProblemKind::CurrencyMismatch, path, message).into())
        }
        Some(expected) if expected != actual => Err(OrderError::PriceChanged { expected, actual }),
        _ => Ok(()),
    }
}

/// Whose an order is.
pub(super) struct Owner {
    pub customer_id: Option<Uuid>,
    pub token: Option<GuestToken>,
    pub cart_id: Option<Uuid>,
    /// What the token is made of when no cart became the order.
    pub token_key: Option<Uuid>,
}

/// Has an order written with what comes after it; gives it as it is then.
pub(super) fn insert_order_in_txn(
    tx: &Tx,
    addressed: &Addressed,
    quote: &Quote,
    owner: &Owner,
    (order_id, now): (Uuid, Timestamp),
) -> Result<Order, OrderError> {
    let json = |address: &PostalAddress| {
        serde_json::to_value(address).map_err(|error| OrderError::fault(error.to_string()))
    };
    let method = quote.shipping_method.as_ref();
    let row = shop_order::Model {
        id: order_id,
        number: number::random(OrderKind::Sale),
        kind: OrderKind::Sale.as_str().to_owned(),
        status: OrderStatus::PendingPayment.as_str().to_owned(),
        customer_id: owner.customer_id,
        email: addressed.email.address.clone(),
        email_key: addressed.email.key.clone(),
        guest_token_hash: owner.token.as_ref().map(GuestToken::hash),
        cart_id: owner.cart_id,
        currency: quote.currency.code().to_owned(),
        subtotal: quote.subtotal,
        shipping_total: quote.shipping_total,
        tax_total: quote.tax_total,
        total: quote.total,
        refunded_total: 0,
        shipping_address: Some(json(&addressed.shipping)?),
        billing_address: addressed.billing.as_ref().map(json).transpose()?,
        shipping_method: method.map(|method| method.code.clone()),
        shipping_method_name: method.map(|method| method.name.clone()),
        shipping_tax: quote.shipping_tax,
        cancel_reason: None,
        version: 1,
        created_at: now,
        updated_at: now,
        paid_total: 0,
        supplier_name: None,
        warehouse_id: None,
        token_key: owner.token_key,
    };
    let order = Order::try_from(row.clone()).map_err(OrderError::fault)?;
    let insert = shop_order::Entity::insert(shop_order::ActiveModel::from(row));
    tx.later(shop_order::Entity, insert.into_query(), 1);
    Ok(order)
}

/// Has the lines written with what comes after them, with what they cost now; gives them.
pub(super) fn insert_lines_in_txn(
    tx: &Tx,
    order_id: Uuid,
    quote: &Quote,
) -> Result<Arc<[OrderLine]>, OrderError> {
    let mut rows = Vec::with_capacity(quote.lines.len());
    for (position, line) in (0_i32..).zip(&quote.lines) {
        let options = serde_json::to_value(&line.options);
        rows.push(order_line::Model {
            id: Uuid::now_v7(),
            order_id,
            position,
            variant_id: line.variant_id,
            sku: line.sku.clone(),
            product_name: line.product_name.clone(),
            variant_name: line.variant_name.clone(),
            options: options.map_err(|error| OrderError::fault(error.to_string()))?,
            quantity: line.quantity,
            unit_price: line.unit_price,
            line_total: line.line_total,
            tax_rate_ppm: line.tax_rate_ppm,
            tax: line.tax,
            quantity_fulfilled: 0,
            quantity_returned: 0,
            quantity_received: 0,
            quantity_refunded: 0,
            refunded_amount: 0,
            quantity_cancelled: 0,
            flash_sale_id: line.flash_sale.map(|sale| sale.sale_id),
        });
    }
    let new = rows.iter().cloned().map(order_line::ActiveModel::from);
    let insert = order_line::Entity::insert_many(new);
    tx.later(order_line::Entity, insert.into_query(), rows.len());
    Ok(rows.into_iter().map(|row| OrderLine::of(row, quote.currency)).collect())
}

/// What is to be set aside for an order with these lines.
pub(super) fn needed(order_id: Uuid, lines: &[OrderLine]) -> ReserveOrder {
    let line = |line: &OrderLine| ReserveLine {
        order_line_id: line.id,
        variant_id: line.variant_id,
        sku: line.sku.clone(),
        quantity: line.quantity,
    };
    ReserveOrder { order_id, lines: lines.iter().map(line).collect() }
}
