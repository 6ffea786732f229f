//! What orders know of a person: told to them, joined to their account, and taken out when the
//! account is erased. The figures stay.

use crate::db::{DbError, Timestamp, Tx};
use crate::order::service::{Orders, select_orders};
use crate::order::{OrderKind, OrderStatus};
use chrono::SecondsFormat;
use entity::shop_order::{Column, Entity, Model};
use entity::{fulfillment, order_line};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order as Sort, Query, SelectStatement};
use serde_json::{Value, json};
use uuid::Uuid;

/// Where an order stands of which money or goods are still on their way.
const UNSENT: [OrderStatus; 3] =
    [OrderStatus::PendingPayment, OrderStatus::Authorized, OrderStatus::Paid];
/// Orders that a message names at most.
const NAMED: u8 = 5;

#[derive(FromQueryResult)]
struct Waiting {
    number: String,
}

impl Orders {
    /// Everything that is kept of a customer's orders, for them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export(&self, customer_id: Uuid) -> Result<Value, DbError> {
        let mut select = select_orders();
        select
            .and_where(Expr::col((Entity, Column::CustomerId)).eq(customer_id))
            .order_by((Entity, Column::CreatedAt), Sort::Asc);
        let orders: Vec<Model> = self.db.all(&select).await?;
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(order_line::Entity)
            .and_where(Expr::col(order_line::Column::OrderId).in_subquery(own(customer_id)))
            .order_by(order_line::Column::Position, Sort::Asc);
        let lines: Vec<order_line::Model> = self.db.all(&select).await?;
        let sent = fulfillment::Column::OrderId;
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(fulfillment::Entity)
            .and_where(Expr::col(sent).in_subquery(own(customer_id)))
            .order_by(fulfillment::Column::Id, Sort::Asc);
        let parcels: Vec<fulfillment::Model> = self.db.all(&select).await?;
        let of_parcel = |parcel: &fulfillment::Model| {
            json!({
                "carrier": parcel.carrier,
                "trackingNumber": parcel.tracking_number,
                "createdAt": time(parcel.created_at),
            })
        };
        let of_line = |line: &order_line::Model| {
            json!({
                "sku": line.sku,
                "productName": line.product_name,
                "variantName": line.variant_name,
                "quantity": line.quantity,
                "unitPriceMinor": line.unit_price,
                "lineTotalMinor": line.line_total,
                "taxMinor": line.tax,
            })
        };
        let of_order = |order: &Model| {
            let own = lines.iter().filter(|line| line.order_id == order.id);
            let sent = parcels.iter().filter(|parcel| parcel.order_id == order.id);
            json!({
                "number": order.number,
                "status": order.status,
                "email": order.email,
                "currency": order.currency,
                "subtotalMinor": order.subtotal,
                "shippingTotalMinor": order.shipping_total,
                "taxTotalMinor": order.tax_total,
                "totalMinor": order.total,
                "refundedTotalMinor": order.refunded_total,
                "shippingAddress": order.shipping_address,
                "billingAddress": order.billing_address,
                "shippingMethod": order.shipping_method_name,
                "cancelReason": order.cancel_reason,
                "lines": own.map(of_line).collect::<Value>(),
                "fulfillments": sent.map(of_parcel).collect::<Value>(),
                "createdAt": time(order.created_at),
                "updatedAt": time(order.updated_at),
            })
        };
        Ok(orders.iter().map(of_order).collect())
    }

    /// Makes what a guest ordered under an address the orders of the account that has proved it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn join_in_txn(
        &self,
        tx: &Tx,
        customer_id: Uuid,
        email_key: &str,
    ) -> Result<(), DbError> {
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::CustomerId, customer_id)
            .and_where(Expr::col(Column::EmailKey).eq(email_key))
            .and_where(Expr::col(Column::CustomerId).is_null())
            .and_where(Expr::col(Column::Kind).eq("SALE"));
        tx.run(&update).await.map(drop)
    }

    /// Which orders of a customer wait for money, or for their goods to be sent, in a sentence for
    /// people; None when none do. Such an order has to know whom it is for and where it goes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_for_customer_in_txn(
        &self,
        tx: &Tx,
        customer_id: Uuid,
    ) -> Result<Option<String>, DbError> {
        let mut select = Query::select();
        select
            .column(Column::Number)
            .from(Entity)
            .and_where(Expr::col(Column::CustomerId).eq(customer_id))
            .and_where(Expr::col(Column::Kind).eq(OrderKind::Sale.as_str()))
            .and_where(Expr::col(Column::Status).is_in(UNSENT.map(OrderStatus::as_str)))
            .order_by(Column::CreatedAt, Sort::Asc)
            .limit(u64::from(NAMED) + 1);
        let waiting: Vec<Waiting> = tx.all(&select).await?;
        if waiting.is_empty() {
            return Ok(None);
        }
        let mut numbers: Vec<&str> = waiting.iter().map(|order| order.number.as_str()).collect();
        if waiting.len() > usize::from(NAMED) {
            numbers.truncate(usize::from(NAMED));
            numbers.push("…");
        }
        Ok(Some(format!(
            "Orders of this account are not sent yet ({}), and what is known of their buyer is \
             needed until then. Wait until they are sent, or cancel them, and erase the account \
             then.",
            numbers.join(", ")
        )))
    }

    /// Takes out of a customer's orders who they are and where they live.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn erase_in_txn(&self, tx: &Tx, customer_id: Uuid) -> Result<(), DbError> {
        let nothing = || Expr::value(Option::<Value>::None);
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::Email, "")
            .value(Column::EmailKey, "")
            .value(Column::ShippingAddress, nothing())
            .value(Column::BillingAddress, nothing())
            .value(Column::CancelReason, Option::<String>::None)
            .and_where(Expr::col(Column::CustomerId).eq(customer_id));
        tx.run(&update).await?;
        // The carrier tells whoever has the number where the parcel went.
        let mut update = Query::update();
        update
            .table(fulfillment::Entity)
            .value(fulfillment::Column::TrackingNumber, Option::<String>::None)
            .value(fulfillment::Column::Note, Option::<String>::None)
            .and_where(Expr::col(fulfillment::Column::OrderId).in_subquery(own(customer_id)));
        tx.run(&update).await.map(drop)
    }
}

/// The keys of a customer's orders.
fn own(customer_id: Uuid) -> SelectStatement {
    let mut own = Query::select();
    own.column(Column::Id).from(Entity).and_where(Expr::col(Column::CustomerId).eq(customer_id));
    own
}

fn time(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
