//! What time the database said it is, and what time it is since.

use crate::db::{Db, Timestamp};
use chrono::{DurationRound, TimeDelta};
use std::time::Instant;

/// A moment by the clock of the database, and when it was heard of. What is made up later and is to bear
/// the time takes it from here, without another question; it lags behind by what the answer took.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    at: Timestamp,
    here: Instant,
    /// By how much tests had moved the clock.
    offset: TimeDelta,
}

impl Heard {
    /// The moment itself.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

impl Db {
    /// Notes that the database has just said that it is this time.
    #[must_use]
    pub fn heard(&self, at: Timestamp) -> Heard {
        Heard { at, here: Instant::now(), offset: self.clock_offset() }
    }

    /// The time since then, by the clock that was heard of and never before it.
    #[must_use]
    pub fn now_since(&self, heard: &Heard) -> Timestamp {
        let passed = TimeDelta::from_std(heard.here.elapsed()).unwrap_or_default();
        let moved = self.clock_offset() - heard.offset;
        let now = heard.at + passed + moved;
        Ord::max(now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now), heard.at)
    }
}
