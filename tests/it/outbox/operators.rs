//! The outbox in the schema: what was refused is seen, and offered again.

use super::post::Post;
use crate::app::TestApp;
use serde_json::{Value, json};
use stockroom::events::CourierTerms;
use stockroom::graphql::NodeKind;
use uuid::Uuid;

const LIST: &str = "query ($status: OutboxStatus) { outbox(status: $status) { totalCount nodes { \
    id topic type aggregateId seq status attempts lastError correlationId createdAt sentAt } } }";
const RETRY: &str = "mutation ($ids: [ID!]!) { outboxRetry(input: { ids: $ids }) { \
    retried events { id status attempts } userErrors { code path } } }";

/// An application with a dead event, of two.
async fn with_a_dead_event() -> (TestApp, Post, Uuid) {
    let app = TestApp::start().await;
    let (aggregate, post) = (Uuid::now_v7(), Post::default());
    post.refuses(Some((aggregate, 1)));
    app.tells(aggregate, 1..=2).await;
    let terms = CourierTerms { attempts: 1, ..CourierTerms::default() };
    post.courier(&app, terms).deliver_due().await.unwrap();
    (app, post, aggregate)
}

#[tokio::test]
async fn staff_see_what_was_refused_and_why_and_have_it_offered_again() {
    let (app, post, aggregate) = with_a_dead_event().await;
    let (staff, admin) = (app.staff().await, app.admin().await);
    let list = |status: &str| staff.query(LIST).with_variables(json!({ "status": status }));
    let dead = list("DEAD").await.data()["outbox"].clone();
    assert_eq!(dead["totalCount"], 1);
    let event = &dead["nodes"][0];
    assert_eq!(event["aggregateId"], NodeKind::Order.id(aggregate).to_string());
    assert_eq!(
        (&event["topic"], &event["type"], &event["seq"], &event["attempts"], &event["lastError"]),
        (
            &json!("order-events"),
            &json!("order.changed"),
            &json!("1"),
            &json!(1),
            &json!("it does not fit"),
        ),
    );
    assert_eq!(list("SENT").await.data()["outbox"]["nodes"][0]["seq"], "2");
    post.refuses(None);

    let ids = json!({ "ids": [event["id"]] });
    let retried = staff.query(RETRY).with_variables(ids.clone()).await;
    let again = staff.query(RETRY).with_variables(ids).await;

    let payload = &retried.data()["outboxRetry"];
    assert_eq!((&payload["retried"], &payload["userErrors"]), (&json!(1), &json!([])));
    assert_eq!(
        payload["events"],
        json!([{ "id": event["id"], "status": "PENDING", "attempts": 0 }])
    );
    assert_eq!(again.data()["outboxRetry"]["retried"], 0);
    post.courier(&app, CourierTerms::default()).deliver_due().await.unwrap();
    assert_eq!(post.of(aggregate), [2, 1]);
    let now = staff.query("query ($id: ID!) { node(id: $id) { ... on OutboxEvent { status } } }");
    let now = now.with_variables(json!({ "id": event["id"] })).await;
    assert_eq!(now.data()["node"]["status"], "SENT");
    let log = admin.query("{ auditEvents { nodes { action subject { id } } } }").await;
    let expected = json!({ "action": "OUTBOX_RETRIED", "subject": { "id": event["id"] } });
    let retries: Vec<&Value> = log.data()["auditEvents"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "OUTBOX_RETRIED")
        .collect();
    assert_eq!(retries, [&expected]);
}

#[tokio::test]
async fn nothing_is_offered_again_when_one_of_the_events_is_not_there() {
    let (app, _, _) = with_a_dead_event().await;
    let staff = app.staff().await;
    let dead = staff.query(LIST).with_variables(json!({ "status": "DEAD" })).await;
    let there = dead.data()["outbox"]["nodes"][0]["id"].clone();
    let missing = NodeKind::OutboxEvent.id(Uuid::now_v7()).to_string();

    let answer = staff.query(RETRY).with_variables(json!({ "ids": [there, missing] })).await;

    let payload = &answer.data()["outboxRetry"];
    assert_eq!(payload["userErrors"], json!([{ "code": "NOT_FOUND", "path": ["ids", "1"] }]));
    assert_eq!((&payload["events"], &payload["retried"]), (&json!([]), &json!(0)));
    assert_eq!(app.events("DEAD").await, 1);
}
