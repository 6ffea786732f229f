//! Idempotency keys: a mutation that is sent again answers as it did the first time.

use crate::app::{Answer, MAIN, TestApp};
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use std::time::Duration;
use stockroom::auth::Role;
use stockroom::idempotency;

fn receipt(delta: i64, key: &str) -> Value {
    json!({ "sku": "CUP", "delta": delta, "type": "RECEIPT", "idempotencyKey": key })
}

fn replayed(answer: &Answer) -> &Value {
    &answer.json["extensions"]["idempotency"]["replayed"]
}

#[tokio::test]
async fn a_repetition_answers_the_same_and_changes_nothing() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 0).await;

    let first = staff.adjust(receipt(5, "delivery 7")).await;
    let again = staff.adjust(receipt(5, "delivery 7")).await;
    let other_selection = staff
        .query(
            "mutation { renamed: stockAdjust(input: { sku: \"CUP\", type: RECEIPT, delta: 5, \
             idempotencyKey: \"delivery 7\" }) { movement { onHandAfter } } }",
        )
        .await;

    assert_eq!(first.data(), again.data());
    assert_eq!((replayed(&first), replayed(&again)), (&Value::Null, &json!(true)));
    assert_eq!(other_selection.data()["renamed"]["movement"]["onHandAfter"], 5);
    assert_eq!(replayed(&other_selection), true);
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 5);
    assert_eq!(app.ledger().await.len(), 1);
}

#[tokio::test]
async fn set_is_repeated_too_also_when_it_changed_nothing() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("CUP", 3).await;
    let set = |on_hand: i64| {
        staff.set(json!({ "sku": "CUP", "onHand": on_hand, "idempotencyKey": "count" }))
    };

    let first = set(3).await;
    staff.adjust(json!({ "sku": "CUP", "delta": -1, "type": "SALE" })).await;
    let again = set(3).await;
    let other = set(4).await;

    assert!(first.data()["stockSet"]["movement"].is_null());
    assert_eq!(replayed(&again), true);
    assert!(again.data()["stockSet"]["movement"].is_null());
    assert_eq!(again.data()["stockSet"]["stockLevel"]["onHand"], 2, "as the level is now");
    assert_eq!(other.user_errors("stockSet"), ["IDEMPOTENCY_CONFLICT"]);
}

#[tokio::test]
async fn a_key_with_another_input_is_refused() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 0).await;
    staff.adjust(receipt(5, "k")).await;

    let mut other_note = receipt(5, "k");
    other_note["note"] = json!("another");
    for input in [receipt(6, "k"), other_note] {
        let answer = staff.adjust(input).await;
        let error = &answer.data()["stockAdjust"]["userErrors"][0];
        assert_eq!(error["__typename"], "IdempotencyConflictError");
        assert_eq!(
            (&error["code"], &error["reason"]),
            (&json!("IDEMPOTENCY_CONFLICT"), &json!("DIFFERENT_INPUT"))
        );
        assert!(error["retryAfterSeconds"].is_null());
        assert_eq!(error["path"], json!(["idempotencyKey"]));
    }

    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 5);
}

#[tokio::test]
async fn a_key_belongs_to_one_user_and_one_mutation() {
    let app = TestApp::start().await;
    let (one, other) = (app.staff().await, app.signed_in(Role::Staff).await);
    let cup = app.has("CUP", 0).await;

    let answers = [
        one.adjust(receipt(5, "k")).await,
        other.adjust(receipt(6, "k")).await,
        one.set(json!({ "sku": "CUP", "reorderPoint": 2, "idempotencyKey": "k" })).await,
    ];

    assert!(answers.iter().all(|answer| replayed(answer).is_null()));
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 11);
}

#[tokio::test]
async fn a_refusal_leaves_the_key_unused() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 1).await;
    let sale = || {
        staff.adjust(json!({ "sku": "CUP", "delta": -3, "type": "SALE", "idempotencyKey": "k" }))
    };

    let short = sale().await;
    let unknown = staff
        .adjust(json!({ "sku": "NO", "delta": -3, "type": "SALE", "idempotencyKey": "k" }))
        .await;
    app.receives("CUP", MAIN, 2).await;
    let enough = sale().await;

    assert_eq!(short.user_errors("stockAdjust"), ["INSUFFICIENT_STOCK"]);
    assert_eq!(unknown.user_errors("stockAdjust"), ["NOT_FOUND"]);
    assert_eq!(enough.user_errors("stockAdjust"), [] as [&str; 0]);
    assert!(replayed(&enough).is_null());
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 0);
}

#[tokio::test]
async fn a_key_has_bounds() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 0).await;
    let printable: String = (' '..='~').collect();

    for key in [String::new(), "k".repeat(256), "tab\t".to_owned(), "schlüssel".to_owned()] {
        let answer = staff.adjust(receipt(1, &key)).await;
        let error = &answer.data()["stockAdjust"]["userErrors"][0];
        assert_eq!(
            (&error["code"], &error["path"]),
            (&json!("INVALID"), &json!(["idempotencyKey"])),
            "{key:?}"
        );
    }
    for key in ["k".to_owned(), "k".repeat(255), printable] {
        let answer = staff.adjust(receipt(1, &key)).await;
        assert_eq!(answer.user_errors("stockAdjust"), [] as [&str; 0], "{key:?}");
        assert_eq!(replayed(&staff.adjust(receipt(1, &key)).await), true);
    }

    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forty_at_once_one_has_the_effect_and_all_have_the_answer() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("CUP", 0).await;

    let calls = (0..40).map(|_| {
        let staff = staff.clone();
        async move { staff.adjust(receipt(5, "delivery 7")).await }
    });
    let answers = futures::future::join_all(calls).await;

    assert_eq!(app.ledger().await.len(), 1);
    for answer in &answers {
        assert_eq!(answer.data(), answers[0].data());
        assert_eq!(answer.data()["stockAdjust"]["stockLevel"]["onHand"], 5);
    }
    let first = answers.iter().filter(|answer| replayed(answer).is_null());
    assert_eq!(first.count(), 1);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_first_use_runs_on_is_in_progress() {
    let half_a_minute = Duration::from_secs(30);
    let app = TestApp::with(|settings| settings.transport.request = half_a_minute).await;
    let user = app.account(Role::Staff).await;
    let staff = app.with_token(app.token(user));
    let cup = app.has("CUP", 0).await;
    let key = idempotency::IdempotencyKey::bind(
        stockroom::auth::Viewer::User { id: user, role: Role::Staff }.scope(),
        "stockAdjust",
        "k",
        &json!({}),
    );
    let key = &key.unwrap();
    let (claimed, is_claimed) = tokio::sync::oneshot::channel();
    let (end, ends) = tokio::sync::oneshot::channel::<()>();
    let signals = &tokio::sync::Mutex::new(Some((claimed, ends)));
    let first = app.app.db.tx(|tx| async move {
        key.claim_in_txn::<Value>(&tx).await?;
        let (claimed, mut ends) = signals.lock().await.take().expect("tried once");
        claimed.send(()).unwrap();
        // Not idle meanwhile: Postgres would end it.
        while tokio::time::timeout(Duration::from_millis(500), &mut ends).await.is_err() {
            tx.connection().execute_unprepared("SELECT 1").await.unwrap();
        }
        Err::<(), _>(stockroom::stock::StockError::from(idempotency::IdempotencyError::InProgress))
    });
    let second = async {
        is_claimed.await.unwrap();
        if app.app.db.is_postgres() {
            // Longer than a request waits.
            let answer = staff.adjust(receipt(5, "k")).await;
            end.send(()).unwrap();
            answer
        } else {
            // SQLite has one writer: the second waits its turn.
            let (answer, ()) = tokio::join!(staff.adjust(receipt(5, "k")), async {
                tokio::task::yield_now().await;
                end.send(()).unwrap();
            });
            answer
        }
    };

    let (_, answer) = tokio::join!(first, second);

    if app.app.db.is_postgres() {
        let error = &answer.data()["stockAdjust"]["userErrors"][0];
        assert_eq!(
            (&error["__typename"], &error["reason"], &error["retryAfterSeconds"]),
            (&json!("IdempotencyConflictError"), &json!("IN_PROGRESS"), &json!(1))
        );
        assert_eq!(app.level(cup, MAIN).await, None);
    } else {
        assert_eq!(answer.user_errors("stockAdjust"), [] as [&str; 0]);
        assert!(replayed(&answer).is_null(), "the first use was rolled back");
    }
    let again = staff.adjust(receipt(5, "k")).await;
    assert_eq!(again.user_errors("stockAdjust"), [] as [&str; 0]);
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 5);
}

#[tokio::test]
async fn keys_are_forgotten_after_their_time_and_not_before() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 0).await;
    staff.adjust(receipt(1, "old")).await;
    app.waits(TimeDelta::hours(71));
    staff.adjust(receipt(1, "young")).await;

    let early = idempotency::purge(&app.app.db).await.unwrap();
    app.waits(TimeDelta::hours(2));
    let later = idempotency::purge(&app.app.db).await.unwrap();

    assert_eq!((early, later), (0, 1));
    assert!(replayed(&staff.adjust(receipt(1, "old")).await).is_null());
    assert_eq!(replayed(&staff.adjust(receipt(1, "young")).await), true);
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 3);
}

#[tokio::test]
async fn a_purge_takes_more_keys_than_one_batch() {
    let app = TestApp::start().await;
    for batch in 0..3 {
        app.app
            .db
            .tx(|tx| async move {
                for number in 0..700 {
                    let key = format!("{batch}-{number}");
                    let bound = idempotency::IdempotencyKey::bind(
                        "user:x".to_owned(),
                        "stockAdjust",
                        &key,
                        &json!({}),
                    );
                    bound.unwrap().claim_in_txn::<Value>(&tx).await.unwrap();
                }
                Ok::<_, stockroom::db::DbError>(())
            })
            .await
            .unwrap();
    }
    app.waits(TimeDelta::hours(73));

    assert_eq!(idempotency::purge(&app.app.db).await.unwrap(), 2_100);
}
