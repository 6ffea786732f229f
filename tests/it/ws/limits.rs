//! Who may open a socket, how many, and what one may take.

use super::WATCH;
use crate::app::{Socket, TestApp};
use futures::SinkExt;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use stockroom::auth::Role;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

/// The status with which the handshake is refused.
async fn refusal(address: SocketAddr, headers: &[(&'static str, &str)]) -> u16 {
    match Socket::connect_with(address, headers).await {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(other) => panic!("no refusal by HTTP: {other}"),
        Ok(_) => panic!("the socket opened"),
    }
}

#[tokio::test]
async fn pages_of_foreign_origins_open_no_socket() {
    let origins = vec!["https://store.example".to_owned()];
    let app = TestApp::with(|settings| settings.cors_allowed_origins = origins).await;
    let address = app.listen().await;

    for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
        assert_eq!(refusal(address, &[PROTOCOL, ("origin", origin)]).await, 403, "{origin}");
    }
    let own = format!("http://{address}");
    for origin in [own.as_str(), "https://store.example"] {
        let opened = Socket::connect_with(address, &[PROTOCOL, ("origin", origin)]).await;
        assert!(opened.is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn other_subprotocols_are_refused() {
    let app = TestApp::start().await;
    let address = app.listen().await;

    assert_eq!(refusal(address, &[("sec-websocket-protocol", "graphql-ws")]).await, 400);
    assert_eq!(refusal(address, &[]).await, 400);
}

#[tokio::test]
async fn an_address_has_so_many_sockets_and_gets_them_back() {
    let app = TestApp::with(|settings| settings.transport.sockets.per_address = 2).await;
    let address = app.listen().await;
    let (one, _two) = (app.socket().await, app.socket().await);

    assert_eq!(refusal(address, &[PROTOCOL]).await, 429);
    drop(one);

    app.until_under_way(1).await;
    app.socket().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_counted_and_not_the_proxy() {
    let app = TestApp::with(|settings| {
        settings.transport.sockets.per_address = 1;
        settings.transport.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let address = app.listen().await;
    let open = |client: &'static str| async move {
        Socket::connect_with(address, &[PROTOCOL, ("x-forwarded-for", client)]).await
    };

    let _one = open("203.0.113.1").await.unwrap();
    let _two = open("203.0.113.2").await.unwrap();

    let headers = [PROTOCOL, ("x-forwarded-for", "203.0.113.1")];
    assert_eq!(refusal(address, &headers).await, 429);
}

#[tokio::test]
async fn the_process_has_so_many_sockets() {
    let app = TestApp::with(|settings| settings.transport.sockets.per_process = 1).await;
    let address = app.listen().await;
    let _one = app.socket().await;

    assert_eq!(refusal(address, &[PROTOCOL]).await, 503);
}

#[tokio::test]
async fn an_account_has_so_many_sockets() {
    let app = TestApp::with(|settings| settings.transport.sockets.per_user = 1).await;
    let (address, user) = (app.listen().await, app.account(Role::Customer).await);
    let token = app.token(user);
    let _one = app.socket_with_token(&token).await;

    let mut two = Socket::connect(address).await;
    let payload = json!({ "Authorization": format!("Bearer {token}") });
    two.send(json!({ "type": "connection_init", "payload": payload })).await;

    assert_eq!(two.close_code().await, 1013);
}

#[tokio::test]
async fn a_socket_has_so_many_operations_at_one_time() {
    let app = TestApp::with(|settings| settings.transport.sockets.operations = 2).await;
    let sku = app.a_sku().await;
    let mut socket = app.socket().await;
    for id in ["1", "2"] {
        socket.subscribe_with(id, WATCH, json!({ "sku": sku })).await;
        socket.next_of(id).await;
    }

    socket.subscribe("3", "{ __typename }").await;
    let refused = socket.next().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("3")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    assert!(refused["payload"][0]["extensions"]["retryAfterSeconds"].is_number());

    socket.send(json!({ "type": "complete", "id": "1" })).await;
    socket.subscribe("3", "{ __typename }").await;
    assert_eq!(socket.next_of("3").await["data"], json!({ "__typename": "Query" }));
}

#[tokio::test]
async fn messages_that_come_too_fast_end_the_socket() {
    let app = TestApp::with(|settings| {
        settings.transport.sockets.messages_burst = 20;
        settings.transport.sockets.messages_per_minute = 1;
    })
    .await;
    let mut socket = app.socket().await;

    for _ in 0..19 {
        socket.send(json!({ "type": "ping" })).await;
        assert_eq!(socket.next().await["type"], "pong");
    }
    socket.send(json!({ "type": "ping" })).await;

    assert_eq!(socket.close_code().await, 4429);
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_socket() {
    let app = TestApp::start().await;
    let most = app.app.settings.transport.sockets.message_bytes;
    let ping = |bytes: usize| {
        let (start, end) = (r#"{"type":"ping","payload":{"a":""#, r#""}}"#);
        Message::text(format!("{start}{}{end}", "x".repeat(bytes - start.len() - end.len())))
    };
    let mut socket = app.socket().await;

    socket.send_raw(ping(most)).await;
    assert_eq!(socket.next().await["type"], "pong");
    socket.send_raw(ping(most + 1)).await;

    assert_eq!(socket.close_code().await, 1009);
}

#[tokio::test]
async fn a_living_peer_is_asked_and_a_silent_one_is_dropped() {
    let app =
        TestApp::with(|settings| settings.transport.sockets.ping = Duration::from_millis(200))
            .await;
    let mut living = app.socket().await;
    // A client answers pings only while it reads; this one does not any more.
    let _silent = app.socket().await;
    app.until_under_way(2).await;

    let reading = tokio::spawn(async move {
        for _ in 0..20 {
            living.ping().await;
        }
        living
    });
    app.until_under_way(1).await;

    let mut living = reading.await.unwrap();
    living.subscribe("1", "{ __typename }").await;
    assert_eq!(living.next_of("1").await["data"], json!({ "__typename": "Query" }));
}

#[tokio::test]
async fn a_peer_that_takes_nothing_loses_its_socket() {
    let app = TestApp::with(|settings| {
        settings.transport.sockets.write = Duration::from_millis(200);
        settings.transport.sockets.messages_burst = 100_000;
        settings.transport.sockets.operations = 200;
    })
    .await;
    let address = app.listen().await;
    // Little room on the way, so that the server soon has to wait.
    let small = TcpSocket::new_v4().unwrap();
    small.set_recv_buffer_size(4_096).unwrap();
    let stream = small.connect(address).await.unwrap();
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    request.headers_mut().insert(PROTOCOL.0, PROTOCOL.1.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();

    // It asks and asks, until nobody listens, and never reads.
    let asking = tokio::spawn(async move {
        socket.send(Message::text(r#"{"type":"connection_init"}"#)).await.unwrap();
        let large = "{ __schema { types { name description fields { name description } } } }";
        for id in 0_u64.. {
            let payload = json!({ "query": large });
            let message = json!({ "type": "subscribe", "id": id.to_string(), "payload": payload });
            if socket.send(Message::text(message.to_string())).await.is_err() {
                return;
            }
        }
    });

    asking.await.unwrap();
    app.until_under_way(0).await;
}
