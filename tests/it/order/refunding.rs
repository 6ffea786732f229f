//! Staff give money back: amounts and pieces, and what becomes of it when the provider refuses or is away.

use super::money::{deal, euros, minor, refund};
use super::shop::{codes, shop};
use crate::app::{providers_answer_late, without_patience};
use serde_json::{Value, json};
use stockroom::graphql::NodeKind;
use uuid::Uuid;
#[tokio::test]
async fn a_part_goes_back_then_the_rest_and_the_stock_is_free() {
    let app = shop().await;
    let (staff, customer) = (app.staff().await, app.customer().await);
    let placed = customer.buys(&[("CUP", 2)], "card_approved").await;
    let (payment, total) = (&placed["payment"], minor(&placed["order"]["total"]));
    let part = refund(payment, &json!({ "amount": euros("5.00"), "reason": "A scratch" }));

    let first = deal(&staff, "paymentRefund", part.clone()).await;

    assert_eq!(codes(&first), [""; 0]);
    assert_eq!(first["payment"]["status"], "PARTIALLY_REFUNDED");
    assert_eq!(first["order"]["status"], "PAID");
    assert_eq!(minor(&first["order"]["refundedTotal"]), 500);
    let told = &first["payment"]["refunds"][0];
    assert_eq!((&told["status"], &told["reason"]), (&json!("SUCCEEDED"), &json!("A scratch")));
    assert_eq!(app.pieces("CUP").await, (100, 2));
    assert_eq!(deal(&staff, "paymentRefund", part).await, first);

    let too_much = refund(payment, &json!({ "amount": euros("1000") }));
    let refused = deal(&staff, "paymentRefund", too_much).await;
    assert_eq!(codes(&refused), ["REFUND_AMOUNT"]);
    assert_eq!(minor(&refused["userErrors"][0]["maximumRefundable"]), total - 500);

    let rest = deal(&staff, "paymentRefund", refund(payment, &json!({}))).await;
    assert_eq!(rest["order"]["status"], "REFUNDED", "{rest}");
    assert_eq!(rest["payment"]["status"], "REFUNDED");
    assert_eq!(minor(&rest["order"]["refundedTotal"]), total);
    assert_eq!(app.pieces("CUP").await, (100, 0));
    let more = deal(&staff, "paymentRefund", refund(payment, &json!({}))).await;
    assert_eq!(minor(&more["userErrors"][0]["maximumRefundable"]), 0);
    let own = "query ($id: ID!) { payment(id: $id) { refunds { amount { amountMinor } } } }";
    let seen = customer.query(own).with_variables(json!({ "id": payment["id"] })).await;
    assert_eq!(seen.data()["payment"]["refunds"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn amounts_that_make_no_sense_are_refused() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let (payment, line) = (&placed["payment"], &placed["order"]["lines"][0]["id"]);
    let pieces = |quantity: i64| json!([{ "orderLineId": line, "quantity": quantity }]);

    for (ask, code) in [
        (json!({ "amount": euros("0") }), "REFUND_AMOUNT"),
        (json!({ "amount": euros("-1") }), "REFUND_AMOUNT"),
        (json!({ "amount": euros("90000000000000") }), "REFUND_AMOUNT"),
        (json!({ "amount": { "amount": "1", "currency": "USD" } }), "CURRENCY_MISMATCH"),
        (json!({ "amount": euros("1"), "lines": pieces(1) }), "INVALID"),
        (json!({ "amount": euros("1"), "restock": true }), "INVALID"),
        (json!({ "lines": [] }), "REQUIRED"),
        (json!({ "lines": pieces(0) }), "OUT_OF_RANGE"),
        (json!({ "lines": pieces(-1) }), "OUT_OF_RANGE"),
        (json!({ "lines": pieces(2_147_483_647) }), "OUT_OF_RANGE"),
        (json!({ "reason": "x".repeat(501) }), "TOO_LONG"),
        (json!({ "idempotencyKey": "" }), "INVALID"),
    ] {
        let refused = deal(&staff, "paymentRefund", refund(payment, &ask)).await;
        assert_eq!((codes(&refused), &refused["payment"]), (vec![code], &Value::Null), "{ask}");
    }

    assert_eq!(app.rows("refund", "1 = 1").await, 0);
    let unknown = NodeKind::Payment.id(Uuid::now_v7()).to_string();
    let stranger = refund(&json!({ "id": unknown }), &json!({}));
    let refused = deal(&staff, "paymentRefund", stranger).await;
    assert_eq!(codes(&refused), ["NOT_FOUND"]);
}

#[tokio::test]
async fn each_piece_is_paid_back_once_and_all_give_what_the_line_cost() {
    let app = shop().await;
    let staff = app.staff().await;
    // Three at 10.00 with 19 %: 35.70; a pot at 25.50 beside them.
    let placed = app.guest().buys(&[("CUP", 3), ("POT", 1)], "card_approved").await;
    let (payment, line) = (&placed["payment"], &placed["order"]["lines"][0]["id"]);
    let pieces = |quantity: i64, restock: bool| {
        let lines = json!([{ "orderLineId": line, "quantity": quantity }]);
        refund(payment, &json!({ "lines": lines, "restock": restock }))
    };

    let one = deal(&staff, "paymentRefund", pieces(1, false)).await;
    let two = deal(&staff, "paymentRefund", pieces(2, true)).await;
    let more = deal(&staff, "paymentRefund", pieces(1, false)).await;

    assert_eq!(minor(&one["payment"]["refunded"]), 1_190, "{one}");
    assert_eq!(minor(&two["payment"]["refunded"]), 3_570, "{two}");
    assert_eq!(codes(&more), ["OUT_OF_RANGE"]);
    let line = &two["order"]["lines"][0];
    assert_eq!((&line["quantityRefunded"], &line["quantityCancelled"]), (&json!(3), &json!(2)));
    assert_eq!(two["order"]["status"], "PAID");
    // The two that go back on the shelf are free; the third one will be sent all the same.
    assert_eq!(app.pieces("CUP").await, (100, 1));
    assert_eq!(app.pieces("POT").await, (100, 1));
}

#[tokio::test]
async fn pieces_that_were_sent_come_back_to_their_shelf() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 3), ("POT", 2)], "card_approved").await;
    let (payment, line) = (&placed["payment"], &placed["order"]["lines"][0]["id"]);
    staff.sends(&placed["order"], None).await;
    assert_eq!(app.pieces("CUP").await, (97, 0));
    let lines = json!([{ "orderLineId": line, "quantity": 2 }]);

    let back = refund(payment, &json!({ "lines": lines, "restock": true }));
    let back = deal(&staff, "paymentRefund", back).await;

    assert_eq!(minor(&back["payment"]["refunded"]), 2_380, "{back}");
    assert_eq!(back["order"]["lines"][0]["quantityReturned"], 2);
    assert_eq!(app.pieces("CUP").await, (99, 0));
    assert_eq!(app.rows("stock_movement", "kind = 'RETURN' AND on_hand_change = 2").await, 1);
    let rest = refund(payment, &json!({ "restock": true }));
    let rest = deal(&staff, "paymentRefund", rest).await;
    assert_eq!(rest["payment"]["status"], "REFUNDED", "{rest}");
    assert_eq!((app.pieces("CUP").await, app.pieces("POT").await), ((100, 0), (100, 0)));
    app.is_sound().await;
}

#[tokio::test]
async fn two_refunds_in_flight_are_not_for_the_same_piece() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    app.execute("UPDATE order_line SET quantity_fulfilled = 1").await;
    providers_answer_late();
    let impatient = app.replica_with(without_patience).await;
    let staff = impatient.staff().await;
    let line = &placed["order"]["lines"][0]["id"];
    let lines = json!([{ "orderLineId": line, "quantity": 1 }]);

    for _ in 0..2 {
        let back = refund(&placed["payment"], &json!({ "lines": lines, "restock": true }));
        let back = deal(&staff, "paymentRefund", back).await;
        assert_eq!(back["warnings"][0]["code"], "PAYMENT_PENDING", "{back}");
    }

    // One is not to be sent any more, the other one comes back.
    assert_eq!(app.rows("refund_line", "cancelled = 1 AND returned = 0").await, 1);
    assert_eq!(app.rows("refund_line", "cancelled = 0 AND returned = 1").await, 1);
}

#[tokio::test]
async fn an_order_of_which_nothing_is_to_be_sent_any_more_comes_to_its_end() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    let line = &placed["order"]["lines"][0]["id"];
    let lines = json!([{ "orderLineId": line, "quantity": 2 }]);

    let back = refund(&placed["payment"], &json!({ "lines": lines, "restock": true }));
    let back = deal(&staff, "paymentRefund", back).await;

    // What was paid for shipping is kept, and can still go back.
    assert_eq!((codes(&back), &back["order"]["status"]), (vec![], &json!("FULFILLED")), "{back}");
    assert_eq!(app.pieces("CUP").await, (100, 0));
    let rest = deal(&staff, "paymentRefund", refund(&placed["payment"], &json!({}))).await;
    assert_eq!(rest["order"]["status"], "REFUNDED", "{rest}");
    app.is_sound().await;
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_changes_nothing_and_shows() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 3)], "card_approved").await;
    let line = &placed["order"]["lines"][0]["id"];
    let lines = json!([{ "orderLineId": line, "quantity": 3 }]);
    let input = refund(&placed["payment"], &json!({ "lines": lines, "restock": true }));
    app.execute("UPDATE sandbox_charge SET refunded = captured").await;

    let refused = deal(&staff, "paymentRefund", input.clone()).await;
    app.execute("UPDATE sandbox_charge SET refunded = 0").await;

    assert_eq!(codes(&refused), ["PAYMENT_DECLINED"]);
    assert_eq!(deal(&staff, "paymentRefund", input).await, refused);
    assert_eq!(app.pieces("CUP").await, (100, 3));
    let again = refund(&placed["payment"], &json!({ "lines": lines }));
    let done = deal(&staff, "paymentRefund", again).await;
    let statuses: Vec<&Value> =
        done["payment"]["refunds"].as_array().unwrap().iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, ["FAILED", "SUCCEEDED"], "{done}");
    let failed: Vec<&Value> = done["order"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "REFUND_FAILED")
        .collect();
    assert_eq!(failed.len(), 1);
}

#[tokio::test]
async fn while_nobody_knows_the_money_is_on_its_way_and_recovery_finds_out() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    providers_answer_late();
    let impatient = app.replica_with(without_patience).await;
    let staff = impatient.staff().await;
    let input = refund(&placed["payment"], &json!({}));

    let pending = deal(&staff, "paymentRefund", input.clone()).await;

    assert_eq!(
        (codes(&pending), &pending["warnings"][0]["code"]),
        (vec![], &json!("PAYMENT_PENDING"))
    );
    assert_eq!(pending["payment"]["refunds"][0]["status"], "PENDING");
    assert_eq!(pending["order"]["status"], "PAID");
    let more = deal(&staff, "paymentRefund", refund(&placed["payment"], &json!({}))).await;
    assert_eq!(minor(&more["userErrors"][0]["maximumRefundable"]), 0);
    app.waits(chrono::TimeDelta::minutes(1));
    app.orders().recover().await.unwrap();
    let done = deal(&staff, "paymentRefund", input).await;
    assert_eq!((&done["order"]["status"], &done["warnings"]), (&json!("REFUNDED"), &json!([])));
    assert_eq!(app.rows("sandbox_refund", "1 = 1").await, 1);
}

#[tokio::test]
async fn a_refused_refund_of_a_cancelled_order_is_tried_again_and_by_staff() {
    let app = shop().await;
    let (staff, customer) = (app.staff().await, app.customer().await);
    let mut orders = Vec::new();
    for _ in 0..2 {
        let placed = customer.buys(&[("CUP", 1)], "card_approved").await;
        app.execute("UPDATE sandbox_charge SET refunded = captured").await;
        customer.order_payload("orderCancel", json!({ "orderId": placed["order"]["id"] })).await;
        orders.push(placed);
    }
    app.execute("UPDATE sandbox_charge SET refunded = 0").await;
    let order = staff.order(&orders[0]["order"]["id"]).await;
    assert_eq!(order["events"].as_array().unwrap().last().unwrap()["type"], "REFUND_FAILED");
    assert_eq!(
        (&order["status"], &order["payments"][0]["status"]),
        (&json!("CANCELLED"), &json!("CAPTURED"))
    );

    let by_staff = deal(&staff, "paymentRefund", refund(&orders[0]["payment"], &json!({}))).await;
    assert_eq!(by_staff["payment"]["status"], "REFUNDED", "{by_staff}");
    assert_eq!(by_staff["order"]["status"], "CANCELLED");
    app.orders().recover().await.unwrap();
    let other = customer.order(&orders[1]["order"]["id"]).await;
    assert_eq!(other["payments"][0]["status"], "CAPTURED", "its time has not come");
    app.waits(chrono::TimeDelta::minutes(61));
    app.orders().recover().await.unwrap();

    let other = staff.order(&orders[1]["order"]["id"]).await;
    assert_eq!(other["payments"][0]["status"], "REFUNDED");
    assert_eq!(other["refundedTotal"]["amountMinor"], other["total"]["amountMinor"]);
    assert_eq!(app.rows("sandbox_refund", "1 = 1").await, 2);
}
