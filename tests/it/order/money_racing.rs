//! Many who move the same money at once, over HTTP: it moves once, and money and stock agree. Two
//! server processes on one Postgres, or one process on SQLite.

use super::money::{document, euros, late_shop, refund};
use super::shop::{codes, document as order_document, shop};
use crate::app::{ServerProcess, TestApp};
use serde_json::{Value, json};
use std::net::SocketAddr;

async fn addresses(app: &TestApp) -> (Vec<SocketAddr>, Vec<ServerProcess>) {
    if !app.app.db.is_postgres() {
        return (vec![app.listen().await], Vec::new());
    }
    let settings = [("PAYMENT_CAPTURE", "fulfilment")];
    let processes =
        vec![ServerProcess::start_with(app, &settings).await, ServerProcess::start(app).await];
    (processes.iter().map(ServerProcess::address).collect(), processes)
}

/// Sends mutations at once: their payloads, without errors of the response.
async fn at_once(
    addresses: &[SocketAddr],
    token: &str,
    calls: Vec<(&'static str, String, Value)>,
) -> Vec<Value> {
    let client = reqwest::Client::new();
    let calls = calls.into_iter().enumerate().map(|(turn, (mutation, query, input))| {
        let address = addresses[turn % addresses.len()];
        let body = json!({ "query": query, "variables": { "input": input } });
        let request =
            client.post(format!("http://{address}/graphql")).bearer_auth(token).json(&body);
        tokio::spawn(async move {
            let answer = request.send().await.expect("the server answers");
            let answer: Value = answer.json().await.expect("it is JSON");
            assert!(answer["errors"].is_null(), "{answer}");
            answer["data"][mutation].clone()
        })
    });
    futures::future::try_join_all(calls).await.unwrap()
}

fn through(payloads: &[Value]) -> usize {
    payloads.iter().filter(|payload| codes(payload).is_empty()).count()
}

/// What the shop says went back is what the provider gave back.
async fn agrees(app: &TestApp) {
    let differs = "refund_pending <> 0 OR refunded <> (SELECT c.refunded FROM sandbox_charge c \
                   WHERE c.payment_id = payment.id) OR captured <> (SELECT c.captured FROM \
                   sandbox_charge c WHERE c.payment_id = payment.id)";
    assert_eq!(app.rows("payment", differs).await, 0);
    let wrong = "refunded_total <> (SELECT p.refunded FROM payment p WHERE p.order_id = \
                 shop_order.id) OR refunded_total > paid_total";
    assert_eq!(app.rows("shop_order", wrong).await, 0);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_full_refunds_at_once_one_is_made() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    let (addresses, _processes) = addresses(&app).await;
    let call = |_| {
        let input = refund(&placed["payment"], &json!({}));
        ("paymentRefund", document("paymentRefund"), input)
    };

    let payloads = at_once(&addresses, staff.token().unwrap(), (0..20).map(call).collect()).await;

    assert_eq!(through(&payloads), 1, "{payloads:?}");
    let refused: Vec<_> = payloads.iter().filter(|it| !codes(it).is_empty()).collect();
    assert!(refused.iter().all(|it| codes(it) == ["REFUND_AMOUNT"]), "{refused:?}");
    assert_eq!(app.rows("sandbox_refund", "1 = 1").await, 1);
    assert_eq!(app.rows("shop_order", "status = 'REFUNDED' AND refunded_total = total").await, 1);
    assert_eq!(app.pieces("CUP").await, (100, 0));
    agrees(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_partial_refunds_at_once_never_give_back_more_than_was_taken() {
    let app = shop().await;
    let staff = app.staff().await;
    // 10 × 10.00 and shipping at 4.90, with 19 %: 124.83.
    let placed = app.guest().buys(&[("CUP", 10)], "card_approved").await;
    let (addresses, _processes) = addresses(&app).await;
    let call = |_| {
        let input = refund(&placed["payment"], &json!({ "amount": euros("30.00") }));
        ("paymentRefund", document("paymentRefund"), input)
    };

    let payloads = at_once(&addresses, staff.token().unwrap(), (0..40).map(call).collect()).await;

    assert_eq!(through(&payloads), 4, "{payloads:?}");
    assert_eq!(app.number("SELECT refunded FROM payment").await, 12_000);
    assert_eq!(app.rows("sandbox_refund", "1 = 1").await, 4);
    agrees(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_many_pay_back_at_once_are_paid_back_once() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 5), ("POT", 9)], "card_approved").await;
    let (addresses, _processes) = addresses(&app).await;
    let lines = json!([{ "orderLineId": placed["order"]["lines"][0]["id"], "quantity": 2 }]);
    let call = |_| {
        let input = refund(&placed["payment"], &json!({ "lines": lines, "restock": true }));
        ("paymentRefund", document("paymentRefund"), input)
    };

    let payloads = at_once(&addresses, staff.token().unwrap(), (0..20).map(call).collect()).await;

    assert_eq!(through(&payloads), 2, "{payloads:?}");
    assert_eq!(app.number("SELECT refunded FROM payment").await, 4 * 1_190);
    assert_eq!(app.pieces("CUP").await, (100, 1));
    agrees(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_twenty_times_at_once_is_one_refund_and_twenty_equal_answers() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    let (addresses, _processes) = addresses(&app).await;
    let input = refund(&placed["payment"], &json!({ "amount": euros("1.00") }));
    let call = |_| ("paymentRefund", document("paymentRefund"), input.clone());

    let payloads = at_once(&addresses, staff.token().unwrap(), (0..20).map(call).collect()).await;

    assert_eq!(through(&payloads), 20);
    assert!(payloads.iter().all(|payload| *payload == payloads[0]), "{payloads:?}");
    assert_eq!(app.rows("refund", "1 = 1").await, 1);
    agrees(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_capture_and_cancel_at_once_money_and_stock_agree() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let mut placed = Vec::new();
    for _ in 0..12 {
        placed.push(app.guest().buys(&[("CUP", 1)], "card_approved").await);
    }
    let (addresses, _processes) = addresses(&app).await;
    let calls = placed.iter().enumerate().flat_map(|(turn, placed)| {
        let capture = json!({ "paymentId": placed["payment"]["id"] });
        let cancel = json!({ "orderId": placed["order"]["id"] });
        let mut calls = [
            ("paymentCapture", document("paymentCapture"), capture),
            ("orderCancel", order_document("orderCancel"), cancel),
        ];
        calls.rotate_left(turn % 2);
        calls
    });

    let payloads = at_once(&addresses, staff.token().unwrap(), calls.collect()).await;

    let known = ["INVALID_TRANSITION", "PAYMENT_IN_PROGRESS"];
    assert!(payloads.iter().flat_map(codes).all(|code| known.contains(&code)), "{payloads:?}");
    for _ in 0..3 {
        app.waits(chrono::TimeDelta::minutes(1));
        app.orders().recover().await.unwrap();
    }
    // Whoever cancels wins in the end: what was taken at the same moment went back.
    assert_eq!(app.rows("shop_order", "status = 'CANCELLED'").await, 12);
    let held = "state NOT IN ('VOIDED', 'CAPTURED') OR captured <> refunded";
    assert_eq!(app.rows("payment", held).await, 0);
    let theirs = "state NOT IN ('VOIDED', 'CAPTURED') OR captured <> refunded";
    assert_eq!(app.rows("sandbox_charge", theirs).await, 0);
    assert_eq!(app.pieces("CUP").await, (100, 0));
    app.is_sound().await;
}
