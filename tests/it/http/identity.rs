//! Who asks: no token is a guest, and a token that is not good never is.

use super::assert_refused;
use crate::app::TestApp;
use stockroom::auth::{ACCESS_TOKEN_SECONDS, Role};

const WHO: &str = r#"{"query":"{ me { role } }"}"#;

#[tokio::test]
async fn a_good_token_says_who_asks() {
    let app = TestApp::start().await;
    let token = app.token(app.account(Role::Customer).await);

    for scheme in ["Bearer", "bearer", "BEARER"] {
        let authorization = format!("{scheme} {token}");
        let headers = [("content-type", "application/json"), ("authorization", &authorization)];
        let answer = app.guest().post_with(&headers, WHO).await;
        assert_eq!(answer.data()["me"]["role"], "CUSTOMER");
    }
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_and_never_a_guest() {
    let app = TestApp::start().await;
    let user = app.account(Role::Staff).await;
    let good = app.token(user);
    let now = app.app.db.now().timestamp();
    let expired = app.token_issued_at(user, now - ACCESS_TOKEN_SECONDS - 31);
    let early = app.token_issued_at(user, now + 3_600);
    let stranger = app.token(uuid::Uuid::now_v7());

    for authorization in [
        format!("Bearer {expired}"),
        format!("Bearer {early}"),
        format!("Bearer {stranger}"),
        format!("Bearer {}", &good[..good.len() - 4]),
        "Bearer nonsense".to_owned(),
        "Bearer ".to_owned(),
        "Bearer".to_owned(),
        good.clone(),
        format!("Basic {good}"),
        format!("Bearer {good} more"),
        String::new(),
    ] {
        let headers = [("content-type", "application/json"), ("authorization", &authorization)];
        let answer = app.guest().post_with(&headers, WHO).await;
        assert_refused(&answer, 401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
}

#[tokio::test]
async fn two_authorizations_are_refused() {
    let app = TestApp::start().await;
    let authorization = format!("Bearer {}", app.token(app.account(Role::Staff).await));

    let twice = ("authorization", authorization.as_str());
    let headers = [("content-type", "application/json"), twice, twice];
    let answer = app.guest().post_with(&headers, WHO).await;

    assert_refused(&answer, 401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_token_of_a_closed_account_is_refused_at_once() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    assert_eq!(staff.query("{ me { role } }").await.data()["me"]["role"], "STAFF");

    app.execute("UPDATE user_account SET active = FALSE").await;

    assert_refused(&staff.query("{ me { role } }").await, 401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn roles_decide_who_may() {
    let app = TestApp::start().await;
    let ask = "{ warehouses { id } }";

    assert_eq!(app.guest().query(ask).await.error_codes(), ["UNAUTHENTICATED"]);
    assert_eq!(app.customer().await.query(ask).await.error_codes(), ["FORBIDDEN"]);
    assert!(app.staff().await.query(ask).await.data()["warehouses"].is_array());
    assert!(app.admin().await.query(ask).await.data()["warehouses"].is_array());
}

#[tokio::test]
async fn a_role_that_was_taken_away_is_gone_at_once() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    assert!(staff.query("{ warehouses { id } }").await.data()["warehouses"].is_array());

    app.execute("UPDATE user_account SET role = 'CUSTOMER'").await;

    assert_eq!(staff.query("{ warehouses { id } }").await.error_codes(), ["FORBIDDEN"]);
}

#[tokio::test]
async fn without_the_database_nobody_is_taken_for_a_guest() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.app.db.close().await;

    let answer = staff.query("{ me { role } }").await;

    assert_refused(&answer, 503, "SERVICE_UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "1");
}
