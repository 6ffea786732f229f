//! The health of the components: as it is, of all processes together, and as it was.

use crate::app::{Answer, Caller, PostgresServer, RedisServer, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::Duration;
use stockroom::config::ServeRole;

const SERVICES: &str = "{ services {
  name status message latencyMs checkedAt since availability
  changes { status at message }
  latency { at avgMs maxMs }
} }";

async fn services(caller: &Caller) -> Value {
    caller.query(SERVICES).await.data()["services"].clone()
}

fn of<'a>(services: &'a Value, name: &str) -> &'a Value {
    let mut all = services.as_array().expect("a list").iter();
    all.find(|service| service["name"] == name).expect("it is told of")
}

/// The states that a component was in, the oldest first.
fn history(service: &Value) -> Vec<&str> {
    let changes = service["changes"].as_array().expect("a list").iter().rev();
    changes.map(|change| change["status"].as_str().expect("a status")).collect()
}

/// Nothing is found to be away because the machine has much else to do.
fn patient(mut app: TestApp) -> TestApp {
    app.app.examiner = app.app.examiner.clone().with_patience(Duration::from_secs(60));
    app
}

async fn looks(app: &TestApp) {
    app.app.examine().await.expect("it can be written");
}

#[tokio::test]
async fn every_component_is_told_of_with_its_history() {
    let app = patient(TestApp::start().await);
    let staff = app.staff().await;
    looks(&app).await;
    looks(&app).await;

    let services = services(&staff).await;

    let names: Vec<_> = services.as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["DATABASE", "CACHE", "EVENTS", "MAIL", "WORKER", "PAYMENTS"]);
    let database = of(&services, "DATABASE");
    assert_eq!((&database["status"], &database["message"]), (&json!("HEALTHY"), &Value::Null));
    assert!(database["latencyMs"].as_f64().unwrap() >= 0.0);
    assert_eq!(database["availability"], 100.0);
    assert_eq!(database["changes"].as_array().unwrap().len(), 1, "looking twice is no change");
    assert_eq!(database["since"], database["changes"][0]["at"]);
    let hour = &database["latency"][0];
    assert!(hour["maxMs"].as_f64().unwrap() >= hour["avgMs"].as_f64().unwrap(), "{hour}");
    // Nobody works here.
    let worker = of(&services, "WORKER");
    assert_eq!((&worker["status"], &worker["availability"]), (&json!("DEGRADED"), &json!(0.0)));
    assert!(worker["message"].as_str().unwrap().contains("no worker"), "{worker}");
    assert_eq!(worker["latency"], json!([]), "what is not well has no latency");
}

#[tokio::test]
async fn a_process_that_is_not_heard_of_any_more_does_not_count() {
    let app = patient(TestApp::start().await);
    let staff = app.staff().await;
    let before = services(&staff).await;
    looks(&app).await;
    let then = services(&staff).await;

    app.waits(TimeDelta::seconds(36));

    let after = services(&staff).await;
    for nobody in [&before, &after] {
        let cache = of(nobody, "CACHE");
        assert_eq!((&cache["status"], &cache["latencyMs"]), (&json!("UNKNOWN"), &Value::Null));
    }
    assert_eq!(of(&then, "CACHE")["status"], "HEALTHY");
    assert_eq!(of(&after, "CACHE")["availability"], 100.0, "the history stays");
}

#[tokio::test]
async fn the_shop_is_as_well_as_the_worst_of_its_processes_until_that_one_leaves() {
    let app = patient(TestApp::start().await);
    let staff = app.staff().await;
    // Nobody listens there.
    let lame =
        app.replica_with(|settings| settings.mail.smtp_url = Some("smtp://127.0.0.1:1".into()));
    let lame = patient(lame.await);

    looks(&app).await;
    looks(&lame).await;
    looks(&app).await;
    let both = services(&staff).await;
    lame.app.services.health.leave().await.unwrap();
    looks(&app).await;
    let one = services(&staff).await;

    assert_eq!(of(&both, "MAIL")["status"], "DEGRADED");
    assert!(of(&both, "MAIL")["message"].is_string());
    assert_eq!(history(of(&one, "MAIL")), ["HEALTHY", "DEGRADED", "HEALTHY"]);
    let share = of(&one, "MAIL")["availability"].as_f64().unwrap();
    assert!((share - 75.0).abs() < 0.001, "three of four looks: {share}");
    assert_eq!(history(of(&one, "CACHE")), ["HEALTHY"]);
}

#[tokio::test]
async fn redis_stopped_and_started_again_is_in_the_history() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let app = TestApp::with(|settings| settings.redis_url = Some(redis.url().into())).await;
    let staff = app.staff().await;
    let is = async |status: &str| {
        looks(&app).await;
        let services = services(&staff).await;
        of(&services, "CACHE")["status"] == status
    };
    app.until("Redis is there", async |_| is("HEALTHY").await).await;

    redis.kill().await;
    app.until("it is found to be away", async |_| is("DEGRADED").await).await;
    redis.restart().await;
    app.until("it is found to be back", async |_| is("HEALTHY").await).await;

    let services = services(&staff).await;
    let history = history(of(&services, "CACHE"));
    assert!(history.ends_with(&["HEALTHY", "DEGRADED", "HEALTHY"]), "{history:?}");
    let share = of(&services, "CACHE")["availability"].as_f64().unwrap();
    assert!(share > 0.0 && share < 100.0, "{share}");
}

#[tokio::test]
async fn a_time_without_the_database_is_told_afterwards_and_once() {
    let Some(mut postgres) = PostgresServer::start().await else { return };
    let app = patient(TestApp::on_server(&postgres.url()).await);
    let (staff, other) = (app.staff().await, patient(app.replica().await));
    looks(&app).await;
    looks(&other).await;

    postgres.crash().await;
    let answer: Answer = staff.query(SERVICES).await;
    assert_eq!(answer.error_codes(), ["SERVICE_UNAVAILABLE"], "{}", answer.text);
    assert!(answer.text.contains("The database does not answer."), "{}", answer.text);
    // It looks at most once a second, and may have looked just before.
    let unready = async |app: &TestApp| {
        let ready = app.guest().get("/health/ready").await;
        let status = ready.status.as_u16();
        status == 503 && ready.json["checks"]["database"]["status"] == "unhealthy"
    };
    app.until("it takes no requests", unready).await;
    for replica in [&app, &other] {
        app.until("it notices", async |_| replica.app.examine().await.is_err()).await;
        // Longer than from one look to the next.
        replica.waits(TimeDelta::seconds(30));
    }
    postgres.start_again().await;
    for replica in [&app, &other] {
        // Connections of before are found to be dead one after the other.
        let answers = async |_: &TestApp| {
            let pings = (0..20).map(|_| replica.app.db.ping());
            futures::future::join_all(pings).await.iter().all(Result::is_ok)
        };
        app.until("it is back", answers).await;
    }
    looks(&app).await;
    looks(&other).await;

    let services = services(&staff).await;
    let database = of(&services, "DATABASE");
    assert_eq!(database["status"], "HEALTHY");
    assert_eq!(history(database), ["HEALTHY", "UNHEALTHY", "HEALTHY"], "{database}");
    assert!(database["availability"].as_f64().unwrap() < 100.0);

    // Nobody could raise an alert meanwhile: it is made good, once, whoever asks.
    assert!(app.evaluates().await.raised > 0);
    assert_eq!(other.evaluates().await.raised, 0);
    let alert = "{ alerts(first: 9) { nodes { rule subject severity raisedAt measured } } }";
    let answer = staff.query(alert).await;
    let alerts = answer.data()["alerts"]["nodes"].as_array().expect("a list");
    let away: Vec<_> = alerts.iter().filter(|alert| alert["subject"] == "DATABASE").collect();
    assert_eq!(away.len(), 1, "{alerts:?}");
    let away = away[0];
    assert_eq!((&away["severity"], &away["measured"]), (&json!("CRITICAL"), &json!("UNHEALTHY")));
    assert_eq!(away["raisedAt"], database["changes"][1]["at"], "as of the beginning");
}

#[tokio::test]
async fn without_a_worker_each_process_asks_the_rules_and_there_is_one_alert() {
    let app = TestApp::with(|settings| settings.role = ServeRole::Api).await;
    let other = app.replica().await;
    let staff = app.staff().await;
    app.app.work_in_background();
    other.app.work_in_background();

    let raised = "SELECT COUNT(*) FROM alert WHERE rule = 'COMPONENT_DOWN' AND subject = 'WORKER'";
    app.until("somebody tells", async |app| app.number(raised).await > 0).await;

    app.ends_background_work().await;
    other.ends_background_work().await;
    assert_eq!(app.number(raised).await, 1);
    let services = services(&staff).await;
    assert_eq!(of(&services, "WORKER")["status"], "UNKNOWN", "both have left");
}

#[tokio::test]
async fn a_server_that_runs_tells_of_itself_and_takes_its_leave() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.app.work_in_background();
    app.until("it tells of itself", async |_| {
        let services = services(&staff).await;
        of(&services, "DATABASE")["status"] == "HEALTHY"
    })
    .await;
    let running = app.number("SELECT COUNT(*) FROM component_finding").await;

    app.ends_background_work().await;

    assert_eq!(running, 6);
    assert_eq!(app.number("SELECT COUNT(*) FROM component_finding").await, 0);
}

#[tokio::test]
async fn old_history_is_forgotten_and_recent_history_is_not() {
    let app = TestApp::start().await;
    looks(&app).await;
    let rows = async || {
        let changes = app.number("SELECT COUNT(*) FROM component_change").await;
        (changes, app.number("SELECT COUNT(*) FROM component_hour").await)
    };
    app.waits(TimeDelta::days(89));
    app.app.services.health.purge(TimeDelta::days(90)).await.unwrap();
    assert_eq!(rows().await, (6, 6));

    app.waits(TimeDelta::days(2));
    app.app.services.health.purge(TimeDelta::days(90)).await.unwrap();

    assert_eq!(rows().await, (0, 0));
    assert_eq!(app.number("SELECT COUNT(*) FROM component_finding").await, 0);
}

#[tokio::test]
async fn what_is_asked_for_has_bounds() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    looks(&app).await;
    for field in ["availability(days: 0)", "availability(days: 91)"] {
        let answer = staff.query(format!("{{ services {{ {field} }} }}")).await;
        assert!(answer.error_codes().iter().all(|code| *code == "BAD_USER_INPUT"), "{field}");
        assert!(!answer.error_codes().is_empty(), "{}", answer.text);
    }
    for field in ["changes(first: 0) { at }", "changes(first: 101) { at }"] {
        let answer = staff.query(format!("{{ services {{ {field} }} }}")).await;
        assert!(answer.error_codes().contains(&"BAD_USER_INPUT"), "{}", answer.text);
    }
}
