//! Alerts in the hands of staff: listed, and acknowledged.

use super::{QUIET, alerts};
use crate::app::{Answer, Caller, MAIN, TestApp};
use serde_json::{Value, json};
use stockroom::auth::Role;
use stockroom::graphql::NodeKind;

const ACKNOWLEDGE: &str = "mutation($input: AlertAcknowledgeInput!) {
  alertAcknowledge(input: $input) {
    alert { id status note acknowledgedAt acknowledgedBy { id } }
    userErrors { code message path }
    warnings { message }
  }
}";

async fn acknowledge(caller: &Caller, input: Value) -> Answer {
    caller.query(ACKNOWLEDGE).with_variables(json!({ "input": input })).await
}

/// A shop in which one SKU is low, and the alert about it.
async fn with_alert() -> (TestApp, String) {
    let app = TestApp::start().await;
    app.has_low_at("TEA", 5, 5).await;
    app.evaluates().await;
    let staff = app.staff().await;
    let id = alerts(&staff, None).await[0]["id"].as_str().unwrap().to_owned();
    (app, id)
}

#[tokio::test]
async fn who_looks_after_an_alert_is_kept_with_the_time_and_a_note() {
    let (app, id) = with_alert().await;
    let user = app.account(Role::Staff).await;
    let staff = app.with_token(app.token(user));

    let answer = acknowledge(&staff, json!({ "alertId": id, "note": " Ordered. " })).await;

    let alert = &answer.data()["alertAcknowledge"]["alert"];
    let by = NodeKind::User.id(user).to_string();
    assert_eq!(
        (&alert["status"], &alert["note"], &alert["acknowledgedBy"]["id"]),
        (&json!("ACKNOWLEDGED"), &json!("Ordered."), &json!(by))
    );
    assert!(alert["acknowledgedAt"].is_string());
    let log = "SELECT COUNT(*) FROM audit_event WHERE action = 'ALERT_ACKNOWLEDGED'";
    assert_eq!(app.number(log).await, 1);
    // It is still the one alert of this, and ends as the others do.
    app.evaluates().await;
    assert_eq!(alerts(&staff, Some("ACKNOWLEDGED")).await.len(), 1);
    app.receives("TEA", MAIN, 10).await;
    app.evaluates().await;
    app.waits(QUIET);
    app.evaluates().await;
    let ended = &alerts(&app.with_token(app.token(user)), Some("RESOLVED")).await[0];
    assert_eq!((&ended["note"], &ended["acknowledgedBy"]["id"]), (&json!("Ordered."), &json!(by)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_acknowledge_at_once_the_first_one_stays() {
    let (app, id) = with_alert().await;
    let (one, other) = (app.staff().await, app.staff().await);
    let there = app.replica().await;
    let other = there.with_token(other.token().unwrap());

    let ask = |note: &str| json!({ "alertId": id, "note": note });
    let (first, second) =
        tokio::join!(acknowledge(&one, ask("one")), acknowledge(&other, ask("other")));

    let told = [&first, &second].map(|answer| answer.data()["alertAcknowledge"].clone());
    assert_eq!(told[0], told[1], "both are told of the same");
    assert_eq!(told[0]["alert"]["status"], "ACKNOWLEDGED");
    let log = "SELECT COUNT(*) FROM audit_event WHERE action = 'ALERT_ACKNOWLEDGED'";
    assert_eq!(app.number(log).await, 1);
}

#[tokio::test]
async fn what_is_resolved_or_not_there_cannot_be_acknowledged() {
    let (app, id) = with_alert().await;
    let staff = app.staff().await;
    app.receives("TEA", MAIN, 10).await;
    app.evaluates().await;
    app.waits(QUIET);
    app.evaluates().await;

    let resolved = acknowledge(&staff, json!({ "alertId": id })).await;
    assert_eq!(resolved.user_errors("alertAcknowledge"), ["INVALID"]);
    let error = &resolved.data()["alertAcknowledge"]["userErrors"][0];
    assert_eq!(error["path"], json!(["alertId"]));
    assert!(error["message"].as_str().unwrap().contains("resolved"), "{error}");
    for unknown in [NodeKind::Alert.id(MAIN).to_string(), "alert_nonsense".to_owned()] {
        let answer = acknowledge(&staff, json!({ "alertId": unknown })).await;
        assert_eq!(answer.user_errors("alertAcknowledge"), ["NOT_FOUND"]);
    }
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_another_input_is_refused() {
    let (app, id) = with_alert().await;
    let staff = app.staff().await;
    let ask = |note: &str| json!({ "alertId": id, "note": note, "idempotencyKey": "k-1" });

    let first = acknowledge(&staff, ask("mine")).await;
    let again = acknowledge(&staff, ask("mine")).await;
    let other = acknowledge(&staff, ask("another")).await;

    assert_eq!(first.data(), again.data());
    assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true, "{}", again.text);
    assert_eq!(other.user_errors("alertAcknowledge"), ["IDEMPOTENCY_CONFLICT"]);
    let long = acknowledge(&staff, json!({ "alertId": id, "note": "x".repeat(501) })).await;
    assert_eq!(long.user_errors("alertAcknowledge"), ["TOO_LONG"]);
}

#[tokio::test]
async fn alerts_are_listed_page_by_page_the_newest_first() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for sku in ["A", "B", "C"] {
        app.has_low_at(sku, 1, 5).await;
        app.evaluates().await;
    }
    let page = "query($after: String) { alerts(first: 2, after: $after) {
      nodes { subject } pageInfo { endCursor hasNextPage } } }";

    let first = staff.query(page).await;
    let end = first.data()["alerts"]["pageInfo"]["endCursor"].clone();
    let second = staff.query(page).with_variables(json!({ "after": end })).await;

    assert_eq!(first.data()["alerts"]["nodes"], json!([{ "subject": "C" }, { "subject": "B" }]));
    assert_eq!(second.data()["alerts"]["nodes"], json!([{ "subject": "A" }]));
    assert_eq!(second.data()["alerts"]["pageInfo"]["hasNextPage"], false);
}
