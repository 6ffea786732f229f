//! Orders that are called off: their stock is free, their money goes back, once.

use super::shop::{codes, shop};
use chrono::TimeDelta;
use serde_json::{Value, json};

fn cancel(order: &Value) -> Value {
    json!({ "orderId": order["id"], "reason": "Changed my mind" })
}

#[tokio::test]
async fn a_paid_order_is_cancelled_and_its_money_goes_back() {
    let app = shop().await;
    let customer = app.customer().await;
    let placed = customer.buys(&[("CUP", 2)], "card_approved").await;

    let done = customer.order_payload("orderCancel", cancel(&placed["order"])).await;

    assert_eq!(codes(&done), [""; 0]);
    let order = &done["order"];
    assert_eq!(
        (&order["status"], &order["cancelReason"]),
        (&json!("CANCELLED"), &json!("Changed my mind"))
    );
    assert_eq!(order["refundedTotal"], json!({ "amountMinor": order["total"]["amountMinor"] }));
    assert_eq!(order["payments"][0]["status"], "REFUNDED");
    assert_eq!(order["allowedTransitions"], json!([]));
    assert_eq!(app.pieces("CUP").await, (100, 0));
    let again = customer.order_payload("orderCancel", cancel(&placed["order"])).await;
    assert_eq!((codes(&again), &again["order"]), (vec![], order));
    assert_eq!(app.rows("sandbox_refund", "1 = 1").await, 1);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_who_cancel_at_once_free_the_stock_once() {
    let app = shop().await;
    let customer = app.customer().await;
    let placed = customer.buys(&[("CUP", 5)], "card_approved").await;

    let calls = (0..10).map(|_| {
        let (customer, input) = (customer.clone(), cancel(&placed["order"]));
        tokio::spawn(async move { customer.order_payload("orderCancel", input).await })
    });
    let done = futures::future::try_join_all(calls).await.unwrap();

    for payload in &done {
        assert_eq!((codes(payload), &payload["order"]["status"]), (vec![], &json!("CANCELLED")));
    }
    assert_eq!(app.pieces("CUP").await, (100, 0));
    assert_eq!(app.rows("stock_movement", "kind = 'RELEASE'").await, 1);
    assert_eq!(app.rows("refund", "1 = 1").await, 1);
    assert_eq!(app.rows("sandbox_refund", "1 = 1").await, 1);
    app.is_sound().await;
}

#[tokio::test]
async fn what_is_cancelled_while_nobody_knows_gets_its_money_back_later() {
    let app = shop().await;
    let customer = app.customer().await;
    let placed = customer.buys(&[("CUP", 1)], "card_late").await;
    assert_eq!(placed["warnings"][0]["code"], "PAYMENT_PENDING");

    let done = customer.order_payload("orderCancel", cancel(&placed["order"])).await;
    assert_eq!(done["order"]["status"], "CANCELLED");
    assert_eq!(app.pieces("CUP").await, (100, 0));
    app.waits(TimeDelta::minutes(1));
    app.orders().recover().await.unwrap();

    let order = customer.order(&placed["order"]["id"]).await;
    assert_eq!(
        (&order["status"], &order["payments"][0]["status"]),
        (&json!("CANCELLED"), &json!("REFUNDED"))
    );
    assert_eq!(order["refundedTotal"]["amountMinor"], order["total"]["amountMinor"]);
    assert_eq!(app.pieces("CUP").await, (100, 0));
    app.is_sound().await;
}

#[tokio::test]
async fn nobody_cancels_what_is_someone_elses() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let order = &placed["order"];

    for stranger in [app.guest(), app.customer().await] {
        let refused = stranger.order_payload("orderCancel", cancel(order)).await;
        assert_eq!(codes(&refused), ["NOT_FOUND"]);
    }
    let mut guessed = cancel(order);
    guessed["guestAccessToken"] = json!("gat_00000000000000000000000000000000");
    assert_eq!(codes(&app.guest().order_payload("orderCancel", guessed).await), ["NOT_FOUND"]);
    let mut with_token = cancel(order);
    with_token["guestAccessToken"] = placed["guestAccessToken"].clone();
    let done = app.guest().order_payload("orderCancel", with_token).await;
    assert_eq!(done["order"]["status"], "CANCELLED");
    app.is_sound().await;
}
