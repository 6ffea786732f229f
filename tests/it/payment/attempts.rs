//! Attempts to pay: each method of the sandbox, one attempt an order, and settling once.

use crate::app::{TestApp, eur};
use futures::future::join_all;
use std::time::Duration;
use stockroom::doctor::Invariant;
use stockroom::payment::{
    NextAction, NextActionKind, Outcome, PaymentError, PaymentState, PaymentStatus,
};
use stockroom::telemetry::{self, PAYMENTS_DECLINED, PAYMENTS_SUCCEEDED};

#[tokio::test]
async fn money_is_taken_at_once_or_set_aside_as_the_shop_says() {
    let app = TestApp::start().await;

    let taken = app.pays("card_approved", true).await;
    let aside = app.pays("card_approved", false).await;

    assert_eq!((taken.state, taken.status()), (PaymentState::Captured, PaymentStatus::Captured));
    assert_eq!((taken.authorized, taken.captured), (10_000, 10_000));
    assert_eq!(aside.state, PaymentState::Authorized);
    assert_eq!((aside.authorized, aside.captured), (10_000, 0));
    for payment in [taken, aside] {
        let charge = app.charge(payment.id).await.unwrap();
        assert_eq!(payment.provider_reference, Some(charge.reference));
        assert_eq!((charge.amount, charge.captured), (10_000, payment.captured));
        assert_eq!(payment.lease_until, None);
    }
}

#[tokio::test]
async fn a_decline_is_told_with_its_reason_and_the_order_can_be_paid_otherwise() {
    let app = TestApp::start().await;
    let order = app.owes(10_000, None).await;
    for (method, code) in
        [("card_declined", "card_declined"), ("card_insufficient_funds", "insufficient_funds")]
    {
        let payment = app.opens_payment(order, 10_000, method, true).await.unwrap();
        let outcome = app.payments().authorize(&payment).await;
        assert_eq!(outcome, Outcome::Declined { code: code.to_owned() });
        let settled = app.settles(&payment, &outcome).await.unwrap();
        assert_eq!(settled.failure_code.as_deref(), Some(code));
        assert_eq!((settled.status(), settled.authorized), (PaymentStatus::Failed, 0));
    }

    let payment = app.opens_payment(order, 10_000, "card_approved", true).await.unwrap();
    let outcome = app.payments().authorize(&payment).await;
    app.settles(&payment, &outcome).await;

    let all = app.payments().of_orders(&[order]).await.unwrap();
    let states: Vec<_> = all[&order].iter().map(|payment| payment.state).collect();
    use PaymentState::{Captured, Declined};
    assert_eq!(states, [Declined, Declined, Captured]);
}

#[tokio::test]
async fn what_settling_gives_is_what_stands_in_the_row() {
    let app = TestApp::start().await;
    let reference = || uuid::Uuid::new_v4().to_string();
    let next_action = NextAction {
        kind: NextActionKind::Redirect,
        redirect_url: Some("https://bank.example/confirm".to_owned()),
        client_secret: None,
    };
    let authorized = || Outcome::Authorized { reference: reference() };
    let captured = |amount| Outcome::Captured { reference: reference(), amount };
    let pending = Outcome::Pending { reference: reference(), next_action };
    let declined = || Outcome::Declined { code: "do_not_honor".to_owned() };
    let unavailable = || Outcome::Unavailable { retry_after_seconds: 7 };
    for said in [
        vec![authorized()],
        vec![captured(10_000)],
        vec![captured(4_000)],
        vec![captured(10_001)],
        vec![pending.clone(), authorized()],
        vec![pending.clone(), captured(10_000)],
        vec![pending, Outcome::Voided],
        vec![declined()],
        vec![unavailable()],
        vec![Outcome::Unknown, captured(10_000)],
        vec![authorized(), captured(3_000)],
    ] {
        let mut payment = app.begins_to_pay("card_approved", false).await;
        for outcome in said {
            if let Some(settled) = app.settles(&payment, &outcome).await {
                assert!(settled.version > payment.version, "{outcome:?}");
                payment = settled;
            }
            assert_eq!(payment, app.payment(payment.id).await, "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_slow_provider_is_waited_for_and_one_that_fails_charged_nothing() {
    let app = TestApp::with(|settings| {
        settings.payment.sandbox.slow = Duration::from_millis(50);
    })
    .await;

    let slow = app.pays("card_slow", true).await;
    let failed = app.pays("card_error", true).await;

    assert_eq!(slow.state, PaymentState::Captured);
    assert_eq!((failed.state, failed.status()), (PaymentState::Unavailable, PaymentStatus::Failed));
    assert!(failed.retry_after_seconds.is_some());
    assert_eq!(app.charge(failed.id).await, None);
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_unknown_and_charged_or_not() {
    let app = TestApp::with(|settings| {
        // Long enough for the sandbox to charge before.
        settings.payment.call_limit = Duration::from_secs(2);
    })
    .await;

    let never = app.pays("card_timeout", true).await;
    let late = app.pays("card_late", true).await;

    for payment in [&never, &late] {
        assert_eq!(payment.state, PaymentState::AuthUnknown);
        assert_eq!(payment.status(), PaymentStatus::Pending);
        assert!(payment.lease_until.is_some());
    }
    assert_eq!(app.charge(never.id).await, None);
    assert_eq!(app.charge(late.id).await.unwrap().captured, 10_000);
}

#[tokio::test]
async fn a_payer_who_has_to_confirm_is_told_what_to_do() {
    let app = TestApp::start().await;

    let payment = app.pays("card_pending", true).await;

    assert_eq!(payment.state, PaymentState::ActionRequired);
    assert_eq!(payment.next_action.unwrap().kind, NextActionKind::Wait);
    assert_eq!((payment.authorized, payment.captured), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_attempts_at_once_one_is_begun() {
    let app = TestApp::start().await;
    let order = app.owes(10_000, None).await;

    let attempts = (0..20).map(|_| app.opens_payment(order, 10_000, "card_approved", true));
    let attempts = join_all(attempts).await;

    let begun = attempts.iter().filter(|attempt| attempt.is_ok()).count();
    let refused = attempts.iter().filter(|it| matches!(it, Err(PaymentError::InProgress))).count();
    assert_eq!((begun, refused), (1, 19), "{attempts:?}");
}

#[tokio::test]
async fn while_an_attempt_is_open_or_holds_money_there_is_no_other() {
    let app = TestApp::with(|settings| {
        settings.payment.call_limit = Duration::from_millis(200);
    })
    .await;
    for (method, capture) in [
        ("card_approved", true),
        ("card_approved", false),
        ("card_pending", true),
        ("card_timeout", true),
    ] {
        let payment = app.pays(method, capture).await;
        let again = app.opens_payment(payment.order_id, 10_000, "card_approved", true).await;
        assert!(matches!(again, Err(PaymentError::InProgress)), "{method}: {again:?}");
    }
}

// Counters belong to the process; under nextest each test has its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_settled_once_however_often_it_is_told() {
    let app = TestApp::start().await;
    let payment = app.begins_to_pay("card_approved", true).await;
    let outcome = app.payments().authorize(&payment).await;
    let before = telemetry::total(PAYMENTS_SUCCEEDED);

    let settled = join_all((0..20).map(|_| app.settles(&payment, &outcome))).await;

    assert_eq!(settled.iter().flatten().count(), 1);
    let now = app.payment(payment.id).await;
    assert_eq!((now.version, now.captured), (2, 10_000));
    assert_eq!(telemetry::total(PAYMENTS_SUCCEEDED) - before, 1);
    let declined = Outcome::Declined { code: "too late".to_owned() };
    assert_eq!(app.settles(&payment, &declined).await, None);
    assert_eq!(app.payment(payment.id).await, now);
    assert_eq!(telemetry::total(PAYMENTS_DECLINED), 0);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn providers_and_methods_that_the_shop_does_not_take_are_told_apart() {
    let app = TestApp::start().await;
    let none = TestApp::with(|settings| settings.payment.providers.clear()).await;
    let path = |app: &TestApp, provider: &str, method: &str| match app
        .payments()
        .check_method(provider, method)
    {
        Err(PaymentError::Invalid(problems)) => problems[0].path.join("."),
        other => format!("{other:?}"),
    };

    assert_eq!(path(&app, "sandbox", "card_approved"), "Ok(())");
    assert_eq!(path(&app, "sandbox", "card_stolen"), "payment.method");
    assert_eq!(path(&app, "paypal", "card_approved"), "payment.provider");
    assert_eq!(path(&none, "sandbox", "card_approved"), "payment.provider");
    assert!(none.app.sandbox.is_none());
}

#[tokio::test]
async fn a_part_of_what_is_set_aside_can_be_taken_and_the_rest_is_given_up() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", false).await;
    let (payments, id) = (app.payments(), payment.id);
    let open = async |cents: Option<i64>| {
        let amount = cents.map(eur);
        let opened =
            app.app.db.tx(|tx| async move { payments.open_capture_in_txn(&tx, id, amount).await });
        opened.await
    };

    for wrong in [0, -1, 10_001, i64::MAX] {
        let refused = open(Some(wrong)).await;
        assert!(matches!(refused, Err(PaymentError::Amount { maximum: 10_000 })), "{refused:?}");
    }
    let capturing = open(Some(2_500)).await.unwrap();
    assert_eq!((capturing.state, capturing.capturing), (PaymentState::Capturing, 2_500));
    assert!(matches!(open(None).await, Err(PaymentError::InvalidState { .. })));
    let outcome = payments.capture(&capturing).await;
    let captured = app.settles(&capturing, &outcome).await.unwrap();

    assert_eq!((captured.state, captured.captured), (PaymentState::Captured, 2_500));
    assert_eq!(captured.capturing, 0);
    assert_eq!(app.charge(id).await.unwrap().captured, 2_500);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_capturing_and_voiding_at_once_one_happens() {
    let app = TestApp::start().await;
    for _ in 0..50 {
        let payment = app.pays("card_approved", false).await;
        let (payments, id, db) = (app.payments(), payment.id, &app.app.db);
        let (capturing, voiding) = tokio::join!(
            db.tx(|tx| async move { payments.open_capture_in_txn(&tx, id, None).await }),
            db.tx(|tx| async move { payments.open_void_in_txn(&tx, id, None).await }),
        );
        assert!(capturing.is_ok() != voiding.is_ok(), "{capturing:?} {voiding:?}");
        let outcome = match (&capturing, &voiding) {
            (Ok(capturing), _) => payments.capture(capturing).await,
            (_, Ok(voiding)) => payments.void(voiding).await,
            _ => unreachable!(),
        };
        app.settles(&payment, &outcome).await.unwrap();
        let (now, charge) = (app.payment(id).await, app.charge(id).await.unwrap());
        assert_eq!(now.state == PaymentState::Captured, capturing.is_ok());
        assert_eq!(now.captured, charge.captured);
    }
    // The orders are made up; their money is not.
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn a_payment_that_waits_for_its_payer_can_be_let_go_of() {
    let app = TestApp::start().await;
    let payment = app.pays("card_pending", true).await;
    let (payments, id) = (app.payments(), payment.id);

    let voiding = app.app.db.tx(|tx| async move { payments.open_void_in_txn(&tx, id, None).await });
    let outcome = payments.void(&voiding.await.unwrap()).await;
    app.settles(&payment, &outcome).await;

    assert_eq!(app.payment(id).await.status(), PaymentStatus::Voided);
    assert_eq!(app.sandbox().decide(id, true).await.unwrap(), None);
}

#[tokio::test]
async fn what_still_waits_for_its_payer_while_it_is_let_go_is_no_news() {
    let app = TestApp::start().await;
    let payment = app.pays("card_pending", true).await;
    let (payments, id) = (app.payments(), payment.id);
    let voiding = app.app.db.tx(|tx| async move { payments.open_void_in_txn(&tx, id, None).await });
    let voiding = voiding.await.unwrap();
    let next_action = payment.next_action.clone().unwrap();

    for (reference, news) in
        [(payment.provider_reference.clone().unwrap(), false), ("other".to_owned(), true)]
    {
        let pending = Outcome::Pending { reference, next_action: next_action.clone() };
        assert_eq!(app.settles(&voiding, &pending).await.is_some(), news);
    }

    let after = app.payment(id).await;
    assert_eq!((after.state, after.next_action), (PaymentState::Voiding, None));
    assert_eq!(after.version, voiding.version + 1);
}
