//! Money that comes when nobody waits for it any more, and payments that someone has to look at.

use super::money::{deal, late_shop, refund};
use super::shop::{codes, shop};
use crate::app::{Caller, TestApp, providers_answer_late, without_patience};
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::doctor::Invariant;
use stockroom::payment::sandbox::ChargeState;
use stockroom::payment::{Outcome, Payment, PaymentState, ProviderEvent, Said};
use uuid::Uuid;

/// The provider charges a payment after all, and tells it.
pub async fn charges_late(app: &TestApp, payment: &Value, captured: bool) -> Uuid {
    let id = key(payment);
    let state = if captured { "'CAPTURED', captured = amount" } else { "'AUTHORIZED'" };
    let key = app.sql_key(id);
    app.execute(&format!("UPDATE sandbox_charge SET state = {state} WHERE payment_id = {key}"))
        .await;
    let charge = app.charge(id).await.expect("there is one");
    let reference = charge.reference.clone();
    let outcome = if captured {
        Outcome::Captured { reference, amount: charge.amount }
    } else {
        Outcome::Authorized { reference }
    };
    tells(app, id, outcome).await;
    id
}

/// The provider tells this of a payment.
pub async fn tells(app: &TestApp, payment_id: Uuid, outcome: Outcome) {
    let event = ProviderEvent {
        provider: "sandbox",
        event_id: Uuid::new_v4().to_string(),
        kind: "charge".to_owned(),
        payment_id: Some(payment_id),
        said: Said::Payment(outcome),
    };
    app.orders().hear(&event).await.expect("it is heard");
}

fn key(payment: &Value) -> Uuid {
    let id = payment["id"].as_str().expect("a payment has an id");
    stockroom::graphql::NodeKind::Payment.key(id).expect("it is one of a payment")
}

async fn pays_again(app: &TestApp, placed: &Value, method: &str) -> Value {
    let input = json!({
        "orderId": placed["order"]["id"],
        "guestAccessToken": placed["guestAccessToken"],
        "payment": { "provider": "sandbox", "method": method },
        "idempotencyKey": Uuid::new_v4().to_string(),
    });
    app.guest().order_payload("orderPay", input).await
}

/// Every event of a payment or an order stands in the outbox, one a version.
async fn told_without_gaps(app: &TestApp) {
    for (table, topic) in [("payment", "payment-events"), ("shop_order", "order-events")] {
        let wrong = format!(
            "version <> (SELECT COUNT(*) FROM outbox o WHERE o.aggregate_id = {table}.id AND \
             o.topic = '{topic}')"
        );
        assert_eq!(app.rows(table, &wrong).await, 0, "{table}");
    }
    // Nobody delivers events here, whatever the time.
    let mut invariants = Invariant::ALL.to_vec();
    invariants.retain(|invariant| *invariant != Invariant::Ages);
    app.is_sound_as_to(&invariants).await;
}

#[tokio::test]
async fn a_declined_payment_that_is_charged_after_all_pays_the_order_that_waits() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_declined").await;

    charges_late(&app, &placed["payment"], true).await;
    app.orders().recover().await.unwrap();

    let order = staff.order(&placed["order"]["id"]).await;
    assert_eq!(
        (&order["status"], &order["payments"][0]["status"]),
        (&json!("PAID"), &json!("CAPTURED"))
    );
    assert_eq!(order["payments"][0]["failureCode"], Value::Null);
    assert_eq!(app.pieces("CUP").await, (100, 2));
    assert_eq!(app.rows("reservation", "status = 'COMMITTED'").await, 1);
    told_without_gaps(&app).await;
}

#[tokio::test]
async fn what_is_paid_twice_goes_back() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_declined").await;
    let paid = pays_again(&app, &placed, "card_approved").await;
    assert_eq!(paid["order"]["status"], "PAID");

    let late = charges_late(&app, &placed["payment"], true).await;
    app.orders().recover().await.unwrap();

    let order = staff.order(&placed["order"]["id"]).await;
    let statuses: Vec<&Value> =
        order["payments"].as_array().unwrap().iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, ["REFUNDED", "CAPTURED"]);
    assert_eq!(
        (&order["status"], &order["refundedTotal"]["amountMinor"]),
        (&json!("PAID"), &json!("0"))
    );
    let charge = app.charge(late).await.unwrap();
    assert_eq!(charge.refunded, charge.captured);
    assert_eq!(app.rows("refund", "key = 'late' AND state = 'SUCCEEDED'").await, 1);
    assert_eq!(app.pieces("CUP").await, (100, 2));
    // The order's own money can still go back.
    let back = deal(&staff, "paymentRefund", refund(&paid["payment"], &json!({}))).await;
    assert_eq!(back["order"]["status"], "REFUNDED", "{back}");
    told_without_gaps(&app).await;
}

#[tokio::test]
async fn what_is_set_aside_for_an_order_that_is_paid_otherwise_is_let_go() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_declined").await;
    pays_again(&app, &placed, "card_approved").await;

    let late = charges_late(&app, &placed["payment"], false).await;
    app.orders().recover().await.unwrap();

    assert_eq!(app.charge(late).await.unwrap().state, ChargeState::Voided);
    let payment = app.payment(late).await;
    assert_eq!((payment.state, payment.lease_until), (PaymentState::Declined, None));
}

#[tokio::test]
async fn money_for_an_order_that_is_over_goes_back() {
    let app = shop().await;
    for (captured, state) in [(true, PaymentState::Captured), (false, PaymentState::Voided)] {
        let placed = app.guest().buys(&[("CUP", 2)], "card_declined").await;
        app.waits(TimeDelta::minutes(16));
        app.orders().expire_due().await.unwrap();

        let late = charges_late(&app, &placed["payment"], captured).await;
        app.orders().recover().await.unwrap();

        let payment = app.payment(late).await;
        let charge = app.charge(late).await.unwrap();
        let given = (payment.captured, charge.captured);
        assert_eq!((payment.refunded, charge.refunded), given);
        assert!(payment.state == state || payment.state == PaymentState::Declined, "{payment:?}");
        assert_ne!(charge.state, ChargeState::Authorized);
    }
    assert_eq!(app.rows("shop_order", "status = 'CANCELLED'").await, 2);
    assert_eq!(app.pieces("CUP").await, (100, 0));
    told_without_gaps(&app).await;
}

/// An order that still waits for money although its hold has ended.
async fn without_hold(app: &TestApp) -> Value {
    let placed = app.guest().buys(&[("CUP", 60)], "card_declined").await;
    app.waits(TimeDelta::minutes(16));
    app.stock().expire_holds().await.unwrap();
    assert_eq!(app.pieces("CUP").await, (100, 0));
    placed
}

#[tokio::test]
async fn late_money_is_served_when_the_goods_are_there_still() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = without_hold(&app).await;

    charges_late(&app, &placed["payment"], true).await;
    app.orders().recover().await.unwrap();

    assert_eq!(staff.order(&placed["order"]["id"]).await["status"], "PAID");
    assert_eq!(app.pieces("CUP").await, (100, 60));
}

#[tokio::test]
async fn late_money_goes_back_when_the_goods_are_sold() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = without_hold(&app).await;
    let other = app.guest().buys(&[("CUP", 60)], "card_approved").await;
    assert_eq!(other["order"]["status"], "PAID");

    let late = charges_late(&app, &placed["payment"], true).await;
    app.orders().recover().await.unwrap();

    let order = staff.order(&placed["order"]["id"]).await;
    assert_eq!(
        (&order["status"], &order["cancelReason"]),
        (&json!("CANCELLED"), &json!("EXPIRED"))
    );
    assert_eq!(order["payments"][0]["status"], "REFUNDED");
    let charge = app.charge(late).await.unwrap();
    assert_eq!(charge.refunded, charge.captured);
    assert_eq!(app.pieces("CUP").await, (100, 60));
}

#[tokio::test]
async fn a_dead_hold_does_not_stand_in_the_way_of_late_money() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = without_hold(&app).await;
    app.guest().buys(&[("CUP", 60)], "card_declined").await;
    app.waits(TimeDelta::minutes(16));

    charges_late(&app, &placed["payment"], true).await;
    app.orders().recover().await.unwrap();

    assert_eq!(staff.order(&placed["order"]["id"]).await["status"], "PAID");
    assert_eq!(app.pieces("CUP").await, (100, 60));
}

#[tokio::test]
async fn news_that_was_overtaken_is_not_believed() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let id = key(&placed["payment"]);
    deal(&staff, "paymentVoid", json!({ "paymentId": placed["payment"]["id"] })).await;
    let before = app.payment(id).await;
    let reference = before.provider_reference.clone().unwrap();

    // The webhook of the authorization comes after the money was let go.
    tells(&app, id, Outcome::Authorized { reference }).await;
    app.orders().recover().await.unwrap();

    let after = app.payment(id).await;
    assert_eq!(
        (after.state, after.version, after.lease_until),
        (PaymentState::Voided, before.version, None)
    );
    told_without_gaps(&app).await;
}

/// A payment that nobody could find out about for a day, of an order that waits for its money.
async fn lost(app: &TestApp) -> (Value, Payment) {
    let placed = app.guest().buys(&[("CUP", 1)], "card_late").await;
    let payment = is_lost(app, &placed).await;
    (placed, payment)
}

/// The provider of a payment cannot be asked for a day.
async fn is_lost(app: &TestApp, placed: &Value) -> Payment {
    let id = key(&placed["payment"]);
    for _ in 0..5 {
        app.waits(TimeDelta::hours(7));
        let stuck = app.payments().claim_stuck(10).await.unwrap();
        for payment in stuck {
            app.orders().settle(&payment, &Outcome::Unknown).await.unwrap();
        }
    }
    let payment = app.payment(id).await;
    assert_eq!(payment.state, PaymentState::ManualReview);
    payment
}

async fn settles_review(app: &TestApp, staff: &Caller, mutation: &str, status: &str) {
    let (placed, payment) = lost(app).await;
    let input = json!({ "paymentId": placed["payment"]["id"] });

    let done = deal(staff, mutation, input).await;

    assert_eq!(codes(&done).len(), usize::from(mutation == "paymentVoid"), "{done}");
    let order = staff.order(&placed["order"]["id"]).await;
    assert_eq!(order["status"], status, "{done}");
    assert!(!app.payment(payment.id).await.state.is_under_way());
    told_without_gaps(app).await;
}

#[tokio::test]
async fn who_looks_at_a_lost_payment_asks_the_provider() {
    let app = shop().await;
    // An account's token lasts as long as its test.
    let staff = app.staff().await;
    settles_review(&app, &staff, "paymentCheck", "PAID").await;
    let asked = "action = 'PAYMENT_CHECKED' AND actor_kind = 'USER' \
                 AND CAST(old_value AS text) LIKE '%MANUAL_REVIEW%'";
    assert_eq!(app.rows("audit_event", asked).await, 1);
}

#[tokio::test]
async fn a_lost_payment_that_is_to_be_let_go_shows_that_it_was_taken() {
    let app = shop().await;
    let staff = app.staff().await;
    settles_review(&app, &staff, "paymentVoid", "PAID").await;
}

#[tokio::test]
async fn a_capture_that_nobody_knows_the_end_of_for_a_day_can_be_asked_for_again() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let input = json!({ "paymentId": placed["payment"]["id"] });
    providers_answer_late();
    let impatient = app.replica_with(without_patience).await;
    let hasty = impatient.staff().await;
    let pending = deal(&hasty, "paymentCapture", input.clone()).await;
    assert_eq!(pending["warnings"][0]["code"], "PAYMENT_PENDING", "{pending}");
    let more = deal(&hasty, "paymentCapture", input.clone()).await;
    assert_eq!(codes(&more), ["PAYMENT_IN_PROGRESS"]);
    is_lost(&app, &placed).await;

    let done = deal(&staff, "paymentCapture", input).await;

    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("PAID")), "{done}");
    assert_eq!(app.rows("sandbox_charge", "state = 'CAPTURED'").await, 1);
    told_without_gaps(&app).await;
}

#[tokio::test]
async fn a_lost_payment_is_asked_about_further() {
    let app = shop().await;
    let (_, payment) = lost(&app).await;
    app.orders().recover().await.unwrap();
    assert_eq!(app.payment(payment.id).await.state, PaymentState::ManualReview, "within the hour");

    app.waits(TimeDelta::minutes(61));
    app.orders().recover().await.unwrap();

    assert_eq!(app.payment(payment.id).await.state, PaymentState::Captured);
    assert_eq!(app.rows("shop_order", "status = 'PAID'").await, 1);
}

#[tokio::test]
async fn a_figure_that_cannot_be_is_left_to_someone() {
    let app = shop().await;
    for amount in [0, -5, i64::MAX] {
        let placed = app.guest().buys(&[("CUP", 1)], "card_pending").await;
        let id = key(&placed["payment"]);

        tells(&app, id, Outcome::Captured { reference: Uuid::new_v4().to_string(), amount }).await;

        let payment = app.payment(id).await;
        assert_eq!((payment.state, payment.captured), (PaymentState::ManualReview, 0));
    }
    assert_eq!(app.rows("shop_order", "status = 'PENDING_PAYMENT'").await, 3);
    told_without_gaps(&app).await;
}

#[tokio::test]
async fn what_is_only_asked_for_again_is_told_to_nobody() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_pending").await;
    let id = key(&placed["payment"]);
    let before = app.payment(id).await;
    let told = app.rows("outbox", "1 = 1").await;

    for _ in 0..3 {
        app.waits(TimeDelta::minutes(1));
        assert_eq!(app.orders().recover().await.unwrap(), 1);
    }

    let after = app.payment(id).await;
    assert_eq!((after.state, after.version), (PaymentState::ActionRequired, before.version));
    assert_eq!(after.attempts, 3);
    assert_eq!(app.rows("outbox", "1 = 1").await, told);
    told_without_gaps(&app).await;
}

#[tokio::test]
async fn one_recovery_sees_to_all_that_is_stuck() {
    let app = shop().await;
    let mut begun = Vec::new();
    for _ in 0..30 {
        begun.push(app.begins_to_pay("card_declined", true).await.id);
    }
    app.waits(TimeDelta::seconds(31));

    assert_eq!(app.orders().recover().await.unwrap(), 30);

    for id in begun {
        assert_eq!(app.payment(id).await.state, PaymentState::Declined);
    }
}

#[tokio::test]
async fn an_answer_from_before_the_money_was_let_go_does_not_bring_it_back() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let id = key(&placed["payment"]);
    let asked = app.payment(id).await;
    let found = app.payments().ask(&asked).await;
    assert!(matches!(found, Outcome::Authorized { .. }), "{found:?}");
    deal(&staff, "paymentVoid", json!({ "paymentId": placed["payment"]["id"] })).await;
    // Of an order that waits again: nothing else stands in the way of the money.
    let order = app.sql_key(asked.order_id);
    app.execute(&format!("UPDATE shop_order SET status = 'PENDING_PAYMENT' WHERE id = {order}"))
        .await;

    finds(&app, &asked, &found).await;
    assert_eq!(app.payment(id).await.state, PaymentState::Voided);
    app.orders().recover().await.unwrap();

    let payment = app.payment(id).await;
    assert_eq!((payment.state, payment.lease_until), (PaymentState::Voided, None));
}

/// What the provider answered when it was asked is written down.
async fn finds(app: &TestApp, asked: &Payment, found: &Outcome) {
    let payments = app.payments();
    let settled =
        app.app.db.tx(|tx| async move { payments.settle_found_in_txn(&tx, asked, found).await });
    assert_eq!(settled.await.expect("the payment is there"), None);
}

#[tokio::test]
async fn an_older_answer_does_not_take_the_news_of_late_money_away() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_declined").await;
    let asked = app.payment(key(&placed["payment"])).await;
    let found = app.payments().ask(&asked).await;
    assert!(matches!(found, Outcome::Declined { .. }), "{found:?}");
    charges_late(&app, &placed["payment"], true).await;

    finds(&app, &asked, &found).await;
    app.orders().recover().await.unwrap();

    assert_eq!(staff.order(&placed["order"]["id"]).await["status"], "PAID");
}

#[tokio::test]
async fn what_still_waits_for_its_payer_at_the_provider_is_asked_about_further() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_declined").await;
    let id = charges_late(&app, &placed["payment"], true).await;
    app.execute("UPDATE sandbox_charge SET state = 'PENDING', captured = 0").await;
    app.orders().recover().await.unwrap();
    assert!(app.payment(id).await.lease_until.is_some());

    app.sandbox().decide(id, true).await.unwrap();
    app.waits(TimeDelta::minutes(10));
    app.orders().recover().await.unwrap();

    assert_eq!(app.payment(id).await.state, PaymentState::Captured);
    assert_eq!(app.rows("shop_order", "status = 'PAID'").await, 1);
}

#[tokio::test]
async fn nobody_pays_again_while_money_that_came_late_is_asked_about() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_declined").await;
    charges_late(&app, &placed["payment"], true).await;

    let refused = pays_again(&app, &placed, "card_approved").await;
    app.orders().recover().await.unwrap();

    assert_eq!(codes(&refused), ["PAYMENT_IN_PROGRESS"]);
    let order = staff.order(&placed["order"]["id"]).await;
    assert_eq!(
        (&order["status"], order["payments"].as_array().unwrap().len()),
        (&json!("PAID"), 1)
    );
    told_without_gaps(&app).await;
}

#[tokio::test]
async fn who_looked_at_a_figure_that_cannot_be_closes_the_attempt() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_pending").await;
    let id = key(&placed["payment"]);
    let amount = 90_000;
    app.execute("UPDATE sandbox_charge SET state = 'CAPTURED', amount = 90000, captured = 90000")
        .await;
    let reference = app.charge(id).await.unwrap().reference;
    let told = Outcome::Captured { reference, amount };
    tells(&app, id, told.clone()).await;
    assert_eq!(app.payment(id).await.state, PaymentState::ManualReview);
    let void = |more: Value| {
        let mut input = more;
        input["paymentId"] = placed["payment"]["id"].clone();
        input
    };

    let without = deal(&staff, "paymentVoid", void(json!({}))).await;
    let closed = deal(&staff, "paymentVoid", void(json!({ "reason": "Given back by hand" }))).await;

    assert_eq!(without["warnings"][0]["code"], "PAYMENT_PENDING", "{without}");
    assert_eq!((codes(&closed), &closed["payment"]["status"]), (vec![], &json!("VOIDED")));
    assert_eq!(closed["order"]["status"], "PENDING_PAYMENT");
    let last = closed["order"]["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["type"], &last["note"]),
        (&json!("PAYMENT_FAILED"), &json!("Given back by hand"))
    );
    assert_eq!(app.rows("order_event", "type = 'PAYMENT_FAILED' AND actor_id IS NULL").await, 0);
    // It stays so, whatever the provider goes on to say.
    tells(&app, id, told).await;
    app.orders().recover().await.unwrap();
    let payment = app.payment(id).await;
    assert_eq!((payment.state, payment.lease_until), (PaymentState::Voided, None));
    // It was settled with the provider.
    let (id, amount) = (app.sql_key(id), payment.amount.minor);
    app.execute(&format!(
        "UPDATE sandbox_charge SET state = 'VOIDED', captured = 0, amount = {amount} \
         WHERE payment_id = {id}"
    ))
    .await;
    let again = pays_again(&app, &placed, "card_approved").await;
    assert_eq!(again["order"]["status"], "PAID", "{again}");
    told_without_gaps(&app).await;
}

#[tokio::test]
async fn a_part_that_was_taken_at_the_provider_itself_is_sound() {
    let app = late_shop().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let id = key(&placed["payment"]);
    app.execute("UPDATE sandbox_charge SET state = 'CAPTURED', captured = 500").await;
    let reference = app.charge(id).await.unwrap().reference;

    tells(&app, id, Outcome::Captured { reference, amount: 500 }).await;

    assert_eq!(app.rows("shop_order", "status = 'PAID' AND paid_total = 500").await, 1);
    told_without_gaps(&app).await;
}
