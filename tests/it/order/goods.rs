//! What the tests of goods that come and go send.

use super::shop::codes;
use crate::app::{Caller, TestApp};
use serde_json::{Value, json};

/// So many pieces of lines of an order, by their SKUs.
pub fn pieces(order: &Value, wanted: &[(&str, i64)]) -> Value {
    let lines = order["lines"].as_array().expect("an order has lines");
    let one = |(sku, quantity): &(&str, i64)| {
        let line = lines.iter().find(|line| line["sku"] == *sku);
        let line = line.unwrap_or_else(|| panic!("{sku} is in no line of {order}"));
        json!({ "orderLineId": line["id"], "quantity": quantity })
    };
    wanted.iter().map(one).collect()
}

/// A field of the order's line with this SKU.
pub fn of_line(order: &Value, sku: &str, field: &str) -> i64 {
    let lines = order["lines"].as_array().expect("an order has lines");
    let line = lines.iter().find(|line| line["sku"] == sku).expect("the SKU is in a line");
    line[field].as_i64().expect("it is a number")
}

/// The types of an order's events.
pub fn events(order: &Value) -> Vec<&str> {
    let events = order["events"].as_array().expect("an order has events");
    events.iter().map(|event| event["type"].as_str().expect("an event has a type")).collect()
}

impl Caller {
    /// Buys these SKUs and pays: the order.
    pub async fn bought(&self, lines: &[(&str, i64)]) -> Value {
        let placed = self.buys(lines, "card_approved").await;
        assert_eq!(placed["order"]["status"], "PAID", "{placed}");
        placed["order"].clone()
    }

    /// Sends pieces of an order, or all that is left: the payload.
    pub async fn sends(&self, order: &Value, wanted: Option<&[(&str, i64)]>) -> Value {
        let lines = wanted.map_or(Value::Null, |wanted| pieces(order, wanted));
        let input = json!({ "orderId": order["id"], "lines": lines });
        self.order_payload("orderFulfill", input).await
    }

    /// Enters a purchase of these SKUs at these costs, in cents, and orders it: the order.
    pub async fn orders_in(&self, lines: &[(&str, i64, i64)]) -> Value {
        let done = self.order_payload("orderCreate", purchase(lines, true)).await;
        assert_eq!(codes(&done), [""; 0], "{done}");
        done["order"].clone()
    }

    /// Puts pieces of a purchase on the shelf, or all that is open: the payload.
    pub async fn takes_in(&self, order: &Value, wanted: Option<&[(&str, i64)]>) -> Value {
        let lines = wanted.map_or(Value::Null, |wanted| pieces(order, wanted));
        let input = json!({ "orderId": order["id"], "lines": lines });
        self.order_payload("purchaseOrderReceive", input).await
    }
}

/// A purchase from a supplier.
pub fn purchase(lines: &[(&str, i64, i64)], place: bool) -> Value {
    let line = |(sku, quantity, cents): &(&str, i64, i64)| {
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        json!({ "sku": sku, "quantity": quantity,
                "unitCost": { "amount": amount, "currency": "EUR" } })
    };
    json!({
        "kind": "PURCHASE",
        "supplier": { "name": "Clay & Co", "email": "sales@clay.example" },
        "currency": "EUR",
        "place": place,
        "lines": lines.iter().map(line).collect::<Value>(),
    })
}

impl TestApp {
    /// Pieces of a SKU that are on their way, over all warehouses.
    pub async fn incoming(&self, sku: &str) -> i64 {
        let sum = format!(
            "SELECT CAST(COALESCE(SUM(l.incoming), 0) AS bigint) FROM stock_level l JOIN \
             product_variant v ON v.id = l.variant_id WHERE v.sku = '{sku}'"
        );
        self.number(&sum).await
    }
}
