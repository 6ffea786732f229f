//! What `metrics` and `metricsChanged` tell, and whom.

use super::{METRICS, metrics_of};
use crate::app::TestApp;
use chrono::{TimeDelta, Timelike};
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stockroom::auth::Viewer;
use stockroom::failpoint;
use stockroom::telemetry::{
    self, CACHE_HITS, CACHE_MISSES, HTTP_REQUESTS, STOCK_CONFLICTS, STOCK_REJECTIONS,
    THROTTLED_REQUESTS,
};

#[tokio::test]
async fn of_nothing_there_are_days_and_no_rates() {
    let app = TestApp::start().await;
    app.is_far_from_midnight();
    let staff = app.staff().await;

    let metrics = metrics_of(&staff, 90).await;

    assert_eq!((&metrics["days"], &metrics["requests"]), (&json!(90), &json!("0")));
    for rate in [
        "errorRate",
        "paymentSuccessRate",
        "avgResponseTimeMs",
        "p95ResponseTimeMs",
        "cacheHitRate",
    ] {
        assert_eq!(metrics[rate], Value::Null, "{rate}");
    }
    for count in ["stockConflicts", "stockRejections", "throttledRequests"] {
        assert_eq!(metrics[count], 0, "{count}");
    }
    assert_eq!(metrics["circuitBreakerState"], "CLOSED");
    let today = app.app.db.now().date_naive();
    for (list, figure) in
        [("ordersPerDay", "count"), ("refundsPerDay", "count"), ("paymentsPerDay", "failed")]
    {
        let days = metrics[list].as_array().unwrap();
        assert_eq!(days.len(), 90, "{list}");
        assert_eq!(days[0]["date"], json!((today - TimeDelta::days(89)).to_string()), "{list}");
        assert_eq!(days[89]["date"], json!(today.to_string()), "{list}");
        assert!(days.iter().all(|day| day[figure] == 0), "{list}");
    }
}

#[tokio::test]
async fn what_was_counted_makes_the_rates() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for _ in 0..7 {
        app.guest().query("{ __typename }").await.data();
    }
    // A refusal is no fault.
    let refused = app.guest().query("{ nothingOfThisName }").await;
    assert_eq!(refused.error_codes(), ["GRAPHQL_VALIDATION_FAILED"]);
    // A fault is one.
    app.execute("ALTER TABLE tax_rate RENAME TO tax_rate_away").await;
    let broken = staff.query("{ taxRates { country } }").await;
    assert_eq!(broken.error_codes(), ["INTERNAL_SERVER_ERROR"]);
    app.execute("ALTER TABLE tax_rate_away RENAME TO tax_rate").await;
    app.flushes().await;
    let before = metrics_of(&staff, 7).await;
    assert_eq!(before["requests"], "9");
    let rate = before["errorRate"].as_f64().unwrap();
    assert!((rate - 100.0 / 9.0).abs() < 1e-9, "{rate}");
    assert!(before["avgResponseTimeMs"].as_f64().unwrap() > 0.0);
    assert!(before["p95ResponseTimeMs"].as_f64().unwrap() > 0.0);

    telemetry::add(STOCK_CONFLICTS, 2);
    telemetry::add(STOCK_REJECTIONS, 3);
    telemetry::add(THROTTLED_REQUESTS, 4);
    let hits = telemetry::total(CACHE_HITS) as f64 + 30.0;
    let misses = telemetry::total(CACHE_MISSES) as f64 + 10.0;
    telemetry::add(CACHE_HITS, 30);
    telemetry::add(CACHE_MISSES, 10);
    // So many that a few requests of this test weigh nothing.
    for _ in 0..10_000 {
        telemetry::time(HTTP_REQUESTS, Duration::from_millis(18));
    }
    app.flushes().await;
    let metrics = metrics_of(&staff, 7).await;
    assert_eq!(
        ["stockConflicts", "stockRejections", "throttledRequests"].map(|it| &metrics[it]),
        [&json!(2), &json!(3), &json!(4)]
    );
    let rate = metrics["cacheHitRate"].as_f64().unwrap();
    assert!((rate - hits / (hits + misses) * 100.0).abs() < 1e-9, "{rate}");
    let p95 = metrics["p95ResponseTimeMs"].as_f64().unwrap();
    assert!((15.0..=20.0).contains(&p95), "{p95}");
}

#[tokio::test]
async fn operations_on_sockets_are_requests_as_well() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    socket.subscribe("1", "{ __typename }").await;
    socket.next_of("1").await;
    socket.subscribe("2", "{ nothingOfThisName }").await;
    app.until("both are counted", async |_| telemetry::total(telemetry::GRAPHQL_REQUESTS) == 2)
        .await;
    assert_eq!(telemetry::total(telemetry::GRAPHQL_FAULTS), 0);
    assert_eq!(telemetry::spread(HTTP_REQUESTS).count(), 0, "they are not timed");
    assert_eq!(telemetry::level(telemetry::OPEN_SOCKETS), 1);
    drop(socket);
    app.until("it is closed", async |_| telemetry::level(telemetry::OPEN_SOCKETS) == 0).await;
}

#[tokio::test]
async fn a_panic_in_a_subscription_is_a_fault() {
    let app = TestApp::start().await;
    app.has("CUP", 5).await;
    failpoint::on("subscription.before_event", || async { panic!("on purpose") });
    let mut socket = app.socket().await;

    socket.subscribe("1", "subscription { stockChanged(skus: [\"CUP\"]) { version } }").await;

    let message = socket.next().await;
    assert_eq!(message["type"], "error", "{message}");
    assert_eq!(message["payload"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR", "{message}");
    assert_eq!(telemetry::total(telemetry::GRAPHQL_FAULTS), 1);
}

#[tokio::test]
async fn history_has_a_point_an_hour_and_of_one_day_every_five_minutes() {
    let app = TestApp::start().await;
    app.is_far_from_midnight();
    let staff = app.staff().await;
    for _ in 0..3 {
        app.guest().query("{ __typename }").await.data();
    }
    app.flushes().await;
    let points = async |days: i64| {
        let document = "query ($days: Int!) { metrics(days: $days) { history \
                        { at requests errorRate avgResponseTimeMs p95ResponseTimeMs } } }";
        let answer = staff.query(document).with_variables(json!({ "days": days })).await;
        answer.data()["metrics"]["history"].as_array().unwrap().clone()
    };
    let before = app.app.db.now();
    let (day, week) = (points(1).await, points(7).await);
    let after = app.app.db.now();

    // Midnight or the end of an hour may have come between.
    let minutes =
        |at: chrono::DateTime<chrono::Utc>| at.hour() as usize * 60 + at.minute() as usize;
    let of_day = [before, after].map(|at| minutes(at) / 5 + 1);
    assert!(of_day.contains(&day.len()), "{} points, {of_day:?}", day.len());
    let of_week = [before, after].map(|at| 6 * 24 + at.hour() as usize + 1);
    assert!(of_week.contains(&week.len()), "{} points, {of_week:?}", week.len());
    let moment = |point: &Value| -> chrono::DateTime<chrono::Utc> {
        point["at"].as_str().unwrap().parse().unwrap()
    };
    for (points, step) in [(&day, TimeDelta::minutes(5)), (&week, TimeDelta::hours(1))] {
        assert!(points.windows(2).all(|pair| moment(&pair[1]) - moment(&pair[0]) == step));
    }
    let sum =
        |points: &[Value]| points.iter().map(|it| it["requests"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(sum(&week), 3);
    for point in &week {
        assert_eq!(point["avgResponseTimeMs"].is_null(), point["requests"] == 0, "{point}");
        assert_eq!(point["errorRate"].is_null(), point["requests"] == 0, "{point}");
    }
}

#[tokio::test]
async fn figures_are_for_staff_and_for_ninety_days_at_most() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for days in [0, -1, 91] {
        let answer = staff.query(METRICS).with_variables(json!({ "days": days })).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{days}");
    }
    let customer = app.customer().await;
    assert_eq!(customer.query("{ metrics { days } }").await.error_codes(), ["FORBIDDEN"]);
    let guest = app.guest();
    assert_eq!(guest.query("{ metrics { days } }").await.error_codes(), ["UNAUTHENTICATED"]);
    assert_eq!(staff.query("{ metrics { days } }").await.data()["metrics"]["days"], 7);
}

#[tokio::test]
async fn who_watches_has_the_present_and_then_each_change() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let mut socket = app.socket_with_token(staff.token().unwrap()).await;
    let document = "subscription { metricsChanged(days: 2) { stockConflicts history { at } } }";
    socket.subscribe("1", document).await;
    let first = socket.next_of("1").await;
    assert_eq!(first["data"]["metricsChanged"]["stockConflicts"], 0, "{first}");
    assert!(first["data"]["metricsChanged"]["history"].as_array().unwrap().len() > 24);

    // Other figures change as well: it is told until it has this one.
    let mut known = 0;
    for expected in [2, 5] {
        telemetry::add(STOCK_CONFLICTS, expected - known);
        app.flushes().await;
        known = expected;
        loop {
            let next = socket.next_of("1").await;
            let told = next["data"]["metricsChanged"]["stockConflicts"].as_u64().unwrap();
            assert!(told <= u64::try_from(expected).unwrap());
            if told == u64::try_from(expected).unwrap() {
                break;
            }
        }
    }
}

/// Counts how often a place is passed from now on.
fn passes(place: &str) -> Arc<AtomicU64> {
    let passes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&passes);
    failpoint::on(place, move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(())
    });
    passes
}

#[tokio::test]
async fn those_who_watch_the_same_days_share_one_look_at_the_database() {
    let app = TestApp::start().await;
    let metrics = app.metrics();
    let mut watching = Vec::new();
    for _ in 0..5 {
        let mut reports = Box::pin(metrics.watch(Viewer::System, 90).await.unwrap());
        reports.next().await.unwrap().unwrap();
        watching.push(reports);
    }
    let mut week = Box::pin(metrics.watch(Viewer::System, 7).await.unwrap());
    week.next().await.unwrap().unwrap();
    let (figures, history) = (passes("metrics.after_figures"), passes("metrics.after_history"));
    telemetry::add(STOCK_CONFLICTS, 2);
    app.flushes().await;

    for reports in &mut watching {
        let report = reports.next().await.unwrap().unwrap();
        assert_eq!(report.figures.counts.total(STOCK_CONFLICTS), 2);
        let points = metrics.history_of(&Viewer::System, &report).await.unwrap();
        assert!(points.len() > 89 * 24);
    }
    week.next().await.unwrap().unwrap();

    assert_eq!(figures.load(Ordering::SeqCst), 2, "one for each window");
    assert_eq!(history.load(Ordering::SeqCst), 1);

    // Whoever comes later is told what is true by then, and so are the others.
    let mut late = Box::pin(metrics.watch(Viewer::System, 90).await.unwrap());
    late.next().await.unwrap().unwrap();
    telemetry::add(STOCK_CONFLICTS, 1);
    app.flushes().await;
    for reports in watching.iter_mut().chain([&mut late, &mut week]) {
        let report = reports.next().await.unwrap().unwrap();
        assert_eq!(report.figures.counts.total(STOCK_CONFLICTS), 3);
    }

    // When nobody watches any more, nothing is read.
    drop((watching, late));
    let before = figures.load(Ordering::SeqCst);
    telemetry::add(STOCK_CONFLICTS, 1);
    app.flushes().await;
    week.next().await.unwrap().unwrap();
    assert_eq!(figures.load(Ordering::SeqCst) - before, 1, "the week's");
}

#[tokio::test]
async fn who_watches_hears_what_another_replica_wrote() {
    let app = TestApp::start().await;
    if app.app.settings.redis_url.is_none() {
        // Alone, a process hears itself.
        return;
    }
    let other = app.replica().await;
    let staff = app.staff().await;
    let mut socket = app.socket_with_token(staff.token().unwrap()).await;
    socket.subscribe("1", "subscription { metricsChanged { stockConflicts } }").await;
    assert_eq!(socket.next_of("1").await["data"]["metricsChanged"]["stockConflicts"], 0);

    telemetry::add(STOCK_CONFLICTS, 3);
    other.flushes().await;

    assert_eq!(socket.next_of("1").await["data"]["metricsChanged"]["stockConflicts"], 3);
}

#[tokio::test]
async fn who_may_not_see_figures_may_not_watch_them() {
    let app = TestApp::start().await;
    let customer = app.customer().await;
    let mut socket = app.socket_with_token(customer.token().unwrap()).await;
    socket.subscribe("1", "subscription { metricsChanged { days } }").await;
    let answer = socket.next().await;
    assert_eq!(answer["type"], "error", "{answer}");
    assert_eq!(answer["payload"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
}
