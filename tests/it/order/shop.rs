//! What the tests of orders send, and how they read what comes back.

use crate::app::{Answer, Caller, TestApp};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use stockroom::order::Orders;
use uuid::Uuid;

const ORDER: &str = "{ id number kind status allowedTransitions email version cancelReason \
    subtotal { amountMinor } shippingTotal { amountMinor } taxTotal { amountMinor } \
    total { amount amountMinor currency } refundedTotal { amountMinor } \
    shippingAddress { id name city country } billingAddress { name } shippingMethodName \
    customer { id } \
    lines { id sku productName quantity taxRate unitPrice { amountMinor } \
    lineTotal { amountMinor } tax { amountMinor } \
    quantityFulfilled quantityReturned quantityReceived } \
    supplierName warehouse { code } fulfillments { id carrier trackingNumber note \
    lines { orderLine { sku } quantity quantityReturned warehouse { code } } } \
    payments { id status provider failureCode amount { amountMinor } captured { amountMinor } \
    refunded { amountMinor } } \
    events { type fromStatus toStatus note correlationId } }";
const REST: &str = "userErrors { __typename code message path \
    ... on InsufficientStockError { sku requested available } \
    ... on PriceChangedError { oldTotal { amount } newTotal { amount } } \
    ... on InvalidTransitionError { from to allowed } \
    ... on PaymentDeclinedError { declineCode } \
    ... on PaymentUnavailableError { retryAfterSeconds } \
    ... on VersionConflictError { actualVersion } \
    ... on IdempotencyConflictError { reason } } \
    warnings { __typename code message path }";

/// The document of a mutation on orders.
pub fn document(mutation: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    let input = format!("{}{rest}Input", first.to_uppercase());
    let more = match mutation {
        "checkoutComplete" | "orderCreate" => "guestAccessToken payment { id status }",
        "orderPay" => "payment { id status }",
        _ => "",
    };
    format!(
        "mutation ($input: {input}!) {{ {mutation}(input: $input) {{ order {ORDER} {more} {REST} }} }}"
    )
}

/// A shop with cups at 10.00 and pots at 25.50, 19 % tax in Germany, and shipping at 4.90.
pub async fn shop() -> TestApp {
    let app = TestApp::start().await;
    stock_up(&app, 100).await;
    app
}

/// Puts so many pieces of each on the shelf, with what they cost.
pub async fn stock_up(app: &TestApp, pieces: i64) {
    app.offers("CUP", pieces, 1_000).await;
    app.offers("POT", pieces, 2_550).await;
    app.taxes(Some("DE"), 190_000).await;
    app.ships("standard", None, &[("EUR", 0, 490)]).await;
}

/// A checkout of this cart with this method of the sandbox, under a key of its own.
pub fn checkout(cart: &Value, method: &str) -> Value {
    json!({
        "cartId": cart,
        "email": "buyer@shop.example",
        "shippingAddress": {
            "name": "A Buyer", "line1": "Long Street 1", "city": "Berlin",
            "postalCode": "10115", "country": "DE",
        },
        "payment": { "provider": "sandbox", "method": method },
        "idempotencyKey": Uuid::new_v4().to_string(),
    })
}

/// The codes of a payload's errors.
pub fn codes(payload: &Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().expect("a payload has userErrors");
    errors.iter().map(|error| error["code"].as_str().expect("an error has a code")).collect()
}

impl Caller {
    /// A mutation on orders with this input.
    pub async fn order_call(&self, mutation: &str, input: Value) -> Answer {
        self.query(document(mutation)).with_variables(json!({ "input": input })).await
    }

    /// As [`Caller::order_call`]: the payload.
    pub async fn order_payload(&self, mutation: &str, input: Value) -> Value {
        self.order_call(mutation, input).await.data()[mutation].clone()
    }

    /// A new cart with these SKUs in it: its id.
    pub async fn fills(&self, lines: &[(&str, i64)]) -> Value {
        let lines: Vec<Value> =
            lines.iter().map(|(sku, n)| json!({ "sku": sku, "quantity": n })).collect();
        let document = "mutation ($lines: [CartLineInput!]) { cartCreate(input: { lines: $lines }) \
                        { cart { id } userErrors { code } } }";
        let answer = self.query(document).with_variables(json!({ "lines": lines })).await;
        assert_eq!(answer.data()["cartCreate"]["userErrors"], json!([]));
        answer.data()["cartCreate"]["cart"]["id"].clone()
    }

    /// Buys these SKUs with this method of the sandbox: the payload.
    pub async fn buys(&self, lines: &[(&str, i64)], method: &str) -> Value {
        let cart = self.fills(lines).await;
        self.order_payload("checkoutComplete", checkout(&cart, method)).await
    }

    /// The order with this id; null when there is none to be seen.
    pub async fn order(&self, id: &Value) -> Value {
        let document = format!("query ($id: ID!) {{ order(by: {{ id: $id }}) {ORDER} }}");
        let answer = self.query(document).with_variables(json!({ "id": id })).await;
        answer.data()["order"].clone()
    }
}

impl TestApp {
    /// The order service.
    pub fn orders(&self) -> &Orders {
        &self.app.services.orders
    }

    /// The one payment that there is.
    pub async fn only_payment(&self) -> Uuid {
        let all = entity::payment::Entity::find().all(self.app.db.reader()).await;
        let [one] = <[_; 1]>::try_from(all.expect("the database answers")).expect("there is one");
        one.id
    }

    /// Pieces on hand and reserved of a SKU, over all warehouses.
    pub async fn pieces(&self, sku: &str) -> (i64, i64) {
        let of = |column: &str| {
            format!(
                "SELECT CAST(COALESCE(SUM(l.{column}), 0) AS bigint) FROM stock_level l JOIN product_variant v ON \
                 v.id = l.variant_id WHERE v.sku = '{sku}'"
            )
        };
        (self.number(&of("on_hand")).await, self.number(&of("reserved")).await)
    }

    /// So many rows of a table for which this holds.
    pub async fn rows(&self, table: &str, condition: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {table} WHERE {condition}")).await
    }
}
