//! The load: so many connections, each of which sends a request as soon as the last one is answered.

use crate::figures::real;
use crate::times::Times;
use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What to send, and what is right as an answer.
pub trait Traffic: Send + Sync + 'static {
    /// The body of the next request of a connection; None when there is nothing more to send.
    fn next(&self, connection: usize) -> Option<Bytes>;
    /// Says what is wrong with an answer.
    ///
    /// # Errors
    /// What is wrong.
    fn check(&self, body: &[u8]) -> Result<(), String>;
    /// Whether an answer only says that there was too much to do. Unless that is what is looked
    /// for, it is a wrong answer.
    fn refuses(&self, _body: &[u8]) -> bool {
        false
    }
}

/// How to send.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Where to.
    pub address: SocketAddr,
    /// Connections.
    pub connections: usize,
    /// For how long, before it counts.
    pub warm_up: Duration,
    /// For how long it counts.
    pub duration: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Right answers.
    pub done: u64,
    /// Times of requests that were turned away because there was too much to do.
    pub refused: Times,
    /// Wrong answers, and none.
    pub errors: u64,
    /// What the first of them was.
    pub first_error: Option<String>,
    /// For how long.
    pub seconds: f64,
    /// Times of right answers.
    pub times: Times,
}

impl Outcome {
    /// Right answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        real(self.done) / self.seconds.max(1e-9)
    }
}

/// A connection that is kept.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    /// Who asks, unless it is a guest.
    pub authorization: Option<String>,
}

impl Connection {
    /// Opens one.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true).context("no TCP_NODELAY")?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the connection; what went wrong is told to the sender.
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string(), authorization: None })
    }

    /// Sends a GraphQL request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn post(&mut self, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::post("/graphql")
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// Gets a page, on a connection of its own.
///
/// # Errors
/// When nobody answers there.
pub async fn get(address: SocketAddr, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let stream = TcpStream::connect(address).await.context("cannot connect")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", address.to_string());
    let response = sender.send_request(request.body(Full::new(Bytes::new()))?).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// Sends for as long as the shape says, or until there is nothing more to send. `counts` is called
/// when it begins to count.
///
/// # Errors
/// When a connection cannot be opened.
pub async fn send(
    traffic: Arc<dyn Traffic>,
    shape: Shape,
    counts: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let mut connections = Vec::new();
    for _ in 0..shape.connections {
        connections.push(Connection::open(shape.address).await?);
    }
    let begin = Instant::now() + shape.warm_up;
    let end = begin + shape.duration;
    let mut workers = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        let traffic = Arc::clone(&traffic);
        workers.spawn(work(traffic, connection, number, (begin, end)));
    }
    tokio::time::sleep_until(begin.into()).await;
    counts()?;
    let mut all = Outcome::default();
    let mut last = begin;
    while let Some(worker) = workers.join_next().await {
        let (mut part, ended) = worker.context("a connection's task failed")??;
        all.done += part.done;
        all.refused.add(&part.refused);
        all.errors += part.errors;
        all.first_error = all.first_error.or(part.first_error.take());
        all.times.add(&part.times);
        last = last.max(ended);
    }
    all.seconds = last.duration_since(begin).as_secs_f64();
    Ok(all)
}

async fn work(
    traffic: Arc<dyn Traffic>,
    mut connection: Connection,
    number: usize,
    (begin, end): (Instant, Instant),
) -> anyhow::Result<(Outcome, Instant)> {
    let mut outcome = Outcome::default();
    let mut ended = begin;
    loop {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        let Some(body) = traffic.next(number) else {
            ended = ended.max(sent);
            break;
        };
        let answered = connection.post(body).await;
        let now = Instant::now();
        let micros = u64::try_from(now.duration_since(sent).as_micros())?;
        // What was sent before it counts was the warm-up, but errors are errors.
        let wrong = match &answered {
            Ok((status, body))
                if *status == StatusCode::SERVICE_UNAVAILABLE || traffic.refuses(body) =>
            {
                if sent >= begin {
                    outcome.refused.record(micros);
                    ended = ended.max(now);
                }
                continue;
            }
            Ok((status, _)) if *status != StatusCode::OK => Some(format!("status {status}")),
            Ok((_, body)) => traffic.check(body).err(),
            Err(error) => Some(error.to_string()),
        };
        if let Some(wrong) = wrong {
            outcome.errors += 1;
            outcome.first_error.get_or_insert(wrong);
            if answered.is_err() {
                bail!("{}", outcome.first_error.unwrap_or_default());
            }
        } else if sent >= begin {
            outcome.done += 1;
            outcome.times.record(micros);
            ended = ended.max(now);
        }
    }
    Ok((outcome, ended))
}
