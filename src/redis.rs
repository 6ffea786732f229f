//! The connection to Redis, which nobody ever has to wait for: commands have a short time limit,
//! connecting happens in the background, and a breaker answers at once while Redis is away.

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a connection may take to be made.
pub const CONNECT_LIMIT: Duration = Duration::from_millis(250);
/// How long a command may take.
pub const COMMAND_LIMIT: Duration = Duration::from_millis(50);
/// How long a probe may take.
pub const PROBE_LIMIT: Duration = Duration::from_millis(500);
/// Failures in a row that open the breaker.
const FAILURES_TO_OPEN: u32 = 5;
/// How long it stays open before one probe.
const OPEN_FOR: Duration = Duration::from_secs(5);
/// The pause after a first failure to connect; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// An attempt to connect that took longer died with its task.
const ATTEMPT_LOST_AFTER: Duration = Duration::from_secs(5);
/// Commands that may wait to be sent; a burst of requests fits.
const QUEUE: usize = 1024;

/// Handle on Redis; clones share one connection and one breaker.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    key_prefix: String,
    link: Mutex<Link>,
    /// Whether the link is up, for those who ask often.
    up: AtomicBool,
}

struct Link {
    state: State,
    /// Failures in a row, of commands and of attempts to connect.
    failures: u32,
    /// Of the connection, so that a late failure of an old one is not held against the new one.
    number: u64,
}

enum State {
    Up(MultiplexedConnection),
    /// One attempt to connect is under way: the breaker's probe.
    Connecting(Instant),
    Down {
        retry_at: Instant,
    },
}

/// Why Redis did not answer. Callers go on without it.
#[derive(Debug, thiserror::Error)]
pub enum RedisFailure {
    /// There is no connection, or the breaker is open: not asked at all.
    #[error("Redis is away")]
    Away,
    /// The time limit passed.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// It refused, or the connection broke.
    #[error(transparent)]
    Failed(#[from] redis::RedisError),
}

impl Redis {
    /// A handle that is not connected yet. `key_prefix` begins every key and channel, so that
    /// several shops can share one Redis.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn open(url: &str, key_prefix: &str) -> Result<Self, RedisFailure> {
        let link = Link { state: State::Down { retry_at: Instant::now() }, failures: 0, number: 0 };
        let inner = Inner {
            client: Client::open(url)?,
            key_prefix: key_prefix.to_owned(),
            link: Mutex::new(link),
            up: AtomicBool::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What every key and channel begins with.
    #[must_use]
    pub fn key_prefix(&self) -> &str {
        &self.inner.key_prefix
    }

    /// Whether commands are sent at this moment.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.inner.up.load(Ordering::Acquire)
    }

    /// Connects now, for the start of the server: later, whoever asks sets it going.
    pub async fn connect(&self) {
        self.inner.link.lock().state = State::Connecting(Instant::now());
        self.attempt().await;
    }

    /// Sends one command.
    ///
    /// # Errors
    /// [`RedisFailure`], within [`COMMAND_LIMIT`].
    pub async fn run<T: FromRedisValue>(&self, command: redis::Cmd) -> Result<T, RedisFailure> {
        let ask = async move |mut connection| command.query_async(&mut connection).await;
        self.ask(COMMAND_LIMIT, ask).await
    }

    /// Sends several commands at once.
    ///
    /// # Errors
    /// [`RedisFailure`], within [`COMMAND_LIMIT`].
    pub async fn run_all(&self, commands: redis::Pipeline) -> Result<(), RedisFailure> {
        let ask = async move |mut connection| commands.exec_async(&mut connection).await;
        self.ask(COMMAND_LIMIT, ask).await
    }

    /// Whether Redis answers, for probes, which can wait longer than requests.
    ///
    /// # Errors
    /// [`RedisFailure`], within [`PROBE_LIMIT`].
    pub async fn ping(&self) -> Result<(), RedisFailure> {
        let ask = async move |mut connection| redis::cmd("PING").exec_async(&mut connection).await;
        self.ask(PROBE_LIMIT, ask).await
    }

    /// A connection of its own for a subscriber, made within [`CONNECT_LIMIT`].
    ///
    /// # Errors
    /// [`RedisFailure`] when it could not be made.
    pub async fn subscriber(&self) -> Result<redis::aio::PubSub, RedisFailure> {
        let connecting = timeout(CONNECT_LIMIT, self.inner.client.get_async_pubsub());
        Ok(connecting.await.map_err(|_| RedisFailure::TimedOut)??)
    }

    /// Sets an attempt to connect going if one is due, so that Redis is found again even when
    /// nobody asks it anything.
    pub fn reconnect_if_due(&self) {
        // The connection itself is not wanted here.
        drop(self.connection());
    }

    /// Ends the pause before the next attempt to connect: Redis was seen to be there.
    pub fn reconnect_now(&self) {
        let mut link = self.inner.link.lock();
        if let State::Down { retry_at } = &mut link.state {
            *retry_at = Instant::now();
        }
        drop(link);
        self.reconnect_if_due();
    }

    async fn ask<T>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, RedisFailure> {
        let (connection, number) = self.connection().ok_or(RedisFailure::Away)?;
        match timeout(limit, work(connection)).await {
            Ok(Ok(answer)) => {
                self.succeeded(number);
                Ok(answer)
            }
            Ok(Err(error)) => {
                self.failed(number, error.is_unrecoverable_error(), &error.to_string());
                Err(error.into())
            }
            Err(_) => {
                self.failed(number, false, "no answer in time");
                Err(RedisFailure::TimedOut)
            }
        }
    }

    /// The connection, if there is one. If not, and the pause is over, sets an attempt going.
    fn connection(&self) -> Option<(MultiplexedConnection, u64)> {
        let mut link = self.inner.link.lock();
        let due = match &link.state {
            State::Up(connection) => return Some((connection.clone(), link.number)),
            State::Connecting(since) => since.elapsed() > ATTEMPT_LOST_AFTER,
            State::Down { retry_at } => *retry_at <= Instant::now(),
        };
        if due {
            link.state = State::Connecting(Instant::now());
            let redis = self.clone();
            tokio::spawn(async move { redis.attempt().await });
        }
        None
    }

    async fn attempt(&self) {
        let connected = timeout(CONNECT_LIMIT, self.greet()).await;
        let mut link = self.inner.link.lock();
        match connected {
            Ok(Ok(connection)) => {
                link.state = State::Up(connection);
                link.failures = 0;
                link.number += 1;
                self.inner.up.store(true, Ordering::Release);
                tracing::info!("connected to Redis");
            }
            Ok(Err(error)) => link.rest(&error.to_string()),
            Err(_) => link.rest("no connection in time"),
        }
    }

    /// Connects and hears one answer: a server that accepts and stays silent is not there.
    async fn greet(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_LIMIT))
            // Each command has its own limit, which holds for its wait in the queue as well.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUE);
        let client = &self.inner.client;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("PING").exec_async(&mut connection).await?;
        Ok(connection)
    }

    fn succeeded(&self, number: u64) {
        let mut link = self.inner.link.lock();
        if link.number == number {
            link.failures = 0;
        }
    }

    fn failed(&self, number: u64, broken: bool, why: &str) {
        let mut link = self.inner.link.lock();
        if link.number != number || !matches!(link.state, State::Up(_)) {
            return;
        }
        if broken || link.failures + 1 >= FAILURES_TO_OPEN {
            link.rest(why);
            self.inner.up.store(false, Ordering::Release);
        } else {
            link.failures += 1;
        }
    }
}

impl Link {
    /// Does without Redis for a while: longer when it failed several times in a row.
    fn rest(&mut self, why: &str) {
        self.failures = self.failures.saturating_add(1);
        let pause = match self.failures {
            failures if failures >= FAILURES_TO_OPEN => OPEN_FOR,
            failures => FIRST_PAUSE * 2_u32.pow(failures),
        };
        if matches!(self.state, State::Up(_)) {
            tracing::warn!(why, "going on without Redis");
        } else {
            tracing::debug!(why, failures = self.failures, "Redis is still away");
        }
        self.state = State::Down { retry_at: Instant::now() + pause };
    }
}
