//! Request ids, the headers that keep browsers careful, foreign pages, compression.

use super::{JSON, body};
use crate::app::{Answer, ServerProcess, TestApp};
use axum::body::Body;
use http::Request;
use stockroom::config::Environment;

async fn ask(app: &TestApp, name: &str, value: &str) -> Answer {
    let headers = [("content-type", JSON), (name, value)];
    app.guest().post_with(&headers, body("{ __typename }")).await
}

#[tokio::test]
async fn a_sane_request_id_comes_back() {
    let app = TestApp::start().await;

    assert_eq!(
        ask(&app, "x-request-id", "checkout-0042").await.header("x-request-id"),
        "checkout-0042"
    );
    let odd = ask(&app, "x-request-id", "with spaces in it").await;
    assert!(uuid::Uuid::parse_str(odd.header("x-request-id")).is_ok());
}

#[tokio::test]
async fn every_answer_keeps_browsers_careful() {
    let app = TestApp::start().await;

    for path in
        ["/graphql", "/health/live", "/health/ready", "/nowhere", "/graphql?query=%7B__typename%7D"]
    {
        let answer = app.guest().get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'"
        );
        assert_eq!(answer.header("strict-transport-security"), "");
        assert_eq!(answer.header("server"), "");
        assert!(!answer.header("x-request-id").is_empty());
    }
}

#[tokio::test]
async fn production_insists_on_tls() {
    let app = TestApp::with(|settings| settings.environment = Environment::Production).await;

    let answer = app.guest().get("/health/live").await;

    assert!(answer.header("strict-transport-security").starts_with("max-age=31536000"));
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_no_others() {
    let origins = vec!["https://store.example".to_owned()];
    let app = TestApp::with(|settings| settings.cors_allowed_origins = origins).await;

    let listed = ask(&app, "origin", "https://store.example").await;
    assert_eq!(listed.header("access-control-allow-origin"), "https://store.example");
    for origin in ["https://evil.example", "https://store.example.evil.example", "null"] {
        let other = ask(&app, "origin", origin).await;
        assert_eq!(other.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn a_listed_page_learns_what_it_may_send() {
    let origins = vec!["https://store.example".to_owned()];
    let app = TestApp::with(|settings| settings.cors_allowed_origins = origins).await;

    let request = Request::options("/graphql")
        .header("origin", "https://store.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,authorization");
    let answer = app.guest().send(request.body(Body::empty()).unwrap()).await;

    assert_eq!(answer.header("access-control-allow-origin"), "https://store.example");
    assert_eq!(answer.header("access-control-max-age"), "600");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert!(answer.header("access-control-allow-headers").contains("authorization"));
    assert!(answer.header("access-control-allow-methods").contains("POST"));
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_take_it() {
    let app = TestApp::start().await;
    let large = body("{ __schema { types { name description } } }");

    for encoding in ["gzip", "br"] {
        let headers = [("content-type", JSON), ("accept-encoding", encoding)];
        let answer = app.guest().post_with(&headers, large.clone()).await;
        assert_eq!(answer.header("content-encoding"), encoding);
        let small = app.guest().post_with(&headers, body("{ __typename }")).await;
        assert_eq!(small.header("content-encoding"), "");
    }
    let plain = app.guest().post_with(&[("content-type", JSON)], large).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.json["data"].is_object());
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let app = TestApp::start().await;

    let answer = app.guest().get("/no/such/page").await;

    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json["status"], 404);
    assert_eq!(answer.json["title"], "Not Found");
    assert_eq!(answer.json["requestId"], answer.header("x-request-id"));
}

#[tokio::test]
async fn log_lines_name_the_request_and_keep_its_secrets() {
    let app = TestApp::start().await;
    let token = app.token(app.account(stockroom::auth::Role::Staff).await);
    let mut server = ServerProcess::start_logging(&app).await;
    let body = serde_json::json!({
        "query": "query Shelves($name: String!) { warehouses { id } __type(name: $name) { name } }",
        "variables": { "name": "canary-in-a-variable" },
    });

    let client = reqwest::Client::new();
    let request = client.post(server.url("/graphql?canary-in-the-url=1")).bearer_auth(&token);
    let request = request
        .header("x-request-id", "log-line-test")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    let log = server.end_and_read_log().await;

    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of_request = |line: &&serde_json::Value| line["span"]["request_id"] == "log-line-test";
    let of_request: Vec<&serde_json::Value> = lines.iter().filter(of_request).collect();
    let [line] = of_request.as_slice() else { panic!("not one line: {of_request:?}") };
    for (field, expected) in [
        ("method", "POST"),
        ("path", "/graphql"),
        ("kind", "query"),
        ("operation", "Shelves"),
        ("viewer", "staff"),
    ] {
        assert_eq!(line[field], expected, "{line}");
    }
    assert_eq!((&line["status"], &line["sql"]), (&200.into(), &1.into()));
    assert!(line["ms"].is_number());
    assert_eq!(line["span"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(!log.contains("canary") && !log.contains(&token), "{log}");
}
