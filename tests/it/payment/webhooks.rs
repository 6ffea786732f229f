//! What a provider tells by itself: believed when it is signed, in any order and any number of times
//! with the same end.

use crate::app::TestApp;
use chrono::TimeDelta;
use futures::future::join_all;
use http::HeaderMap;
use rand::seq::SliceRandom;
use stockroom::doctor::Invariant;
use stockroom::payment::sandbox::SignedEvent;
use stockroom::payment::{
    NewRefund, OpenedRefund, PaymentError, PaymentState, ProviderEvent, Said, WebhookError,
};

fn headers(event: &SignedEvent) -> HeaderMap {
    HeaderMap::from_iter([(SignedEvent::HEADER, event.signature.parse().expect("it is ASCII"))])
}

fn verify(app: &TestApp, event: &SignedEvent) -> Result<ProviderEvent, WebhookError> {
    app.payments().verify_webhook("sandbox", &headers(event), event.body.as_bytes())
}

/// Writes an event down and does what it says, as whoever receives webhooks does; gives whether it
/// was new.
async fn receive(app: &TestApp, event: &SignedEvent) -> bool {
    let (payments, event) = (app.payments(), &verify(app, event).expect("it is genuine"));
    let received = app.app.db.tx(|tx| async move {
        let new = payments.record_event_in_txn(&tx, event).await?;
        if new {
            match &event.said {
                Said::Payment(outcome) => {
                    let payment = payments.lock_in_txn(&tx, event.payment_id.unwrap()).await?;
                    payments.settle_in_txn(&tx, payment.id, outcome).await.map(drop)?;
                }
                Said::Refund { refund_id, outcome } => {
                    payments.settle_refund_in_txn(&tx, *refund_id, outcome).await.map(drop)?;
                }
                Said::Changed | Said::Nothing => {}
            }
        }
        Ok::<_, PaymentError>(new)
    });
    received.await.expect("the event is about a payment of ours")
}

async fn confirmed(app: &TestApp) -> (stockroom::payment::Payment, SignedEvent) {
    let payment = app.pays("card_pending", true).await;
    let event = app.sandbox().decide(payment.id, true).await.unwrap();
    (payment, event.expect("there was something to decide"))
}

#[tokio::test]
async fn a_webhook_decides_what_waits_for_the_payer() {
    let app = TestApp::start().await;
    let (payment, event) = confirmed(&app).await;
    let refused = app.pays("card_pending", true).await;
    let refusal = app.sandbox().decide(refused.id, false).await.unwrap().unwrap();

    assert!(receive(&app, &event).await);
    assert!(receive(&app, &refusal).await);

    assert_eq!(app.payment(payment.id).await.captured, 10_000);
    let refused = app.payment(refused.id).await;
    assert_eq!(refused.state, PaymentState::Declined);
    assert_eq!((refused.next_action, refused.lease_until), (None, None));
    assert_eq!(app.sandbox().decide(payment.id, false).await.unwrap(), None, "it is decided");
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_twenty_times_at_once_it_is_done_once() {
    let app = TestApp::start().await;
    let (payment, event) = confirmed(&app).await;

    let received = join_all((0..20).map(|_| receive(&app, &event))).await;

    assert_eq!(received.iter().filter(|new| **new).count(), 1);
    assert_eq!(app.payment(payment.id).await.version, payment.version + 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM payment_event").await, 1);
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn in_any_order_and_repeated_the_end_is_the_same() {
    let app = TestApp::start().await;
    let mut random = rand::rng();
    for _ in 0..10 {
        let payment = app.pays("card_pending", false).await;
        let (payments, id, db) = (app.payments(), payment.id, &app.app.db);
        // Everything happens at the provider, and is lost on us but for what was asked for.
        app.sandbox().decide(id, true).await.unwrap();
        app.waits(TimeDelta::seconds(16));
        app.recovers().await;
        let capturing =
            db.tx(|tx| async move { payments.open_capture_in_txn(&tx, id, None).await });
        payments.capture(&capturing.await.unwrap()).await;
        let mut events = app.sandbox().events_of(id).await.unwrap();
        assert_eq!(events.len(), 2, "authorized, captured");
        events.extend(events.clone());
        events.shuffle(&mut random);

        for event in &events {
            receive(&app, event).await;
        }

        let payment = app.payment(id).await;
        assert_eq!((payment.state, payment.captured), (PaymentState::Captured, 10_000));
    }
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn a_refund_that_is_told_before_it_is_answered_is_counted_once() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", true).await;
    let (payments, key) = (app.payments(), "one".to_owned());
    let amount = crate::app::eur(4_000);
    let new =
        &NewRefund { payment_id: payment.id, amount, key, reason: None, restock: false, turn: 0 };
    let opened = app.app.db.tx(|tx| async move { payments.open_refund_in_txn(&tx, new).await });
    let OpenedRefund::New(refund) = opened.await.unwrap() else { panic!("it is new") };

    let outcome = &payments.refund(&payment, &refund).await;
    for event in app.sandbox().events_of(payment.id).await.unwrap() {
        receive(&app, &event).await;
    }
    let answered = app
        .app
        .db
        .tx(|tx| async move { payments.settle_refund_in_txn(&tx, refund.id, outcome).await });

    assert_eq!(answered.await.unwrap(), None);
    let payment = app.payment(payment.id).await;
    assert_eq!((payment.refunded, payment.refund_pending), (4_000, 0));
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn what_is_not_signed_by_the_provider_is_not_believed() {
    let app = TestApp::start().await;
    let (_, event) = confirmed(&app).await;
    let body = event.body.clone();
    assert!(verify(&app, &event).is_ok());

    let forged = SignedEvent { body: body.replace("captured", "declined"), ..event.clone() };
    assert_eq!(verify(&app, &forged), Err(WebhookError::WrongSignature));
    let unsigned = app.payments().verify_webhook("sandbox", &HeaderMap::new(), body.as_bytes());
    assert_eq!(unsigned, Err(WebhookError::Unsigned));
    let huge = SignedEvent { body: " ".repeat(1_000_000), ..event.clone() };
    assert_eq!(verify(&app, &huge), Err(WebhookError::TooLarge));
    let nobody = app.payments().verify_webhook("stripe", &headers(&event), body.as_bytes());
    assert_eq!(nobody, Err(WebhookError::UnknownProvider));
    app.waits(TimeDelta::seconds(301));
    assert_eq!(verify(&app, &event), Err(WebhookError::NotFresh));
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn while_the_secret_is_replaced_both_are_good() {
    let old = "the old secret of the webhooks, long enough";
    let new = "the new secret of the webhooks, long enough";
    let secrets = |names: &[&str]| names.iter().map(|name| (*name).to_owned().into()).collect();
    let app = TestApp::with(|it| it.payment.sandbox.webhook_secrets = secrets(&[old])).await;
    let rotating =
        app.replica_with(|it| it.payment.sandbox.webhook_secrets = secrets(&[new, old])).await;
    let after = app.replica_with(|it| it.payment.sandbox.webhook_secrets = secrets(&[new])).await;
    let (_, by_old) = confirmed(&app).await;
    let (_, by_new) = confirmed(&rotating).await;

    assert!(verify(&rotating, &by_old).is_ok() && verify(&rotating, &by_new).is_ok());
    assert!(verify(&after, &by_new).is_ok());
    assert_eq!(verify(&after, &by_old), Err(WebhookError::WrongSignature));
    app.is_sound_as_to(&[Invariant::Money]).await;
}

#[tokio::test]
async fn an_event_about_a_payment_of_another_shop_is_told_apart() {
    let app = TestApp::start().await;
    let (_, event) = confirmed(&app).await;
    let mut event = verify(&app, &event).unwrap();
    event.payment_id = Some(uuid::Uuid::now_v7());
    let (payments, event) = (app.payments(), &event);

    let recorded =
        app.app.db.tx(|tx| async move { payments.record_event_in_txn(&tx, event).await }).await;

    assert!(matches!(recorded, Err(PaymentError::NotFound)), "{recorded:?}");
    app.is_sound_as_to(&[Invariant::Money]).await;
}
