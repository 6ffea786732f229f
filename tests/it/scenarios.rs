//! Quality scenarios: what was measured, and that nothing passes that was not.

use crate::app::{Caller, TestApp};
use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use serde_json::{Value, json};
use stockroom::telemetry::{
    self, LIVE_STOCK_DELAY, ORDERS_PLACED, PAYMENT_CALLS_WHILE_OPEN, PAYMENTS_DECLINED,
    PAYMENTS_FAILED, PAYMENTS_SUCCEEDED, STOCK_CONFLICTS, STOCK_REJECTIONS,
};

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

#[tokio::test]
async fn payments_pass_at_ninety_five_percent_with_declines_apart() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.happens(PAYMENTS_SUCCEEDED, 95).await;
    app.happens(PAYMENTS_FAILED, 5).await;
    app.happens(PAYMENTS_DECLINED, 500).await;
    let passed = scenario(&staff, "A2").await;
    assert_eq!(passed["status"], "PASS", "{passed}");
    assert!(passed["measured"].as_str().unwrap().starts_with("95.00 %"), "{passed}");

    app.happens(PAYMENTS_FAILED, 1).await;

    assert_eq!(scenario(&staff, "A2").await["status"], "FAIL");
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
