//! The probes, and how the process begins and ends.

use crate::app::{ServerProcess, TestApp};

#[tokio::test]
async fn a_ready_server_says_so_in_detail() {
    let app = TestApp::start().await;

    let answer = app.guest().get("/health/ready").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["status"], "healthy");
    assert_eq!(answer.json["service"], "stockroom");
    assert_eq!(answer.json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(answer.json["checks"]["database"]["status"], "healthy");
    assert_eq!(answer.json["checks"]["cache"]["status"], "healthy");
    assert!(answer.json["latency_ms"].is_number());
    assert!(answer.json["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn without_the_database_it_is_alive_and_not_ready() {
    let app = TestApp::start().await;
    app.app.db.close().await;

    let live = app.guest().get("/health/live").await;
    let ready = app.guest().get("/health/ready").await;

    assert_eq!((live.status.as_u16(), &live.json["status"]), (200, &"healthy".into()));
    assert_eq!((ready.status.as_u16(), &ready.json["status"]), (503, &"unhealthy".into()));
    assert_eq!(ready.json["checks"]["database"]["status"], "unhealthy");
}

#[tokio::test]
async fn while_draining_it_serves_and_is_not_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.guest().get("/health/ready").await.status, 200);

    app.app.lifecycle.draining.cancel();

    assert_eq!(app.guest().get("/health/ready").await.status, 503);
    assert_eq!(app.guest().get("/health/live").await.status, 200);
    assert_eq!(app.guest().query("{ __typename }").await.status, 200);
}

#[tokio::test]
async fn the_program_serves_the_database_it_is_given() {
    let app = TestApp::start().await;
    let server = ServerProcess::start(&app).await;
    let customer = app.token(app.account(stockroom::auth::Role::Customer).await);

    let client = reqwest::Client::new().post(server.url("/graphql")).bearer_auth(customer);
    let body = serde_json::json!({ "query": "{ me { role } }" });
    let answer = client.json(&body).send().await.unwrap();

    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["data"]["me"]["role"], "CUSTOMER", "{answer}");
}
