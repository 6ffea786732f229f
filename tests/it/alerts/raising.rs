//! When alerts are raised and when they resolve.

use super::{QUIET, alerts, of_rule};
use crate::app::{MAIN, TestApp};
use chrono::TimeDelta;
use entity::component_change;
use futures::future::join_all;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use stockroom::jobs::{Job, NewJob, enqueue_in_txn};
use stockroom::metrics::alerts::Evaluated;
use stockroom::metrics::alerts::jobs::EvaluateAlerts;
use stockroom::payment::PaymentState;
use stockroom::telemetry::{
    GRAPHQL_FAULTS, GRAPHQL_REQUESTS, PAYMENTS_DECLINED, PAYMENTS_FAILED, PAYMENTS_SUCCEEDED,
    STOCK_CONFLICTS,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const NOTHING: Evaluated = Evaluated { raised: 0, resolved: 0 };

#[tokio::test]
async fn a_shop_where_all_is_well_raises_nothing() {
    let app = TestApp::start().await;
    app.has_low_at("TEA", 100, 5).await;
    app.happens(GRAPHQL_REQUESTS, 1_000).await;
    app.happens(PAYMENTS_SUCCEEDED, 100).await;
    app.happens(PAYMENTS_DECLINED, 100).await;

    assert_eq!(app.evaluates().await, NOTHING);
}

#[tokio::test]
async fn fifty_sales_below_the_line_are_one_alert_which_ends_when_goods_come_in() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let tea = app.has_low_at("TEA", 100, 60).await;
    assert_eq!(app.evaluates().await, NOTHING);

    app.reserve_of("TEA", tea, 40).await.unwrap();
    for _ in 0..50 {
        app.reserve_of("TEA", tea, 1).await.unwrap();
        app.evaluates().await;
    }

    let raised = alerts(&staff, None).await;
    assert_eq!(raised.len(), 1, "{raised:?}");
    let alert = &raised[0];
    assert_eq!(
        (&alert["rule"], &alert["subject"], &alert["status"], &alert["severity"]),
        (&json!("LOW_STOCK"), &json!("TEA"), &json!("OPEN"), &json!("WARNING"))
    );
    assert_eq!((&alert["measured"], &alert["threshold"]), (&json!("10"), &json!("at most 60")));

    app.receives("TEA", MAIN, 100).await;
    assert_eq!(app.evaluates().await, NOTHING, "not at once");
    app.waits(QUIET);
    assert_eq!(app.evaluates().await, Evaluated { raised: 0, resolved: 1 });
    let ended = &alerts(&staff, None).await[0];
    assert_eq!((&ended["id"], &ended["status"]), (&alert["id"], &json!("RESOLVED")));
    assert!(ended["resolvedAt"].is_string());

    // Another reason is another alert.
    app.reserve_of("TEA", tea, 100).await.unwrap();
    assert_eq!(app.evaluates().await, Evaluated { raised: 1, resolved: 0 });
    assert_eq!(alerts(&staff, None).await.len(), 2);
}

#[tokio::test]
async fn only_what_is_on_sale_and_low_as_a_whole_is_low() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has_low_at("LOW", 5, 5).await;
    app.has_low_at("FINE", 6, 5).await;
    let archived = app.has_low_at("ARCHIVED", 1, 5).await;
    app.archives(archived).await;
    app.drafts(&["DRAFT"]).await;
    app.receives("DRAFT", MAIN, 1).await;
    app.execute("UPDATE stock_level SET reorder_point = 5 WHERE on_hand = 1").await;
    // Little here, much elsewhere.
    app.has_low_at("SPREAD", 2, 5).await;
    let elsewhere = app.opens("ELSEWHERE", 2).await;
    app.receives("SPREAD", elsewhere, 50).await;
    // Never stocked.
    app.has("NEVER", 0).await;

    app.evaluates().await;

    let raised = alerts(&staff, None).await;
    let subjects: Vec<_> = raised.iter().map(|alert| &alert["subject"]).collect();
    assert_eq!(subjects, ["LOW"]);
}

#[tokio::test]
async fn a_provider_that_fails_is_told_of_until_it_is_well_again() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for _ in 0..20 {
        let payment = app.pays("card_error", true).await;
        assert_eq!(payment.state, PaymentState::Unavailable);
    }
    app.flushes().await;

    app.evaluates().await;
    let circuit = of_rule(&staff, "CIRCUIT_OPEN").await;
    let success = of_rule(&staff, "PAYMENT_SUCCESS_RATE").await;
    assert_eq!((circuit.len(), success.len()), (1, 1), "{circuit:?} {success:?}");
    assert_eq!(
        (&circuit[0]["subject"], &circuit[0]["severity"]),
        (&json!("sandbox"), &json!("CRITICAL"))
    );
    assert_eq!(success[0]["measured"], "0.00 % (0 of 20)");

    // It is tried again after a while, and is well.
    app.waits(TimeDelta::minutes(17));
    for _ in 0..3 {
        assert_eq!(app.pays("card_approved", true).await.state, PaymentState::Captured);
    }
    app.flushes().await;
    assert_eq!(app.evaluates().await, NOTHING);
    app.waits(QUIET);
    assert_eq!(app.evaluates().await, Evaluated { raised: 0, resolved: 2 });
    assert_eq!(alerts(&staff, Some("OPEN")).await, [] as [serde_json::Value; 0]);
}

#[tokio::test]
async fn a_provider_that_is_only_tried_again_is_still_told_of() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        app.pays("card_error", true).await;
    }
    app.evaluates().await;

    // Half open: nobody has tried yet.
    app.waits(TimeDelta::seconds(11));
    app.evaluates().await;
    app.waits(QUIET);
    let after = app.evaluates().await;

    assert_eq!(after.resolved, 0);
}

#[tokio::test]
async fn faults_of_the_server_are_told_of_above_five_percent() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.happens(GRAPHQL_REQUESTS, 200).await;
    app.happens(GRAPHQL_FAULTS, 10).await;
    assert_eq!(app.evaluates().await, NOTHING, "5 % are not more than 5 %");

    app.happens(GRAPHQL_FAULTS, 1).await;
    assert_eq!(app.evaluates().await, Evaluated { raised: 1, resolved: 0 });
    let raised = of_rule(&staff, "ERROR_RATE").await;
    assert!(raised[0]["measured"].as_str().unwrap().contains("11 of "), "{raised:?}");
    assert_eq!(raised[0]["subject"], json!(null));

    // Hardly anybody comes any more, and one of them met a fault: that is not better.
    app.waits(TimeDelta::minutes(7));
    app.happens(GRAPHQL_REQUESTS, 3).await;
    app.happens(GRAPHQL_FAULTS, 1).await;
    app.evaluates().await;
    app.waits(QUIET);
    assert_eq!(app.evaluates().await, NOTHING);

    app.waits(TimeDelta::minutes(7));
    assert_eq!(app.evaluates().await, NOTHING);
    app.waits(QUIET);
    assert_eq!(app.evaluates().await, Evaluated { raised: 0, resolved: 1 });
}

#[tokio::test]
async fn in_a_small_shop_five_payments_that_fail_are_told_of() {
    let app = TestApp::start().await;
    app.happens(PAYMENTS_FAILED, 4).await;
    assert_eq!(app.evaluates().await, NOTHING);

    app.happens(PAYMENTS_FAILED, 1).await;

    assert_eq!(app.evaluates().await, Evaluated { raised: 1, resolved: 0 });
}

#[tokio::test]
async fn a_source_that_fails_silences_its_own_rules_alone_and_resolves_nothing() {
    let app = TestApp::start().await;
    app.happens(STOCK_CONFLICTS, 1).await;
    assert_eq!(app.evaluates().await, Evaluated { raised: 1, resolved: 0 });
    app.has_low_at("TEA", 5, 5).await;
    app.execute("ALTER TABLE metric_bucket RENAME TO metric_bucket_elsewhere").await;
    app.waits(TimeDelta::hours(2));

    assert_eq!(app.evaluates().await, Evaluated { raised: 1, resolved: 0 });
    app.waits(QUIET);
    assert_eq!(app.evaluates().await, NOTHING, "it is not known whether it is over");

    app.execute("ALTER TABLE metric_bucket_elsewhere RENAME TO metric_bucket").await;
    app.evaluates().await;
    app.waits(QUIET);
    assert_eq!(app.evaluates().await, Evaluated { raised: 0, resolved: 1 });
}

#[tokio::test]
async fn of_more_low_skus_than_are_told_of_those_that_are_wanted_come_first_and_resolve() {
    let app = TestApp::start().await;
    let gone: Vec<String> = (0..1_005).map(|number| format!("GONE-{number}")).collect();
    app.sells(&gone.iter().map(String::as_str).collect::<Vec<_>>()).await;
    app.execute(&format!(
        "INSERT INTO stock_level (id, variant_id, warehouse_id, on_hand, reserved, incoming, \
         reorder_point, version, updated_at) SELECT id, id, {}, 0, 0, 0, 0, 1, updated_at \
         FROM product_variant",
        app.sql_key(MAIN)
    ))
    .await;
    app.has_low_at("WANTED", 5, 5).await;

    let raised = app.evaluates().await.raised;

    let of_wanted = "SELECT COUNT(*) FROM alert WHERE subject = 'WANTED' AND status = ";
    assert_eq!((raised, app.number(&format!("{of_wanted} 'OPEN'")).await), (1_000, 1));
    app.receives("WANTED", MAIN, 100).await;
    app.evaluates().await;
    app.waits(QUIET);
    // Its place is free for another one with the next turn.
    assert_eq!(app.evaluates().await, Evaluated { raised: 0, resolved: 1 });
    assert_eq!(app.number(&format!("{of_wanted} 'RESOLVED'")).await, 1);
    assert_eq!(app.evaluates().await, Evaluated { raised: 1, resolved: 0 });
    let open = "SELECT COUNT(*) FROM alert WHERE status = 'OPEN'";
    assert_eq!(app.number(open).await, 1_000);
}

/// The history has it that the database was found to be so, so many seconds ago.
async fn database_was(app: &TestApp, status: &str, seconds_ago: i64) {
    let change = component_change::Model {
        id: Uuid::now_v7(),
        component: "DATABASE".to_owned(),
        status: status.to_owned(),
        message: None,
        changed_at: app.app.db.now() - TimeDelta::seconds(seconds_ago),
    };
    let change = &change;
    let written: Result<_, stockroom::db::DbError> =
        app.app
            .db
            .tx(|tx| async move {
                Ok(change.clone().into_active_model().insert(tx.connection()).await?)
            })
            .await;
    written.expect("it is written");
}

#[tokio::test]
async fn a_time_without_the_database_is_an_alert_afterwards_and_one_alone() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    database_was(&app, "HEALTHY", 900).await;
    database_was(&app, "UNHEALTHY", 600).await;
    assert_eq!(app.evaluates().await, NOTHING, "it is not over");
    database_was(&app, "HEALTHY", 540).await;
    // A look that was slow.
    database_was(&app, "UNHEALTHY", 300).await;
    database_was(&app, "HEALTHY", 295).await;

    assert_eq!(app.evaluates().await, Evaluated { raised: 1, resolved: 0 });
    let raised = alerts(&staff, Some("OPEN")).await;
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_eq!(
        (&raised[0]["rule"], &raised[0]["subject"], &raised[0]["severity"]),
        (&json!("COMPONENT_DOWN"), &json!("DATABASE"), &json!("CRITICAL"))
    );
    assert!(raised[0]["message"].as_str().unwrap().contains("away for 60 s"), "{raised:?}");

    app.app.examine().await.unwrap();
    assert_eq!(app.evaluates().await, Evaluated { raised: 0, resolved: 1 });
    assert_eq!(app.evaluates().await, NOTHING, "it is not told of again");
}

#[tokio::test]
async fn a_recovery_that_hangs_does_not_keep_the_rules_from_being_asked() {
    let app = TestApp::with(|it| it.payment.call_limit = Duration::from_secs(3_600)).await;
    for _ in 0..40 {
        app.begins_to_pay("card_approved", true).await;
    }
    app.waits(TimeDelta::hours(1));
    let answers = Arc::new(Semaphore::new(0));
    let waited = Arc::clone(&answers);
    stockroom::failpoint::on("gateway.before_answer", move || {
        let waited = Arc::clone(&waited);
        async move { drop(waited.acquire().await) }
    });
    for _ in 0..8 {
        asks(&app, &stockroom::order::jobs::RecoverPayments {}).await;
    }
    let stopping = CancellationToken::new();
    let working = tokio::spawn(app.app.worker.clone().run(stopping.clone()));
    app.has_low_at("TEA", 5, 5).await;

    let open = "SELECT COUNT(*) FROM alert WHERE status = 'OPEN'";
    app.until("it is told of", async |app| app.number(open).await == 1).await;

    answers.close();
    stopping.cancel();
    working.await.unwrap();
}

#[tokio::test]
async fn rules_that_cannot_be_asked_are_asked_with_the_next_turn_and_not_again() {
    let app = TestApp::start().await;
    app.execute("ALTER TABLE alert RENAME TO alert_elsewhere").await;
    asks(&app, &EvaluateAlerts {}).await;

    app.works().await;

    assert_eq!(app.number("SELECT COUNT(*) FROM job WHERE status = 'dead'").await, 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM job WHERE status = 'queued'").await, 0);
}

/// Has a job written.
async fn asks<J: Job>(app: &TestApp, job: &J) {
    let job = &NewJob::new(job);
    let written = app.app.db.tx(|tx| async move { enqueue_in_txn(&tx, job).await });
    written.await.expect("the database answers");
}

#[tokio::test]
async fn a_conflict_of_stock_is_told_of_for_an_hour() {
    let app = TestApp::start().await;
    app.happens(STOCK_CONFLICTS, 1).await;
    assert_eq!(app.evaluates().await, Evaluated { raised: 1, resolved: 0 });

    app.waits(TimeDelta::minutes(50));
    app.evaluates().await;
    app.waits(QUIET);
    assert_eq!(app.evaluates().await, NOTHING);
    app.waits(TimeDelta::minutes(12));
    app.evaluates().await;
    app.waits(QUIET);
    assert_eq!(app.evaluates().await, Evaluated { raised: 0, resolved: 1 });
}

#[tokio::test]
async fn a_component_that_is_away_is_told_of() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    // Nobody listens there, and nobody works here.
    let mut lame =
        app.replica_with(|it| it.mail.smtp_url = Some("smtp://127.0.0.1:1".into())).await;
    lame.app.examiner = lame.app.examiner.clone().with_patience(Duration::from_secs(60));
    lame.app.examine().await.unwrap();
    assert_eq!(app.evaluates().await, NOTHING, "one look says nothing");
    lame.app.examine().await.unwrap();

    app.evaluates().await;

    let mut subjects: Vec<_> = of_rule(&staff, "COMPONENT_DOWN")
        .await
        .iter()
        .map(|alert| alert["subject"].as_str().unwrap().to_owned())
        .collect();
    subjects.sort();
    assert_eq!(subjects, ["MAIL", "WORKER"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_it_at_the_same_time_it_is_one_alert() {
    let app = TestApp::start().await;
    let (staff, other) = (app.staff().await, app.replica().await);
    app.has_low_at("TEA", 5, 5).await;
    app.happens(STOCK_CONFLICTS, 1).await;

    let asked = join_all((0..20).map(|turn| {
        let replica = if turn % 2 == 0 { &app } else { &other };
        replica.evaluates()
    }));
    let raised: usize = asked.await.iter().map(|done| done.raised).sum();

    assert_eq!(raised, 2);
    assert_eq!(alerts(&staff, None).await.len(), 2);
}

#[tokio::test]
async fn a_second_unresolved_alert_of_a_subject_is_refused_by_the_database() {
    let app = TestApp::start().await;
    app.has_low_at("TEA", 5, 5).await;
    app.evaluates().await;
    let copy = "INSERT INTO alert (id, rule, subject, severity, status, message, threshold, \
        measured, version, raised_at, updated_at) SELECT CAST({id} AS {uuid}), rule, subject, \
        severity, 'OPEN', message, threshold, measured, 1, raised_at, updated_at FROM alert";
    let copy = copy.replace("CAST({id} AS {uuid})", &app.sql_key(uuid::Uuid::now_v7()));

    let copied: Result<_, stockroom::db::DbError> = app
        .app
        .db
        .tx(|tx| {
            let copy = copy.clone();
            async move {
                use sea_orm::ConnectionTrait;
                Ok(tx.connection().execute_unprepared(&copy).await?)
            }
        })
        .await;

    let refused = copied.expect_err("one is there");
    assert_eq!(refused.kind, stockroom::db::DbErrorKind::Unique);
}

#[tokio::test]
async fn the_job_asks_the_rules_and_old_alerts_are_forgotten() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has_low_at("TEA", 5, 5).await;
    app.has_low_at("MILK", 5, 5).await;
    asks(&app, &EvaluateAlerts {}).await;
    app.works().await;
    assert_eq!(alerts(&staff, Some("OPEN")).await.len(), 2);

    app.receives("TEA", MAIN, 100).await;
    app.evaluates().await;
    app.waits(QUIET);
    app.evaluates().await;
    app.waits(TimeDelta::days(91));
    let forgotten = app.app.services.alerts.purge(TimeDelta::days(90)).await.unwrap();

    assert_eq!(forgotten, 1);
    assert_eq!(app.number("SELECT COUNT(*) FROM alert WHERE subject = 'MILK'").await, 1);
}
