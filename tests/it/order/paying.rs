//! Payments that fail, that nobody knows the end of, and further tries.

use super::shop::{codes, shop, stock_up};
use crate::app::TestApp;
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::config::CaptureAt;

fn pay(order: &Value, token: &Value, method: &str) -> Value {
    json!({
        "orderId": order["id"],
        "guestAccessToken": token,
        "payment": { "provider": "sandbox", "method": method },
        "idempotencyKey": uuid::Uuid::new_v4().to_string(),
    })
}

#[tokio::test]
async fn a_declined_payment_leaves_the_order_with_its_hold_to_be_paid_otherwise() {
    let app = shop().await;
    let guest = app.guest();

    let placed = guest.buys(&[("CUP", 3)], "card_insufficient_funds").await;

    assert_eq!(codes(&placed), ["PAYMENT_DECLINED"]);
    assert_eq!(placed["userErrors"][0]["declineCode"], "insufficient_funds");
    let order = &placed["order"];
    assert_eq!(order["status"], "PENDING_PAYMENT");
    assert_eq!(app.pieces("CUP").await, (100, 3));
    let input = pay(order, &placed["guestAccessToken"], "card_approved");
    let paid = guest.order_payload("orderPay", input.clone()).await;
    assert_eq!((codes(&paid), &paid["order"]["status"]), (vec![], &json!("PAID")));
    let statuses: Vec<&Value> = paid["order"]["payments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|payment| &payment["status"])
        .collect();
    assert_eq!(statuses, ["FAILED", "CAPTURED"]);
    assert_eq!(app.pieces("CUP").await, (100, 3));
    let again = guest.order_payload("orderPay", input).await;
    assert_eq!(again, paid);
    let more = guest
        .order_payload("orderPay", pay(order, &placed["guestAccessToken"], "card_approved"))
        .await;
    assert_eq!(codes(&more), ["INVALID_TRANSITION"]);
    assert_eq!(app.rows("sandbox_charge", "state = 'captured' OR state = 'CAPTURED'").await, 1);
}

#[tokio::test]
async fn what_is_answered_at_once_is_what_stands_in_the_rows() {
    for capture in [CaptureAt::Checkout, CaptureAt::Fulfilment] {
        let app = TestApp::with(|settings| settings.payment.capture = capture).await;
        stock_up(&app, 100).await;
        let (guest, staff) = (app.guest(), app.staff().await);
        let placed = guest.buys(&[("CUP", 3)], "card_approved").await;
        let unpaid = guest.buys(&[("CUP", 1)], "card_declined").await;
        let input = pay(&unpaid["order"], &unpaid["guestAccessToken"], "card_approved");
        let paid = guest.order_payload("orderPay", input).await;

        for (payload, number) in [(&placed, 0), (&paid, 1)] {
            let order = staff.order(&payload["order"]["id"]).await;
            for field in ["status", "version", "total", "refundedTotal", "payments"] {
                assert_eq!(payload["order"][field], order[field], "{number} {field}");
            }
            let events = |order: &Value| order["events"].as_array().map(Vec::len);
            assert_eq!(events(&payload["order"]), events(&order), "{number}");
        }
        // One moment, in each row that tells of it.
        let apart = "decided_at IS NOT NULL AND state IN ('CAPTURED', 'AUTHORIZED') AND NOT EXISTS \
            (SELECT 1 FROM shop_order o JOIN order_event e ON e.order_id = o.id AND \
            e.version = o.version WHERE o.id = payment.order_id AND o.updated_at = \
            payment.updated_at AND e.created_at = o.updated_at AND \
            payment.decided_at = o.updated_at AND o.updated_at >= o.created_at)";
        assert_eq!(app.rows("payment", apart).await, 0);
        assert_eq!(app.rows("payment", "decided_at IS NOT NULL").await, 3);
        app.is_sound().await;
    }
}

#[tokio::test]
async fn nobody_pays_an_order_that_is_not_theirs_to_see() {
    let app = shop().await;
    let (guest, customer) = (app.guest(), app.customer().await);
    let unpaid = |placed: Value| {
        assert_eq!(placed["order"]["status"], "PENDING_PAYMENT");
        placed
    };
    let of_guest = unpaid(guest.buys(&[("CUP", 1)], "card_declined").await);
    let of_customer = unpaid(customer.buys(&[("CUP", 1)], "card_declined").await);
    let others = unpaid(guest.buys(&[("POT", 1)], "card_declined").await);
    let stranger = app.customer().await;
    let before = (app.rows("payment", "1 = 1").await, app.rows("order_event", "1 = 1").await);
    let (none, other) = (json!(null), &others["guestAccessToken"]);

    for (who, order, token) in [
        (&guest, &of_guest, &none),
        (&guest, &of_guest, other),
        (&stranger, &of_guest, &none),
        (&stranger, &of_guest, other),
        (&guest, &of_customer, &none),
        (&guest, &of_customer, other),
        (&stranger, &of_customer, &none),
        (&stranger, &of_customer, other),
    ] {
        let input = pay(&order["order"], token, "card_approved");
        let refused = who.order_payload("orderPay", input).await;
        assert_eq!(codes(&refused), ["NOT_FOUND"], "{refused}");
        assert_eq!((&refused["order"], &refused["payment"]), (&none, &none));
    }

    let now = (app.rows("payment", "1 = 1").await, app.rows("order_event", "1 = 1").await);
    assert_eq!(now, before);
    app.is_sound().await;
}

#[tokio::test]
async fn a_repetition_answers_the_same_although_the_shop_takes_no_such_payments_any_more() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    let bought = super::shop::checkout(&cart, "card_insufficient_funds");
    let placed = guest.order_payload("checkoutComplete", bought.clone()).await;
    let paid = pay(&placed["order"], &placed["guestAccessToken"], "card_insufficient_funds");
    let declined = guest.order_payload("orderPay", paid.clone()).await;
    assert_eq!(codes(&declined), ["PAYMENT_DECLINED"]);
    let later = app.replica_with(|settings| settings.payment.providers.clear()).await;
    let guest = later.guest();

    let again = guest.order_payload("checkoutComplete", bought.clone()).await;
    let pays_again = guest.order_payload("orderPay", paid.clone()).await;

    assert_eq!(codes(&again), codes(&placed));
    assert_eq!(again["payment"], placed["payment"]);
    assert_eq!(again["guestAccessToken"], placed["guestAccessToken"]);
    assert_eq!(pays_again, declined);
    // What is new is refused, and keeps no key.
    let keys = app.rows("idempotency", "1 = 1").await;
    for (mutation, mut input) in [("checkoutComplete", bought), ("orderPay", paid)] {
        input["idempotencyKey"] = json!("another one");
        let refused = guest.order_payload(mutation, input).await;
        assert_eq!(codes(&refused), ["INVALID"], "{mutation}");
        assert_eq!(refused["userErrors"][0]["path"], json!(["payment", "provider"]));
    }
    assert_eq!(app.rows("idempotency", "1 = 1").await, keys);
}

#[tokio::test]
async fn a_provider_that_fails_is_told_apart_from_a_decline() {
    let app = shop().await;

    let placed = app.guest().buys(&[("CUP", 1)], "card_error").await;

    assert_eq!(codes(&placed), ["PAYMENT_UNAVAILABLE"]);
    assert!(placed["userErrors"][0]["retryAfterSeconds"].as_i64().unwrap() > 0);
    assert_eq!(placed["order"]["status"], "PENDING_PAYMENT");
}

#[tokio::test]
async fn while_nobody_knows_the_order_waits_and_recovery_finds_out() {
    let app = shop().await;
    let (guest, staff) = (app.guest(), app.staff().await);

    let placed = guest.buys(&[("CUP", 1)], "card_late").await;

    assert_eq!(codes(&placed), [""; 0]);
    assert_eq!(placed["warnings"][0]["code"], "PAYMENT_PENDING");
    assert_eq!(placed["order"]["status"], "PENDING_PAYMENT");
    assert_eq!(placed["payment"]["status"], "PENDING");
    let more = pay(&placed["order"], &placed["guestAccessToken"], "card_approved");
    let refused = guest.order_payload("orderPay", more).await;
    assert_eq!(codes(&refused), ["PAYMENT_IN_PROGRESS"]);
    app.waits(TimeDelta::minutes(1));

    app.orders().recover().await.unwrap();

    assert_eq!(staff.order(&placed["order"]["id"]).await["status"], "PAID");
    assert_eq!(app.rows("sandbox_charge", "1 = 1").await, 1);
}

#[tokio::test]
async fn a_payment_that_nobody_knows_of_keeps_its_stock_whatever_the_time() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 100)], "card_late").await;
    assert_eq!(placed["warnings"][0]["code"], "PAYMENT_PENDING");
    app.waits(TimeDelta::hours(2));

    app.orders().expire_due().await.unwrap();
    let other = app.guest().buys(&[("CUP", 1)], "card_approved").await;

    assert_eq!(codes(&other), ["INSUFFICIENT_STOCK"]);
    let order = staff.order(&placed["order"]["id"]).await;
    assert_eq!(order["status"], "PENDING_PAYMENT");
    assert_eq!(app.pieces("CUP").await, (100, 100));
}

#[tokio::test]
async fn a_payer_who_never_confirms_does_not_keep_the_stock_for_ever() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 100)], "card_pending").await;
    assert_eq!(placed["payment"]["status"], "PENDING");
    app.orders().expire_due().await.unwrap();
    assert_eq!(app.pieces("CUP").await, (100, 100));
    app.waits(TimeDelta::minutes(16));

    // The payment is let go first, then the order ends.
    app.orders().expire_due().await.unwrap();
    app.orders().expire_due().await.unwrap();

    let order = staff.order(&placed["order"]["id"]).await;
    assert_eq!(order["payments"][0]["status"], "VOIDED");
    assert_eq!(
        (&order["status"], &order["cancelReason"]),
        (&json!("CANCELLED"), &json!("EXPIRED"))
    );
    assert_eq!(app.pieces("CUP").await, (100, 0));
}

#[tokio::test]
async fn nothing_is_charged_for_an_order_that_was_cancelled_before_the_provider_was_asked() {
    let app = shop().await;
    let customer = app.customer().await;
    let placed = customer.buys(&[("CUP", 1)], "card_timeout").await;
    assert_eq!(placed["warnings"][0]["code"], "PAYMENT_PENDING");
    let cancel = json!({ "orderId": placed["order"]["id"] });
    customer.order_payload("orderCancel", cancel).await;
    app.waits(TimeDelta::minutes(1));

    app.orders().recover().await.unwrap();

    let order = customer.order(&placed["order"]["id"]).await;
    assert_eq!(order["status"], "CANCELLED");
    assert_eq!(order["payments"][0]["captured"]["amountMinor"], "0");
    assert_eq!(app.rows("sandbox_charge", "captured > 0").await, 0);
}
