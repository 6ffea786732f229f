//! The life of one socket: who it is, what it asked for, and when it ends.

use crate::auth::Client;
use crate::config::SocketLimits;
use crate::graphql::code;
use crate::graphql::document::{GraphqlParams, JsonObject};
use crate::http::answer::Rejection;
use crate::http::request_id::RequestId;
use crate::http::socket::close;
use crate::http::socket::message::{
    ClientMessage, PlainMessage, ServerMessage, header_in, time_in,
};
use crate::http::socket::operation::{Operation, Report, Step};
use crate::http::socket::pace::Pace;
use crate::http::socket::registry::{Holder, Seat};
use crate::http::socket::signed_in::{self, SignedIn};
use crate::http::socket::wire::{End, Wire};
use crate::http::state::HttpState;
use axum::extract::ws::Message;
use http::{HeaderMap, StatusCode, header};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::task::AbortOnDropHandle;

/// Results that wait for the socket, of all its operations together.
const WAITING_RESULTS: usize = 8;
/// Pings that a silent peer is given.
const SILENT_PINGS: u32 = 2;

/// One socket.
pub struct Session {
    state: HttpState,
    limits: SocketLimits,
    /// `Authorization` of the handshake, for clients that can set headers there.
    authorization: Option<String>,
    seats: Vec<Seat>,
    is_acknowledged: bool,
    client: Client,
    /// Who holds the socket; None for a guest.
    signed_in: Option<SignedIn>,
    pace: Pace,
    running: HashMap<Arc<str>, Running>,
    begun: u64,
    reports: mpsc::Sender<Report>,
    reported: Option<mpsc::Receiver<Report>>,
    /// Pings since the peer was last heard.
    unanswered: u32,
}

struct Running {
    number: u64,
    /// Ends the task with the session, and with the client's `complete`.
    _task: AbortOnDropHandle<()>,
}

impl Session {
    /// A session that has not begun.
    pub fn new(state: HttpState, handshake: &HeaderMap, client: Client, seats: Vec<Seat>) -> Self {
        let limits = state.app.settings.transport.sockets.clone();
        let (reports, reported) = mpsc::channel(WAITING_RESULTS);
        let authorization = handshake.get(header::AUTHORIZATION);
        Self {
            authorization: authorization
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            client,
            seats,
            is_acknowledged: false,
            signed_in: None,
            pace: Pace::new(limits.messages_per_minute, limits.messages_burst),
            running: HashMap::new(),
            begun: 0,
            reports,
            reported: Some(reported),
            unanswered: 0,
            state,
            limits,
        }
    }

    /// Serves the socket until it ends.
    pub async fn run(mut self, mut wire: Wire) {
        let began = Instant::now();
        let Err(end) = self.serve(&mut wire).await;
        // Operations end first, so that nothing of them follows.
        self.running.clear();
        let (code, ms) = (closing_code(end), began.elapsed().as_millis());
        tracing::info!(code, ms, operations = self.begun, "a socket ends");
        if let End::Closed(closing) = end {
            wire.close(closing).await;
        }
    }

    async fn serve(&mut self, wire: &mut Wire) -> Result<std::convert::Infallible, End> {
        let stopping = self.state.app.lifecycle.stopping.clone();
        let mut reported = self.reported.take().ok_or(End::Gone)?;
        let init_by = Instant::now() + self.limits.init;
        let mut pings = interval_at(Instant::now() + self.limits.ping, self.limits.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // What ends the socket comes first, and what the client says before results: a
                // `complete` should stop them. Its pace is limited, so results get their turn.
                biased;
                () = stopping.cancelled() => return Err(End::Closed(close::GOING_AWAY)),
                () = signed_in::end(self.signed_in.as_ref()) => {
                    return Err(End::Closed(close::FORBIDDEN));
                }
                () = sleep_until(init_by), if !self.is_acknowledged => {
                    return Err(End::Closed(close::INIT_TIMEOUT));
                }
                frame = wire.receive() => self.hear(wire, frame?).await?,
                _ = pings.tick() => self.ping(wire).await?,
                report = reported.recv() => {
                    if let Some(report) = report {
                        self.pass_on(wire, report).await?;
                    }
                }
            }
        }
    }

    async fn ping(&mut self, wire: &mut Wire) -> Result<(), End> {
        if self.unanswered >= SILENT_PINGS {
            return Err(End::Gone);
        }
        self.unanswered = self.unanswered.saturating_add(1);
        wire.ping().await
    }

    async fn hear(&mut self, wire: &mut Wire, frame: Message) -> Result<(), End> {
        let unanswered = std::mem::take(&mut self.unanswered);
        // An answer is free; one that nobody asked for counts like any other message.
        if matches!(frame, Message::Pong(_)) && unanswered > 0 {
            return Ok(());
        }
        if !self.pace.keeps() {
            return Err(End::Closed(close::TOO_MANY_MESSAGES));
        }
        let text = match frame {
            Message::Text(text) => text,
            // Pings are answered by the library.
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            _ => return Err(End::Closed(close::BAD_REQUEST)),
        };
        let message = ClientMessage::read(&text).ok_or(End::Closed(close::BAD_REQUEST))?;
        match message {
            ClientMessage::ConnectionInit { payload } => self.init(wire, payload).await,
            ClientMessage::Subscribe { id, payload } => self.begin(wire, id, payload).await,
            ClientMessage::Complete { id } => {
                self.running.remove(id.as_str());
                Ok(())
            }
            ClientMessage::Ping { payload } => self.answer(wire, payload).await,
            ClientMessage::Pong {} => Ok(()),
        }
    }

    async fn init(&mut self, wire: &mut Wire, payload: Option<JsonObject>) -> Result<(), End> {
        if self.is_acknowledged {
            return Err(End::Closed(close::TOO_MANY_INITS));
        }
        let sent = payload.and_then(|payload| header_in(&payload, "authorization"));
        let sent = match sent {
            Some(text) => Some(text.ok_or(End::Closed(close::FORBIDDEN))?),
            None => self.authorization.take(),
        };
        if let Some(authorization) = sent {
            self.sign_in(&authorization).await?;
        }
        self.is_acknowledged = true;
        wire.send(PlainMessage::ConnectionAck.text()).await
    }

    async fn sign_in(&mut self, authorization: &str) -> Result<(), End> {
        let signed_in = SignedIn::by(&self.state.app, authorization).await?;
        if let Some(user) = signed_in.viewer.holder_id() {
            let seat = self.state.sockets.take(Holder::User(user), self.limits.per_user);
            self.seats.push(seat.ok_or(End::Closed(close::TRY_AGAIN_LATER))?);
        }
        self.signed_in = Some(signed_in);
        Ok(())
    }

    /// Answers a ping. One with an `authorization` lets whoever holds the socket stay: operations
    /// go on past the end of the token that they began with.
    async fn answer(&mut self, wire: &mut Wire, payload: Option<JsonObject>) -> Result<(), End> {
        let sent = payload.as_ref().and_then(|payload| header_in(payload, "authorization"));
        let Some(authorization) = sent else {
            return wire.send(PlainMessage::Pong { payload }.text()).await;
        };
        if !self.is_acknowledged {
            return Err(End::Closed(close::UNAUTHORIZED));
        }
        let forbidden = End::Closed(close::FORBIDDEN);
        let authorization = authorization.ok_or(forbidden)?;
        let next = SignedIn::by(&self.state.app, &authorization).await?;
        // Operations that run began as somebody, and stay theirs.
        let current = self.signed_in.as_ref().map(|signed_in| signed_in.viewer);
        if current != Some(next.viewer) {
            return Err(forbidden);
        }
        let payload = next.expires_at.and_then(|seconds| time_in("expiresAt", seconds));
        self.signed_in = Some(next);
        wire.send(PlainMessage::Pong { payload }.text()).await
    }

    async fn begin(
        &mut self,
        wire: &mut Wire,
        id: String,
        params: GraphqlParams,
    ) -> Result<(), End> {
        if !self.is_acknowledged {
            return Err(End::Closed(close::UNAUTHORIZED));
        }
        if self.running.contains_key(id.as_str()) {
            return Err(End::Closed(close::SUBSCRIBER_EXISTS));
        }
        if self.running.len() >= self.limits.operations {
            return wire.send(too_many_operations(&id, self.limits.operations)).await;
        }
        self.begun = self.begun.saturating_add(1);
        let (id, number): (Arc<str>, u64) = (id.into(), self.begun);
        let operation = Operation {
            state: self.state.clone(),
            id: Arc::clone(&id),
            number,
            token: self.signed_in.as_ref().map(|signed_in| Arc::clone(&signed_in.token)),
            client: self.client.clone(),
            params,
            reports: self.reports.clone(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(operation.run()));
        self.running.insert(id, Running { number, _task: task });
        Ok(())
    }

    async fn pass_on(&mut self, wire: &mut Wire, report: Report) -> Result<(), End> {
        let current = self.running.get(&report.id).map(|running| running.number);
        if current != Some(report.number) {
            // The client completed it meanwhile.
            return Ok(());
        }
        match report.step {
            Step::Message(text) => wire.send(text).await,
            Step::Last(text) => {
                self.running.remove(&report.id);
                wire.send(text).await
            }
            Step::Close(closing) => Err(End::Closed(closing)),
        }
    }
}

fn too_many_operations(id: &str, most: usize) -> String {
    let message = format!("{most} operations run on this socket: complete one first.");
    let rejection = Rejection::new(StatusCode::TOO_MANY_REQUESTS, code::RATE_LIMITED, message);
    let (rejection, request_id) = (rejection.retry_after(1), RequestId::new());
    ServerMessage::Error { id, payload: rejection.errors(&request_id) }.text()
}

fn closing_code(end: End) -> Option<u16> {
    match end {
        End::Closed(closing) => Some(closing.code),
        End::Gone => None,
    }
}
