//! The transaction that makes an order of a cart.

use crate::account::PostalAddress;
use crate::auth::Viewer;
use crate::cart::{Destination, LineProblem, Quote};
use crate::db::Tx;
use crate::failpoint;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::money::Money;
use crate::order::checkout::Addressed;
use crate::order::service::Orders;
use crate::order::service::place::Round;
use crate::order::service::record::Step;
use crate::order::{
    Checkout, EventKind, GuestToken, Order, OrderError, OrderKind, OrderStatus, PaymentAsk,
    Refusal, number,
};
use crate::payment::{NewPayment, Payment};
use crate::stock::{ReserveLine, ReserveOrder, Shortage};
use crate::validation::{Problem, ProblemKind};
use entity::{order_line, shop_order};
use sea_orm::sea_query::{Expr, Query};
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
    pub opened: Option<Box<Payment>>,
}

impl Written {
    pub fn new(order_id: Uuid, opened: Option<Payment>) -> Self {
        let payment_id = opened.as_ref().map(|payment| payment.id);
        Self { order_id, payment_id, refusal: None, opened: opened.map(Box::new) }
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
                if let Claim::Earlier(earlier) = ready.key.claim_in_txn::<Written>(&tx).await? {
                    return Ok((earlier, true));
                }
                Ok((orders.write_in_txn(&tx, &ready, round).await?, false))
            }
        });
        writing.await
    }

    async fn write_in_txn(
        &self,
        tx: &Tx,
        ready: &Ready,
        round: Round,
    ) -> Result<Written, OrderError> {
        let Ready { viewer, ask, key } = ready;
        // Only now: what was placed before answers as it did, whatever the rules are by now.
        let addressed = &ask.addressed().map_err(OrderError::Invalid)?;
        self.payments.check_method(&ask.payment.provider, &ask.payment.method)?;
        let quote = self.quote_in_txn(tx, ready, addressed, round).await?;
        let order_id = Uuid::now_v7();
        let owner = Owner {
            customer_id: viewer.user_id(),
            token: viewer.user_id().is_none().then(|| GuestToken::of(ask.cart_id, order_id)),
            cart_id: Some(ask.cart_id),
            token_key: None,
        };
        let order = insert_order_in_txn(tx, order_id, addressed, &quote, &owner).await?;
        let payment = self.open_payment_in_txn(tx, &order, &ask.payment).await?;
        let reserve = insert_lines_in_txn(tx, order.id, &quote)?;
        self.note_in_txn(tx, &order, (EventKind::Placed, None, None), viewer);
        let written = Written::new(order.id, payment);
        key.record_later(tx, &written);
        self.carts.complete_in_txn(tx, ask.cart_id, order.id).await?;
        // Stock last, and flash sales after it: a hot level stays locked until the commit.
        let reserve = [reserve];
        let reserved = self.stock.reserve_in_txn(tx, &reserve, self.policy.hold).await?;
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

    /// Locks the cart, and prices it anew.
    async fn quote_in_txn(
        &self,
        tx: &Tx,
        Ready { viewer, ask, .. }: &Ready,
        addressed: &Addressed,
        round: Round,
    ) -> Result<Quote, OrderError> {
        let cart = self.carts.lock_in_txn(tx, viewer, ask.cart_id).await?;
        let method = ask.shipping_method.clone().or(cart.cart.shipping_method);
        let (currency, to) = (cart.cart.currency, destination(&addressed.shipping));
        let pricing =
            self.carts.quote_in_txn(tx, currency, &cart.items, Some(&to), method.as_deref());
        let quote = pricing.await?;
        self.check_sold_out_in_txn(tx, &quote, round).await?;
        check_quote(ask, &quote)?;
        Ok(quote)
    }

    pub(super) async fn open_payment_in_txn(
        &self,
        tx: &Tx,
        order: &Order,
        ask: &PaymentAsk,
    ) -> Result<Option<Payment>, OrderError> {
        if order.total == 0 {
            return Ok(None);
        }
        let new = self.new_payment(order, ask);
        let payment = self.payments.open_in_txn(tx, &new).await?;
        self.tell_payment_in_txn(tx, &payment);
        Ok(Some(payment))
    }

    pub(super) fn new_payment(&self, order: &Order, ask: &PaymentAsk) -> NewPayment {
        NewPayment {
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

pub(super) async fn insert_order_in_txn(
    tx: &Tx,
    order_id: Uuid,
    addressed: &Addressed,
    quote: &Quote,
    owner: &Owner,
) -> Result<Order, OrderError> {
    use shop_order::Column as C;
    let json = |address: &PostalAddress| {
        serde_json::to_value(address).map_err(|error| OrderError::fault(error.to_string()))
    };
    let method = quote.shipping_method.as_ref();
    let mut insert = Query::insert();
    insert
        .into_table(shop_order::Entity)
        .columns([
            C::Id,
            C::Number,
            C::Kind,
            C::Status,
            C::CustomerId,
            C::Email,
            C::EmailKey,
            C::GuestTokenHash,
            C::CartId,
            C::Currency,
            C::Subtotal,
            C::ShippingTotal,
            C::TaxTotal,
            C::Total,
            C::ShippingAddress,
            C::BillingAddress,
            C::ShippingMethod,
            C::ShippingMethodName,
            C::ShippingTax,
            C::TokenKey,
            C::CreatedAt,
            C::UpdatedAt,
        ])
        .values_panic([
            Expr::value(order_id),
            Expr::value(number::random(OrderKind::Sale)),
            Expr::value(OrderKind::Sale.as_str()),
            Expr::value(OrderStatus::PendingPayment.as_str()),
            Expr::value(owner.customer_id),
            Expr::value(addressed.email.address.as_str()),
            Expr::value(addressed.email.key.as_str()),
            Expr::value(owner.token.as_ref().map(GuestToken::hash)),
            Expr::value(owner.cart_id),
            Expr::value(quote.currency.code()),
            Expr::value(quote.subtotal),
            Expr::value(quote.shipping_total),
            Expr::value(quote.tax_total),
            Expr::value(quote.total),
            Expr::value(json(&addressed.shipping)?),
            Expr::value(addressed.billing.as_ref().map(json).transpose()?),
            Expr::value(method.map(|method| method.code.as_str())),
            Expr::value(method.map(|method| method.name.as_str())),
            Expr::value(quote.shipping_tax),
            Expr::value(owner.token_key),
            tx.db().now_sql(),
            tx.db().now_sql(),
        ])
        .returning(Query::returning().all());
    let row: Option<shop_order::Model> = tx.one(&insert).await.map_err(|error| {
        match (error.violates("shop_order_cart_key", "shop_order.cart_id"), error) {
            (true, _) => OrderError::CartCompleted,
            (false, error) => error.into(),
        }
    })?;
    let row = row.ok_or_else(|| OrderError::fault("an order was not written"))?;
    Order::try_from(row).map_err(OrderError::fault)
}

/// Writes the lines with what they cost now, and tells what is to be set aside for them.
pub(super) fn insert_lines_in_txn(
    tx: &Tx,
    order_id: Uuid,
    quote: &Quote,
) -> Result<ReserveOrder, OrderError> {
    use order_line::Column as C;
    let mut insert = Query::insert();
    insert.into_table(order_line::Entity).columns([
        C::Id,
        C::OrderId,
        C::Position,
        C::VariantId,
        C::Sku,
        C::ProductName,
        C::VariantName,
        C::Options,
        C::Quantity,
        C::UnitPrice,
        C::LineTotal,
        C::TaxRatePpm,
        C::Tax,
        C::FlashSaleId,
    ]);
    let mut lines = Vec::with_capacity(quote.lines.len());
    for (position, line) in (0_i32..).zip(&quote.lines) {
        let id = Uuid::now_v7();
        let options = serde_json::to_value(&line.options);
        insert.values_panic([
            Expr::value(id),
            Expr::value(order_id),
            Expr::value(position),
            Expr::value(line.variant_id),
            Expr::value(line.sku.as_str()),
            Expr::value(line.product_name.as_str()),
            Expr::value(line.variant_name.as_str()),
            Expr::value(options.map_err(|error| OrderError::fault(error.to_string()))?),
            Expr::value(line.quantity),
            Expr::value(line.unit_price),
            Expr::value(line.line_total),
            Expr::value(line.tax_rate_ppm),
            Expr::value(line.tax),
            Expr::value(line.flash_sale.map(|sale| sale.sale_id)),
        ]);
        lines.push(ReserveLine {
            order_line_id: id,
            variant_id: line.variant_id,
            sku: line.sku.clone(),
            quantity: line.quantity,
        });
    }
    tx.later(insert, lines.len());
    Ok(ReserveOrder { order_id, lines })
}
