//! What is put into carts, set, and taken out again.

use super::shop::{lines_of, refusals, shop, to_lines};
use crate::app::TestApp;
use serde_json::{Value, json};

fn pairs(lines: &[(&str, i64)]) -> Vec<(String, i64)> {
    lines.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect()
}

#[tokio::test]
async fn a_cart_holds_what_is_put_into_it_and_adds_it_up() {
    let app = shop().await;
    let guest = app.guest();

    let cart = guest.new_cart(&[("CUP", 2)]).await;
    let more =
        json!({ "cartId": cart["id"], "lines": to_lines(&[("POT", 1), ("CUP", 3), ("POT", 1)]) });
    let cart = guest.cart_done("cartLinesAdd", more).await;

    assert_eq!(lines_of(&cart), pairs(&[("CUP", 5), ("POT", 2)]));
    assert_eq!((&cart["itemCount"], &cart["subtotal"]["amount"]), (&json!(7), &json!("101.00")));
    assert_eq!(cart["lines"][1]["unitPrice"]["amount"], "25.50");
    assert_eq!(cart["lines"][1]["lineTotal"]["amount"], "51.00");
    assert_eq!((&cart["version"], &cart["currency"]), (&json!("2"), &json!("EUR")));
    assert_eq!(cart["customer"], Value::Null);
    assert_eq!(guest.cart(&cart["id"]).await, cart);
}

#[tokio::test]
async fn an_empty_cart_needs_no_input() {
    let app = TestApp::start().await;

    let answer = app
        .guest()
        .query(
            "mutation { cartCreate { cart { itemCount total { amount } \
        totalIsFinal lines { id } } userErrors { code } } }",
        )
        .await;

    let cart = json!({ "itemCount": 0, "total": { "amount": "0.00" }, "totalIsFinal": false,
        "lines": [] });
    assert_eq!(answer.data()["cartCreate"], json!({ "cart": cart, "userErrors": [] }));
}

#[tokio::test]
async fn quantities_are_set_lines_taken_out_and_the_order_stays() {
    let app = shop().await;
    app.offers("JAR", 9, 300).await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 2), ("POT", 1), ("JAR", 4)]).await;

    let set =
        json!({ "cartId": cart["id"], "lines": to_lines(&[("JAR", 1), ("POT", 0), ("CUP", 9)]) });
    let cart = guest.cart_done("cartLinesUpdate", set).await;
    assert_eq!(lines_of(&cart), pairs(&[("CUP", 9), ("JAR", 1)]));
    // Taking out what is not there is what was asked for.
    let again = json!({ "cartId": cart["id"], "lines": to_lines(&[("POT", 0)]) });
    assert_eq!(lines_of(&guest.cart_done("cartLinesUpdate", again).await).len(), 2);

    let back = json!({ "cartId": cart["id"], "lines": to_lines(&[("POT", 1)]) });
    let cart = guest.cart_done("cartLinesAdd", back).await;
    assert_eq!(lines_of(&cart), pairs(&[("CUP", 9), ("JAR", 1), ("POT", 1)]));
    let cart = guest.cart_done("cartClear", json!({ "cartId": cart["id"] })).await;
    assert_eq!((lines_of(&cart).len(), &cart["itemCount"]), (0, &json!(0)));
}

#[tokio::test]
async fn a_stale_version_is_refused_and_a_fresh_one_is_not() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1)]).await;
    let id = &cart["id"];
    let with = |mutation: &str, version: &str| {
        let lines = to_lines(&[("CUP", 1)]);
        match mutation {
            "cartClear" => json!({ "cartId": id, "expectedVersion": version }),
            "cartDeliverySet" => {
                json!({ "cartId": id, "country": "DE", "expectedVersion": version })
            }
            _ => json!({ "cartId": id, "lines": lines, "expectedVersion": version }),
        }
    };
    guest.cart_done("cartLinesAdd", with("cartLinesAdd", "1")).await;

    for mutation in ["cartLinesAdd", "cartLinesUpdate", "cartClear", "cartDeliverySet"] {
        let answer = guest.cart_call(mutation, with(mutation, "1")).await;
        let error = &answer.data()[mutation]["userErrors"][0];
        assert_eq!(error["__typename"], "VersionConflictError", "{mutation}");
        assert_eq!(
            (&error["actualVersion"], &error["path"]),
            (&json!("2"), &json!(["expectedVersion"]))
        );
    }
    assert_eq!(lines_of(&guest.cart(id).await), pairs(&[("CUP", 2)]));
    guest.cart_done("cartClear", with("cartClear", "2")).await;
}

#[tokio::test]
async fn what_is_not_sold_or_not_in_this_currency_changes_nothing() {
    let app = shop().await;
    app.drafts(&["SOON"]).await;
    let cup = app.offers("MUG", 5, 700).await;
    app.sells_not_in(cup, "EUR").await;
    app.costs(cup, "USD", 800).await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1)]).await;

    for (sku, code) in [
        ("NONE", "NOT_FOUND"),
        ("SOON", "NOT_FOUND"),
        ("MUG", "CURRENCY_MISMATCH"),
        ("", "NOT_FOUND"),
    ] {
        let input = json!({ "cartId": cart["id"], "lines": to_lines(&[("CUP", 1), (sku, 1)]) });
        let refused = guest.cart_call("cartLinesAdd", input).await;
        assert_eq!(
            refusals(&refused, "cartLinesAdd"),
            [(code.to_owned(), "lines.1.sku".to_owned())]
        );
        let made = guest.cart_call("cartCreate", json!({ "lines": to_lines(&[(sku, 1)]) })).await;
        assert_eq!(refusals(&made, "cartCreate"), [(code.to_owned(), "lines.0.sku".to_owned())]);
    }

    assert_eq!(guest.cart(&cart["id"]).await, cart);
    assert_eq!(app.number("SELECT count(*) FROM cart").await, 1);
}

#[tokio::test]
async fn a_line_stops_at_999_pieces_with_a_warning_and_a_cart_at_100_lines() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 999)]).await;

    let add = |lines: Value| json!({ "cartId": cart["id"], "lines": lines });
    let answer = guest.cart_call("cartLinesAdd", add(to_lines(&[("POT", 1), ("CUP", 2)]))).await;
    let payload = &answer.data()["cartLinesAdd"];
    assert_eq!(lines_of(&payload["cart"]), pairs(&[("CUP", 999), ("POT", 1)]));
    let warning = &payload["warnings"][0];
    assert_eq!(
        json!([warning["__typename"], warning["code"], warning["path"], warning["sku"]]),
        json!(["CartLineWarning", "QUANTITY_CAPPED", ["lines", "1", "quantity"], "CUP"])
    );
    assert_eq!(json!([warning["requestedQuantity"], warning["quantity"]]), json!([1_001, 999]));

    let skus: Vec<String> = (0..99).map(|number| format!("THING-{number}")).collect();
    let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
    let product = app.sells(&skus).await;
    for variant in product.variants.values() {
        app.costs(*variant, "EUR", 100).await;
    }
    let many: Vec<(&str, i64)> = skus.iter().map(|sku| (*sku, 1)).collect();
    let refused = guest.cart_call("cartLinesAdd", add(to_lines(&many))).await;
    assert_eq!(
        refusals(&refused, "cartLinesAdd"),
        [("LIMIT_REACHED".to_owned(), "lines".to_owned())]
    );
    guest.cart_done("cartLinesAdd", add(to_lines(&many[1..]))).await;
    assert_eq!(lines_of(&guest.cart(&cart["id"]).await).len(), 100);
}

#[tokio::test]
async fn what_is_not_sold_any_more_can_be_lowered_and_taken_out_and_not_raised() {
    let app = shop().await;
    let pot = app.offers("JUG", 9, 500).await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1), ("JUG", 5)]).await;
    app.archives(pot).await;

    let set = |quantity| json!({ "cartId": cart["id"], "lines": to_lines(&[("JUG", quantity)]) });
    let refused = guest.cart_call("cartLinesUpdate", set(6)).await;
    assert_eq!(
        refusals(&refused, "cartLinesUpdate"),
        [("NOT_FOUND".to_owned(), "lines.0.sku".to_owned())]
    );
    let lowered = guest.cart_done("cartLinesUpdate", set(4)).await;
    assert_eq!(lines_of(&lowered), pairs(&[("CUP", 1), ("JUG", 4)]));
    let removed = guest.cart_done("cartLinesUpdate", set(0)).await;
    assert_eq!(lines_of(&removed), pairs(&[("CUP", 1)]));
}

#[tokio::test]
async fn a_customer_has_one_open_cart_and_a_guest_any_number() {
    let app = shop().await;
    let (customer, guest) = (app.customer().await, app.guest());

    let first = customer.new_cart(&[("CUP", 1)]).await;
    let second = customer.new_cart(&[("CUP", 1), ("POT", 1)]).await;
    assert_eq!(first["id"], second["id"]);
    assert_eq!(lines_of(&second), pairs(&[("CUP", 2), ("POT", 1)]));
    assert_eq!(customer.own_cart().await, second);
    assert!(second["customer"]["id"].as_str().unwrap().starts_with("user_"));

    let (one, other) = (guest.new_cart(&[]).await, guest.new_cart(&[]).await);
    assert_ne!(one["id"], other["id"]);
}

#[tokio::test]
async fn the_currency_of_a_customers_cart_changes_only_while_it_is_empty() {
    let app = shop().await;
    let cup = app.offers("MUG", 5, 700).await;
    app.costs(cup, "USD", 800).await;
    let customer = app.customer().await;
    let cart = customer.new_cart(&[("MUG", 1)]).await;

    let refused = customer.cart_call("cartCreate", json!({ "currency": "USD" })).await;
    assert_eq!(
        refusals(&refused, "cartCreate"),
        [("CURRENCY_MISMATCH".to_owned(), "currency".to_owned())]
    );
    customer.cart_done("cartClear", json!({ "cartId": cart["id"] })).await;
    let lines = to_lines(&[("MUG", 2)]);
    let dollars =
        customer.cart_done("cartCreate", json!({ "currency": "USD", "lines": lines })).await;
    assert_eq!((&dollars["id"], &dollars["currency"]), (&cart["id"], &json!("USD")));
    assert_eq!(dollars["subtotal"]["amount"], "16.00");
}
