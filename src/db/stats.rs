//! Counts the SQL statements of one request, for `extensions.sql` and for the tests that prove
//! that their number does not grow with the rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

tokio::task_local! {
    static CURRENT: SqlStats;
}

/// The statements of one request; clones share the figures.
#[derive(Clone, Default)]
pub struct SqlStats(Arc<Figures>);

#[derive(Default)]
struct Figures {
    count: AtomicU64,
    elapsed_us: AtomicU64,
}

impl SqlStats {
    /// Runs a future whose statements count here. Tasks that it spawns do not take part unless
    /// they are wrapped as well, see [`SqlStats::current`].
    pub async fn scope<F: Future>(&self, future: F) -> F::Output {
        CURRENT.scope(self.clone(), future).await
    }

    /// The figures of the request that runs here, or fresh ones outside any request.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    /// Statements so far, `BEGIN` and `COMMIT` not counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Time spent waiting for them, in milliseconds; those that ran side by side add up.
    #[must_use]
    pub fn elapsed_ms(&self) -> f64 {
        Duration::from_micros(self.0.elapsed_us.load(Ordering::Relaxed)).as_secs_f64() * 1_000.0
    }

    /// Adds a statement to the request that runs here, if any.
    pub(crate) fn record(elapsed: Duration) {
        let _ = CURRENT.try_with(|stats| {
            stats.0.count.fetch_add(1, Ordering::Relaxed);
            let us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
            stats.0.elapsed_us.fetch_add(us, Ordering::Relaxed);
        });
    }
}
