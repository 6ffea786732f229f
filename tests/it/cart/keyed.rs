//! Idempotency keys of mutations on carts.

use super::shop::{lines_of, refusals, shop, to_lines};
use serde_json::{Value, json};

const KEY: &str = "4d2f2b1c-5c1e-4a43-9b1d-0d9b8b7a2f11";

fn keyed(mut input: Value, key: &str) -> Value {
    input["idempotencyKey"] = json!(key);
    input
}

#[tokio::test]
async fn a_repetition_answers_the_same_and_changes_nothing() {
    let app = shop().await;
    let guest = app.guest();
    let new = keyed(json!({ "lines": to_lines(&[("CUP", 999)]) }), KEY);
    let cart = guest.cart_done("cartCreate", new.clone()).await;
    let again = guest.cart_call("cartCreate", new).await;
    assert_eq!(again.data()["cartCreate"]["cart"], cart);
    assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true);

    let id = &cart["id"];
    let add = json!({ "cartId": id, "lines": to_lines(&[("CUP", 1), ("POT", 1)]) });
    let set = json!({ "cartId": id, "lines": to_lines(&[("CUP", 5)]) });
    let place = json!({ "cartId": id, "country": "DE" });
    let clear = json!({ "cartId": id });
    for (mutation, input) in [
        ("cartLinesAdd", add),
        ("cartLinesUpdate", set),
        ("cartDeliverySet", place),
        ("cartClear", clear),
    ] {
        let input = keyed(input, "one");
        let first = guest.cart_call(mutation, input.clone()).await;
        let again = guest.cart_call(mutation, input.clone()).await;
        assert_eq!(first.data(), again.data(), "{mutation}");
        assert!(first.json["extensions"]["idempotency"].is_null(), "{mutation}");
        assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true, "{mutation}");

        let other = keyed(
            json!({ "cartId": id, "lines": to_lines(&[("POT", 2)]),
            "expectedVersion": "1", "country": "AT" }),
            "one",
        );
        let fields: &[&str] = match mutation {
            "cartClear" => &["lines", "country"],
            "cartDeliverySet" => &["lines"],
            _ => &["country"],
        };
        let mut other = other;
        fields.iter().for_each(|field| drop(other.as_object_mut().unwrap().remove(*field)));
        let refused = guest.cart_call(mutation, other).await;
        let error = &refused.data()[mutation]["userErrors"][0];
        assert_eq!(error["reason"], "DIFFERENT_INPUT", "{mutation}: {}", refused.text);
    }
    assert!(lines_of(&guest.cart(id).await).is_empty());
}

#[tokio::test]
async fn the_warnings_of_the_first_time_are_repeated() {
    let app = shop().await;
    let customer = app.customer().await;
    customer.new_cart(&[("CUP", 999)]).await;
    let guests = app.guest().new_cart(&[("CUP", 1)]).await;

    let merge = keyed(json!({ "cartId": guests["id"] }), "merge");
    let first = customer.cart_call("cartMerge", merge.clone()).await;
    let again = customer.cart_call("cartMerge", merge).await;

    assert_eq!(first.data()["cartMerge"]["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(again.data(), first.data());
}

#[tokio::test]
async fn guests_do_not_meet_at_a_key() {
    let app = shop().await;
    let guest = app.guest();
    let (one, other) = (guest.new_cart(&[]).await, guest.new_cart(&[]).await);
    let add = |cart: &Value| {
        keyed(json!({ "cartId": cart["id"], "lines": to_lines(&[("CUP", 1)]) }), "1")
    };

    guest.cart_done("cartLinesAdd", add(&one)).await;
    let second = guest.cart_done("cartLinesAdd", add(&other)).await;
    assert_eq!((&second["id"], &second["itemCount"]), (&other["id"], &json!(1)));

    let weak = guest.cart_call("cartCreate", keyed(json!({}), "order-1")).await;
    let invalid = [("INVALID".to_owned(), "idempotencyKey".to_owned())];
    assert_eq!(refusals(&weak, "cartCreate"), invalid);
    app.customer().await.cart_done("cartCreate", keyed(json!({}), "order-1")).await;
}

#[tokio::test]
async fn a_refusal_leaves_the_key_free() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[]).await;
    let add = keyed(json!({ "cartId": cart["id"], "lines": to_lines(&[("LATER", 1)]) }), "1");

    let refused = guest.cart_call("cartLinesAdd", add.clone()).await;
    assert_eq!(refusals(&refused, "cartLinesAdd").len(), 1);
    app.offers("LATER", 1, 100).await;
    assert_eq!(guest.cart_done("cartLinesAdd", add).await["itemCount"], 1);
}

#[tokio::test]
async fn the_database_keeps_no_guests_id_as_the_owner_of_a_key() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[]).await;
    let add = keyed(json!({ "cartId": cart["id"], "lines": to_lines(&[("CUP", 1)]) }), "1");
    guest.cart_done("cartLinesAdd", add).await;

    let hashed =
        "SELECT count(*) FROM idempotency WHERE scope LIKE 'guest:%' AND length(scope) = 70";
    assert_eq!(app.number(hashed).await, 1);
}
