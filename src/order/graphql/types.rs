//! Orders as clients see them.

use crate::account::graphql::{Address, User};
use crate::account::loader::AccountLoaders;
use crate::auth::{Permission, Viewer};
use crate::catalog::graphql::ProductVariant;
use crate::catalog::loader::CatalogLoaders;
use crate::graphql::scalars::{BigInt, DateTime, Money};
use crate::graphql::{Fault, NodeKind};
use crate::order::graphql::fulfillment::Fulfillment;
use crate::order::loader::OrderLoaders;
use crate::order::{self, EventKind};
use crate::payment::graphql::Payment;
use crate::stock::graphql::{Warehouse, pieces};
use crate::stock::loader::StockLoaders;
use async_graphql::{Context, Enum, ID, Object};
use rust_decimal::Decimal as Exact;

/// Whether the shop sells or buys.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "order::OrderKind")]
pub enum OrderKind {
    /// A customer buys.
    Sale,
    /// The shop orders from a supplier.
    Purchase,
}

/// Where an order stands; `allowedTransitions` tells what can come next.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "order::OrderStatus")]
pub enum OrderStatus {
    /// A sale that is not paid; its stock is held for a while, then it is cancelled.
    PendingPayment,
    /// A sale whose money is set aside by the provider.
    Authorized,
    /// A sale that is paid; also while only a part of it has left the warehouse.
    Paid,
    /// A sale that has left the warehouse in full.
    Fulfilled,
    /// A sale that is through.
    Completed,
    /// Called off, or not paid in time: nothing is held for it any more.
    Cancelled,
    /// A sale whose money went back in full.
    Refunded,
    /// A purchase that is being written.
    Draft,
    /// A purchase that the supplier has; also while only a part of it has arrived.
    Ordered,
    /// A purchase that has arrived in full.
    Received,
}

/// What happened to an order.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "EventKind")]
pub enum OrderEventType {
    /// It was placed; of a purchase: written.
    Placed,
    /// A further attempt to pay it began.
    PaymentStarted,
    /// A payment was declined or could not be made.
    PaymentFailed,
    /// The provider set the money aside.
    Authorized,
    /// It is paid.
    Paid,
    /// It was called off.
    Cancelled,
    /// It was not paid in time.
    Expired,
    /// A part of it, or all, has left the warehouse.
    Fulfilled,
    /// It is through.
    Completed,
    /// The provider refused to give money back; somebody has to see to it.
    RefundFailed,
    /// Money went back.
    Refunded,
    /// Goods came back.
    Returned,
    /// A purchase was ordered from its supplier.
    Ordered,
    /// A part of a purchase, or all, has arrived.
    Received,
}

/// What a customer buys, or the shop orders from a supplier.
pub struct Order(pub order::Order);

/// What a customer buys, or the shop orders from a supplier. Names, prices and addresses stay as
/// they were when it was placed. Seen by its customer, by who holds its guestAccessToken, and by
/// staff.
#[Object]
impl Order {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::Order.id(self.0.id)
    }

    /// The number for people, such as `SO-7K3F-9QXM`; unique.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Whether the shop sells or buys.
    async fn kind(&self) -> OrderKind {
        self.0.kind.into()
    }

    /// Where it stands.
    async fn status(&self) -> OrderStatus {
        self.0.status.into()
    }

    /// What can become of it from here; empty when it is at its end.
    async fn allowed_transitions(&self) -> Vec<OrderStatus> {
        self.0.status.transitions().iter().copied().map(OrderStatus::from).collect()
    }

    /// The account that bought; null for a guest's order and for a purchase.
    async fn customer(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let accounts = ctx.data_unchecked::<AccountLoaders>();
        accounts.user.get(self.0.customer_id?).await.map(|found| found.map(User)).transpose()
    }

    /// Where mail about it goes; of a purchase the supplier's address, empty when nobody told it.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Where it is sent; null for a purchase.
    async fn shipping_address(&self) -> Option<Address> {
        self.address(NodeKind::OrderShippingAddress)
    }

    /// Whom the bill is for; null when that is the shipping address.
    async fn billing_address(&self) -> Option<Address> {
        self.address(NodeKind::OrderBillingAddress)
    }

    /// The name of the shipping method; null when nothing is sent.
    async fn shipping_method_name(&self) -> Option<&str> {
        self.0.shipping_method_name.as_deref()
    }

    /// What was ordered, in the order of the cart: 100 lines at most.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<OrderLine>, Fault> {
        if let Some(lines) = &self.0.lines {
            return Ok(lines.iter().cloned().map(OrderLine).collect());
        }
        let lines = ctx.data_unchecked::<OrderLoaders>().lines.get(self.0.id).await?;
        Ok(lines.unwrap_or_default().into_iter().map(OrderLine).collect())
    }

    /// All lines, before shipping and tax.
    async fn subtotal(&self) -> Money {
        self.0.money(self.0.subtotal).into()
    }

    /// Shipping, before tax.
    async fn shipping_total(&self) -> Money {
        self.0.money(self.0.shipping_total).into()
    }

    /// Tax on the lines and on shipping.
    async fn tax_total(&self) -> Money {
        self.0.money(self.0.tax_total).into()
    }

    /// What is paid: subtotal + shippingTotal + taxTotal, exactly.
    async fn total(&self) -> Money {
        self.0.money(self.0.total).into()
    }

    /// What was taken for it: nothing while it is not paid, and less than `total` when only a part
    /// was captured and the rest given up.
    async fn paid_total(&self) -> Money {
        self.0.money(self.0.paid_total).into()
    }

    /// What went back of it.
    async fn refunded_total(&self) -> Money {
        self.0.money(self.0.refunded_total).into()
    }

    /// Of a purchase: who sells to the shop; null for a sale.
    async fn supplier_name(&self) -> Option<&str> {
        self.0.supplier_name.as_deref()
    }

    /// Of a purchase: where it goes; null for a sale, and for those who may not see warehouses.
    async fn warehouse(&self, ctx: &Context<'_>) -> Option<Result<Warehouse, Fault>> {
        let stock = ctx.data_unchecked::<StockLoaders>();
        let found = stock.warehouse.get(self.0.warehouse_id?).await;
        found.map(|found| found.map(Warehouse)).transpose()
    }

    /// What was sent of it, the first parcel first; empty until something was.
    async fn fulfillments(&self, ctx: &Context<'_>) -> Result<Vec<Fulfillment>, Fault> {
        let sent = ctx.data_unchecked::<OrderLoaders>().fulfillments.get(self.0.id).await?;
        Ok(sent.unwrap_or_default().into_iter().map(Fulfillment).collect())
    }

    /// Why it was cancelled, in the words of who did it; EXPIRED when it was not paid in time; null
    /// otherwise.
    async fn cancel_reason(&self) -> Option<&str> {
        self.0.cancel_reason.as_deref()
    }

    /// The attempts to pay it, the first one first; none for programs that may see every order and
    /// no payments.
    async fn payments(&self, ctx: &Context<'_>) -> Result<Vec<Payment>, Fault> {
        let viewer = ctx.data_unchecked::<Viewer>();
        if viewer.can(Permission::OrderRead) && !viewer.can(Permission::PaymentRead) {
            return Ok(Vec::new());
        }
        let payments = ctx.data_unchecked::<OrderLoaders>().payments.get(self.0.id).await?;
        Ok(payments.unwrap_or_default().into_iter().map(Payment).collect())
    }

    /// Its history, the oldest first.
    async fn events(&self, ctx: &Context<'_>) -> Result<Vec<OrderEvent>, Fault> {
        let events = ctx.data_unchecked::<OrderLoaders>().events.get(self.0.id).await?;
        Ok(events.unwrap_or_default().into_iter().map(OrderEvent).collect())
    }

    /// Rises with each change.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// When it was placed.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

impl Order {
    /// One of its addresses; None when it has none of the kind.
    pub(crate) fn address(&self, kind: NodeKind) -> Option<Address> {
        let postal = match kind {
            NodeKind::OrderShippingAddress => self.0.shipping_address.clone(),
            NodeKind::OrderBillingAddress => self.0.billing_address.clone(),
            _ => None,
        };
        Some(Address::of_order(kind, self.0.id, *postal?))
    }
}

/// A line of an order.
pub struct OrderLine(pub order::OrderLine);

/// A line of an order. Names and prices stay as they were when it was placed.
#[Object]
impl OrderLine {
    /// The opaque id, for returns and refunds of single lines.
    async fn id(&self) -> ID {
        NodeKind::OrderLine.id(self.0.id)
    }

    /// The variant as it is now. It is there also when it is not sold any more.
    async fn variant(&self, ctx: &Context<'_>) -> Option<Result<ProductVariant, Fault>> {
        let catalog = ctx.data_unchecked::<CatalogLoaders>();
        let found = catalog.variant_in_use.get(self.0.variant_id).await;
        found.map(|found| found.map(ProductVariant::in_use)).transpose()
    }

    /// The SKU.
    async fn sku(&self) -> &str {
        &self.0.sku
    }

    /// The product's name.
    async fn product_name(&self) -> &str {
        &self.0.product_name
    }

    /// The variant's name; may be empty.
    async fn variant_name(&self) -> &str {
        &self.0.variant_name
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        pieces(self.0.quantity)
    }

    /// What one costs, before tax.
    async fn unit_price(&self) -> Money {
        self.money(self.0.unit_price)
    }

    /// What all of them cost, before tax.
    async fn line_total(&self) -> Money {
        self.money(self.0.line_total)
    }

    /// The rate of the tax on it, in percent: `"19"`.
    async fn tax_rate(&self) -> crate::graphql::scalars::Decimal {
        let percent = Exact::new(self.0.tax_rate_ppm, 4).normalize();
        crate::graphql::scalars::Decimal(percent.to_string())
    }

    /// The tax on it, rounded half to even in the smallest unit of the currency.
    async fn tax(&self) -> Money {
        self.money(self.0.tax)
    }

    /// Whether it was bought in a flash sale: then that decided `unitPrice`.
    async fn is_in_flash_sale(&self) -> bool {
        self.0.flash_sale_id.is_some()
    }

    /// How many have left the warehouse.
    async fn quantity_fulfilled(&self) -> i32 {
        pieces(self.0.quantity_fulfilled)
    }

    /// How many of these came back.
    async fn quantity_returned(&self) -> i32 {
        pieces(self.0.quantity_returned)
    }

    /// How many were paid back one by one, or are about to be.
    async fn quantity_refunded(&self) -> i32 {
        pieces(self.0.quantity_refunded)
    }

    /// How many will not be sent any more, because they were paid back before.
    async fn quantity_cancelled(&self) -> i32 {
        pieces(self.0.quantity_cancelled)
    }

    /// Of a purchase, how many have arrived; 0 for a sale.
    async fn quantity_received(&self) -> i32 {
        pieces(self.0.quantity_received)
    }
}

impl OrderLine {
    fn money(&self, minor: i64) -> Money {
        crate::money::Money { minor, currency: self.0.currency }.into()
    }
}

/// One change of an order.
pub struct OrderEvent(pub order::OrderEvent);

/// One change of an order.
#[Object]
impl OrderEvent {
    /// What happened.
    #[graphql(name = "type")]
    async fn kind(&self) -> OrderEventType {
        self.0.kind.into()
    }

    /// Where the order stood; null for the first one.
    async fn from_status(&self) -> Option<OrderStatus> {
        self.0.from_status.map(OrderStatus::from)
    }

    /// Where it stood then.
    async fn to_status(&self) -> OrderStatus {
        self.0.to_status.into()
    }

    /// In words, such as why a payment failed; null when the type says all.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Who did it, if you may see that account; null for a guest, a program and the server itself.
    async fn actor(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let accounts = ctx.data_unchecked::<AccountLoaders>();
        accounts.user.get(self.0.actor_id?).await.map(|found| found.map(User)).transpose()
    }

    /// The id of the request or job in which it happened, as it stands in the logs; null for what
    /// neither caused.
    async fn correlation_id(&self) -> Option<&str> {
        self.0.correlation_id.as_deref()
    }

    /// When.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
