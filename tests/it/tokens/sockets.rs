//! Sockets: they end when their holder may no longer, wherever that was decided, and go on for whoever
//! brings the next token in time.

use super::{Pair, Person, person, refresh, revoke, sign_in};
use crate::app::{RedisServer, Socket, TestApp};
use serde_json::{Value, json};
use std::time::Duration;
use stockroom::auth::{ACCESS_TOKEN_SECONDS, Role};
use stockroom::db::DbError;

const WATCH: &str = "subscription ($sku: String!) { stockChanged(skus: [$sku]) { version } }";

/// A socket of a new member of staff, with a subscription under way.
async fn watching(app: &TestApp) -> (Person, Pair, Socket) {
    let sku = app.a_sku().await;
    let person = person(app, Role::Staff).await;
    let pair = sign_in(app, &person).await;
    let mut socket = app.socket_with_token(&pair.access).await;
    socket.subscribe_with("1", WATCH, json!({ "sku": sku })).await;
    socket.next_of("1").await;
    (person, pair, socket)
}

/// Changes an account as an administrator's mutation does.
async fn change(app: &TestApp, person: &Person, sql: &str) {
    use sea_orm::ConnectionTrait;
    let (accounts, id) = (&app.app.services.accounts, person.id);
    let done: Result<(), DbError> = app
        .app
        .db
        .tx(|tx| async move {
            tx.connection().execute_unprepared(sql).await?;
            accounts.account_changed_in_txn(&tx, id);
            Ok(())
        })
        .await;
    done.unwrap();
}

/// Neither bus nor token ends a socket within the time of a test.
async fn patient() -> TestApp {
    let hour = Duration::from_secs(60 * 60);
    TestApp::with(|settings| settings.transport.sockets.look = hour).await
}

async fn ping(socket: &mut Socket, authorization: Value) {
    let payload = json!({ "authorization": authorization });
    socket.send(json!({ "type": "ping", "payload": payload })).await;
}

#[tokio::test]
async fn signing_out_ends_the_sockets_of_the_session_and_no_other() {
    let app = patient().await;
    let (person, pair, mut socket) = watching(&app).await;
    let elsewhere = sign_in(&app, &person).await;
    let mut other = app.socket_with_token(&elsewhere.access).await;

    revoke(&app.guest(), Some(&pair.refresh), false).await;

    assert_eq!(socket.close_code().await, 4403);
    other.subscribe("1", "{ me { role } }").await;
    assert_eq!(other.next_of("1").await["data"]["me"]["role"], "STAFF");
}

#[tokio::test]
async fn a_closed_account_and_a_changed_role_end_running_subscriptions() {
    for sql in [
        "UPDATE user_account SET active = FALSE",
        "UPDATE user_account SET role = 'CUSTOMER'",
        "DELETE FROM user_account",
    ] {
        let app = patient().await;
        let (person, _, mut socket) = watching(&app).await;

        change(&app, &person, sql).await;

        assert_eq!(socket.close_code().await, 4403, "{sql}");
    }
}

#[tokio::test]
async fn a_replayed_refresh_token_ends_the_sockets_of_its_session() {
    let app = patient().await;
    let (_, pair, mut socket) = watching(&app).await;
    refresh(&app, &pair.refresh).await.unwrap();
    app.waits(chrono::TimeDelta::seconds(11));

    assert!(refresh(&app, &pair.refresh).await.is_err());

    assert_eq!(socket.close_code().await, 4403);
}

#[tokio::test]
async fn a_change_on_another_replica_ends_the_socket() {
    let Some(redis) = RedisServer::start().await else { return };
    let hour = Duration::from_secs(60 * 60);
    let app = TestApp::with(|settings| {
        settings.redis_url = Some(redis.url().into());
        settings.transport.sockets.look = hour;
    })
    .await;
    let other = app.replica().await;
    for replica in [&app, &other] {
        replica.until("it hears the other", async |replica| replica.app.bus.is_shared()).await;
    }
    let (_, pair, mut socket) = watching(&app).await;

    revoke(&other.guest(), Some(&pair.refresh), false).await;

    assert_eq!(socket.close_code().await, 4403);
}

#[tokio::test]
async fn a_change_that_the_bus_did_not_tell_of_is_found_by_looking() {
    let app = TestApp::with(|settings| {
        settings.transport.sockets.look = Duration::from_millis(50);
    })
    .await;
    let (_, _, mut socket) = watching(&app).await;

    app.execute("UPDATE user_account SET active = FALSE").await;

    assert_eq!(socket.close_code().await, 4403);
}

#[tokio::test]
async fn a_socket_goes_on_with_the_next_token() {
    let app = patient().await;
    let (sku, user) = (app.a_sku().await, app.account(Role::Staff).await);
    let now = app.app.db.now().timestamp();
    let almost_over = app.token_issued_at(user, now - ACCESS_TOKEN_SECONDS + 8);
    let mut socket = app.socket_with_token(&almost_over).await;
    socket.subscribe_with("1", WATCH, json!({ "sku": sku })).await;
    socket.next_of("1").await;

    let next = app.token(user);
    ping(&mut socket, json!(format!("Bearer {next}"))).await;
    let pong = socket.next().await;
    assert_eq!(pong["type"], "pong");
    let until = pong["payload"]["expiresAt"].as_str().expect("the new end");
    let until: chrono::DateTime<chrono::Utc> = until.parse().unwrap();
    assert!(until.timestamp() >= now + ACCESS_TOKEN_SECONDS);
    assert!(!pong.to_string().contains(&next), "a token does not come back");

    // Past the end of the first token the subscription runs, and operations begin.
    app.until("the first token is over", async |app| app.app.db.now().timestamp() > now + 8).await;
    let staff = app.with_token(&next);
    let receive = "mutation ($sku: String!) { \
        stockAdjust(input: { sku: $sku, delta: 1, type: RECEIPT }) { userErrors { code } } }";
    let answer = staff.query(receive).with_variables(json!({ "sku": sku })).await;
    assert!(answer.user_errors("stockAdjust").is_empty());
    socket.next_of("1").await;
    socket.subscribe("2", "{ me { role } }").await;
    assert_eq!(socket.next_of("2").await["data"]["me"]["role"], "STAFF");
}

#[tokio::test]
async fn a_socket_is_not_handed_to_another_account_or_kept_by_a_bad_token() {
    let app = patient().await;
    let user = app.account(Role::Staff).await;
    let other = app.token(app.account(Role::Staff).await);
    let mine = app.token(user);

    for authorization in [
        json!(format!("Bearer {other}")),
        json!("Bearer nonsense"),
        json!(mine),
        json!(""),
        json!(7),
    ] {
        let mut socket = app.socket_with_token(&mine).await;
        ping(&mut socket, authorization.clone()).await;
        assert_eq!(socket.close_code().await, 4403, "{authorization}");
    }
}

#[tokio::test]
async fn a_guest_signs_in_by_a_new_socket() {
    let app = patient().await;
    let token = app.token(app.account(Role::Customer).await);
    let mut socket = app.socket().await;

    ping(&mut socket, json!(format!("Bearer {token}"))).await;

    assert_eq!(socket.close_code().await, 4403);
}

#[tokio::test]
async fn nobody_stays_before_having_come() {
    let app = patient().await;
    let token = app.token(app.account(Role::Customer).await);
    let mut socket = Socket::connect(app.listen().await).await;

    ping(&mut socket, json!(format!("Bearer {token}"))).await;

    assert_eq!(socket.close_code().await, 4401);
}

#[tokio::test]
async fn the_session_of_a_socket_can_sign_out_over_it() {
    let app = patient().await;
    let (_, _, mut socket) = watching(&app).await;

    socket.subscribe("2", "mutation { tokenRevoke(input: {}) { revokedSessions } }").await;

    assert_eq!(socket.close_code().await, 4403);
}
