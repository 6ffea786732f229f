//! From a cart to an order: what it costs, what is refused, and that nothing happens twice.

use super::shop::{checkout, codes, shop, stock_up};
use crate::app::{SmtpSink, TestApp};
use serde_json::{Value, json};

#[tokio::test]
async fn a_guest_buys_what_is_in_the_cart_for_what_was_shown() {
    let app = shop().await;

    let placed = app.guest().buys(&[("CUP", 2), ("POT", 1)], "card_approved").await;

    assert_eq!(codes(&placed), [""; 0]);
    let order = &placed["order"];
    assert_eq!((&order["status"], &order["kind"]), (&json!("PAID"), &json!("SALE")));
    let minor = |field: &str| order[field]["amountMinor"].as_str().unwrap().to_owned();
    // 45.50 of goods, 4.90 of shipping; 19 % of 20.00, of 25.50 (4.845, to even) and of 4.90.
    assert_eq!([minor("subtotal"), minor("shippingTotal")], ["4550", "490"]);
    assert_eq!([minor("taxTotal"), minor("total")], ["957", "5997"]);
    assert_eq!(order["lines"][0]["taxRate"], "19");
    assert_eq!(order["payments"][0]["status"], "CAPTURED");
    assert_eq!(order["payments"][0]["captured"]["amountMinor"], "5997");
    let happened: Vec<&Value> =
        order["events"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(happened, ["PLACED", "PAID"]);
    assert!(order["events"][0]["correlationId"].is_string());
    assert_eq!((app.pieces("CUP").await, app.pieces("POT").await), ((100, 2), (100, 1)));
    assert_eq!(app.rows("reservation", "status = 'COMMITTED'").await, 2);
    assert!(placed["guestAccessToken"].as_str().unwrap().len() > 32);
}

#[tokio::test]
async fn the_same_key_answers_the_same_and_does_nothing_twice() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    let input = checkout(&cart, "card_approved");

    let first = guest.order_call("checkoutComplete", input.clone()).await;
    let again = guest.order_call("checkoutComplete", input.clone()).await;

    assert_eq!(first.data(), again.data());
    assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true);
    assert_eq!(app.rows("shop_order", "1 = 1").await, 1);
    assert_eq!(app.rows("sandbox_charge", "1 = 1").await, 1);
    let mut other = input;
    other["email"] = json!("another@shop.example");
    let refused = guest.order_payload("checkoutComplete", other).await;
    assert_eq!(codes(&refused), ["IDEMPOTENCY_CONFLICT"]);
    assert_eq!(refused["userErrors"][0]["reason"], "DIFFERENT_INPUT");
}

#[tokio::test]
async fn a_cart_becomes_one_order_whatever_the_key() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    guest.order_payload("checkoutComplete", checkout(&cart, "card_approved")).await;

    let again = guest.order_payload("checkoutComplete", checkout(&cart, "card_approved")).await;

    assert_eq!(codes(&again), ["CART_COMPLETED"]);
    assert_eq!(app.rows("shop_order", "1 = 1").await, 1);
}

#[tokio::test]
async fn too_few_pieces_refuse_the_whole_and_leave_the_cart() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("POT", 1), ("CUP", 101)]).await;

    let refused = guest.order_payload("checkoutComplete", checkout(&cart, "card_approved")).await;

    assert_eq!(codes(&refused), ["INSUFFICIENT_STOCK"]);
    let error = &refused["userErrors"][0];
    assert_eq!(
        json!([error["sku"], error["requested"], error["available"]]),
        json!(["CUP", 101, 100])
    );
    assert!(refused["order"].is_null());
    for table in ["shop_order", "payment", "reservation", "idempotency", "sandbox_charge"] {
        assert_eq!(app.rows(table, "1 = 1").await, 0, "{table}");
    }
    let lower = json!({ "cartId": cart, "lines": [{ "sku": "CUP", "quantity": 1 }] });
    let document = "mutation ($input: CartLinesUpdateInput!) { cartLinesUpdate(input: $input) \
                    { userErrors { code } } }";
    guest.query(document).with_variables(json!({ "input": lower })).await;
    let placed = guest.order_payload("checkoutComplete", checkout(&cart, "card_approved")).await;
    assert_eq!(placed["order"]["status"], "PAID");
}

#[tokio::test]
async fn another_total_than_was_shown_is_refused() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    let mut input = checkout(&cart, "card_approved");
    input["expectedTotal"] = json!({ "amount": "17.00", "currency": "EUR" });

    let refused = guest.order_payload("checkoutComplete", input.clone()).await;

    assert_eq!(codes(&refused), ["PRICE_CHANGED"]);
    let error = &refused["userErrors"][0];
    assert_eq!(
        json!([error["oldTotal"]["amount"], error["newTotal"]["amount"]]),
        json!(["17.00", "17.73"])
    );
    assert_eq!(app.rows("shop_order", "1 = 1").await, 0);
    input["expectedTotal"] = error["newTotal"].clone();
    input["expectedTotal"]["currency"] = json!("EUR");
    let placed = guest.order_payload("checkoutComplete", input).await;
    assert_eq!(placed["order"]["total"]["amount"], "17.73");
}

#[tokio::test]
async fn what_is_wrong_with_the_input_is_told_at_its_place_and_nothing_happens() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    let good = checkout(&cart, "card_approved");
    let empty = guest.fills(&[]).await;
    let foreign = app.customer().await.fills(&[("CUP", 1)]).await;
    let cases = [
        ("/email", json!("no address"), "INVALID", vec!["email"]),
        ("/shippingAddress/city", json!(""), "REQUIRED", vec!["shippingAddress", "city"]),
        ("/shippingAddress/country", json!("JP"), "INVALID", vec!["shippingAddress", "country"]),
        ("/payment/provider", json!("gold"), "INVALID", vec!["payment", "provider"]),
        ("/payment/method", json!("card_free"), "INVALID", vec!["payment", "method"]),
        ("/idempotencyKey", json!(""), "INVALID", vec!["idempotencyKey"]),
        ("/cartId", empty, "INVALID", vec!["cartId"]),
        ("/cartId", foreign, "NOT_FOUND", vec!["cartId"]),
        ("/cartId", json!("cart_zzz"), "INVALID", vec!["cartId"]),
    ];
    for (place, value, code, path) in cases {
        let mut input = good.clone();
        *input.pointer_mut(place).unwrap() = value.clone();

        let refused = guest.order_payload("checkoutComplete", input).await;

        assert_eq!(codes(&refused), [code], "{place} {value}");
        assert_eq!(refused["userErrors"][0]["path"], json!(path), "{place} {value}");
    }
    let mut pigeon = good.clone();
    pigeon["shippingMethod"] = json!("pigeon");
    assert_eq!(codes(&guest.order_payload("checkoutComplete", pigeon).await), ["NOT_FOUND"]);
    let mut yen = good;
    yen["expectedTotal"] = json!({ "amount": "17", "currency": "JPY" });
    let refused = guest.order_payload("checkoutComplete", yen).await;
    assert_eq!(codes(&refused), ["CURRENCY_MISMATCH"]);
    assert_eq!(app.rows("shop_order", "1 = 1").await, 0);
    assert_eq!(app.pieces("CUP").await, (100, 0));
}

#[tokio::test]
async fn a_price_a_total_or_a_status_cannot_be_sent() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    let cheap = json!({ "amount": "0.01", "currency": "EUR" });

    for (field, value) in [
        ("price", &cheap),
        ("total", &cheap),
        ("subtotal", &cheap),
        ("taxTotal", &cheap),
        ("lines", &json!([{ "sku": "CUP", "quantity": 1, "unitPrice": cheap }])),
        ("status", &json!("PAID")),
        ("customerId", &json!("user_x")),
    ] {
        let mut input = checkout(&cart, "card_approved");
        input[field] = value.clone();
        let answer = guest.order_call("checkoutComplete", input).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{field}");
    }
    let mut input = checkout(&cart, "card_approved");
    input["payment"]["amount"] = cheap;
    let answer = guest.order_call("checkoutComplete", input).await;
    assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"]);

    assert_eq!(app.rows("shop_order", "1 = 1").await, 0);
    assert_eq!((app.pieces("CUP").await, app.rows("payment", "1 = 1").await), ((100, 0), 0));
}

#[tokio::test]
async fn an_order_keeps_names_and_prices_whatever_becomes_of_the_catalogue() {
    let app = shop().await;
    let customer = app.customer().await;
    let placed = customer.buys(&[("CUP", 1)], "card_approved").await;
    let before = customer.order(&placed["order"]["id"]).await;

    app.execute("UPDATE variant_price SET amount = 1").await;
    app.execute("UPDATE product SET name = 'Renamed'").await;

    let after = customer.order(&placed["order"]["id"]).await;
    assert_eq!(after, before);
    assert_eq!(after["lines"][0]["unitPrice"]["amountMinor"], "1000");
}

#[tokio::test]
async fn the_buyer_is_told_by_mail_once() {
    let smtp = SmtpSink::start().await;
    let url = smtp.url();
    let app = TestApp::with(|settings| settings.mail.smtp_url = Some(url.into())).await;
    stock_up(&app, 5).await;

    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    app.works().await;

    let mails = smtp.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["buyer@shop.example"]);
    let (number, token) = (&placed["order"]["number"], &placed["guestAccessToken"]);
    let text = mails[0].text();
    assert!(text.contains(number.as_str().unwrap()), "{text}");
    assert!(text.contains(token.as_str().unwrap()), "{text}");
    assert!(text.contains("Total: 17.73 EUR"), "{text}");
    app.works().await;
    assert_eq!(smtp.mails().len(), 1);
}
