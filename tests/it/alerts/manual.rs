//! The documents of docs/alerts.md are those of this schema, and do what they say.

use super::alerts;
use crate::app::TestApp;
use sea_orm::EntityTrait;
use serde_json::json;
use std::time::Duration;
use stockroom::events::BusMessage;

/// The document is told of an alert.
async fn watches(app: &TestApp, token: &str, document: &str) {
    let found = entity::alert::Entity::find().one(app.app.db.reader()).await;
    let id = found.expect("the database answers").expect("there is an alert").id;
    let mut socket = app.socket_with_token(token).await;
    socket.subscribe("1", document).await;
    // It is not known when the server has begun to listen.
    let telling = async {
        loop {
            app.app.bus.publish(BusMessage::AlertsChanged(vec![id]));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let told = tokio::select! {
        told = socket.next_of("1") => told,
        () = telling => unreachable!("it goes on"),
    };
    assert!(told["data"]["alertRaised"]["id"].is_string(), "{told}");
}

#[tokio::test]
async fn every_document_of_the_manual_runs() {
    let manual = include_str!("../../../docs/alerts.md");
    let app = TestApp::start().await;
    app.has_low_at("TEA", 5, 5).await;
    app.app.examine().await.unwrap();
    app.evaluates().await;
    let token = app.token(app.account(stockroom::auth::Role::Staff).await);
    let staff = app.with_token(&token);
    let found = alerts(&staff, None).await;
    let alert = found.iter().find(|alert| alert["rule"] == "LOW_STOCK").unwrap();

    let mut documents = 0;
    for document in manual.split("```graphql\n").skip(1) {
        let document = document.split("```").next().unwrap();
        documents += 1;
        if document.starts_with("subscription") {
            watches(&app, &token, document).await;
            continue;
        }
        let answer = staff.query(document).with_variables(json!({ "alert": alert["id"] })).await;
        let data = answer.data();
        let errors = data["alertAcknowledge"]["userErrors"].as_array();
        assert!(errors.is_none_or(Vec::is_empty), "{}", answer.text);
    }
    assert_eq!(documents, 5);
}
