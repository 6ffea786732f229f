//! What a guest put into a cart goes into the customer's when they sign in, and every line that
//! differs is explained.

use super::shop::{lines_of, refusals, shop, to_lines};
use serde_json::{Value, json};
use stockroom::db::DbError;

fn merge(cart: &Value) -> Value {
    json!({ "cartId": cart["id"] })
}

fn not_found() -> Vec<(String, String)> {
    vec![("NOT_FOUND".to_owned(), "cartId".to_owned())]
}

#[tokio::test]
async fn quantities_add_up_and_the_guests_cart_is_gone() {
    let app = shop().await;
    let (guest, customer) = (app.guest(), app.customer().await);
    let own = customer.new_cart(&[("CUP", 2)]).await;
    let guests = guest.new_cart(&[("POT", 1), ("CUP", 3)]).await;

    let merged = customer.cart_done("cartMerge", merge(&guests)).await;

    assert_eq!(merged["id"], own["id"]);
    assert_eq!(lines_of(&merged), [("CUP".to_owned(), 5), ("POT".to_owned(), 1)]);
    assert!(guest.cart(&guests["id"]).await.is_null());
    let add = json!({ "cartId": guests["id"], "lines": to_lines(&[("CUP", 1)]) });
    let late = guest.cart_call("cartLinesAdd", add).await;
    assert_eq!(refusals(&late, "cartLinesAdd"), not_found());
}

#[tokio::test]
async fn merging_again_answers_the_same_cart_and_adds_nothing() {
    let app = shop().await;
    let customer = app.customer().await;
    let guests = app.guest().new_cart(&[("CUP", 3)]).await;

    let first = customer.cart_done("cartMerge", merge(&guests)).await;
    let again = customer.cart_done("cartMerge", merge(&guests)).await;
    let own = customer.cart_done("cartMerge", merge(&first)).await;

    assert_eq!((&again, &own), (&first, &first));
    let other = app.customer().await.cart_call("cartMerge", merge(&guests)).await;
    assert_eq!(refusals(&other, "cartMerge"), not_found());
}

#[tokio::test]
async fn without_a_cart_of_ones_own_the_guests_is_taken_over_with_where_it_goes() {
    let app = shop().await;
    let (guest, customer) = (app.guest(), app.customer().await);
    let guests = guest.new_cart(&[("CUP", 1)]).await;
    let place = json!({ "cartId": guests["id"], "country": "DE", "shippingMethod": "standard" });
    guest.cart_done("cartDeliverySet", place).await;

    let merged = customer.cart_done("cartMerge", merge(&guests)).await;

    assert_ne!(merged["id"], guests["id"]);
    assert_eq!(merged["destination"]["country"], "DE");
    assert_eq!(
        (&merged["shippingMethod"]["code"], &merged["totalIsFinal"]),
        (&json!("standard"), &json!(true))
    );
}

#[tokio::test]
async fn every_line_that_differs_has_a_warning() {
    let app = shop().await;
    let (guest, customer) = (app.guest(), app.customer().await);
    customer.new_cart(&[("CUP", 998)]).await;
    let guests = guest.new_cart(&[("CUP", 5), ("POT", 2)]).await;

    let answer = customer.cart_call("cartMerge", merge(&guests)).await;

    let payload = &answer.data()["cartMerge"];
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(lines_of(&payload["cart"]), [("CUP".to_owned(), 999), ("POT".to_owned(), 2)]);
    let warnings = payload["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        json!([warnings[0]["code"], warnings[0]["sku"], warnings[0]["path"]]),
        json!(["QUANTITY_CAPPED", "CUP", ["cartId"]])
    );
    assert_eq!(
        json!([warnings[0]["requestedQuantity"], warnings[0]["quantity"]]),
        json!([1_003, 999])
    );
}

#[tokio::test]
async fn lines_in_another_currency_are_told_one_by_one() {
    let app = shop().await;
    let mug = app.offers("MUG", 5, 700).await;
    app.costs(mug, "USD", 800).await;
    let (guest, customer) = (app.guest(), app.customer().await);
    let lines = to_lines(&[("MUG", 1)]);
    customer.cart_done("cartCreate", json!({ "currency": "USD", "lines": lines })).await;
    let guests = guest.new_cart(&[("MUG", 2), ("CUP", 4)]).await;

    let answer = customer.cart_call("cartMerge", merge(&guests)).await;

    let payload = &answer.data()["cartMerge"];
    assert_eq!(lines_of(&payload["cart"]), [("MUG".to_owned(), 3)]);
    assert_eq!(payload["cart"]["subtotal"]["amount"], "24.00");
    let told: Vec<Value> = payload["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["code"], it["sku"], it["requestedQuantity"], it["quantity"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([["CURRENCY_CHANGED", "MUG", 3, 3], ["LINE_LEFT_OUT", "CUP", 4, 0]])
    );
}

#[tokio::test]
async fn an_empty_cart_takes_over_the_currency_of_what_is_merged_into_it() {
    let app = shop().await;
    let mug = app.offers("MUG", 5, 700).await;
    app.costs(mug, "USD", 800).await;
    let (guest, customer) = (app.guest(), app.customer().await);
    customer.new_cart(&[]).await;
    let lines = to_lines(&[("MUG", 1)]);
    let guests = guest.cart_done("cartCreate", json!({ "currency": "USD", "lines": lines })).await;

    let merged = customer.cart_done("cartMerge", merge(&guests)).await;

    assert_eq!(
        (&merged["currency"], &merged["subtotal"]["amount"]),
        (&json!("USD"), &json!("8.00"))
    );
}

#[tokio::test]
async fn a_guest_a_stranger_and_a_bought_cart_are_refused() {
    let app = shop().await;
    let (customer, other) = (app.customer().await, app.customer().await);
    let guests = app.guest().new_cart(&[("CUP", 1)]).await;
    let owned = other.new_cart(&[("CUP", 1)]).await;

    let answer = app.guest().cart_call("cartMerge", merge(&guests)).await;
    assert_eq!(answer.error_codes(), ["UNAUTHENTICATED"]);
    let answer = customer.cart_call("cartMerge", merge(&owned)).await;
    assert_eq!(refusals(&answer, "cartMerge"), not_found());
    assert!(customer.own_cart().await.is_null(), "a refusal makes no cart");

    let key = stockroom::graphql::NodeKind::Cart.key(guests["id"].as_str().unwrap()).unwrap();
    let carts = app.carts().clone();
    let done: Result<(), DbError> = app
        .app
        .db
        .tx(|tx| {
            let carts = carts.clone();
            async move {
                carts.complete_in_txn(&tx, key, uuid::Uuid::now_v7());
                Ok(())
            }
        })
        .await;
    done.unwrap();
    let answer = customer.cart_call("cartMerge", merge(&guests)).await;
    let completed = [("CART_COMPLETED".to_owned(), "cartId".to_owned())];
    assert_eq!(refusals(&answer, "cartMerge"), completed);
    let add = json!({ "cartId": guests["id"], "lines": to_lines(&[("CUP", 1)]) });
    let answer = app.guest().cart_call("cartLinesAdd", add).await;
    assert_eq!(refusals(&answer, "cartLinesAdd"), completed);
    assert!(app.guest().cart(&guests["id"]).await.is_null());
}
