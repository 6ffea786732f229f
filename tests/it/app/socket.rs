//! A client of graphql-transport-ws.

use futures::{SinkExt, StreamExt};
use http::HeaderValue;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connected socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Connects and waits for the acknowledgement.
    pub async fn ready(address: SocketAddr, token: Option<&str>) -> Self {
        let mut socket = Self::connect(address).await;
        let payload = match token {
            Some(token) => json!({ "Authorization": format!("Bearer {token}") }),
            None => json!({}),
        };
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket
    }

    /// Connects and says nothing yet.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, &[("sec-websocket-protocol", "graphql-transport-ws")])
            .await
            .expect("the socket opens")
    }

    /// Connects with these headers; an error is the refusal of the upgrade.
    pub async fn connect_with(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/graphql").into_client_request()?;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a value of a header");
            request.headers_mut().insert(*name, value);
        }
        let (stream, _) = connect_async(request).await?;
        Ok(Self { stream })
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    /// Sends a frame as it is.
    pub async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.expect("the server listens");
    }

    /// Begins an operation.
    pub async fn subscribe(&mut self, id: &str, document: &str) {
        self.subscribe_with(id, document, json!({})).await;
    }

    /// Begins an operation with variables.
    pub async fn subscribe_with(&mut self, id: &str, document: &str, variables: Value) {
        let payload = json!({ "query": document, "variables": variables });
        self.send(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        match self.next_frame().await {
            Message::Text(text) => serde_json::from_str(&text).expect("messages are JSON"),
            other => panic!("a message was expected and not {other:?}"),
        }
    }

    /// The payload of the next message, which must be a `next` of this operation.
    pub async fn next_of(&mut self, id: &str) -> Value {
        let mut message = self.next().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!(id)), "{message}");
        message["payload"].take()
    }

    /// The code with which the server closes; messages before that are skipped.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match self.next_frame().await {
                Message::Close(Some(frame)) => return frame.code.into(),
                Message::Text(_) => {}
                other => panic!("a close with a code was expected and not {other:?}"),
            }
        }
    }

    /// Waits for a ping of the server.
    pub async fn ping(&mut self) {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let frame = frame.expect("a ping comes in time").expect("the socket is open");
            if matches!(frame.expect("the socket is sound"), Message::Ping(_)) {
                return;
            }
        }
    }

    async fn next_frame(&mut self) -> Message {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let frame = frame.expect("a message comes in time").expect("the socket is open");
            match frame.expect("the socket is sound") {
                // Answered by the library.
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }
}
