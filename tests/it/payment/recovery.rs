//! Recovery: whatever nobody knows of is found out, and nobody pays twice for it.

use super::scripted::{Mood, Scripted};
use crate::app::TestApp;
use chrono::TimeDelta;
use futures::future::join_all;
use std::collections::HashSet;
use std::time::Duration;
use stockroom::doctor::Invariant;
use stockroom::payment::sandbox::ChargeState;
use stockroom::payment::{Outcome, PaymentState};

async fn impatient() -> TestApp {
    TestApp::with(|settings| {
        // Long enough for the sandbox to charge before.
        settings.payment.call_limit = Duration::from_secs(2);
    })
    .await
}

#[tokio::test]
async fn what_was_charged_behind_our_back_is_found() {
    let app = impatient().await;
    for (capture, state) in [(true, PaymentState::Captured), (false, PaymentState::Authorized)] {
        let payment = app.pays("card_late", capture).await;
        assert_eq!(payment.state, PaymentState::AuthUnknown);
        assert_eq!(app.recovers().await, 0, "its lease has not ended");

        app.waits(TimeDelta::seconds(3));
        assert_eq!(app.recovers().await, 1);

        let payment = app.payment(payment.id).await;
        assert_eq!((payment.state, payment.authorized), (state, 10_000));
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_charge").await, 2);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn what_was_never_asked_for_is_asked_for_then() {
    let app = TestApp::start().await;
    // The process died after it had written the payment and before it called.
    let payment = app.begins_to_pay("card_approved", true).await;
    assert_eq!(app.recovers().await, 0, "somebody may be at work on it");

    app.waits(TimeDelta::seconds(31));
    app.recovers().await;

    assert_eq!(app.payment(payment.id).await.state, PaymentState::Captured);
    assert_eq!(app.charge(payment.id).await.unwrap().captured, 10_000);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn what_was_charged_and_not_written_is_charged_once() {
    let app = TestApp::start().await;
    // The process died after the provider had answered.
    let payment = app.begins_to_pay("card_approved", true).await;
    app.payments().authorize(&payment).await;

    app.waits(TimeDelta::seconds(31));
    app.recovers().await;

    assert_eq!(app.payment(payment.id).await.state, PaymentState::Captured);
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_charge").await, 1);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn what_the_provider_never_answers_is_ended_there_and_can_be_paid_otherwise() {
    let app = impatient().await;
    let payment = app.pays("card_timeout", true).await;
    let mut seconds = 0;
    while app.payment(payment.id).await.state == PaymentState::AuthUnknown {
        app.waits(TimeDelta::seconds(5));
        seconds += 5;
        assert!(seconds <= 60, "it is still unknown");
        app.recovers().await;
    }

    assert_eq!(app.payment(payment.id).await.state, PaymentState::Unavailable);
    assert_eq!(app.charge(payment.id).await.unwrap().state, ChargeState::Voided);
    // Should the first call come to something after all, it charges nothing.
    let late =
        stockroom::payment::Payment { method: "card_approved".to_owned(), ..payment.clone() };
    let outcome = app.payments().authorize(&late).await;
    assert_eq!(outcome, Outcome::Declined { code: "charge_voided".to_owned() });
    app.opens_payment(payment.order_id, 10_000, "card_approved", true).await.unwrap();
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn a_payer_who_confirmed_is_found_without_a_webhook() {
    let app = TestApp::start().await;
    let (confirmed, declined) =
        (app.pays("card_pending", true).await, app.pays("card_pending", false).await);
    let waiting = app.pays("card_pending", true).await;
    app.sandbox().decide(confirmed.id, true).await.unwrap();
    app.sandbox().decide(declined.id, false).await.unwrap();

    app.waits(TimeDelta::seconds(16));
    assert_eq!(app.recovers().await, 3);

    assert_eq!(app.payment(confirmed.id).await.state, PaymentState::Captured);
    let declined = app.payment(declined.id).await;
    assert_eq!(declined.state, PaymentState::Declined);
    assert_eq!(declined.failure_code.as_deref(), Some("not_confirmed"));
    let waiting = app.payment(waiting.id).await;
    assert_eq!(waiting.state, PaymentState::ActionRequired);
    assert!(waiting.next_action.is_some());
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn in_development_a_payer_confirms_by_themselves() {
    let half_a_minute = Some(Duration::from_secs(30));
    let app = TestApp::with(|it| it.payment.sandbox.confirms_after = half_a_minute).await;
    let payment = app.pays("card_pending", true).await;

    for state in [PaymentState::ActionRequired, PaymentState::Captured] {
        app.waits(TimeDelta::seconds(16));
        assert_eq!(app.recovers().await, 1);
        assert_eq!(app.payment(payment.id).await.state, state);
    }
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn whoever_comes_later_cannot_tell_that_nothing_was_charged() {
    let app = TestApp::start().await;
    let payment = app.begins_to_pay("card_error", true).await;
    let first = app.payments().authorize(&payment).await;
    assert!(matches!(first, Outcome::Unavailable { .. }), "{first:?}");

    // Somebody else takes it for theirs, when the first may have called and died.
    app.waits(TimeDelta::seconds(31));

    assert_eq!(app.payments().authorize(&payment).await, Outcome::Unknown);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn captures_and_voids_that_were_cut_short_are_brought_to_their_end() {
    let app = TestApp::start().await;
    let (payments, db) = (app.payments(), &app.app.db);
    let mut paid = Vec::new();
    for _ in 0..4 {
        paid.push(app.pays("card_approved", false).await.id);
    }
    let [captured, lost, voided, unasked] = paid.try_into().unwrap();
    // Two are cut short before the call, two after it.
    let capture = async |id| {
        db.tx(|tx| async move { payments.open_capture_in_txn(&tx, id, None).await }).await.unwrap()
    };
    let void = async |id| {
        db.tx(|tx| async move { payments.open_void_in_txn(&tx, id, None).await }).await.unwrap()
    };
    payments.capture(&capture(captured).await).await;
    capture(lost).await;
    payments.void(&void(voided).await).await;
    void(unasked).await;

    app.waits(TimeDelta::seconds(31));
    assert_eq!(app.recovers().await, 4);

    for (id, state, charge) in [
        (captured, PaymentState::Captured, ChargeState::Captured),
        (lost, PaymentState::Captured, ChargeState::Captured),
        (voided, PaymentState::Voided, ChargeState::Voided),
        (unasked, PaymentState::Voided, ChargeState::Voided),
    ] {
        assert_eq!(app.payment(id).await.state, state);
        assert_eq!(app.charge(id).await.unwrap().state, charge);
    }
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn a_void_that_comes_too_late_finds_the_money_taken() {
    let app = TestApp::start().await;
    let payment = app.pays("card_pending", true).await;
    let (payments, id) = (app.payments(), payment.id);
    app.sandbox().decide(id, true).await.unwrap();

    let voiding = app.app.db.tx(|tx| async move { payments.open_void_in_txn(&tx, id, None).await });
    let outcome = payments.void(&voiding.await.unwrap()).await;
    app.settles(&payment, &outcome).await;

    let payment = app.payment(id).await;
    assert_eq!((payment.state, payment.captured), (PaymentState::Captured, 10_000));
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn what_nobody_could_find_out_for_a_day_waits_for_someone_to_look() {
    use PaymentState::{AuthUnknown, ManualReview};
    let app = TestApp::start().await;
    let provider = Scripted::new(Mood::Fails);
    let payments = provider.payments(&app);
    let payment = app.begins_to_pay("card", true).await;
    let outcome = payments.authorize(&payment).await;
    app.settles(&payment, &outcome).await;

    app.waits(TimeDelta::hours(19));
    for state in [AuthUnknown, AuthUnknown, AuthUnknown, ManualReview] {
        let stuck = payments.claim_stuck(10).await.unwrap();
        assert_eq!(payments.ask(&stuck[0]).await, Outcome::Unknown);
        app.settles(&stuck[0], &Outcome::Unknown).await;
        assert_eq!(app.payment(payment.id).await.state, state);
        app.waits(TimeDelta::hours(2));
    }

    // It is asked about further, every hour.
    assert_eq!(payments.claim_stuck(10).await.unwrap().len(), 1);
    app.settles(&payment, &Outcome::Unknown).await;
    app.waits(TimeDelta::minutes(59));
    assert!(payments.claim_stuck(10).await.unwrap().is_empty());
    let captured = Outcome::Captured { reference: "found".to_owned(), amount: 10_000 };
    assert!(app.settles(&payment, &captured).await.is_some(), "someone looked");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stuck_payment_is_taken_up_by_one() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        app.begins_to_pay("card_approved", true).await;
    }
    app.waits(TimeDelta::seconds(31));

    let claims = join_all((0..10).map(|_| app.payments().claim_stuck(4))).await;

    let claimed: Vec<_> = claims.into_iter().flat_map(Result::unwrap).map(|it| it.id).collect();
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), claimed.len(), "one was taken twice");
    assert_eq!(claimed.len(), 20);
    app.is_sound_as_to(&[Invariant::Money]).await;
}
