//! The frames of one socket, with a limit on the time that the peer may take to take one.

use crate::http::socket::close::{self, Closing};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::time::timeout;
use tungstenite::error::CapacityError;

/// How long the peer may take to answer a close.
const GOODBYE: Duration = Duration::from_secs(1);

/// A socket's frames.
pub struct Wire {
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    patience: Duration,
}

/// How a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server closes it.
    Closed(Closing),
    /// The peer closed it, or is gone.
    Gone,
}

impl Wire {
    /// The frames of `socket`; each has `patience` to be taken.
    pub fn new(socket: WebSocket, patience: Duration) -> Self {
        let (sink, stream) = socket.split();
        Self { sink, stream, patience }
    }

    /// The next frame. Safe to cancel.
    ///
    /// # Errors
    /// The socket ends.
    pub async fn receive(&mut self) -> Result<Message, End> {
        match self.stream.next().await {
            None | Some(Ok(Message::Close(_))) => Err(End::Gone),
            Some(Ok(message)) => Ok(message),
            Some(Err(error)) => Err(match error.into_inner().downcast_ref() {
                Some(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                    End::Closed(close::TOO_BIG)
                }
                Some(tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_)) => {
                    End::Closed(close::PROTOCOL_ERROR)
                }
                _ => End::Gone,
            }),
        }
    }

    /// Sends a text. While it is on its way nothing else of this socket is made, so that a slow
    /// peer costs one message and no queue.
    ///
    /// # Errors
    /// The socket ends.
    pub async fn send(&mut self, text: String) -> Result<(), End> {
        self.send_frame(Message::Text(text.into())).await
    }

    /// Asks whether the peer is still there.
    ///
    /// # Errors
    /// The socket ends.
    pub async fn ping(&mut self) -> Result<(), End> {
        self.send_frame(Message::Ping(Bytes::new())).await
    }

    async fn send_frame(&mut self, frame: Message) -> Result<(), End> {
        match timeout(self.patience, self.sink.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Closed(close::TOO_SLOW)),
        }
    }

    /// Says why, and waits a moment for the peer to take it: a connection that is dropped with
    /// something unread would be reset, and the reason with it.
    pub async fn close(mut self, closing: Closing) {
        let frame = CloseFrame { code: closing.code, reason: closing.reason.into() };
        let goodbye = async {
            if self.sink.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        // The peer that does not take it is dropped all the same.
        let _ = timeout(GOODBYE, goodbye).await;
    }
}
