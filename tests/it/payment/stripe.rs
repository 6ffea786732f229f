//! Stripe, as localstripe speaks it: what the shop asks for, what it makes of the answers, and that
//! nobody pays twice when they are lost.

use crate::app::{StripeFront, TestApp, Trouble, eur};
use chrono::TimeDelta;
use std::time::Duration;
use stockroom::payment::{
    NewPayment, NewRefund, NextActionKind, OpenedRefund, Outcome, Payment, PaymentState,
    PaymentStatus, RefundOutcome,
};

/// Is approved.
const CARD: &str = "pm_card_visa";
/// Is declined.
const BROKE: &str = "pm_card_chargeCustomerFail";
/// A card whose bank wants to know who pays.
const SECURE: &str = "4000002500003155";

async fn shop() -> Option<(StripeFront, TestApp)> {
    let stripe = StripeFront::start().await?;
    let app = TestApp::with(|settings| {
        stripe.configures(settings);
        settings.payment.call_limit = Duration::from_secs(10);
    })
    .await;
    Some((stripe, app))
}

/// A shop, and a replica of it that does not wait long for answers that are lost: long enough for
/// Stripe to do before what it was asked for.
async fn with_a_hasty_one() -> Option<(StripeFront, TestApp, TestApp)> {
    let (stripe, app) = shop().await?;
    let few_seconds = Duration::from_secs(3);
    let hasty = app.replica_with(|settings| settings.payment.call_limit = few_seconds).await;
    Some((stripe, app, hasty))
}

/// Begins to pay a new order of 100.00; nobody was asked yet.
async fn begins(app: &TestApp, method: &str, capture: bool) -> Payment {
    let order_id = app.owes(10_000, None).await;
    let new = &NewPayment {
        id: uuid::Uuid::now_v7(),
        order_id,
        order_number: format!("R-{order_id}"),
        amount: eur(10_000),
        provider: "stripe".to_owned(),
        method: method.to_owned(),
        capture,
    };
    let payments = app.payments();
    let opened = app.app.db.tx(|tx| async move { payments.open_in_txn(&tx, new).await }).await;
    opened.expect("nothing is in the way")
}

async fn pays(app: &TestApp, method: &str, capture: bool) -> Payment {
    let payment = begins(app, method, capture).await;
    let outcome = app.payments().authorize(&payment).await;
    app.settles(&payment, &outcome).await;
    app.payment(payment.id).await
}

async fn captures(app: &TestApp, payment: &Payment, cents: i64) -> Payment {
    let (payments, id) = (app.payments(), payment.id);
    let opened = app
        .app
        .db
        .tx(|tx| async move { payments.open_capture_in_txn(&tx, id, Some(eur(cents))).await });
    let opened = opened.await.expect("money is set aside");
    let outcome = payments.capture(&opened).await;
    app.settles(&opened, &outcome).await;
    app.payment(id).await
}

async fn lets_go(app: &TestApp, payment: &Payment) -> Payment {
    let (payments, id) = (app.payments(), payment.id);
    let opened =
        app.app.db.tx(|tx| async move { payments.open_void_in_txn(&tx, id, None).await }).await;
    let opened = opened.expect("something is to be let go");
    let outcome = payments.void(&opened).await;
    app.settles(&opened, &outcome).await;
    app.payment(id).await
}

async fn refunds(app: &TestApp, payment: &Payment, cents: i64, key: &str) -> RefundOutcome {
    let amount = eur(cents);
    let new = &NewRefund {
        payment_id: payment.id,
        amount,
        key: key.to_owned(),
        reason: None,
        restock: false,
        turn: 0,
    };
    let payments = app.payments();
    let opened = app.app.db.tx(|tx| async move { payments.open_refund_in_txn(&tx, new).await });
    let OpenedRefund::New(refund) = opened.await.expect("so much is left") else {
        panic!("it was asked for before")
    };
    let outcome = payments.refund(payment, &refund).await;
    let (id, outcome) = (refund.id, &outcome);
    let settled = app
        .app
        .db
        .tx(|tx| async move { payments.settle_refund_in_txn(&tx, id, outcome).await.map(drop) });
    settled.await.expect("the refund is there");
    outcome.clone()
}

#[tokio::test]
async fn an_approved_card_is_charged_once_and_known_by_our_names() {
    let Some((stripe, app)) = shop().await else { return };

    let payment = pays(&app, CARD, true).await;

    assert_eq!((payment.state, payment.captured), (PaymentState::Captured, 10_000));
    let intent = stripe.only_intent().await;
    assert_eq!(payment.provider_reference.as_deref(), intent["id"].as_str());
    assert_eq!(intent["status"], "succeeded");
    assert_eq!((&intent["amount"], &intent["currency"]), (&10_000.into(), &"eur".into()));
    assert_eq!(intent["metadata"]["payment_id"], payment.id.to_string());
    assert_eq!(intent["metadata"]["order_number"], payment.order_number);
    let asked = stripe.seen("POST", "/v1/payment_intents");
    assert_eq!(asked.len(), 1);
    assert!(asked[0].body.contains("capture_method=automatic"), "{}", asked[0].body);
    let header = |name: &str| asked[0].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("idempotency-key"), format!("pay:{}:authorize:1", payment.id));
    assert_eq!(header("stripe-version"), "2024-06-20");
    assert!(header("authorization").starts_with("Bearer sk_test_"));
}

#[tokio::test]
async fn a_declined_card_is_no_fault_and_is_told_by_its_code() {
    let Some((stripe, app)) = shop().await else { return };

    let payment = pays(&app, BROKE, true).await;

    assert_eq!(payment.state, PaymentState::Declined);
    assert_eq!(payment.failure_code.as_deref(), Some("card_declined"));
    assert_eq!(stripe.only_intent().await["latest_charge"]["status"], "failed");
    assert!(app.payments().check().is_ok());
}

#[tokio::test]
async fn a_payment_method_that_stripe_does_not_know_is_refused_and_charges_nothing() {
    let Some((stripe, app)) = shop().await else { return };

    let payment = pays(&app, "pm_nowhere", true).await;

    assert_eq!(payment.state, PaymentState::Declined);
    assert_eq!(stripe.intents().await.len(), 0);
}

#[tokio::test]
async fn a_part_of_what_is_set_aside_can_be_taken() {
    let Some((stripe, app)) = shop().await else { return };
    let payment = pays(&app, CARD, false).await;
    assert_eq!((payment.state, payment.authorized), (PaymentState::Authorized, 10_000));
    assert_eq!(stripe.only_intent().await["status"], "requires_capture");

    let payment = captures(&app, &payment, 6_000).await;

    assert_eq!((payment.state, payment.captured), (PaymentState::Captured, 6_000));
    let intent = stripe.only_intent().await;
    let charge = &intent["latest_charge"];
    assert_eq!((&charge["captured"], &charge["amount_refunded"]), (&true.into(), &4_000.into()));
}

#[tokio::test]
async fn a_capture_whose_answer_was_lost_is_found_with_what_it_took() {
    let Some((stripe, app, hasty)) = with_a_hasty_one().await else { return };
    let payment = pays(&app, CARD, false).await;
    stripe.troubles("/capture", Trouble::AnswerLost);
    let payment = captures(&hasty, &payment, 6_000).await;
    assert_eq!(payment.state, PaymentState::CaptureUnknown);
    stripe.is_well();
    app.waits(TimeDelta::minutes(1));

    app.recovers().await;

    let payment = app.payment(payment.id).await;
    assert_eq!((payment.state, payment.captured), (PaymentState::Captured, 6_000));
    assert_eq!(stripe.seen("POST", "/capture").len(), 1, "what is known is not asked for");
}

#[tokio::test]
async fn what_is_set_aside_can_be_let_go() {
    let Some((stripe, app)) = shop().await else { return };
    let payment = pays(&app, CARD, false).await;

    let payment = lets_go(&app, &payment).await;

    assert_eq!(payment.state, PaymentState::Voided);
    assert_eq!(stripe.only_intent().await["status"], "canceled");
}

#[tokio::test]
async fn what_was_let_go_is_found_although_the_answer_was_lost() {
    let Some((stripe, app, hasty)) = with_a_hasty_one().await else { return };
    let payment = pays(&app, CARD, false).await;
    stripe.troubles("/cancel", Trouble::AnswerLost);
    let payment = lets_go(&hasty, &payment).await;
    assert_eq!(payment.state, PaymentState::Voiding);
    stripe.is_well();
    app.waits(TimeDelta::minutes(1));

    app.recovers().await;

    assert_eq!(app.payment(payment.id).await.state, PaymentState::Voided);
}

#[tokio::test]
async fn money_goes_back_in_parts_and_never_twice() {
    let Some((stripe, app)) = shop().await else { return };
    let payment = pays(&app, CARD, true).await;

    let part = refunds(&app, &payment, 2_500, "one").await;
    assert!(matches!(part, RefundOutcome::Succeeded { .. }), "{part:?}");
    let partly = app.payment(payment.id).await;
    assert_eq!((partly.status(), partly.refunded), (PaymentStatus::PartiallyRefunded, 2_500));
    let rest = refunds(&app, &payment, 7_500, "two").await;
    assert!(matches!(rest, RefundOutcome::Succeeded { .. }), "{rest:?}");

    assert_eq!(app.payment(payment.id).await.status(), PaymentStatus::Refunded);
    let there = stripe.refunds(payment.provider_reference.as_deref().unwrap()).await;
    let sum: i64 = there.iter().map(|refund| refund["amount"].as_i64().unwrap()).sum();
    assert_eq!((there.len(), sum), (2, 10_000));
    assert_eq!(there[0]["metadata"]["payment_id"], payment.id.to_string());
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_found_although_its_key_was_forgotten() {
    let Some((stripe, app, hasty)) = with_a_hasty_one().await else { return };
    let payment = pays(&app, CARD, true).await;
    stripe.troubles("/v1/refunds", Trouble::AnswerLost);
    assert_eq!(refunds(&hasty, &payment, 2_500, "one").await, RefundOutcome::Unknown);
    stripe.is_well();
    stripe.forgets_keys().await;
    app.waits(TimeDelta::minutes(1));

    app.recovers().await;

    assert_eq!(app.payment(payment.id).await.refunded, 2_500);
    let there = stripe.refunds(payment.provider_reference.as_deref().unwrap()).await;
    assert_eq!(there.len(), 1);
}

#[tokio::test]
async fn the_same_question_twenty_times_is_one_payment() {
    let Some((stripe, app)) = shop().await else { return };
    let payment = begins(&app, CARD, true).await;

    let asking = (0..20).map(|_| app.payments().authorize(&payment));
    let outcomes = futures::future::join_all(asking).await;

    let reference = stripe.only_intent().await["id"].as_str().unwrap().to_owned();
    let captured = Outcome::Captured { reference, amount: 10_000 };
    assert!(outcomes.iter().all(|outcome| *outcome == captured), "{outcomes:?}");
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_found_and_made_once() {
    let Some((stripe, app, hasty)) = with_a_hasty_one().await else { return };
    stripe.troubles("/confirm", Trouble::AnswerLost);
    let payment = pays(&hasty, CARD, true).await;
    assert_eq!((payment.state, payment.provider_reference), (PaymentState::AuthUnknown, None));
    stripe.is_well();
    app.waits(TimeDelta::minutes(1));

    app.recovers().await;

    let payment = app.payment(payment.id).await;
    assert_eq!((payment.state, payment.captured), (PaymentState::Captured, 10_000));
    assert_eq!(stripe.only_intent().await["id"], *payment.provider_reference.unwrap());
    assert_eq!(stripe.seen("POST", "/confirm").len(), 1);
}

#[tokio::test]
async fn a_charge_of_days_ago_is_found_although_its_key_was_forgotten() {
    let Some((stripe, app, hasty)) = with_a_hasty_one().await else { return };
    stripe.troubles("/confirm", Trouble::AnswerLost);
    let payment = pays(&hasty, CARD, true).await;
    assert_eq!(payment.state, PaymentState::AuthUnknown);
    stripe.is_well();
    stripe.forgets_keys().await;
    app.waits(TimeDelta::days(2));

    app.recovers().await;

    assert_eq!(app.payment(payment.id).await.state, PaymentState::Captured);
    assert_eq!(stripe.intents().await.len(), 1);
}

#[tokio::test]
async fn a_question_that_was_lost_is_asked_again_and_charges_once() {
    for lost in ["/confirm", "/v1/payment_intents"] {
        let Some((stripe, app, hasty)) = with_a_hasty_one().await else { return };
        stripe.troubles(lost, Trouble::RequestLost);
        let payment = pays(&hasty, CARD, true).await;
        assert_eq!(payment.state, PaymentState::AuthUnknown, "{lost}");
        stripe.is_well();
        app.waits(TimeDelta::minutes(1));

        app.recovers().await;

        assert_eq!(app.payment(payment.id).await.state, PaymentState::Captured, "{lost}");
        assert_eq!(stripe.only_intent().await["status"], "succeeded", "{lost}");
    }
}

#[tokio::test]
async fn a_failure_before_the_money_was_asked_for_charged_nothing_for_certain() {
    let Some((stripe, app)) = shop().await else { return };
    for (path, status) in
        [("/v1/payment_intents", 500), ("/v1/payment_intents", 429), ("/confirm", 429)]
    {
        stripe.troubles(path, Trouble::Status(status));
        let payment = pays(&app, CARD, true).await;
        assert_eq!(payment.state, PaymentState::Unavailable, "{path} {status}");
        assert!(payment.retry_after_seconds.unwrap() > 0);
    }
    stripe.troubles("/confirm", Trouble::Status(500));

    let payment = pays(&app, CARD, true).await;

    assert_eq!(payment.state, PaymentState::AuthUnknown, "who knows");
}

#[tokio::test]
async fn what_stripe_never_answers_is_called_off_there_and_charges_nothing_later() {
    let Some((stripe, _, app)) = with_a_hasty_one().await else { return };
    stripe.troubles("/confirm", Trouble::RequestLost);
    let payment = pays(&app, CARD, true).await;

    let mut tries = 0;
    while app.payment(payment.id).await.state != PaymentState::Unavailable {
        assert!(tries < 20, "it is never ended");
        tries += 1;
        app.waits(TimeDelta::minutes(11));
        app.recovers().await;
    }

    stripe.is_well();
    assert_eq!(stripe.only_intent().await["status"], "canceled");
    // The first question arrives after all.
    let late = app.payments().authorize(&payment).await;
    assert!(!matches!(late, Outcome::Captured { .. } | Outcome::Authorized { .. }), "{late:?}");
    assert_eq!(stripe.only_intent().await["status"], "canceled");
}

#[tokio::test]
async fn a_payer_whose_bank_asks_gets_what_stripes_script_needs() {
    let Some((stripe, app)) = shop().await else { return };
    let card = stripe.card(SECURE).await;

    let payment = pays(&app, &card, true).await;

    assert_eq!(payment.state, PaymentState::ActionRequired);
    let intent = stripe.only_intent().await;
    let action = payment.next_action.unwrap();
    assert_eq!(action.kind, NextActionKind::ClientSecret);
    assert_eq!(action.client_secret.as_deref(), intent["client_secret"].as_str());
    let secret = intent["client_secret"].as_str().unwrap();
    stripe.authenticates(&intent, secret, true).await;
    app.waits(TimeDelta::minutes(1));

    app.recovers().await;

    assert_eq!(app.payment(payment.id).await.state, PaymentState::Captured);
}

#[tokio::test]
async fn a_payer_who_fails_the_bank_begins_anew_and_cannot_pay_the_old_payment() {
    let Some((stripe, app)) = shop().await else { return };
    let card = stripe.card(SECURE).await;
    let payment = pays(&app, &card, true).await;
    let intent = stripe.only_intent().await;
    let secret = intent["client_secret"].as_str().unwrap();
    stripe.authenticates(&intent, secret, false).await;
    app.waits(TimeDelta::minutes(1));

    app.recovers().await;

    let payment = app.payment(payment.id).await;
    assert_eq!(payment.state, PaymentState::Declined);
    assert_eq!(payment.failure_code.as_deref(), Some("payment_intent_authentication_failure"));
    assert_eq!(stripe.only_intent().await["status"], "canceled");
}
