//! GraphQL over HTTP: media types, methods, limits, errors, identity.

use crate::app::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_guest_asks_and_is_answered() {
    let app = TestApp::start().await;

    let answer = app.guest().query("{ __typename me { id } }").await;

    assert_eq!(answer.data(), &json!({ "__typename": "Query", "me": null }));
}

#[tokio::test]
async fn a_token_says_who_asks() {
    let app = TestApp::start().await;

    let answer = app.staff().await.query("{ me { role } }").await;

    assert_eq!(answer.data()["me"]["role"], "STAFF");
    assert_eq!(answer.sql_count(), 1);
}
