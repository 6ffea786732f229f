//! What staff do with the money of orders: take it, let go of it, give it back.

use super::shop::{codes, shop, stock_up};
use crate::app::{Caller, TestApp, providers_answer_late, without_patience};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stockroom::config::CaptureAt;
use stockroom::failpoint;
use stockroom::graphql::NodeKind;
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

fn minor(value: &Value) -> i64 {
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
