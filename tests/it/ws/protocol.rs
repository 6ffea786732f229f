//! The messages, and the codes with which a socket is closed.

use super::WATCH;
use crate::app::{Socket, TestApp};
use serde_json::json;
use std::time::Duration;
use stockroom::auth::{ACCESS_TOKEN_SECONDS, Role};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn queries_and_mutations_are_answered_once_and_completed() {
    let app = TestApp::start().await;
    let token = app.token(app.account(Role::Staff).await);
    let mut socket = app.socket_with_token(&token).await;

    socket.subscribe("a", "{ me { role } }").await;
    assert_eq!(socket.next_of("a").await["data"], json!({ "me": { "role": "STAFF" } }));
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "a" }));

    let create = "mutation { warehouseCreate(input: { code: \"B\", name: \"B\" }) \
                  { warehouse { code } userErrors { code } } }";
    socket.subscribe("b", create).await;
    let answer = socket.next_of("b").await;
    assert_eq!(answer["data"]["warehouseCreate"]["warehouse"]["code"], "B", "{answer}");
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "b" }));
}

#[tokio::test]
async fn a_guest_on_a_socket_is_a_guest() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;

    socket.subscribe("1", "{ warehouses { id } }").await;

    let answer = socket.next_of("1").await;
    assert_eq!(answer["data"], json!({ "warehouses": null }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
}

#[tokio::test]
async fn what_is_refused_before_execution_is_an_error_message() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;

    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ noSuchField }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: String!) { __type(name: $n) { name } }", "BAD_USER_INPUT"),
    ] {
        socket.subscribe("1", document).await;
        let error = socket.next().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("1")), "{error}");
        assert_eq!(error["payload"][0]["extensions"]["code"], code);
        assert!(error["payload"][0]["extensions"]["requestId"].is_string());
    }
}

#[tokio::test]
async fn a_ping_is_answered_at_any_time() {
    let app = TestApp::start().await;
    let mut socket = Socket::connect(app.listen().await).await;

    socket.send(json!({ "type": "ping", "payload": { "at": 7 } })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong", "payload": { "at": 7 } }));
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong" }));
    socket.send(json!({ "type": "pong" })).await;
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
}

#[tokio::test]
async fn a_socket_without_an_init_is_closed_with_4408() {
    let app =
        TestApp::with(|settings| settings.transport.sockets.init = Duration::from_millis(50)).await;
    let mut socket = Socket::connect(app.listen().await).await;

    assert_eq!(socket.close_code().await, 4408);
}

#[tokio::test]
async fn a_second_init_is_closed_with_4429() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;

    socket.send(json!({ "type": "connection_init" })).await;

    assert_eq!(socket.close_code().await, 4429);
}

#[tokio::test]
async fn an_operation_before_the_acknowledgement_is_closed_with_4401() {
    let app = TestApp::start().await;
    let mut socket = Socket::connect(app.listen().await).await;

    socket.subscribe("1", "{ __typename }").await;

    assert_eq!(socket.close_code().await, 4401);
}

#[tokio::test]
async fn a_token_that_is_not_good_is_closed_with_4403() {
    let app = TestApp::start().await;
    let address = app.listen().await;

    for authorization in [json!("Bearer nonsense"), json!("Basic abc"), json!(""), json!(7)] {
        let mut socket = Socket::connect(address).await;
        let payload = json!({ "authorization": authorization });
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.close_code().await, 4403, "{authorization}");
    }
}

#[tokio::test]
async fn the_handshake_may_carry_the_token() {
    let app = TestApp::start().await;
    let token = app.token(app.account(Role::Customer).await);
    let authorization = format!("Bearer {token}");

    let headers = [
        ("sec-websocket-protocol", "graphql-transport-ws"),
        ("authorization", authorization.as_str()),
    ];
    let mut socket = Socket::connect_with(app.listen().await, &headers).await.unwrap();
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await["type"], "connection_ack");
    socket.subscribe("1", "{ me { role } }").await;

    assert_eq!(socket.next_of("1").await["data"]["me"]["role"], "CUSTOMER");
}

#[tokio::test]
async fn an_id_that_is_in_use_is_closed_with_4409() {
    let app = TestApp::start().await;
    let sku = app.a_sku().await;
    let mut socket = app.socket().await;
    socket.subscribe_with("1", WATCH, json!({ "sku": sku })).await;
    socket.next_of("1").await;

    socket.subscribe("1", "{ __typename }").await;

    assert_eq!(socket.close_code().await, 4409);
}

#[tokio::test]
async fn what_is_no_message_is_closed_with_4400() {
    let app = TestApp::start().await;
    let address = app.listen().await;

    for frame in [
        Message::text("nonsense"),
        Message::text("{}"),
        Message::text(r#"{"type":"start","id":"1"}"#),
        Message::text(r#"{"type":"subscribe","id":"1"}"#),
        Message::text(r#"{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}"#),
        Message::binary(br#"{"type":"ping"}"#.to_vec()),
    ] {
        let mut socket = Socket::ready(address, None).await;
        socket.send_raw(frame.clone()).await;
        assert_eq!(socket.close_code().await, 4400, "{frame:?}");
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let app = TestApp::start().await;
    let sku = app.a_sku().await;
    let user = app.account(Role::Customer).await;
    let almost_over = app.app.db.now().timestamp() - ACCESS_TOKEN_SECONDS + 6;
    let mut socket = app.socket_with_token(&app.token_issued_at(user, almost_over)).await;

    socket.subscribe_with("1", WATCH, json!({ "sku": sku })).await;

    assert_eq!(socket.close_code().await, 4403);
}

#[tokio::test]
async fn the_socket_of_a_closed_account_begins_nothing_more() {
    let app = TestApp::start().await;
    let token = app.token(app.account(Role::Staff).await);
    let mut socket = app.socket_with_token(&token).await;

    app.execute("UPDATE user_account SET active = FALSE").await;
    socket.subscribe("1", "{ warehouses { id } }").await;

    assert_eq!(socket.close_code().await, 4403);
}

#[tokio::test]
async fn sockets_are_told_to_come_back_when_the_server_ends() {
    let app = TestApp::start().await;
    let sku = app.a_sku().await;
    let (mut idle, mut busy) = (app.socket().await, app.socket().await);
    busy.subscribe_with("1", WATCH, json!({ "sku": sku })).await;
    busy.next_of("1").await;

    app.app.lifecycle.stopping.cancel();

    assert_eq!(idle.close_code().await, 1001);
    assert_eq!(busy.close_code().await, 1001);
    app.until_under_way(0).await;
}
