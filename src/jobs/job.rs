//! What a job is to those who ask for it and to those who carry it out.

use crate::db::DbError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// Jobs of one queue share places in a worker and wait for one another; those of another do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Work in the database.
    Default,
    /// What talks to the mail server, which may be slow.
    Mail,
    /// What looks whether all is well: it must not wait for what is not.
    Watch,
}

impl Queue {
    /// All queues.
    pub const ALL: [Self; 3] = [Self::Default, Self::Mail, Self::Watch];

    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Mail => "mail",
            Self::Watch => "watch",
        }
    }

    /// How many of its jobs one worker runs at a time.
    #[must_use]
    pub const fn places(self) -> usize {
        match self {
            Self::Default | Self::Mail => 4,
            Self::Watch => 1,
        }
    }
}

/// The arguments of a kind of job. They are stored as JSON and may be read by an older or newer
/// version of the program: add fields with `#[serde(default)]`, and never keep a secret in one.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// Names the kind in the database: the domain, a dot, what is done, as in `account.welcome`.
    const KIND: &'static str;
    /// Where it waits.
    const QUEUE: Queue = Queue::Default;
    /// How often it is tried before it is dead.
    const MAX_ATTEMPTS: u16 = 5;
    /// How long an attempt may take; one that takes longer is ended and has failed.
    const TIME_LIMIT: Duration = Duration::from_secs(60);

    /// The person whom the arguments are about; None when they hold nothing personal. Whoever
    /// asks to be forgotten has the jobs about them deleted.
    fn subject(&self) -> Option<Subject> {
        None
    }
}

/// The person whom a job is about, as the word under which their jobs are found. It is a hash: the
/// word alone tells nobody who that is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// Whoever is known by this `key` among those of a kind, such as an e-mail address among
    /// addresses.
    #[must_use]
    pub fn new(kind: &str, key: &str) -> Self {
        let hash = Sha256::digest(key.as_bytes());
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{kind}:{hex}"))
    }

    /// The word as it stands in the database.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A job to be written.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub(crate) kind: &'static str,
    pub(crate) queue: Queue,
    pub(crate) args: Result<serde_json::Value, String>,
    pub(crate) dedupe: Option<String>,
    pub(crate) delay: Duration,
    pub(crate) max_attempts: u16,
    pub(crate) subject: Option<Subject>,
}

impl NewJob {
    /// A job to be done as soon as its transaction is committed.
    #[must_use]
    pub fn new<J: Job>(args: &J) -> Self {
        Self {
            kind: J::KIND,
            queue: J::QUEUE,
            args: serde_json::to_value(args).map_err(|error| error.to_string()),
            dedupe: None,
            delay: Duration::ZERO,
            max_attempts: J::MAX_ATTEMPTS,
            subject: args.subject(),
        }
    }

    /// Not when a job with the same key is there. A key is free again a week after its job is done,
    /// and never while that is dead.
    #[must_use]
    pub fn dedupe(self, key: impl Into<String>) -> Self {
        Self { dedupe: Some(key.into()), ..self }
    }

    /// Not before this time has passed.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Tried so often, from 1 to 100, before it is dead.
    #[must_use]
    pub fn max_attempts(self, max_attempts: u16) -> Self {
        Self { max_attempts: max_attempts.clamp(1, 100), ..self }
    }
}

/// Which attempt at which job a handler is called for.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// The job. The same in all attempts: what is done elsewhere can be told by it as done before.
    pub job_id: Uuid,
    /// 1 at the first.
    pub number: u32,
    /// How many there are in all.
    pub max: u32,
}

impl Attempt {
    /// Whether a failure now ends the job.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.number >= self.max
    }
}

/// Why a handler did not do its job. The reasons are stored and logged: no secret, no full address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Another attempt may succeed. After the last one the job is dead, for operators to look at.
    #[error("{0}")]
    Retry(String),
    /// There is nothing to do, now or later, and nobody needs to look at it: the job is done.
    #[error("{0}")]
    Discard(String),
}

impl Failure {
    /// Another attempt may succeed.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry(reason.into())
    }

    /// No attempt can succeed, and nobody needs to look at it.
    pub fn discard(reason: impl Into<String>) -> Self {
        Self::Discard(reason.into())
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Retry(error.to_string())
    }
}
