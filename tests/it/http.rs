//! GraphQL over HTTP: media types, methods, bodies, errors.

mod headers;
mod identity;
mod limits;
mod pages;

use crate::app::{Answer, TestApp};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const RESPONSE: &str = "application/graphql-response+json";

fn body(document: &str) -> String {
    json!({ "query": document }).to_string()
}

/// Asks a guest's question with these headers.
async fn post(
    app: &TestApp,
    headers: &[(&str, &str)],
    body: impl Into<axum::body::Body>,
) -> Answer {
    app.guest().post_with(headers, body).await
}

/// What every answer without data has.
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.error_codes(), [code], "{}", answer.text);
    let error = &answer.json["errors"][0];
    assert_eq!(error["extensions"]["requestId"], answer.header("x-request-id"));
    assert!(!error["message"].as_str().unwrap().is_empty());
    assert!(answer.json.get("data").is_none(), "{}", answer.text);
}

#[tokio::test]
async fn a_guest_asks_and_is_answered() {
    let app = TestApp::start().await;

    let answer = app.guest().query("{ __typename me { id } }").await;

    assert_eq!(answer.data(), &json!({ "__typename": "Query", "me": null }));
}

#[tokio::test]
async fn the_answer_is_of_the_media_type_that_is_wanted() {
    let app = TestApp::start().await;

    for (accept, expected) in [
        (RESPONSE, RESPONSE),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/json;q=0.5, application/graphql-response+json;q=0.8", RESPONSE),
    ] {
        let headers = [("content-type", JSON), ("accept", accept)];
        let answer = post(&app, &headers, body("{ __typename }")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), format!("{expected}; charset=utf-8"), "{accept}");
    }
    let answer = post(&app, &[("content-type", JSON)], body("{ __typename }")).await;
    assert!(answer.header("content-type").starts_with(JSON));
}

#[tokio::test]
async fn a_wish_that_cannot_be_met_is_refused() {
    let app = TestApp::start().await;

    let headers = [("content-type", JSON), ("accept", "text/html")];
    let answer = post(&app, &headers, body("{ __typename }")).await;

    assert_refused(&answer, 406, "BAD_USER_INPUT");
}

#[tokio::test]
async fn the_media_type_decides_the_status_of_a_refused_document() {
    let app = TestApp::start().await;

    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ noSuchField }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILURE"),
        (
            "query ($id: ID!) { __typename @skip(if: false) node: __type(name: $id) { name } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("query ($name: String!) { __type(name: $name) { name } }", "BAD_USER_INPUT"),
    ] {
        let modern = [("content-type", JSON), ("accept", RESPONSE)];
        assert_refused(&post(&app, &modern, body(document)).await, 400, code);
        let legacy = [("content-type", JSON), ("accept", JSON)];
        assert_refused(&post(&app, &legacy, body(document)).await, 200, code);
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_by_their_type_are_refused_unread() {
    let app = TestApp::start().await;

    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/graphql",
    ] {
        let answer = post(&app, &[("content-type", content_type)], body("{ __typename }")).await;
        assert_refused(&answer, 415, "BAD_USER_INPUT");
    }
    assert_refused(&post(&app, &[], body("{ __typename }")).await, 415, "BAD_USER_INPUT");
    let headers = [("content-type", "application/json; charset=UTF-8")];
    assert_eq!(post(&app, &headers, body("{ __typename }")).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused() {
    let app = TestApp::start().await;

    for bad in [
        "",
        "{",
        "null",
        "7",
        "{}",
        r#"{"query":7}"#,
        r#"{"query":"{ __typename }","variables":[]}"#,
        r#"{"query":"{ __typename }","query":"{ __typename }"}"#,
        r#"{"query":"{ __typename }"} {"#,
    ] {
        for accept in [JSON, RESPONSE] {
            let headers = [("content-type", JSON), ("accept", accept)];
            assert_refused(&post(&app, &headers, bad).await, 400, "BAD_USER_INPUT");
        }
    }
}

#[tokio::test]
async fn batches_are_refused_and_the_reason_is_told() {
    let app = TestApp::start().await;

    let batch = format!(" [{}, {}]", body("{ __typename }"), body("{ __typename }"));
    let answer = app.guest().post(batch).await;

    assert_refused(&answer, 400, "BAD_USER_INPUT");
    assert!(answer.text.contains("one operation a request"), "{}", answer.text);
}

#[tokio::test]
async fn get_runs_queries() {
    let app = TestApp::start().await;

    let url = "/graphql?query=query%20A($name:String!)%7B__type(name:$name)%7Bname%7D%7D\
               %20query%20B%7Ba:__typename%7D&operationName=A\
               &variables=%7B%22name%22:%22Query%22%7D&extensions=";
    let answer = app.guest().get(url).await;

    assert_eq!(answer.data(), &json!({ "__type": { "name": "Query" } }));
}

#[tokio::test]
async fn get_runs_no_mutation() {
    let app = TestApp::start().await;
    let staff = app.staff().await;

    let document = "mutation%7BwarehouseCreate(input:%7Bcode:%22B%22,name:%22B%22%7D)\
                    %7BuserErrors%7Bcode%7D%7D%7D";
    for accept in [JSON, RESPONSE] {
        let request = http::Request::get(format!("/graphql?query={document}"));
        let request = request.header("accept", accept).body(axum::body::Body::empty()).unwrap();
        let answer = staff.send(request).await;
        assert_refused(&answer, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), "POST");
    }
    assert_eq!(app.number("SELECT COUNT(*) FROM warehouse").await, 1);
}

#[tokio::test]
async fn a_parameter_that_is_there_twice_is_refused() {
    let app = TestApp::start().await;

    let url = "/graphql?query=%7B__typename%7D&query=%7Bme%7Bid%7D%7D";
    let answer = app.guest().get(url).await;

    assert_refused(&answer, 400, "BAD_USER_INPUT");
}

#[tokio::test]
async fn other_methods_are_refused() {
    let app = TestApp::start().await;

    for method in ["PUT", "DELETE", "PATCH"] {
        let request = http::Request::builder().method(method).uri("/graphql");
        let answer = app.guest().send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_refused(&answer, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), "GET, POST");
    }
}

#[tokio::test]
async fn subscriptions_are_sent_to_the_socket() {
    let app = TestApp::start().await;

    let document = r#"subscription { stockChanged(skus: ["A"]) { sku } }"#;
    let answer = app.guest().query(document).await;

    assert_refused(&answer, 400, "BAD_USER_INPUT");
    assert!(answer.text.contains("graphql-transport-ws"), "{}", answer.text);
}

#[tokio::test]
async fn keys_come_in_the_order_of_the_document() {
    let app = TestApp::start().await;

    let document = "{ z: __typename a: __typename m: __schema { queryType { name kind } } }";
    let answer = app.guest().query(document).await;

    let begin = r#"{"data":{"z":"Query","a":"Query","m":{"queryType":{"name":"Query","kind":"#;
    assert!(answer.text.starts_with(begin), "{}", answer.text);
}

#[tokio::test]
async fn an_error_while_executing_leaves_its_neighbours_and_has_a_code() {
    let app = TestApp::start().await;

    let answer = app.guest().query("{ warehouses { id } other: __typename }").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["data"], json!({ "warehouses": null, "other": "Query" }));
    assert_eq!(answer.error_codes(), ["UNAUTHENTICATED"]);
    let error = &answer.json["errors"][0];
    assert_eq!(error["path"], json!(["warehouses"]));
    assert_eq!(error["extensions"]["requestId"], answer.header("x-request-id"));
}

#[tokio::test]
async fn a_value_that_a_scalar_refuses_is_the_clients_to_mend() {
    let app = TestApp::start().await;

    let document = "mutation ($version: BigInt) { stockAdjust(input: { sku: \"A\", delta: 1, \
                    type: RECEIPT, expectedVersion: $version }) { userErrors { code } } }";
    let call = app.staff().await.query(document).with_variables(json!({ "version": "many" }));
    let answer = call.await;

    assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{}", answer.text);
}

#[tokio::test]
async fn a_fault_inside_is_told_by_its_code_and_nothing_else() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.execute("ALTER TABLE warehouse RENAME TO another").await;

    let answer = staff.query("{ warehouses { id } }").await;

    assert_eq!(answer.error_codes(), ["INTERNAL_SERVER_ERROR"]);
    let text = answer.text.to_lowercase();
    for inside in ["select", "no such table", "relation", "sqlx", "another"] {
        assert!(!text.contains(inside), "{text}");
    }
}

#[tokio::test]
async fn the_sql_figures_are_shown_where_the_settings_want_it() {
    let shown = TestApp::start().await;
    let hidden = TestApp::with(|settings| settings.sql_extension_enabled = false).await;

    let answer = shown.staff().await.query("{ me { role } }").await;
    assert_eq!(answer.data()["me"]["role"], "STAFF");
    assert_eq!(answer.sql_count(), 1);
    assert!(answer.json["extensions"]["sql"]["ms"].is_number());
    let answer = hidden.staff().await.query("{ me { role } }").await;
    assert_eq!(answer.json["extensions"], Value::Null);
}

#[tokio::test]
async fn an_answer_from_an_idempotency_key_says_so() {
    let app = TestApp::start().await;
    let (staff, sku) = (app.staff().await, app.a_sku().await);
    let document = "mutation ($sku: String!) { stockAdjust(input: { sku: $sku, delta: 1, \
                    type: RECEIPT, idempotencyKey: \"once\" }) { userErrors { code } } }";
    let adjust = || async { staff.query(document).with_variables(json!({ "sku": sku })).await };

    let (first, second) = (adjust().await, adjust().await);

    assert!(first.user_errors("stockAdjust").is_empty());
    assert_eq!(first.json["extensions"]["idempotency"], Value::Null);
    assert!(second.user_errors("stockAdjust").is_empty());
    assert_eq!(second.json["extensions"]["idempotency"], json!({ "replayed": true }));
}
