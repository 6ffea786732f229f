//! The tries of a transaction: how often there is another one, when, and how long each waits.

use crate::db::{DbError, DbErrorKind};
use crate::telemetry;
use rand::RngExt;
use std::time::{Duration, Instant};

/// How often a transaction is tried in all when others are in its way.
const ATTEMPTS: u32 = 6;
/// The longest pause before the second try; each further one doubles it.
const FIRST_PAUSE_MS: u64 = 5;

/// How long a writer waits for its turn, before its client is told that the server is busy: most of
/// the time that a request has. A crowd at one hot row is served in order and not turned away.
pub(super) const WRITER_PATIENCE: Duration = Duration::from_secs(8);
/// What is left of it at least for a repetition, which has waited before.
const PATIENCE_AGAIN: Duration = Duration::from_secs(1);
/// Until so long after its beginning a transaction is tried again of which a statement took longer
/// than it may. In a crowd at one row a statement waits for those before it, one after the other:
/// each of them is quick enough for the limit on locks, all together are not for the one on
/// statements. At the next try they are through. Whoever asked still waits then, with time left for
/// one more statement.
const TIMED_OUT_WITHIN: Duration = Duration::from_secs(6);

/// Which try of a transaction it is.
#[derive(Clone, Copy)]
pub(super) struct Round {
    /// From 1 on.
    pub(super) attempt: u32,
    /// When the first one began.
    began: Instant,
}

impl Round {
    pub(super) fn first() -> Self {
        Self { attempt: 1, began: Instant::now() }
    }

    /// Gives the next one, after a while.
    pub(super) async fn pause(self) -> Self {
        telemetry::count(telemetry::TX_RETRIES);
        let longest_ms = FIRST_PAUSE_MS << self.attempt.min(4);
        let pause_ms = rand::rng().random_range(0..=longest_ms);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        Self { attempt: self.attempt.saturating_add(1), ..self }
    }

    /// Whether there is another one when this one ends so.
    pub(super) fn is_repeated_after(self, error: &DbError) -> bool {
        self.attempt < ATTEMPTS
            && match error.kind {
                DbErrorKind::Contention => true,
                DbErrorKind::TimedOut => self.began.elapsed() < TIMED_OUT_WITHIN,
                _ => false,
            }
    }

    /// How long it waits for its turn.
    pub(super) fn patience(self) -> Duration {
        match self.attempt {
            1 => WRITER_PATIENCE,
            _ => self.time_left().max(PATIENCE_AGAIN),
        }
    }

    /// What is left of the time that it waits for others, of which nothing is kept back.
    pub(super) fn time_left(self) -> Duration {
        WRITER_PATIENCE.saturating_sub(self.began.elapsed())
    }
}
