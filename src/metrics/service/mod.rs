//! Writing, reading and forgetting what all processes count.

mod circuits;
mod days;
mod figures;
mod flush;
mod pending;
mod purge;
mod read;
mod watch;

pub use watch::Report;

use crate::db::{Db, Timestamp};
use crate::events::Bus;
use crate::metrics::service::pending::Pending;
use crate::metrics::service::watch::Watched;
use crate::metrics::{CircuitSource, Counts};
use chrono::{DurationRound, TimeDelta};
use sea_orm::FromQueryResult;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::Mutex;
use uuid::Uuid;

/// How fine figures are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolution {
    Minute,
    Hour,
}

impl Resolution {
    const fn name(self) -> &'static str {
        match self {
            Self::Minute => "MINUTE",
            Self::Hour => "HOUR",
        }
    }

    const fn length(self) -> TimeDelta {
        match self {
            Self::Minute => TimeDelta::minutes(1),
            Self::Hour => TimeDelta::hours(1),
        }
    }

    /// The beginning of the bucket that this moment lies in.
    fn start(self, at: Timestamp) -> Timestamp {
        at.duration_trunc(self.length()).unwrap_or(at)
    }
}

/// How long figures are kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// By the minute.
    pub minutes: TimeDelta,
    /// By the hour.
    pub hours: TimeDelta,
}

/// The figures of the shop; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    db: Db,
    bus: Bus,
    circuits: CircuitSource,
    retention: Retention,
    own: Arc<Own>,
}

/// What is this process's own.
struct Own {
    /// Under which name it tells of its circuits.
    process: Uuid,
    /// One writes at a time.
    flushing: Mutex<()>,
    /// What it has to write.
    pending: parking_lot::Mutex<Pending>,
    /// Whose figures it reads for those who watch.
    watched: Watched,
    /// Whether it has told of a circuit that is not closed.
    told_circuits: AtomicBool,
}

impl Metrics {
    /// The figures in this database. `circuits` tells whether this process calls its providers.
    #[must_use]
    pub fn new(db: Db, bus: Bus, circuits: CircuitSource, retention: Retention) -> Self {
        let own = Own {
            process: Uuid::new_v4(),
            flushing: Mutex::new(()),
            pending: parking_lot::Mutex::default(),
            watched: Watched::default(),
            told_circuits: AtomicBool::new(false),
        };
        Self { db, bus, circuits, retention, own: Arc::new(own) }
    }
}

/// The sum of a figure.
#[derive(Debug, FromQueryResult)]
struct Sum {
    metric: String,
    value: i64,
}

impl FromIterator<Sum> for Counts {
    fn from_iter<I: IntoIterator<Item = Sum>>(sums: I) -> Self {
        let mut counts = Self::default();
        for Sum { metric, value } in sums {
            counts.add(metric, u64::try_from(value).unwrap_or_default());
        }
        counts
    }
}
