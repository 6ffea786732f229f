//! The sandbox as a foreign system: the same key is the same charge, its record is its own, and it
//! gets in nobody's way.

use crate::app::{TestApp, eur};
use chrono::TimeDelta;
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use stockroom::db::DbError;
use stockroom::payment::sandbox;
use stockroom::payment::{
    Authorization, AuthorizeRequest, CaptureRequest, Outcome, Provider, ProviderError,
    RefundAnswer, RefundRequest,
};
use uuid::Uuid;

fn asks(payment_id: Uuid, key: &str, cents: i64) -> AuthorizeRequest {
    AuthorizeRequest {
        payment_id,
        idempotency_key: key.to_owned(),
        amount: eur(cents),
        method: "card_approved".to_owned(),
        capture: true,
        order_number: "1".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_with_one_key_are_one_charge_and_get_one_answer() {
    let app = TestApp::start().await;
    let (sandbox, request) = (app.sandbox(), asks(Uuid::now_v7(), "key", 500));

    let answers = join_all((0..50).map(|_| sandbox.authorize(&request))).await;

    let first = answers[0].as_ref().expect("it is approved");
    assert!(matches!(first, Authorization::Captured { amount: 500, .. }), "{first:?}");
    assert!(answers.iter().all(|answer| answer.as_ref() == Ok(first)), "{answers:?}");
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_charge").await, 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_event").await, 1);
}

#[tokio::test]
async fn a_key_is_good_for_one_request() {
    let app = TestApp::start().await;
    let payment = Uuid::now_v7();
    app.sandbox().authorize(&asks(payment, "key", 500)).await.unwrap();

    for other in [asks(payment, "key", 501), asks(Uuid::now_v7(), "key", 500)] {
        let refused = app.sandbox().authorize(&other).await;
        let code = "idempotency_key_reused".to_owned();
        assert_eq!(refused, Err(ProviderError::Refused { code }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_charged_once_under_whatever_keys() {
    let app = TestApp::start().await;
    let payment = Uuid::now_v7();

    for turn in 0..5 {
        let answer = app.sandbox().authorize(&asks(payment, &turn.to_string(), 500)).await;
        assert!(matches!(answer, Ok(Authorization::Captured { .. })), "{answer:?}");
    }

    assert_eq!(app.charge(payment).await.unwrap().captured, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_and_captures_are_one_under_one_key_and_never_too_much() {
    let app = TestApp::start().await;
    let payment = app.pays("card_approved", false).await;
    let reference = payment.provider_reference.clone().unwrap();
    let sandbox = app.sandbox();
    let capture = |cents, key: &str| CaptureRequest {
        payment_id: payment.id,
        idempotency_key: key.to_owned(),
        reference: reference.clone(),
        amount: eur(cents),
    };
    let refund = |cents, key: &str| RefundRequest {
        payment_id: payment.id,
        refund_id: Uuid::now_v7(),
        idempotency_key: key.to_owned(),
        reference: reference.clone(),
        amount: eur(cents),
    };

    let too_much = sandbox.capture(&capture(10_001, "more")).await;
    assert!(matches!(too_much, Err(ProviderError::Refused { .. })), "{too_much:?}");
    let one = capture(9_000, "one");
    let captures = join_all((0..20).map(|_| sandbox.capture(&one))).await;
    assert!(captures.iter().all(|captured| *captured == Ok(9_000)), "{captures:?}");
    let twice = sandbox.capture(&capture(9_000, "two")).await;
    assert_eq!(twice, Err(ProviderError::Refused { code: "charge_captured".to_owned() }));

    let one = refund(6_000, "refund");
    let refunds = join_all((0..20).map(|_| sandbox.refund(&one))).await;
    let first = refunds[0].as_ref().expect("it goes back");
    assert!(matches!(first, RefundAnswer::Succeeded { .. }));
    assert!(refunds.iter().all(|refund| refund.as_ref() == Ok(first)), "{refunds:?}");
    let more = sandbox.refund(&refund(3_001, "more")).await;
    assert!(matches!(more, Err(ProviderError::Refused { .. })), "{more:?}");
    assert_eq!(app.charge(payment.id).await.unwrap().refunded, 6_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_record_stays_when_the_callers_transaction_is_rolled_back() {
    let app = TestApp::start().await;
    let payment = app.begins_to_pay("card_approved", true).await;
    let outcome = app.payments().authorize(&payment).await;
    let (payments, payment, outcome) = (app.payments(), &payment, &outcome);
    let called = &AtomicBool::new(false);
    let (sandbox, other) = (app.sandbox(), &asks(Uuid::now_v7(), "inside", 700));

    let rolled_back: Result<(), DbError> = app
        .app
        .db
        .tx(|tx| async move {
            payments.settle_in_txn(&tx, payment.id, outcome).await.expect("it can be settled");
            if tx.db().is_postgres() {
                // On SQLite one writes at a time: there nobody may call from inside a transaction.
                sandbox.authorize(other).await.expect("it is approved");
            }
            called.store(true, Ordering::SeqCst);
            Err(stockroom::db::DbError {
                kind: stockroom::db::DbErrorKind::Fault,
                constraint: None,
                message: "the process met a fault".to_owned(),
            })
        })
        .await;

    assert!(rolled_back.is_err() && called.load(Ordering::SeqCst));
    assert_eq!(app.payment(payment.id).await.captured, 0);
    assert_eq!(app.charge(payment.id).await.unwrap().captured, 10_000);
    let inside = app.charge(other.payment_id).await;
    assert_eq!(inside.is_some(), app.app.db.is_postgres());
}

#[tokio::test]
#[should_panic(expected = "a provider is called inside a transaction")]
async fn nobody_calls_a_provider_inside_a_transaction() {
    let app = TestApp::start().await;
    let payment = &app.begins_to_pay("card_approved", true).await;
    let payments = app.payments();

    let _: Result<_, DbError> =
        app.app.db.tx(|_| async move { Ok(payments.authorize(payment).await) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_paid_while_a_crowd_writes_and_neither_waits_in_vain() {
    let minute = Duration::from_secs(60);
    let app = TestApp::with(|settings| settings.payment.call_limit = minute).await;
    let mut payments = Vec::new();
    for _ in 0..40 {
        payments.push(app.begins_to_pay("card_approved", true).await);
    }
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
    let crowd: Vec<_> = (0..30)
        .map(|_| {
            let (db, stop, written) = (app.app.db.clone(), stop.clone(), written.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let change = "UPDATE warehouse SET version = version + 1";
                    let done: Result<_, DbError> = db
                        .tx(|tx| async move {
                            use sea_orm::ConnectionTrait;
                            Ok(tx.connection().execute_unprepared(change).await?)
                        })
                        .await;
                    done.expect("the crowd writes");
                    written.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();

    let outcomes = join_all(payments.iter().map(|it| app.payments().authorize(it))).await;
    stop.store(true, Ordering::SeqCst);
    for writer in crowd {
        writer.await.expect("no writer failed");
    }

    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Outcome::Captured { .. })),
        "{outcomes:?}"
    );
    assert!(written.load(Ordering::SeqCst) > 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_charge").await, 40);
}

async fn purges(app: &TestApp) -> u64 {
    let needed = app.payments().unsettled(sandbox::KEPT).await.expect("the database answers");
    app.sandbox().purge(&needed).await.expect("the database answers")
}

#[tokio::test]
async fn keys_and_events_are_forgotten_after_a_week_except_for_what_is_undecided() {
    let app = TestApp::start().await;
    app.pays("card_approved", true).await;
    let undecided = app.pays("card_pending", true).await;
    // The payer confirmed, and the shop has not heard of it.
    app.sandbox().decide(undecided.id, true).await.unwrap().expect("it waits");
    app.waits(TimeDelta::days(6));
    assert_eq!(purges(&app).await, 0);
    app.waits(TimeDelta::days(2));

    assert_eq!(purges(&app).await, 2, "the key and the event of what is settled");

    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_idempotency").await, 1);
    assert_eq!(app.sandbox().events_of(undecided.id).await.unwrap().len(), 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_charge").await, 2);
    app.recovers().await;
    assert_eq!(app.payment(undecided.id).await.captured, 10_000);
    assert_eq!(purges(&app).await, 2, "nobody needs them any more");
}

#[tokio::test]
async fn a_purge_takes_more_than_one_batch_and_skips_what_is_needed_in_each() {
    let app = TestApp::start().await;
    let sandbox = app.sandbox();
    let needed = [Uuid::now_v7(), Uuid::now_v7()];
    for id in needed {
        let key = format!("pay:{id}:authorize:1");
        sandbox.authorize(&asks(id, &key, 100)).await.unwrap();
    }
    let columns = "(key, fingerprint, answer, created_at)";
    // SQLite takes 500 parts of a union.
    for _ in 0..5 {
        let rows: Vec<String> = (0..500)
            .map(|_| format!("'pay:{}:authorize:1'", Uuid::now_v7()))
            .map(|key| format!("SELECT {key}, fingerprint, answer, created_at FROM one"))
            .collect();
        let one = "WITH one AS (SELECT * FROM sandbox_idempotency ORDER BY created_at LIMIT 1)";
        let rows = rows.join(" UNION ALL ");
        app.execute(&format!("INSERT INTO sandbox_idempotency {columns} {one} {rows}")).await;
    }
    app.waits(TimeDelta::days(8));

    let purged = sandbox.purge(&needed.into()).await.unwrap();

    assert_eq!(purged, 2_500);
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_idempotency").await, 2);
    assert_eq!(app.number("SELECT COUNT(*) FROM sandbox_event").await, 2);
}
