//! The health of the components as it is kept: what each live process found last, what changed for
//! the whole shop, and how it was by the hour.

mod outages;
mod read;
mod write;

pub use outages::Outage;
pub use read::{Change, LatencyPoint, State};

use crate::auth::Denied;
use crate::db::{Db, DbError, TxError};
use crate::metrics::health::component::Health;
use crate::metrics::health::diary::Diary;
use chrono::TimeDelta;
use parking_lot::Mutex;
use std::sync::Arc;
use uuid::Uuid;

/// A process that has written nothing for so long does not count any more. It writes every ten
/// seconds.
const ALIVE: TimeDelta = TimeDelta::seconds(35);

/// Why the health cannot be told.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl TxError for Error {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Db(error) => Some(error),
            Self::Denied(_) => None,
        }
    }
}

/// What is kept of the server's health; cheap to clone. Clones are of one process.
#[derive(Clone)]
pub struct HealthLog {
    db: Db,
    /// Which process this is.
    instance: Uuid,
    diary: Arc<Mutex<Diary>>,
    /// Who writes is alone: nothing is written twice.
    pen: Arc<tokio::sync::Mutex<()>>,
}

impl HealthLog {
    /// What is kept in this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db, instance: Uuid::now_v7(), diary: Arc::default(), pen: Arc::default() }
    }
}

/// The word of a CHECK.
fn health(word: &str) -> Health {
    Health::from_name(word).unwrap_or(Health::Unhealthy)
}
