//! Orders that staff enter for customers: the prices, the stock and the payment of a checkout.

use super::goods::events;
use super::shop::{codes, shop, stock_up};
use crate::app::{SmtpSink, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::auth::Role;
use stockroom::graphql::NodeKind;

pub fn sale(lines: &[(&str, i64)]) -> Value {
    let lines: Vec<Value> =
        lines.iter().map(|(sku, n)| json!({ "sku": sku, "quantity": n })).collect();
    json!({
        "kind": "SALE",
        "email": "buyer@shop.example",
        "currency": "EUR",
        "shippingAddress": {
            "name": "A Buyer", "line1": "Long Street 1", "city": "Berlin",
            "postalCode": "10115", "country": "DE",
        },
        "lines": lines,
    })
}

#[tokio::test]
async fn what_staff_enter_costs_what_a_checkout_costs() {
    let app = shop().await;
    let staff = app.staff().await;
    let bought = app.guest().buys(&[("CUP", 2), ("POT", 1)], "card_approved").await;
    let mut input = sale(&[("CUP", 1), ("POT", 1), ("CUP", 1)]);
    input["idempotencyKey"] = json!("phone-17");

    let done = staff.order_call("orderCreate", input.clone()).await;
    let again = staff.order_call("orderCreate", input).await;

    let payload = &done.data()["orderCreate"];
    assert_eq!(codes(payload), [""; 0]);
    let order = &payload["order"];
    assert_eq!(order["status"], "PENDING_PAYMENT");
    for sum in ["subtotal", "shippingTotal", "taxTotal", "total"] {
        assert_eq!(order[sum], bought["order"][sum], "{sum}");
    }
    assert_eq!((app.pieces("CUP").await, app.pieces("POT").await), ((100, 4), (100, 2)));
    assert_eq!((&payload["payment"], events(order)), (&json!(null), vec!["PLACED"]));
    assert_eq!(done.data(), again.data());
    assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true);
    let token = &payload["guestAccessToken"];
    let pay = json!({ "orderId": order["id"], "guestAccessToken": token,
                      "payment": { "provider": "sandbox", "method": "card_approved" },
                      "idempotencyKey": "pay-17" });
    let paid = app.guest().order_payload("orderPay", pay).await;
    assert_eq!((codes(&paid), &paid["order"]["status"]), (vec![], &json!("PAID")));
    assert_eq!(staff.sends(order, None).await["order"]["status"], "FULFILLED");
}

#[tokio::test]
async fn an_order_of_an_account_is_that_accounts() {
    let app = shop().await;
    let staff = app.staff().await;
    let id = app.account(Role::Customer).await;
    let customer = app.with_token(app.token(id));
    let mut input = sale(&[("CUP", 1)]);
    input["customerId"] = json!(NodeKind::User.id(id).to_string());
    input.as_object_mut().unwrap().remove("email");
    input["payment"] = json!({ "provider": "sandbox", "method": "card_approved" });

    let done = staff.order_payload("orderCreate", input.clone()).await;

    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("PAID")));
    assert!(done["guestAccessToken"].is_null());
    let seen = customer.order(&done["order"]["id"]).await;
    assert_eq!(seen["number"], done["order"]["number"]);
    assert!(seen["email"].as_str().unwrap().contains('@'));
    input["customerId"] = json!(NodeKind::User.id(uuid::Uuid::now_v7()).to_string());
    let refused = staff.order_payload("orderCreate", input.clone()).await;
    assert_eq!(codes(&refused), ["NOT_FOUND"]);
    assert_eq!(refused["userErrors"][0]["path"], json!(["customerId"]));
    input.as_object_mut().unwrap().remove("customerId");
    assert_eq!(codes(&staff.order_payload("orderCreate", input).await), ["REQUIRED"]);
}

#[tokio::test]
async fn a_declined_payment_leaves_the_order_to_be_paid_otherwise() {
    let app = shop().await;
    let mut input = sale(&[("CUP", 1)]);
    input["payment"] = json!({ "provider": "sandbox", "method": "card_declined" });

    let done = app.staff().await.order_payload("orderCreate", input).await;

    assert_eq!(codes(&done), ["PAYMENT_DECLINED"]);
    assert_eq!(done["order"]["status"], "PENDING_PAYMENT");
    assert_eq!(app.pieces("CUP").await, (100, 1));
}

#[tokio::test]
async fn what_costs_nothing_is_paid_at_once() {
    let app = shop().await;
    let cup = app.offers("GIFT", 5, 0).await;
    app.ships("pickup", None, &[("EUR", 0, 0)]).await;
    let mut input = sale(&[("GIFT", 1)]);
    input["shippingMethod"] = json!("pickup");
    input["expectedTotal"] = json!({ "amount": "0", "currency": "EUR" });

    let done = app.staff().await.order_payload("orderCreate", input).await;

    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("PAID")));
    assert_eq!(done["order"]["payments"], json!([]));
    let level = app.level(cup, crate::app::MAIN).await.unwrap();
    assert_eq!((level.on_hand, level.reserved), (5, 1));
}

#[tokio::test]
async fn staff_hold_stock_for_longer_and_an_attempt_to_pay_does_not_shorten_it() {
    let app = shop().await;
    let (staff, guest) = (app.staff().await, app.guest());
    let mut input = sale(&[("CUP", 1)]);
    input["holdMinutes"] = json!(120);
    let held = staff.order_payload("orderCreate", input).await;
    let short = staff.order_payload("orderCreate", sale(&[("CUP", 1)])).await;
    let pay = json!({ "orderId": held["order"]["id"],
                      "guestAccessToken": held["guestAccessToken"],
                      "payment": { "provider": "sandbox", "method": "card_declined" },
                      "idempotencyKey": "pay" });
    guest.order_payload("orderPay", pay).await;
    app.waits(TimeDelta::minutes(30));
    app.orders().expire_due().await.unwrap();

    let status = async |payload: &Value| {
        let by = json!({ "token": payload["guestAccessToken"] });
        let document = "query ($token: String!) { order(by: { guestAccessToken: $token }) \
                        { status } }";
        guest.query(document).with_variables(by).await.data()["order"]["status"].clone()
    };
    assert_eq!(status(&held).await, "PENDING_PAYMENT");
    assert_eq!(status(&short).await, "CANCELLED");
    app.waits(TimeDelta::minutes(100));
    app.orders().expire_due().await.unwrap();
    assert_eq!(status(&held).await, "CANCELLED");
    assert_eq!(app.pieces("CUP").await, (100, 0));
}

#[tokio::test]
async fn dead_holds_are_not_in_the_way_of_staff() {
    let app = shop().await;
    let staff = app.staff().await;
    app.guest().buys(&[("CUP", 100)], "card_declined").await;
    app.waits(TimeDelta::minutes(16));

    let done = staff.order_payload("orderCreate", sale(&[("CUP", 100)])).await;

    assert_eq!(codes(&done), [""; 0]);
    assert_eq!(app.pieces("CUP").await, (100, 100));
}

#[tokio::test]
async fn what_is_wrong_with_a_sale_is_told_at_its_place_and_nothing_happens() {
    let app = shop().await;
    let staff = app.staff().await;
    app.drafts(&["DRAFT"]).await;
    let cases = [
        ("/lines/0/sku", json!("NONE"), "NOT_FOUND", json!(["lines", "0", "sku"])),
        ("/lines/0/sku", json!("DRAFT"), "INVALID", json!(["lines", "0", "sku"])),
        ("/lines/0/quantity", json!(0), "OUT_OF_RANGE", json!(["lines", "0", "quantity"])),
        ("/lines/0/quantity", json!(-1), "OUT_OF_RANGE", json!(["lines", "0", "quantity"])),
        ("/lines/0/quantity", json!(101), "INSUFFICIENT_STOCK", json!(["lines"])),
        ("/lines", json!([]), "REQUIRED", json!(["lines"])),
        ("/email", json!("nobody"), "INVALID", json!(["email"])),
        ("/shippingAddress/city", json!(""), "REQUIRED", json!(["shippingAddress", "city"])),
        ("/shippingAddress", json!(null), "REQUIRED", json!(["shippingAddress"])),
        // Nothing is sent at a price in yen.
        ("/currency", json!("JPY"), "INVALID", json!(["shippingAddress", "country"])),
    ];
    for (place, value, code, path) in cases {
        let mut input = sale(&[("CUP", 1)]);
        *input.pointer_mut(place).unwrap() = value.clone();

        let refused = staff.order_payload("orderCreate", input).await;

        assert_eq!(codes(&refused), [code], "{place} {value}");
        assert_eq!(refused["userErrors"][0]["path"], path, "{place} {value}");
    }
    let extra = [
        ("holdMinutes", json!(0), "OUT_OF_RANGE"),
        ("holdMinutes", json!(10_081), "OUT_OF_RANGE"),
        ("expectedTotal", json!({ "amount": "1", "currency": "EUR" }), "PRICE_CHANGED"),
        ("expectedTotal", json!({ "amount": "1", "currency": "JPY" }), "CURRENCY_MISMATCH"),
        ("supplier", json!({ "name": "Clay & Co" }), "INVALID"),
        ("place", json!(true), "INVALID"),
    ];
    for (field, value, code) in extra {
        let mut input = sale(&[("CUP", 1)]);
        input[field] = value;
        let refused = staff.order_payload("orderCreate", input).await;
        assert_eq!(codes(&refused), [code], "{field}");
    }
    let mut priced = sale(&[("CUP", 1)]);
    priced["lines"][0]["unitCost"] = json!({ "amount": "0.01", "currency": "EUR" });
    let refused = staff.order_payload("orderCreate", priced).await;
    assert_eq!(codes(&refused), ["INVALID"], "nobody sets the price of a sale");
    assert_eq!(app.rows("shop_order", "1 = 1").await, 0);
    assert_eq!(app.pieces("CUP").await, (100, 0));
}

#[tokio::test]
async fn the_buyer_is_asked_by_mail_to_pay() {
    let smtp = SmtpSink::start().await;
    let url = smtp.url();
    let app = TestApp::with(|settings| settings.mail.smtp_url = Some(url.into())).await;
    stock_up(&app, 5).await;

    let done = app.staff().await.order_payload("orderCreate", sale(&[("CUP", 1)])).await;
    app.works().await;

    let mails = smtp.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["buyer@shop.example"]);
    let text = mails[0].text();
    assert!(text.contains(done["guestAccessToken"].as_str().unwrap()), "{text}");
    assert!(text.contains("Total: 17.73 EUR"), "{text}");
}
