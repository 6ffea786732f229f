//! Orders, with all that belongs to them.

use super::{
    FULFILLMENT, FULFILLMENT_LINE, ORDER, ORDER_EVENT, ORDER_LINE, PAYMENT, REFUND, VARIANT,
    WAREHOUSE, actor, insert, key,
};
use crate::app::MAIN;
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};
use stockroom::db::Timestamp;

pub async fn sales(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::{payment, shop_order};
    let orders = (0..n).map(|row| shop_order::Model {
        id: key(ORDER, row),
        number: format!("S-{row}"),
        kind: "SALE".to_owned(),
        status: "PENDING_PAYMENT".to_owned(),
        customer_id: Some(actor(row)),
        email: format!("staff{row}@stockroom.example"),
        email_key: format!("staff{row}@stockroom.example"),
        guest_token_hash: None,
        cart_id: None,
        currency: "EUR".to_owned(),
        subtotal: 1_000,
        shipping_total: 0,
        tax_total: 0,
        total: 1_000,
        refunded_total: 0,
        paid_total: 0,
        shipping_address: Some(postal_address()),
        billing_address: Some(postal_address()),
        shipping_method: Some("standard".to_owned()),
        shipping_method_name: Some("Standard".to_owned()),
        shipping_tax: 0,
        cancel_reason: None,
        supplier_name: Some(format!("Supplier {row}")),
        warehouse_id: Some(key(WAREHOUSE, row)),
        token_key: None,
        version: 1,
        created_at: now,
        updated_at: now,
    });
    insert::<shop_order::Entity, _>(connection, orders).await;
    order_details(connection, n, now).await;
    let payments = (0..n).map(|row| payment::Model {
        id: key(PAYMENT, row),
        order_id: key(ORDER, row),
        order_number: format!("S-{row}"),
        provider: "sandbox".to_owned(),
        method: "card_pending".to_owned(),
        currency: "EUR".to_owned(),
        amount: 1_000,
        capture_at_once: true,
        state: "ACTION_REQUIRED".to_owned(),
        authorized: 0,
        capturing: 0,
        captured: 0,
        refunded: 0,
        refund_pending: 0,
        step: 1,
        provider_reference: Some(format!("ch_{row}")),
        failure_code: None,
        retry_after_seconds: None,
        next_action: Some(json!({
            "kind": "Redirect", "redirect_url": "https://bank.example", "client_secret": "s"
        })),
        lease_until: Some(now),
        attempts: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        capture_asked: None,
        void_reason: None,
        decided_as: None,
        decided_at: None,
    });
    insert::<payment::Entity, _>(connection, payments).await;
    refunds(connection, n, now).await;
}

/// The first payment has `n` refunds, the others one each.
async fn refunds(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::refund::{Entity, Model};
    let whose = (0..n).map(|_| 0).chain(1..n).enumerate();
    let rows = whose.map(|(row, payment)| Model {
        id: key(REFUND, row),
        payment_id: key(PAYMENT, payment),
        key: format!("refund {row}"),
        amount: 1,
        state: "FAILED".to_owned(),
        reason: Some("A scratch".to_owned()),
        provider_reference: None,
        failure_code: Some("account_closed".to_owned()),
        lease_until: None,
        attempts: 0,
        created_at: now,
        updated_at: now,
        restock: false,
        turn: 0,
        retry_at: None,
    });
    insert::<Entity, _>(connection, rows).await;
}

fn postal_address() -> Value {
    json!({
        "name": "A Buyer", "line1": "Long Street 1", "line2": null, "city": "Berlin",
        "region": null, "postal_code": "10115", "country": "DE",
    })
}

/// The first order has `n` lines and events, the others one each.
async fn order_details(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::{order_event, order_line};
    let whose = || (0..n).map(|_| 0).chain(1..n).enumerate();
    let lines = whose().map(|(row, order)| order_line::Model {
        id: key(ORDER_LINE, row),
        order_id: key(ORDER, order),
        position: i32::try_from(row).unwrap(),
        variant_id: key(VARIANT, row % 2),
        sku: format!("SKU-{row}"),
        product_name: format!("Product {row}"),
        variant_name: String::new(),
        options: json!([]),
        quantity: 1,
        unit_price: 1_000,
        line_total: 1_000,
        tax_rate_ppm: 190_000,
        tax: 190,
        quantity_fulfilled: 0,
        quantity_returned: 0,
        quantity_received: 0,
        quantity_refunded: 0,
        refunded_amount: 0,
        quantity_cancelled: 0,
        flash_sale_id: None,
    });
    insert::<order_line::Entity, _>(connection, lines).await;
    sent(connection, n, now).await;
    let events = whose().map(|(row, order)| order_event::Model {
        id: key(ORDER_EVENT, row),
        order_id: key(ORDER, order),
        version: i64::try_from(row).unwrap() + 1,
        kind: "PLACED".to_owned(),
        from_status: None,
        to_status: "PENDING_PAYMENT".to_owned(),
        actor_id: Some(actor(row % n)),
        api_token_id: None,
        paid: 0,
        refunded: 0,
        data: json!({}),
        correlation_id: None,
        created_at: now,
    });
    insert::<order_event::Entity, _>(connection, events).await;
}

/// The first order was sent in `n` parcels, the others in one; of the first parcel there are `n`
/// lines, of the others one.
async fn sent(connection: &DatabaseTransaction, n: usize, now: Timestamp) {
    use entity::{fulfillment, fulfillment_line};
    let whose = (0..n).map(|_| 0).chain(1..n).enumerate();
    let parcels = whose.map(|(row, order)| fulfillment::Model {
        id: key(FULFILLMENT, row),
        order_id: key(ORDER, order),
        carrier: Some("A carrier".to_owned()),
        tracking_number: Some(format!("T-{row}")),
        note: Some("A note.".to_owned()),
        created_at: now,
    });
    insert::<fulfillment::Entity, _>(connection, parcels).await;
    let whose = (0..n).map(|line| (0, line)).chain((1..2 * n - 1).map(|row| (row, row)));
    let lines = whose.enumerate().map(|(row, (parcel, line))| fulfillment_line::Model {
        id: key(FULFILLMENT_LINE, row),
        fulfillment_id: key(FULFILLMENT, parcel),
        order_line_id: key(ORDER_LINE, line),
        // In turns from the last one, and from one that no list of ids names.
        warehouse_id: if row % 2 == 0 { MAIN } else { key(WAREHOUSE, n - 1) },
        quantity: 1,
        quantity_returned: 0,
    });
    insert::<fulfillment_line::Entity, _>(connection, lines).await;
}
