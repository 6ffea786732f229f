//! What the shop owes back is tried again when the provider refuses it, whoever asked for it and
//! whatever happened meanwhile.

use super::shop::shop;
use crate::app::{TestApp, eur};
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::payment::{NewRefund, OpenedRefund, PaymentState, Refund, RefundOutcome};
use uuid::Uuid;

/// Somebody asks for a refund, and nobody knows what became of it.
async fn begins_refund(app: &TestApp, payment_id: Uuid, cents: i64) -> Refund {
    let key = format!("asked:{}", Uuid::now_v7());
    let amount = eur(cents);
    let new = &NewRefund { payment_id, amount, key, reason: None, restock: false, turn: 0 };
    let payments = app.payments();
    let opening =
        app.app.db.tx(|tx| async move { payments.open_refund_in_txn(&tx, new).await }).await;
    match opening.expect("it can be asked for") {
        OpenedRefund::New(refund) => refund,
        OpenedRefund::Earlier(_) => panic!("its key is new"),
    }
}

/// The provider refuses it.
async fn is_refused(app: &TestApp, refund: &Refund) {
    let refused = RefundOutcome::Failed { code: "no".to_owned() };
    app.orders().settle_refund(refund, &refused).await.expect("it can be written");
}

async fn cancels(app: &TestApp, placed: &Value) {
    let input = json!({
        "orderId": placed["order"]["id"], "guestAccessToken": placed["guestAccessToken"],
    });
    let done = app.guest().order_payload("orderCancel", input).await;
    assert_eq!(done["order"]["status"], "CANCELLED", "{done}");
}

async fn all_is_back(app: &TestApp, payment_id: Uuid) {
    let payment = app.payment(payment_id).await;
    assert_eq!((payment.refunded, payment.refund_pending), (payment.captured, 0), "{payment:?}");
    let charge = app.charge(payment_id).await.expect("it was charged");
    assert_eq!(charge.refunded, charge.captured);
}

#[tokio::test]
async fn a_refund_in_flight_that_is_refused_after_its_order_was_cancelled_is_tried_again() {
    for part in [true, false] {
        let app = shop().await;
        let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
        let id = app.only_payment().await;
        let captured = app.payment(id).await.captured;
        let asked = begins_refund(&app, id, if part { 300 } else { captured }).await;
        cancels(&app, &placed).await;

        is_refused(&app, &asked).await;
        app.orders().recover().await.unwrap();
        assert!(app.payment(id).await.refunded < captured, "its time has not come");
        app.waits(TimeDelta::minutes(61));
        app.orders().recover().await.unwrap();

        all_is_back(&app, id).await;
    }
}

#[tokio::test]
async fn the_shop_goes_on_when_a_refund_that_it_waited_for_is_refused() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let id = app.only_payment().await;
    app.execute("UPDATE sandbox_charge SET refunded = captured").await;
    cancels(&app, &placed).await;
    app.execute("UPDATE sandbox_charge SET refunded = 0").await;
    let by_staff = begins_refund(&app, id, app.payment(id).await.captured).await;

    app.waits(TimeDelta::minutes(61));
    // All is on its way: the shop has nothing to try. Recovery must not ask for it either.
    let later =
        "UPDATE refund SET lease_until = '2999-01-01T00:00:00+00:00' WHERE state = 'PENDING'";
    app.execute(later).await;
    app.orders().recover().await.unwrap();
    assert_eq!(app.rows("refund", "retry_at IS NOT NULL").await, 0);
    is_refused(&app, &by_staff).await;
    app.waits(TimeDelta::minutes(61));
    app.orders().recover().await.unwrap();

    all_is_back(&app, id).await;
}

#[tokio::test]
async fn refusals_of_two_amounts_are_two_chains() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let id = app.only_payment().await;
    let asked = begins_refund(&app, id, 300).await;
    app.execute("UPDATE sandbox_charge SET refunded = captured").await;
    cancels(&app, &placed).await;
    app.waits(TimeDelta::minutes(61));
    let later =
        "UPDATE refund SET lease_until = '2999-01-01T00:00:00+00:00' WHERE state = 'PENDING'";
    app.execute(later).await;
    // The second try of the rest is refused too, then what somebody had asked for.
    app.orders().recover().await.unwrap();
    is_refused(&app, &asked).await;
    app.execute("UPDATE sandbox_charge SET refunded = 0").await;

    for _ in 0..3 {
        app.waits(TimeDelta::minutes(61));
        app.orders().recover().await.unwrap();
    }

    all_is_back(&app, id).await;
    assert_eq!(app.rows("refund", "retry_at IS NOT NULL").await, 0);
}

#[tokio::test]
async fn a_refund_that_cannot_be_tried_keeps_no_other_waiting() {
    let app = shop().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
        app.execute("UPDATE sandbox_charge SET refunded = captured").await;
        cancels(&app, &placed).await;
        let key = placed["payment"]["id"].as_str().unwrap();
        ids.push(stockroom::graphql::NodeKind::Payment.key(key).unwrap());
    }
    app.execute("UPDATE sandbox_charge SET refunded = 0").await;
    // The first one to be tried is of a payment that nobody can read.
    let broken = app.sql_key(ids[0]);
    app.execute(&format!("UPDATE payment SET currency = '???' WHERE id = {broken}")).await;

    app.waits(TimeDelta::minutes(61));
    app.orders().recover().await.unwrap();

    all_is_back(&app, ids[1]).await;
    app.execute(&format!("UPDATE payment SET currency = 'EUR' WHERE id = {broken}")).await;
    app.waits(TimeDelta::minutes(61));
    app.orders().recover().await.unwrap();
    all_is_back(&app, ids[0]).await;
    assert_eq!(app.payment(ids[0]).await.state, PaymentState::Captured);
}
