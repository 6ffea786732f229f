//! What staff do with the money of orders: take it, and let go of it.

use super::shop::{codes, shop, stock_up};
use crate::app::{Caller, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stockroom::config::CaptureAt;
use stockroom::failpoint;
use stockroom::payment::{Outcome, PaymentState};
use tokio::sync::{Mutex, Notify, Semaphore};
use uuid::Uuid;

const PAYMENT: &str = "id status failureCode authorized { amountMinor } captured { amountMinor } \
    refunded { amountMinor } refunds { id status reason failureCode amount { amountMinor } }";
const ORDER: &str = "id status cancelReason paidTotal { amountMinor } refundedTotal { amountMinor } \
    lines { id sku quantityRefunded quantityCancelled quantityReturned } events { type note }";

/// The document of a mutation on payments.
pub fn document(mutation: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    let input = format!("{}{rest}Input", first.to_uppercase());
    format!(
        "mutation ($input: {input}!) {{ {mutation}(input: $input) {{ payment {{ {PAYMENT} }} \
         order {{ {ORDER} }} userErrors {{ __typename code message path \
         ... on RefundAmountError {{ maximumRefundable {{ amountMinor }} }} \
         ... on InvalidTransitionError {{ from to allowed }} \
         ... on PaymentDeclinedError {{ declineCode }} }} warnings {{ code path }} }} }}"
    )
}

/// A mutation on a payment: its payload.
pub async fn deal(caller: &Caller, mutation: &str, input: Value) -> Value {
    let answer = caller.query(document(mutation)).with_variables(json!({ "input": input })).await;
    answer.data()[mutation].clone()
}

/// A refund of this payment, under a key of its own.
pub fn refund(payment: &Value, more: &Value) -> Value {
    let mut input =
        json!({ "paymentId": payment["id"], "idempotencyKey": Uuid::new_v4().to_string() });
    for (name, value) in more.as_object().expect("an object") {
        input[name] = value.clone();
    }
    input
}

pub fn euros(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// A shop that takes the money when the goods leave.
pub async fn late_shop() -> TestApp {
    let app = TestApp::with(|settings| settings.payment.capture = CaptureAt::Fulfilment).await;
    stock_up(&app, 100).await;
    app
}

/// The amount, in the smallest unit.
pub fn minor(value: &Value) -> i64 {
    value["amountMinor"].as_str().expect("an amount").parse().expect("a number")
}

#[tokio::test]
async fn money_that_is_set_aside_is_taken_once() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 3)], "card_approved").await;
    assert_eq!(placed["order"]["status"], "AUTHORIZED");
    let input = json!({ "paymentId": placed["payment"]["id"], "idempotencyKey": "take it" });

    let taken = deal(&staff, "paymentCapture", input.clone()).await;

    assert_eq!(codes(&taken), [""; 0]);
    assert_eq!(taken["payment"]["status"], "CAPTURED");
    assert_eq!(taken["order"]["status"], "PAID");
    assert_eq!(minor(&taken["order"]["paidTotal"]), minor(&placed["order"]["total"]));
    assert_eq!(deal(&staff, "paymentCapture", input).await, taken);
    let again =
        deal(&staff, "paymentCapture", json!({ "paymentId": taken["payment"]["id"] })).await;
    assert_eq!(codes(&again), ["INVALID_TRANSITION"]);
    assert_eq!(
        again["userErrors"][0]["allowed"],
        json!(["PARTIALLY_REFUNDED", "REFUNDED"]),
        "{again}"
    );
    assert_eq!(app.rows("order_event", "type = 'PAID'").await, 1);
}

#[tokio::test]
async fn of_a_part_that_is_taken_the_order_tells_and_the_rest_is_given_up() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 3)], "card_approved").await;
    let input = json!({ "paymentId": placed["payment"]["id"], "amount": euros("12.34") });

    let taken = deal(&staff, "paymentCapture", input).await;

    assert_eq!(taken["order"]["status"], "PAID", "{taken}");
    assert_eq!(minor(&taken["order"]["paidTotal"]), 1_234);
    assert_eq!(minor(&taken["payment"]["captured"]), 1_234);
    let last = taken["order"]["events"].as_array().unwrap().last().unwrap().clone();
    assert!(last["note"].as_str().unwrap().contains("given up"), "{last}");
    assert_eq!(app.number("SELECT captured FROM sandbox_charge").await, 1_234);
    let back = deal(&staff, "paymentRefund", refund(&taken["payment"], &json!({}))).await;
    assert_eq!(back["order"]["status"], "REFUNDED", "{back}");
    assert_eq!(minor(&back["order"]["refundedTotal"]), 1_234);
}

#[tokio::test]
async fn amounts_that_cannot_be_taken_are_refused() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let before = app.payment(app.only_payment().await).await;

    for (amount, code) in [
        (euros("0"), "OUT_OF_RANGE"),
        (euros("-1"), "OUT_OF_RANGE"),
        (euros("1000"), "OUT_OF_RANGE"),
        (euros("90000000000000"), "OUT_OF_RANGE"),
        (json!({ "amount": "1", "currency": "JPY" }), "CURRENCY_MISMATCH"),
    ] {
        let input = json!({ "paymentId": placed["payment"]["id"], "amount": amount });
        let refused = deal(&staff, "paymentCapture", input).await;
        assert_eq!((codes(&refused), &refused["payment"]), (vec![code], &Value::Null), "{amount}");
    }

    assert_eq!(app.payment(before.id).await, before);
}

#[tokio::test]
async fn a_capture_that_the_provider_declines_stays_declined_under_its_key() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    // The bank lets go of a part of it.
    app.execute("UPDATE sandbox_charge SET amount = amount - 1").await;
    let input = |key: &str| json!({ "paymentId": placed["payment"]["id"], "idempotencyKey": key });

    let declined = deal(&staff, "paymentCapture", input("one")).await;
    app.execute("UPDATE sandbox_charge SET amount = amount + 1").await;

    assert_eq!(codes(&declined), ["PAYMENT_DECLINED"]);
    assert_eq!(declined["userErrors"][0]["declineCode"], "capture_exceeds_charge");
    assert_eq!(deal(&staff, "paymentCapture", input("one")).await, declined);
    let order = staff.order(&placed["order"]["id"]).await;
    assert_eq!(order["status"], "AUTHORIZED");
    let taken = deal(&staff, "paymentCapture", input("two")).await;
    assert_eq!(taken["order"]["status"], "PAID", "{taken}");
    assert_eq!(deal(&staff, "paymentCapture", input("one")).await, declined);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_capture_is_told_as_that_also_when_another_has_begun_meanwhile() {
    let app = Arc::new(late_shop().await);
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let input = |key: &str| json!({ "paymentId": placed["payment"]["id"], "idempotencyKey": key });
    app.execute("UPDATE sandbox_charge SET amount = amount - 1").await;
    let (first, second) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(None)));
    let answered = Arc::new(Semaphore::new(0));
    let id = app.only_payment().await;
    let interlude = (Arc::clone(&app), staff.clone(), input("two"), Arc::clone(&second));
    let told = Arc::clone(&answered);
    failpoint::on("till.before_settle", move || {
        let (app, staff, input, second) = interlude.clone();
        let (first, told) = (first.swap(false, Ordering::SeqCst), Arc::clone(&told));
        async move {
            if !first {
                // The second one waits until the first was answered.
                let _leave = told.acquire().await;
                return;
            }
            // A webhook brings the refusal first, and staff ask anew.
            let payment = app.payment(id).await;
            let declined = Outcome::Declined { code: "capture_exceeds_charge".to_owned() };
            app.orders().settle(&payment, &declined).await.unwrap();
            app.execute("UPDATE sandbox_charge SET amount = amount + 1").await;
            let call = async move { deal(&staff, "paymentCapture", input).await };
            *second.lock().await = Some(tokio::spawn(call));
            while app.payment(id).await.state != PaymentState::Capturing {
                tokio::task::yield_now().await;
            }
        }
    });

    let declined = deal(&staff, "paymentCapture", input("one")).await;
    let waits = app.payment(id).await.state;
    answered.add_permits(2);
    let taken = second.lock().await.take().expect("it was sent").await.unwrap();

    assert_eq!(codes(&declined), ["PAYMENT_DECLINED"]);
    assert_eq!(waits, PaymentState::Capturing, "the old answer does not end the new attempt");
    assert_eq!((codes(&taken), &taken["order"]["status"]), (vec![], &json!("PAID")), "{taken}");
    assert_eq!(deal(&staff, "paymentCapture", input("one")).await, declined);
    assert_eq!(app.rows("sandbox_charge", "state = 'CAPTURED'").await, 1);
    app.is_sound().await;
}

/// Who settles a capture whose caller is gone.
enum Heard {
    Recovery,
    Webhook,
}

#[tokio::test]
async fn a_refused_capture_answers_with_its_own_refusal_also_when_others_settled_it() {
    for heard in [Heard::Recovery, Heard::Webhook] {
        let app = late_shop().await;
        let staff = app.staff().await;
        let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
        let id = &placed["payment"]["id"];
        let input = |key: &str| json!({ "paymentId": id, "idempotencyKey": key });
        // The bank lets go of a part of it; whoever asked never comes to write what it said.
        app.execute("UPDATE sandbox_charge SET amount = amount - 1").await;
        let (first, told) = (Arc::new(AtomicBool::new(true)), Arc::new(Notify::new()));
        let tell = Arc::clone(&told);
        failpoint::on("till.before_settle", move || {
            let (first, tell) = (first.swap(false, Ordering::SeqCst), Arc::clone(&tell));
            async move {
                if first {
                    tell.notify_one();
                    std::future::pending::<()>().await;
                }
            }
        });
        let asking = tokio::spawn({
            let (staff, input) = (staff.clone(), input("one"));
            async move { deal(&staff, "paymentCapture", input).await }
        });
        told.notified().await;
        asking.abort();
        match heard {
            Heard::Recovery => {
                app.waits(TimeDelta::minutes(1));
                app.orders().recover().await.unwrap();
            }
            Heard::Webhook => {
                let payment = app.payment(app.only_payment().await).await;
                let declined = Outcome::Declined { code: "capture_exceeds_charge".to_owned() };
                app.orders().settle(&payment, &declined).await.unwrap();
            }
        }
        app.execute("UPDATE sandbox_charge SET amount = amount + 1").await;

        let refused = deal(&staff, "paymentCapture", input("one")).await;
        let taken = deal(&staff, "paymentCapture", input("two")).await;
        let again = deal(&staff, "paymentCapture", input("one")).await;

        assert_eq!(codes(&refused), ["PAYMENT_DECLINED"]);
        assert_eq!(refused["userErrors"][0]["declineCode"], "capture_exceeds_charge");
        assert_eq!((codes(&taken), &taken["order"]["status"]), (vec![], &json!("PAID")));
        assert_eq!(again, refused);
        assert_eq!(deal(&staff, "paymentCapture", input("two")).await, taken);
        let back = deal(&staff, "paymentRefund", refund(&taken["payment"], &json!({}))).await;
        assert_eq!(back["order"]["status"], "REFUNDED");
        assert_eq!(deal(&staff, "paymentCapture", input("one")).await, refused);
        app.is_sound().await;
    }
}

#[tokio::test]
async fn a_refused_capture_answers_with_its_own_refusal_while_another_is_under_way() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let input = |key: &str| json!({ "paymentId": placed["payment"]["id"], "idempotencyKey": key });
    app.execute("UPDATE sandbox_charge SET amount = amount - 1").await;
    let told = Arc::new(Notify::new());
    let tell = Arc::clone(&told);
    // Nobody is ever answered.
    failpoint::on("till.before_settle", move || {
        tell.notify_one();
        std::future::pending()
    });
    let ask = |key: &str| {
        let (staff, input) = (staff.clone(), input(key));
        tokio::spawn(async move { deal(&staff, "paymentCapture", input).await })
    };
    let first = ask("one");
    told.notified().await;
    first.abort();
    app.waits(TimeDelta::minutes(1));
    app.orders().recover().await.unwrap();
    app.execute("UPDATE sandbox_charge SET amount = amount + 1").await;
    let second = ask("two");
    told.notified().await;
    second.abort();
    assert_eq!(app.payment(app.only_payment().await).await.state, PaymentState::Capturing);
    app.waits(TimeDelta::minutes(1));

    let refused = deal(&staff, "paymentCapture", input("one")).await;

    assert_eq!(codes(&refused), ["PAYMENT_DECLINED"], "{refused}");
    assert_eq!(refused["userErrors"][0]["declineCode"], "capture_exceeds_charge");
}

#[tokio::test]
async fn who_lets_go_of_the_money_lets_go_of_the_order() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    let id = &placed["payment"]["id"];
    let input = json!({ "paymentId": id, "reason": "Out of business", "idempotencyKey": "go" });

    let gone = deal(&staff, "paymentVoid", input.clone()).await;

    assert_eq!((codes(&gone), &gone["payment"]["status"]), (vec![], &json!("VOIDED")));
    assert_eq!(gone["order"]["status"], "CANCELLED");
    assert_eq!(gone["order"]["cancelReason"], "Out of business");
    assert_eq!(app.rows("order_event", "type = 'CANCELLED' AND actor_id IS NOT NULL").await, 1);
    assert_eq!(app.pieces("CUP").await, (100, 0));
    assert_eq!(app.rows("sandbox_charge", "state = 'VOIDED'").await, 1);
    assert_eq!(deal(&staff, "paymentVoid", input).await, gone);
    let again = deal(&staff, "paymentVoid", json!({ "paymentId": id })).await;
    assert_eq!(codes(&again), ["INVALID_TRANSITION"]);
}

#[tokio::test]
async fn who_lets_money_go_is_known_also_when_recovery_carries_it_out() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    // Whoever asked for it never comes to write what the provider said.
    let told = Arc::new(Notify::new());
    let tell = Arc::clone(&told);
    failpoint::on("till.before_settle", move || {
        tell.notify_one();
        std::future::pending()
    });
    let input = json!({ "paymentId": placed["payment"]["id"] });
    let asking = tokio::spawn({
        let staff = staff.clone();
        async move { deal(&staff, "paymentVoid", input).await }
    });
    told.notified().await;

    app.waits(TimeDelta::minutes(1));
    app.orders().recover().await.unwrap();

    let order = staff.order(&placed["order"]["id"]).await;
    assert_eq!(order["status"], "CANCELLED", "{order}");
    let found_out = "type = 'CANCELLED' AND actor_id IS NULL AND CAST(data AS text) LIKE \
                     '%The server asked the provider%'";
    assert_eq!(app.rows("order_event", found_out).await, 1);
    let asked = "action = 'PAYMENT_VOIDED' AND actor_kind = 'USER' AND subject_kind = 'PAYMENT'";
    assert_eq!(app.rows("audit_event", asked).await, 1);
    asking.abort();
}

#[tokio::test]
async fn money_that_was_taken_is_not_let_go_but_given_back() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;

    let refused =
        deal(&staff, "paymentVoid", json!({ "paymentId": placed["payment"]["id"] })).await;

    assert_eq!(codes(&refused), ["INVALID_TRANSITION"]);
    assert_eq!(refused["userErrors"][0]["from"], "CAPTURED");
    assert_eq!(staff.order(&placed["order"]["id"]).await["status"], "PAID");
}

#[tokio::test]
async fn an_attempt_that_waits_for_its_payer_is_ended_and_the_order_waits_for_another() {
    let app = shop().await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_pending").await;

    let gone = deal(&staff, "paymentVoid", json!({ "paymentId": placed["payment"]["id"] })).await;

    assert_eq!(gone["payment"]["status"], "VOIDED", "{gone}");
    assert_eq!(gone["order"]["status"], "PENDING_PAYMENT");
    assert_eq!(app.pieces("CUP").await, (100, 2));
}

#[tokio::test]
async fn nobody_else_touches_the_money() {
    let app = shop().await;
    let customer = app.customer().await;
    let placed = customer.buys(&[("CUP", 1)], "card_approved").await;
    let input = refund(&placed["payment"], &json!({}));

    for (caller, code) in [(customer, "FORBIDDEN"), (app.guest(), "UNAUTHENTICATED")] {
        let answer =
            caller.query(document("paymentRefund")).with_variables(json!({ "input": input })).await;
        assert_eq!(answer.json["errors"][0]["extensions"]["code"], code);
    }

    assert_eq!(app.rows("refund", "1 = 1").await, 0);
}
