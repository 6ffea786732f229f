//! Writing what is counted: it adds up over processes, nothing is lost, nothing counts twice, and
//! what is old is forgotten.

use crate::app::{ServerProcess, TestApp};
use chrono::TimeDelta;
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stockroom::auth::Viewer;
use stockroom::failpoint;
use stockroom::telemetry::{
    self, GRAPHQL_REQUESTS, HTTP_REQUESTS, METRICS_FLUSHES_FAILED, STOCK_CONFLICTS,
    STOCK_REJECTIONS,
};

#[tokio::test]
async fn what_was_counted_is_written_once_by_the_minute_and_by_the_hour() {
    let app = TestApp::start().await;
    telemetry::add(STOCK_REJECTIONS, 3);
    telemetry::time(HTTP_REQUESTS, Duration::from_millis(4));
    telemetry::time(HTTP_REQUESTS, Duration::from_millis(40));
    assert!(app.flushes().await > 0);
    telemetry::add(STOCK_REJECTIONS, 2);
    app.flushes().await;

    assert_eq!(app.flushes().await, 0, "nothing is left");

    let lately = app.metrics().in_the_last(TimeDelta::minutes(10)).await.unwrap();
    for counts in [lately, app.counted().await] {
        assert_eq!(counts.total(STOCK_REJECTIONS), 5);
        assert_eq!(counts.total(STOCK_CONFLICTS), 0);
        assert_eq!(counts.count_of(HTTP_REQUESTS), 2);
        let mean = counts.mean_ms(HTTP_REQUESTS).unwrap();
        assert!((21.9..=22.1).contains(&mean), "{mean}");
        let p95 = counts.quantile_ms(HTTP_REQUESTS, 0.95).unwrap();
        assert!((30.0..=50.0).contains(&p95), "{p95}");
    }
}

#[tokio::test]
async fn figures_belong_to_their_minutes_and_days() {
    let app = TestApp::start().await;
    app.is_far_from_midnight();
    telemetry::count(STOCK_REJECTIONS);
    app.flushes().await;
    app.waits(TimeDelta::days(2));
    telemetry::add(STOCK_REJECTIONS, 10);
    app.flushes().await;

    assert_eq!(app.counted_of(STOCK_REJECTIONS).await, 10);
    let of_days = app.metrics().of_days(3).await.unwrap();
    assert_eq!(of_days.total(STOCK_REJECTIONS), 11);
    let lately = async |time| app.metrics().in_the_last(time).await.unwrap();
    assert_eq!(lately(TimeDelta::minutes(5)).await.total(STOCK_REJECTIONS), 10);
    let longer = TimeDelta::days(2) + TimeDelta::minutes(5);
    assert_eq!(lately(longer).await.total(STOCK_REJECTIONS), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_count_and_write_at_once_add_up() {
    let one = TestApp::start().await;
    let other = one.replica().await;
    let counting = (0..8).map(|task| {
        let metrics = if task % 2 == 0 { one.metrics() } else { other.metrics() }.clone();
        tokio::spawn(async move {
            for turn in 0..25 {
                telemetry::count(STOCK_CONFLICTS);
                telemetry::time(HTTP_REQUESTS, Duration::from_micros(100 + turn * 1_000));
                metrics.flush().await.expect("the database answers");
            }
        })
    });
    join_all(counting).await.into_iter().for_each(|ended| ended.expect("nobody panics"));

    one.flushes().await;
    let counts = other.counted().await;
    assert_eq!(counts.total(STOCK_CONFLICTS), 200);
    assert_eq!(counts.count_of(HTTP_REQUESTS), 200);
}

#[tokio::test]
async fn what_could_not_be_written_is_written_the_next_time() {
    let app = TestApp::start().await;
    telemetry::add(STOCK_CONFLICTS, 4);
    let failed = telemetry::total(METRICS_FLUSHES_FAILED);
    app.execute("ALTER TABLE metric_bucket RENAME TO metric_bucket_away").await;
    assert!(app.metrics().flush().await.is_err());
    telemetry::add(STOCK_CONFLICTS, 2);
    assert!(app.metrics().flush().await.is_err());
    assert_eq!(telemetry::total(METRICS_FLUSHES_FAILED) - failed, 2);

    app.execute("ALTER TABLE metric_bucket_away RENAME TO metric_bucket").await;
    app.flushes().await;

    assert_eq!(app.counted_of(STOCK_CONFLICTS).await, 6);
    assert_eq!(telemetry::total(STOCK_CONFLICTS), 6);
}

/// How many conflicts each bucket has, the oldest first.
async fn buckets(app: &TestApp, resolution: &str) -> Vec<i64> {
    let sql = format!(
        "SELECT CAST(value AS text) FROM metric_bucket WHERE resolution = '{resolution}' \
         AND metric = 'stock_conflicts' ORDER BY starts_at"
    );
    app.texts(&sql).await.iter().map(|value| value.parse().expect("a number")).collect()
}

#[tokio::test]
async fn what_is_counted_while_the_database_is_away_counts_in_the_minutes_of_then() {
    let app = TestApp::start().await;
    app.execute("ALTER TABLE metric_bucket RENAME TO metric_bucket_away").await;
    for amount in [4, 2, 3] {
        telemetry::add(STOCK_CONFLICTS, amount);
        assert!(app.metrics().flush().await.is_err());
        app.waits(TimeDelta::minutes(70));
    }
    // This one is counted while a flush hangs, and noted beside it.
    telemetry::add(STOCK_CONFLICTS, 5);
    app.metrics().note();
    app.waits(TimeDelta::minutes(20));
    app.execute("ALTER TABLE metric_bucket_away RENAME TO metric_bucket").await;

    app.flushes().await;

    assert_eq!(buckets(&app, "MINUTE").await, [4, 2, 3, 5]);
    assert_eq!(buckets(&app, "HOUR").await, [4, 2, 3, 5]);
    let lately = async |minutes| {
        let counts = app.metrics().in_the_last(TimeDelta::minutes(minutes)).await.unwrap();
        counts.total(STOCK_CONFLICTS)
    };
    assert_eq!((lately(15).await, lately(30).await, lately(100).await), (0, 5, 8));
}

#[tokio::test]
async fn what_was_written_without_an_answer_is_not_written_again() {
    let app = TestApp::start().await;
    let written = Arc::new(tokio::sync::Notify::new());
    let (tell, hang) = (Arc::clone(&written), Arc::new(AtomicBool::new(true)));
    let hangs = Arc::clone(&hang);
    failpoint::on("metrics.after_write", move || {
        let (tell, hangs) = (Arc::clone(&tell), hangs.load(Ordering::SeqCst));
        async move {
            if hangs {
                tell.notify_one();
                std::future::pending::<()>().await;
            }
        }
    });
    telemetry::add(STOCK_CONFLICTS, 4);
    tokio::select! {
        _ = app.metrics().flush() => unreachable!("it does not come to its end"),
        () = written.notified() => {}
    }
    hang.store(false, Ordering::SeqCst);
    telemetry::add(STOCK_CONFLICTS, 2);

    app.flushes().await;

    assert_eq!(app.counted_of(STOCK_CONFLICTS).await, 6);
}

#[tokio::test]
async fn buckets_are_named_by_the_clock_of_the_database() {
    let app = TestApp::start().await;
    app.is_far_from_midnight();
    if !app.app.db.is_postgres() {
        // The process's clock is that of the database.
        return;
    }
    // For whoever connects from now on, the database is three days ahead.
    app.execute(
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
         $$ SELECT pg_catalog.clock_timestamp() + interval '3 days' $$",
    )
    .await;
    app.execute(
        "DO $$ BEGIN EXECUTE format( \
             'ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
    )
    .await;
    let other = app.replica().await;
    telemetry::add(STOCK_CONFLICTS, 3);
    other.flushes().await;

    assert_eq!(other.counted_of(STOCK_CONFLICTS).await, 3);
    let lately = other.metrics().in_the_last(TimeDelta::minutes(5)).await.unwrap();
    assert_eq!(lately.total(STOCK_CONFLICTS), 3);
    let figures = other.metrics().figures(&Viewer::System, 1).await.unwrap();
    let [today] = figures.days.as_slice() else { panic!("one day: {:?}", figures.days) };
    let here = app.app.db.now().date_naive();
    assert!((today.date - here).num_days() >= 3, "{} and {here}", today.date);
    let history = other.metrics().history(&Viewer::System, 2).await.unwrap();
    assert!(history.last().expect("there are hours").at.date_naive() >= today.date);
    // Nothing of it is old by that clock.
    other.metrics().purge().await.unwrap();
    assert_eq!(other.counted_of(STOCK_CONFLICTS).await, 3);
}

#[tokio::test]
async fn processes_write_on_their_way_out_what_they_counted() {
    let app = TestApp::start().await;
    let mut expected = 0;
    for requests in [3, 4] {
        let mut server = ServerProcess::start(&app).await;
        for _ in 0..requests {
            let body = serde_json::json!({ "query": "{ __typename }" });
            let client = reqwest::Client::new();
            let answer = client.post(server.url("/graphql")).json(&body).send().await.unwrap();
            assert!(answer.status().is_success());
        }
        server.end_and_read_log().await;
        expected += requests;

        let counts = app.counted().await;
        assert_eq!(counts.total(GRAPHQL_REQUESTS), expected);
        assert_eq!(counts.count_of(HTTP_REQUESTS), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_write_at_the_same_time_add_up() {
    let app = TestApp::start().await;
    let (mut one, mut two) = tokio::join!(ServerProcess::start(&app), ServerProcess::start(&app));
    let ask = async |server: &ServerProcess, times: u32| {
        let client = reqwest::Client::new();
        for _ in 0..times {
            let body = serde_json::json!({ "query": "{ __typename }" });
            let answer = client.post(server.url("/graphql")).json(&body).send().await.unwrap();
            assert!(answer.status().is_success());
        }
    };
    // Both write while they run, each in the rows of the other.
    tokio::join!(ask(&one, 30), ask(&two, 40));
    app.until("both have written", async |app| {
        app.counted_of(GRAPHQL_REQUESTS).await == 70 && app.rows("metric_flush", "1 = 1").await == 2
    })
    .await;
    // And both on their way out.
    tokio::join!(ask(&one, 3), ask(&two, 5));
    tokio::join!(one.end_and_read_log(), two.end_and_read_log());

    let counts = app.counted().await;
    assert_eq!(counts.total(GRAPHQL_REQUESTS), 78);
    assert_eq!(counts.count_of(HTTP_REQUESTS), 78);
    let minutes = app.metrics().in_the_last(TimeDelta::hours(1)).await.unwrap();
    assert_eq!(minutes, counts, "by the minute as by the hour");
}

#[tokio::test]
async fn what_is_old_is_forgotten() {
    let app = TestApp::with(|settings| settings.metrics.retention = TimeDelta::days(30)).await;
    let rows = async |resolution: &str| {
        app.rows("metric_bucket", &format!("resolution = '{resolution}'")).await
    };
    for _ in 0..3 {
        telemetry::count(STOCK_CONFLICTS);
        app.flushes().await;
        app.waits(TimeDelta::days(20));
    }
    telemetry::count(STOCK_CONFLICTS);
    app.flushes().await;
    let (minutes, hours) = (rows("MINUTE").await, rows("HOUR").await);

    let forgotten = app.metrics().purge().await.unwrap();

    // Three of the minutes are older than two days, two of the hours older than thirty.
    let kept = (rows("MINUTE").await, rows("HOUR").await);
    assert_eq!(u64::try_from(minutes + hours - kept.0 - kept.1).unwrap(), forgotten);
    let conflicts = async |resolution: &str| {
        let which = format!("resolution = '{resolution}' AND metric = 'stock_conflicts'");
        app.rows("metric_bucket", &which).await
    };
    assert_eq!((conflicts("MINUTE").await, conflicts("HOUR").await), (1, 2));
    assert_eq!(app.metrics().of_days(90).await.unwrap().total(STOCK_CONFLICTS), 2);
}
