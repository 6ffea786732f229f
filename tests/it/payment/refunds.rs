//! Money that goes back: never more than was taken, and each refund once.

use crate::app::{TestApp, eur};
use futures::future::join_all;
use stockroom::doctor::Invariant;
use stockroom::money::{Currency, Money};
use stockroom::payment::{
    NewRefund, OpenedRefund, Payment, PaymentError, PaymentState, PaymentStatus, Refund,
    RefundOutcome, RefundState,
};

async fn open(
    app: &TestApp,
    payment: &Payment,
    amount: Money,
    key: &str,
) -> Result<OpenedRefund, PaymentError> {
    let new = &NewRefund {
        payment_id: payment.id,
        amount,
        key: key.to_owned(),
        reason: None,
        restock: false,
        turn: 0,
    };
    let payments = app.payments();
    app.app.db.tx(|tx| async move { payments.open_refund_in_txn(&tx, new).await }).await
}

async fn settle(
    app: &TestApp,
    refund: &Refund,
    outcome: &RefundOutcome,
) -> Option<(Payment, Refund)> {
    let payments = app.payments();
    let settled = app
        .app
        .db
        .tx(|tx| async move { payments.settle_refund_in_txn(&tx, refund.id, outcome).await });
    settled.await.expect("the refund is there")
}

/// Refunds, from asking to settling; gives whether it was let through.
async fn refund(app: &TestApp, payment: &Payment, cents: i64, key: &str) -> bool {
    match open(app, payment, eur(cents), key).await {
        Ok(OpenedRefund::New(refund)) => {
            let outcome = app.payments().refund(payment, &refund).await;
            assert!(matches!(outcome, RefundOutcome::Succeeded { .. }), "{outcome:?}");
            settle(app, &refund, &outcome).await.expect("nobody else settled it");
            true
        }
        Ok(OpenedRefund::Earlier(_)) | Err(PaymentError::Amount { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_part_goes_back_and_then_the_rest() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;

    assert!(refund(&app, &payment, 2_500, "one").await);
    let partly = app.payment(payment.id).await;
    assert_eq!((partly.status(), partly.refunded), (PaymentStatus::PartiallyRefunded, 2_500));
    assert!(!refund(&app, &payment, 7_501, "too much").await);
    assert!(refund(&app, &payment, 7_500, "two").await);

    let all = app.payment(payment.id).await;
    assert_eq!(
        (all.status(), all.refunded, all.refund_pending),
        (PaymentStatus::Refunded, 10_000, 0)
    );
    assert_eq!(app.charge(payment.id).await.unwrap().refunded, 10_000);
    let refunds = app.payments().refunds_of(&[payment.id]).await.unwrap();
    let amounts: Vec<_> = refunds[&payment.id].iter().map(|refund| refund.amount).collect();
    assert_eq!(amounts, [2_500, 7_500]);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_refunds_at_once_never_give_back_more_than_was_taken() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;
    let keys: Vec<String> = (0..40).map(|turn| format!("refund {turn}")).collect();

    let refunds = keys.iter().map(|key| refund(&app, &payment, 3_000, key));
    let through = join_all(refunds).await.into_iter().filter(|through| *through).count();

    assert_eq!(through, 3);
    let now = app.payment(payment.id).await;
    assert_eq!((now.refunded, now.refund_pending, now.refundable()), (9_000, 0, 1_000));
    assert_eq!(app.charge(payment.id).await.unwrap().refunded, 9_000);
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_refund").await, 3);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_full_refunds_under_one_key_are_one() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;

    let refunds = (0..40).map(|_| refund(&app, &payment, 10_000, "the same"));
    let through = join_all(refunds).await.into_iter().filter(|through| *through).count();

    assert_eq!(through, 1);
    assert_eq!(app.payment(payment.id).await.refunded, 10_000);
    assert_eq!(app.number("SELECT COUNT(*) FROM refund").await, 1);
    let other = open(&app, &payment, eur(5), "the same").await;
    assert!(matches!(other, Err(PaymentError::KeyReused)), "{other:?}");
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn amounts_that_make_no_sense_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;
    let yen = Money { minor: 5, currency: Currency::from_code("JPY").unwrap() };

    for amount in [eur(0), eur(-1), eur(10_001), eur(i64::MAX), eur(i64::MIN), yen] {
        let refused = open(&app, &payment, amount, "key").await;
        assert!(
            matches!(refused, Err(PaymentError::Amount { maximum: 10_000 })),
            "{amount:?}: {refused:?}"
        );
    }

    assert_eq!(app.payment(payment.id).await, payment);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn what_was_not_taken_cannot_go_back() {
    let app = TestApp::start().await;
    for (method, capture) in
        [("card_approved", false), ("card_declined", true), ("card_pending", true)]
    {
        let payment = app.pays(method, capture).await;
        let refused = open(&app, &payment, eur(1), "key").await;
        assert!(
            matches!(refused, Err(PaymentError::InvalidState { state }) if state == payment.state),
            "{method}: {refused:?}"
        );
    }
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn what_the_provider_refuses_is_there_to_be_refunded_again() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;
    let opened = open(&app, &payment, eur(10_000), "one").await.unwrap();
    let OpenedRefund::New(first) = opened else { panic!("{opened:?}") };
    let failed = RefundOutcome::Failed { code: "account_closed".to_owned() };

    let (now, refused) = settle(&app, &first, &failed).await.unwrap();

    assert_eq!(
        (refused.state, refused.failure_code.as_deref()),
        (RefundState::Failed, Some("account_closed"))
    );
    assert_eq!((now.state, now.refundable()), (PaymentState::Captured, 10_000));
    assert_eq!(settle(&app, &first, &failed).await, None);
    assert!(refund(&app, &payment, 10_000, "two").await);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn a_refund_whose_fate_nobody_knows_is_asked_for_again_and_is_one() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;
    let opened = open(&app, &payment, eur(4_000), "one").await.unwrap();
    let OpenedRefund::New(first) = opened else { panic!("{opened:?}") };
    // The provider carried it out, and its answer was lost.
    app.payments().refund(&payment, &first).await;
    settle(&app, &first, &RefundOutcome::Unknown).await;
    assert_eq!(app.payment(payment.id).await.refund_pending, 4_000);

    app.waits(chrono::TimeDelta::minutes(1));
    assert_eq!(app.recovers().await, 1);

    let now = app.payment(payment.id).await;
    assert_eq!((now.refunded, now.refund_pending), (4_000, 0));
    assert_eq!(app.charge(payment.id).await.unwrap().refunded, 4_000);
    assert_eq!(app.recovers().await, 0);
    app.is_sound_as_to(&[Invariant::Money]).await;
}
