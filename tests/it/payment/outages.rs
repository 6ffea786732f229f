//! Providers that fail or hang: how many payments are left open, how fast others are refused, and
//! how it ends.

use super::scripted::{Mood, Scripted};
use crate::app::TestApp;
use chrono::TimeDelta;
use futures::future::join_all;
use std::time::{Duration, Instant};
use stockroom::payment::{BreakerState, Outcome, Payment, PaymentState, Payments};
use stockroom::telemetry::{
    self, PAYMENT_BREAKER_OPENED, PAYMENT_CALLS_FAILED, PAYMENT_CALLS_REFUSED,
};

async fn short(call_limit_ms: u64) -> TestApp {
    TestApp::with(|settings| {
        settings.payment.call_limit = Duration::from_millis(call_limit_ms);
    })
    .await
}

/// Asks so many times at once for the money of one payment; what is written is not of interest.
async fn ask(payments: &Payments, payment: &Payment, times: usize) -> Vec<Outcome> {
    join_all((0..times).map(|_| payments.authorize(payment))).await
}

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unavailable { retry_after_seconds: 1..=10 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_declines_are_answers() {
    let app = TestApp::start().await;
    let provider = Scripted::new(Mood::Declines);
    let (payments, payment) = (provider.payments(&app), app.begins_to_pay("card", true).await);

    let outcomes = ask(&payments, &payment, 1_000).await;

    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Declined { .. })));
    assert_eq!((provider.calls(), payments.breaker_state()), (1_000, BreakerState::Closed));
    assert!(provider.most_in_flight() <= 32, "{}", provider.most_in_flight());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_leaves_few_payments_open_and_is_then_left_alone() {
    let app = short(3_000).await;
    let provider = Scripted::new(Mood::Hangs);
    let (payments, payment) = (provider.payments(&app), app.begins_to_pay("card", true).await);
    let opened = telemetry::total(PAYMENT_BREAKER_OPENED);

    let first = ask(&payments, &payment, 100).await;

    let unknown = first.iter().filter(|it| **it == Outcome::Unknown).count();
    assert!((20..=64).contains(&unknown), "{unknown}");
    assert_eq!(unknown, provider.calls(), "nobody else was asked for");
    assert!(first.iter().all(|it| *it == Outcome::Unknown || is_refused(it)), "{first:?}");
    assert_eq!(payments.breaker_state(), BreakerState::Open);
    assert_eq!(telemetry::total(PAYMENT_BREAKER_OPENED) - opened, 1);
    assert!(payments.check().is_err());

    // From now on nobody waits, and nobody calls.
    let (calls, refused) = (provider.calls(), telemetry::total(PAYMENT_CALLS_REFUSED));
    let began = Instant::now();
    let later = ask(&payments, &payment, 500).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(later.iter().all(is_refused), "{later:?}");
    assert_eq!(provider.calls(), calls);
    assert_eq!(telemetry::total(PAYMENT_CALLS_REFUSED) - refused, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_five_hundred_who_come_when_it_may_be_well_three_try() {
    let app = short(5_000).await;
    let provider = Scripted::new(Mood::Fails);
    let (payments, payment) = (provider.payments(&app), app.begins_to_pay("card", true).await);
    ask(&payments, &payment, 20).await;
    assert_eq!(payments.breaker_state(), BreakerState::Open);
    provider.becomes(Mood::Hangs);
    let calls = provider.calls();
    app.waits(TimeDelta::seconds(10));

    let waiting = tokio::spawn({
        let (payments, payment) = (payments.clone(), payment.clone());
        async move { ask(&payments, &payment, 500).await }
    });
    app.until("three try", async |_| provider.in_flight() == 3).await;
    assert_eq!(payments.breaker_state(), BreakerState::HalfOpen);
    provider.becomes(Mood::Well);
    let outcomes = waiting.await.unwrap();

    let paid = outcomes.iter().filter(|it| matches!(it, Outcome::Captured { .. })).count();
    assert_eq!(provider.calls() - calls, paid);
    assert!(paid >= 3 && outcomes.iter().all(|it| is_refused(it) || !is_unknown(it)));
    assert_eq!(payments.breaker_state(), BreakerState::Closed);
    assert!(payments.check().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_others_try_nobody_waits_for_their_places() {
    let app = TestApp::with(|settings| {
        // Longer than the runner lets a test run: nobody gets a place by waiting.
        settings.payment.call_limit = Duration::from_secs(3_600);
        settings.payment.calls_in_flight = 3;
    })
    .await;
    let provider = Scripted::new(Mood::Fails);
    let (payments, payment) = (provider.payments(&app), app.begins_to_pay("card", true).await);
    ask(&payments, &payment, 20).await;
    assert_eq!(payments.breaker_state(), BreakerState::Open);
    provider.becomes(Mood::Hangs);
    app.waits(TimeDelta::seconds(10));
    let trying = tokio::spawn({
        let (payments, payment) = (payments.clone(), payment.clone());
        async move { ask(&payments, &payment, 3).await }
    });
    app.until("three try", async |_| provider.in_flight() == 3).await;

    let refused = ask(&payments, &payment, 5).await;

    assert!(refused.iter().all(is_refused), "{refused:?}");
    assert_eq!(provider.in_flight(), 3, "and they still do");
    provider.becomes(Mood::Well);
    trying.await.unwrap();
}

fn is_unknown(outcome: &Outcome) -> bool {
    *outcome == Outcome::Unknown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_try_opens_it_again() {
    let app = TestApp::start().await;
    let provider = Scripted::new(Mood::Fails);
    let (payments, payment) = (provider.payments(&app), app.begins_to_pay("card", true).await);
    ask(&payments, &payment, 20).await;
    let calls = provider.calls();

    for turn in 1..=3 {
        app.waits(TimeDelta::seconds(10));
        ask(&payments, &payment, 1).await;
        assert_eq!(provider.calls(), calls + turn);
        assert_eq!(payments.breaker_state(), BreakerState::Open);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_leave_keep_no_place_and_no_leave_to_try() {
    let app = short(200).await;
    let provider = Scripted::new(Mood::Hangs);
    let (payments, payment) = (provider.payments(&app), app.begins_to_pay("card", true).await);

    let missed =
        || telemetry::total(PAYMENT_CALLS_FAILED) + telemetry::total(PAYMENT_CALLS_REFUSED);
    let before = missed();
    for _ in 0..40 {
        let asking = payments.authorize(&payment);
        drop(tokio::time::timeout(Duration::from_millis(1), asking).await);
    }
    app.until("all calls have ended", async |_| {
        provider.in_flight() == 0 && missed() - before >= 40
    })
    .await;
    provider.becomes(Mood::Well);
    app.waits(TimeDelta::seconds(10));

    let outcomes = ask(&payments, &payment, 3).await;
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Captured { .. })), "{outcomes:?}");
    assert_eq!(payments.breaker_state(), BreakerState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_a_providers_library_is_an_unknown_outcome() {
    let app = TestApp::start().await;
    let provider = Scripted::new(Mood::Panics);
    let (payments, payment) = (provider.payments(&app), app.begins_to_pay("card", true).await);

    assert_eq!(ask(&payments, &payment, 1).await, [Outcome::Unknown]);
    provider.becomes(Mood::Well);
    assert!(matches!(ask(&payments, &payment, 1).await[0], Outcome::Captured { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_tells_that_payments_are_away_and_the_server_serves() {
    let app = TestApp::start().await;
    let payment = app.begins_to_pay("card_error", true).await;
    let ready = async || app.guest().get("/health/ready").await;
    assert_eq!(ready().await.json["checks"]["payments"]["status"], "healthy");

    ask(app.payments(), &payment, 20).await;
    // A finding is good for a second.
    app.until("the probe looks again", async |_| {
        ready().await.json["checks"]["payments"]["status"] == "degraded"
    })
    .await;

    let answer = ready().await;
    assert_eq!((answer.status.as_u16(), &answer.json["status"]), (200, &"degraded".into()));
    assert_eq!(app.guest().query("{ __typename }").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_calls_that_all_fail_are_told_of_before_nobody_calls() {
    let app = TestApp::start().await;
    let provider = Scripted::new(Mood::Fails);
    let (payments, payment) = (provider.payments(&app), app.begins_to_pay("card", true).await);

    ask(&payments, &payment, 2).await;
    assert!(payments.check().is_ok(), "two say nothing");
    ask(&payments, &payment, 1).await;

    assert_eq!(payments.breaker_state(), BreakerState::Closed);
    let told = payments.check().unwrap_err().to_string();
    assert!(told.starts_with("3 of 3 calls to "), "{told}");
    app.waits(TimeDelta::seconds(31));
    assert!(payments.check().is_ok(), "that was long ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_asked_for_does_not_end_a_payment_that_was_asked_for_before() {
    let app = short(200).await;
    let payment = app.pays("card_late", true).await;
    assert_eq!(payment.state, PaymentState::AuthUnknown);
    let failing = app.begins_to_pay("card_error", true).await;
    ask(app.payments(), &failing, 20).await;
    assert_eq!(app.payments().breaker_state(), BreakerState::Open);

    app.waits(TimeDelta::seconds(4));
    let stuck = app.payments().claim_stuck(50).await.unwrap();
    let [stuck] = stuck.as_slice() else { panic!("{stuck:?}") };
    assert_eq!(stuck.id, payment.id);
    assert_eq!(app.payments().ask(stuck).await, Outcome::Unknown);
    assert_eq!(app.payments().authorize(stuck).await, Outcome::Unknown);
}
