//! Orders as the rest of the program sees them.

use crate::account::PostalAddress;
use crate::db::Timestamp;
use crate::db::page::{Cursor, CursorKey};
use crate::money::{Currency, Money};
use crate::order::{OrderKind, OrderStatus};
use entity::{order_event, order_line, shop_order};
use std::sync::Arc;
use uuid::Uuid;

/// Something that is sold, or bought by the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The key.
    pub id: Uuid,
    /// For people, unique.
    pub number: String,
    /// Whether the shop sells or buys.
    pub kind: OrderKind,
    /// Where it stands.
    pub status: OrderStatus,
    /// Whose it is; None for a guest's and for a purchase.
    pub customer_id: Option<Uuid>,
    /// Where mail about it goes.
    pub email: String,
    /// What all amounts are in.
    pub currency: Currency,
    /// The lines, net, in minor units.
    pub subtotal: i64,
    /// Shipping, net.
    pub shipping_total: i64,
    /// Tax of lines and shipping.
    pub tax_total: i64,
    /// Subtotal, shipping and tax.
    pub total: i64,
    /// What was taken for it: less than the total when only a part was captured.
    pub paid_total: i64,
    /// What went back.
    pub refunded_total: i64,
    /// Where it is sent; None for a purchase.
    pub shipping_address: Option<Box<PostalAddress>>,
    /// Whom the bill is for; None: as the shipping address.
    pub billing_address: Option<Box<PostalAddress>>,
    /// The name of the shipping method.
    pub shipping_method_name: Option<String>,
    /// Of a purchase: who sells to the shop.
    pub supplier_name: Option<String>,
    /// Of a purchase: where it goes.
    pub warehouse_id: Option<Uuid>,
    /// Why it was cancelled; None when nobody said, or it was not.
    pub cancel_reason: Option<String>,
    /// Rises with each change.
    pub version: i64,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Its lines, for whoever has just written them; None: they are to be looked up.
    pub lines: Option<Arc<[OrderLine]>>,
}

impl Order {
    /// An amount of the order's currency.
    #[must_use]
    pub const fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }
}

impl TryFrom<shop_order::Model> for Order {
    type Error = String;

    /// Only a row that a newer program wrote cannot be read.
    fn try_from(model: shop_order::Model) -> Result<Self, String> {
        let status = OrderStatus::from_word(&model.status)
            .ok_or_else(|| format!("an order has the status {}", model.status))?;
        let currency = Currency::from_code(&model.currency)
            .ok_or_else(|| format!("an order is in {}", model.currency))?;
        Ok(Self {
            id: model.id,
            number: model.number,
            kind: OrderKind::from_word(&model.kind),
            status,
            customer_id: model.customer_id,
            email: model.email,
            currency,
            subtotal: model.subtotal,
            shipping_total: model.shipping_total,
            tax_total: model.tax_total,
            total: model.total,
            paid_total: model.paid_total,
            refunded_total: model.refunded_total,
            shipping_address: address(model.shipping_address)?,
            billing_address: address(model.billing_address)?,
            shipping_method_name: model.shipping_method_name,
            supplier_name: model.supplier_name,
            warehouse_id: model.warehouse_id,
            cancel_reason: model.cancel_reason,
            version: model.version,
            created_at: model.created_at,
            updated_at: model.updated_at,
            lines: None,
        })
    }
}

fn address(json: Option<serde_json::Value>) -> Result<Option<Box<PostalAddress>>, String> {
    json.map(serde_json::from_value).transpose().map_err(|error| error.to_string())
}

impl Order {
    /// Its place in a list by the time it was placed.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: CursorKey::Time(self.created_at), id: self.id }
    }
}

/// A line of an order, with names and prices as they were when it was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// The key.
    pub id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// The variant; it may have been archived meanwhile.
    pub variant_id: Uuid,
    /// Its SKU then.
    pub sku: String,
    /// The product's name then.
    pub product_name: String,
    /// The variant's name then.
    pub variant_name: String,
    /// How many.
    pub quantity: i64,
    /// For one, net, in minor units.
    pub unit_price: i64,
    /// For all, net.
    pub line_total: i64,
    /// Parts per million.
    pub tax_rate_ppm: i64,
    /// The tax on all.
    pub tax: i64,
    /// How many have left the warehouse.
    pub quantity_fulfilled: i64,
    /// How many of these came back.
    pub quantity_returned: i64,
    /// Of a purchase, how many have arrived.
    pub quantity_received: i64,
    /// Whose money went back, or is on its way.
    pub quantity_refunded: i64,
    /// How much money that is.
    pub refunded_amount: i64,
    /// Not to be sent any more, because their money goes back.
    pub quantity_cancelled: i64,
    /// The flash sale whose price it has; None: the list price.
    pub flash_sale_id: Option<Uuid>,
    /// What the amounts are in.
    pub currency: Currency,
}

impl OrderLine {
    /// A line of an order in this currency.
    #[must_use]
    pub fn of(model: order_line::Model, currency: Currency) -> Self {
        Self {
            id: model.id,
            order_id: model.order_id,
            variant_id: model.variant_id,
            sku: model.sku,
            product_name: model.product_name,
            variant_name: model.variant_name,
            quantity: model.quantity,
            unit_price: model.unit_price,
            line_total: model.line_total,
            tax_rate_ppm: model.tax_rate_ppm,
            tax: model.tax,
            quantity_fulfilled: model.quantity_fulfilled,
            quantity_returned: model.quantity_returned,
            quantity_received: model.quantity_received,
            quantity_refunded: model.quantity_refunded,
            refunded_amount: model.refunded_amount,
            quantity_cancelled: model.quantity_cancelled,
            flash_sale_id: model.flash_sale_id,
            currency,
        }
    }
}

/// One change of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEvent {
    /// The key.
    pub id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// The order's version after it.
    pub version: i64,
    /// What happened.
    pub kind: EventKind,
    /// Where the order stood; None for the first.
    pub from_status: Option<OrderStatus>,
    /// Where it stood then.
    pub to_status: OrderStatus,
    /// Who did it; None: a guest, a program or the server.
    pub actor_id: Option<Uuid>,
    /// In words, for people; None when the kind says all.
    pub note: Option<String>,
    /// The id of the request or job that it was done in.
    pub correlation_id: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

impl TryFrom<order_event::Model> for OrderEvent {
    type Error = String;

    fn try_from(model: order_event::Model) -> Result<Self, String> {
        let status = |word: &str| {
            OrderStatus::from_word(word).ok_or_else(|| format!("an event has the status {word}"))
        };
        Ok(Self {
            id: model.id,
            order_id: model.order_id,
            version: model.version,
            kind: EventKind::from_word(&model.kind)
                .ok_or_else(|| format!("an event has the type {}", model.kind))?,
            from_status: model.from_status.as_deref().map(status).transpose()?,
            to_status: status(&model.to_status)?,
            actor_id: model.actor_id,
            note: model.data.get("note").and_then(|note| note.as_str()).map(str::to_owned),
            correlation_id: model.correlation_id,
            created_at: model.created_at,
        })
    }
}

macro_rules! event_kinds {
    ($($(#[doc = $about:literal])+ $kind:ident $word:literal $topic:literal,)+) => {
        /// What can happen to an order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EventKind {
            $($(#[doc = $about])+ $kind,)+
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// As it stands in the database and in the schema.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $word,)+ }
            }

            /// How others are told of it.
            #[must_use]
            pub const fn event_name(self) -> &'static str {
                match self { $(Self::$kind => $topic,)+ }
            }

            /// The kind of this name.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
            }
        }
    };
}

event_kinds! {
    /// It was placed; of a purchase: written.
    Placed "PLACED" "order.placed",
    /// A further attempt to pay it began.
    PaymentStarted "PAYMENT_STARTED" "order.payment_started",
    /// A payment was declined or could not be made.
    PaymentFailed "PAYMENT_FAILED" "order.payment_failed",
    /// A payment was authorized: the money is promised.
    Authorized "AUTHORIZED" "order.authorized",
    /// It is paid.
    Paid "PAID" "order.paid",
    /// It was cancelled.
    Cancelled "CANCELLED" "order.cancelled",
    /// It was not paid in time.
    Expired "EXPIRED" "order.expired",
    /// A part of it, or all, has left the warehouse.
    Fulfilled "FULFILLED" "order.fulfilled",
    /// It is through.
    Completed "COMPLETED" "order.completed",
    /// The provider refused to give money back.
    RefundFailed "REFUND_FAILED" "order.refund_failed",
    /// Money went back.
    Refunded "REFUNDED" "order.refunded",
    /// Goods came back.
    Returned "RETURNED" "order.returned",
    /// A purchase was ordered from its supplier.
    Ordered "ORDERED" "order.ordered",
    /// A part of a purchase, or all, has arrived.
    Received "RECEIVED" "order.received",
}
