//! What the tests of carts send, and how they read what comes back.

use crate::app::{Answer, Caller, TestApp};
use serde_json::{Value, json};

const CART: &str = "{ id itemCount currency version totalIsFinal expiresAt customer { id } \
    lines { id quantity variant { sku } unitPrice { amount } lineTotal { amount } } \
    destination { country region postalCode } shippingMethod { code price { amount } } \
    shippingMethods { code price { amount } } subtotal { amount } shippingTotal { amount } \
    taxTotal { amount } total { amount amountMinor } problems { __typename \
    ... on InsufficientStockProblem { available line { variant { sku } } } \
    ... on PriceChangedProblem { oldPrice { amount } newPrice { amount } } \
    ... on VariantUnavailableProblem { line { variant { sku product { name } } } } } }";
const REST: &str = "userErrors { __typename code message path \
    ... on VersionConflictError { actualVersion } \
    ... on IdempotencyConflictError { reason } } \
    warnings { __typename code message path \
    ... on CartLineWarning { sku requestedQuantity quantity } }";

/// The document of a mutation on carts.
pub fn document(mutation: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    let input = format!("{}{rest}Input", first.to_uppercase());
    let bang = if mutation == "cartCreate" { "" } else { "!" };
    format!(
        "mutation ($input: {input}{bang}) {{ {mutation}(input: $input) {{ cart {CART} {REST} }} }}"
    )
}

impl Caller {
    /// A mutation on carts with this input.
    pub async fn cart_call(&self, mutation: &str, input: Value) -> Answer {
        self.query(document(mutation)).with_variables(json!({ "input": input })).await
    }

    /// As [`Caller::cart_call`], carried out without any error or warning: the cart.
    pub async fn cart_done(&self, mutation: &str, input: Value) -> Value {
        let answer = self.cart_call(mutation, input).await;
        let payload = &answer.data()[mutation];
        assert_eq!(payload["userErrors"], json!([]), "{mutation}");
        assert_eq!(payload["warnings"], json!([]), "{mutation}");
        payload["cart"].clone()
    }

    /// A new cart with these SKUs in it.
    pub async fn new_cart(&self, lines: &[(&str, i64)]) -> Value {
        self.cart_done("cartCreate", json!({ "lines": to_lines(lines) })).await
    }

    /// The cart with this id; null when there is none.
    pub async fn cart(&self, id: &Value) -> Value {
        let document = format!("query ($id: ID!) {{ cart(id: $id) {CART} }}");
        let answer = self.query(document).with_variables(json!({ "id": id })).await;
        answer.data()["cart"].clone()
    }

    /// The cart of whoever is signed in.
    pub async fn own_cart(&self) -> Value {
        let answer = self.query(format!("{{ me {{ cart {CART} }} }}")).await;
        answer.data()["me"]["cart"].clone()
    }
}

/// Lines as an input has them.
pub fn to_lines(lines: &[(&str, i64)]) -> Value {
    lines.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect()
}

/// What is in a cart: SKUs and quantities.
pub fn lines_of(cart: &Value) -> Vec<(String, i64)> {
    let lines = cart["lines"].as_array().unwrap_or_else(|| panic!("no lines: {cart}"));
    let sku = |line: &Value| line["variant"]["sku"].as_str().unwrap().to_owned();
    lines.iter().map(|line| (sku(line), line["quantity"].as_i64().unwrap())).collect()
}

/// `code` and `path` of each user error.
#[track_caller]
pub fn refusals(answer: &Answer, mutation: &str) -> Vec<(String, String)> {
    let payload = &answer.data()[mutation];
    assert!(payload["cart"].is_null(), "nothing happened, and there is a cart: {}", answer.text);
    let errors = payload["userErrors"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let path = |error: &Value| {
        let path = error["path"].as_array().unwrap();
        path.iter().map(text).collect::<Vec<_>>().join(".")
    };
    errors.iter().map(|error| (text(&error["code"]), path(error))).collect()
}

/// A shop that sells two things, taxes them in Germany and sends them there.
pub async fn shop() -> TestApp {
    let app = TestApp::start().await;
    app.offers("CUP", 50, 1_000).await;
    app.offers("POT", 3, 2_550).await;
    app.taxes(Some("DE"), 190_000).await;
    app.ships("standard", Some(&["DE", "AT"]), &[("EUR", 0, 490), ("EUR", 5_000, 0)]).await;
    app.ships("express", None, &[("EUR", 0, 1_290)]).await;
    app
}
