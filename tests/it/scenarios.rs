//! Quality scenarios: what was measured, and that nothing passes that was not.

use crate::app::{Caller, Socket, TestApp};
use chrono::TimeDelta;
use futures::StreamExt;
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use serde_json::{Value, json};
use std::sync::Arc;
use stockroom::failpoint;
use stockroom::payment::{Outcome, PaymentState};
use stockroom::telemetry::{
    self, LIVE_STOCK_CLOCKS_DIFFER, LIVE_STOCK_DELAY, ORDERS_PLACED, PAYMENT_CALLS_WHILE_OPEN,
    PAYMENTS_FAILED, PAYMENTS_SUCCEEDED, STOCK_CONFLICTS, STOCK_REJECTIONS,
};
use tokio::sync::Semaphore;

async fn scenario(staff: &Caller, id: &str) -> Value {
    let document = "{ qualityScenarios(days: 2) { id title status target measured evidence } }";
    let answer = staff.query(document).await;
    let all = answer.data()["qualityScenarios"].as_array().expect("a list").clone();
    let ids: Vec<_> = all.iter().map(|scenario| scenario["id"].clone()).collect();
    assert_eq!(ids, ["A1", "A2", "A3"]);
    all.into_iter().find(|scenario| scenario["id"] == id).expect("it is judged")
}

#[tokio::test]
async fn an_empty_shop_passes_nothing() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for id in ["A1", "A2", "A3"] {
        let judged = scenario(&staff, id).await;
        assert_eq!(judged["status"], "INSUFFICIENT_DATA", "{judged}");
    }
    for days in [0, 91, -1] {
        let answer = staff.query(format!("{{ qualityScenarios(days: {days}) {{ id }} }}")).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"]);
    }
}

#[tokio::test]
async fn a_hundred_checkouts_without_an_incident_pass_and_one_conflict_fails() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.happens(ORDERS_PLACED, 99).await;
    assert_eq!(scenario(&staff, "A1").await["status"], "INSUFFICIENT_DATA");

    app.happens(ORDERS_PLACED, 1).await;
    app.happens(STOCK_REJECTIONS, 80).await;
    let passed = scenario(&staff, "A1").await;
    assert_eq!(passed["status"], "PASS", "{passed}");
    assert!(passed["evidence"][0].as_str().unwrap().starts_with("100 "), "{passed}");

    app.happens(STOCK_CONFLICTS, 1).await;
    assert_eq!(scenario(&staff, "A1").await["status"], "FAIL");
}

/// Runs statements that the constraints of the database would refuse.
async fn forces(app: &TestApp, postgres: &str, statement: &str) {
    let mut options = ConnectOptions::new(app.database_url());
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.expect("the database answers");
    let sqlite = "PRAGMA ignore_check_constraints = ON";
    let first = if app.app.db.is_postgres() { postgres } else { sqlite };
    connection.execute_unprepared(first).await.expect("it obeys");
    connection.execute_unprepared(statement).await.expect("nothing refuses any more");
    connection.close().await.expect("it closes");
}

#[tokio::test]
async fn a_forced_oversell_of_stock_fails_whatever_was_counted() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("TEA", 5).await;

    forces(
        &app,
        "ALTER TABLE stock_level DROP CONSTRAINT stock_level_reserved_check",
        "UPDATE stock_level SET reserved = 6",
    )
    .await;

    let judged = scenario(&staff, "A1").await;
    assert_eq!(judged["status"], "FAIL", "{judged}");
    assert!(judged["measured"].as_str().unwrap().starts_with("1 oversell incidents"), "{judged}");
    app.happens(ORDERS_PLACED, 1_000).await;
    assert_eq!(scenario(&staff, "A1").await["status"], "FAIL");
}

#[tokio::test]
async fn a_flash_sale_that_gave_more_than_it_had_fails() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.offers("TEA", 10, 1_000).await;
    app.flashes("TEA", 800, 5, None).await;

    forces(
        &app,
        "ALTER TABLE flash_sale DROP CONSTRAINT flash_sale_taken_check",
        "UPDATE flash_sale SET taken = 6",
    )
    .await;

    assert_eq!(scenario(&staff, "A1").await["status"], "FAIL");
}

/// So many attempts to pay are decided so.
async fn decides(app: &TestApp, outcome: &str, count: i64) {
    let day = app.app.db.now().date_naive();
    app.execute(&format!(
        "INSERT INTO payment_stat_change (day, outcome, count) VALUES ('{day}', '{outcome}', {count})"
    ))
    .await;
}

#[tokio::test]
async fn payments_pass_at_ninety_five_percent_with_declines_apart() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for (outcome, count) in [("succeeded", 95), ("failed", 5), ("declined", 500)] {
        decides(&app, outcome, count).await;
    }
    let passed = scenario(&staff, "A2").await;
    assert_eq!(passed["status"], "PASS", "{passed}");
    assert!(passed["measured"].as_str().unwrap().starts_with("95.00 %"), "{passed}");

    decides(&app, "failed", 1).await;

    assert_eq!(scenario(&staff, "A2").await["status"], "FAIL");
}

#[tokio::test]
async fn an_attempt_whose_money_came_after_all_is_one_attempt_and_succeeded() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let payment = app.pays("card_error", true).await;
    assert_eq!(payment.state, PaymentState::Unavailable);
    let (failed, succeeded) =
        (telemetry::total(PAYMENTS_FAILED), telemetry::total(PAYMENTS_SUCCEEDED));
    let came = Outcome::Captured { reference: "late".to_owned(), amount: 10_000 };
    let (payments, asked, came) = (app.payments(), &payment, &came);
    let found =
        app.app.db.tx(|tx| async move { payments.settle_found_in_txn(&tx, asked, came).await });
    assert!(found.await.unwrap().is_some(), "it is news");
    app.flushes().await;

    let judged = scenario(&staff, "A2").await;

    assert!(judged["evidence"][0].as_str().unwrap().starts_with("1 payments"), "{judged}");
    assert!(judged["evidence"][1].as_str().unwrap().starts_with("1 succeeded, 0"), "{judged}");
    // The rules of alerts go by what processes count: there it stays one, as it was decided first.
    assert_eq!(
        (telemetry::total(PAYMENTS_FAILED), telemetry::total(PAYMENTS_SUCCEEDED)),
        (failed, succeeded)
    );
}

#[tokio::test]
async fn refusals_of_an_open_circuit_are_timed_and_nobody_calls() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for _ in 0..20 {
        app.pays("card_error", true).await;
    }
    let payment = app.begins_to_pay("card_approved", true).await;
    for _ in 0..5 {
        app.payments().authorize(&payment).await;
    }
    app.flushes().await;

    let judged = scenario(&staff, "A2").await;
    assert!(judged["evidence"][3].as_str().unwrap().starts_with("5 were refused"), "{judged}");
    assert!(judged["evidence"][4].as_str().unwrap().starts_with("0 calls"), "{judged}");
    app.happens(PAYMENT_CALLS_WHILE_OPEN, 1).await;
    assert_eq!(scenario(&staff, "A2").await["status"], "FAIL");
}

/// Watches this SKU on a socket, and has its first state.
async fn watches(app: &TestApp, sku: &str) -> Socket {
    let mut socket = app.socket().await;
    let watch = "subscription($skus: [String!]) { stockChanged(skus: $skus) { version } }";
    socket.subscribe_with("1", watch, json!({ "skus": [sku] })).await;
    socket.next_of("1").await;
    socket
}

#[tokio::test]
async fn of_changes_that_are_told_at_once_the_oldest_is_timed() {
    let app = TestApp::start().await;
    let tea = app.has("TEA", 5).await;
    // The subscription is held back after its first state, until both changes are there.
    let turns = Arc::new(Semaphore::new(1));
    let gate = Arc::clone(&turns);
    failpoint::on("subscription.before_event", move || {
        let gate = Arc::clone(&gate);
        async move { gate.acquire().await.expect("it is open").forget() }
    });
    let mut socket = watches(&app, "TEA").await;
    let mut beside = app.app.services.live_stock.watch(vec![tea]).await.map(Box::pin).unwrap();
    beside.next().await;
    app.receives("TEA", crate::app::MAIN, 1).await;
    beside.next().await;
    app.waits(TimeDelta::minutes(10));
    app.receives("TEA", crate::app::MAIN, 1).await;
    // Whoever watches beside it has both, and so has it.
    beside.next().await;
    let before = telemetry::spread(LIVE_STOCK_DELAY);
    turns.add_permits(1);
    socket.next_of("1").await;

    let after = telemetry::spread(LIVE_STOCK_DELAY);
    assert_eq!(after.count() - before.count(), 1, "one was told");
    assert!(after.sum_us - before.sum_us >= 600_000_000, "and the older one is timed");
}

#[tokio::test]
async fn clocks_that_differ_give_no_delay_and_are_told_of() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("TEA", 5).await;
    let mut socket = watches(&app, "TEA").await;
    let db = app.app.db.clone();
    // By the clock of whoever hands it over, the change comes in an hour.
    failpoint::on("subscription.before_handing", move || {
        db.move_clock(TimeDelta::hours(-1));
        std::future::ready(())
    });

    app.receives("TEA", crate::app::MAIN, 1).await;
    socket.next_of("1").await;

    assert_eq!(telemetry::spread(LIVE_STOCK_DELAY).count(), 0);
    assert_eq!(telemetry::total(LIVE_STOCK_CLOCKS_DIFFER), 1);
    app.waits(TimeDelta::hours(1));
    app.happens(LIVE_STOCK_CLOCKS_DIFFER, 1).await;
    let judged = scenario(&staff, "A3").await;
    assert!(judged["evidence"][2].as_str().unwrap().starts_with("2 changes"), "{judged}");
}

#[tokio::test]
async fn what_is_timed_of_live_stock_are_changes_and_not_the_first_state() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("TEA", 5).await;
    let mut socket = app.socket().await;
    let watch = "subscription($skus: [String!]) { stockChanged(skus: $skus) { version } }";
    socket.subscribe_with("1", watch, json!({ "skus": ["TEA"] })).await;
    socket.next_of("1").await;
    assert_eq!(telemetry::spread(LIVE_STOCK_DELAY).count(), 0);

    for _ in 0..3 {
        app.receives("TEA", crate::app::MAIN, 1).await;
        socket.next_of("1").await;
    }

    assert_eq!(telemetry::spread(LIVE_STOCK_DELAY).count(), 3);
    app.flushes().await;
    let judged = scenario(&staff, "A3").await;
    assert_eq!(judged["status"], "INSUFFICIENT_DATA");
    assert!(judged["evidence"][0].as_str().unwrap().starts_with("3 changes"), "{judged}");
}
