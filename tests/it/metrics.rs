//! How the shop does: what all processes count adds up, and figures are those of a recount.

mod circuits;
mod keeping;

use crate::app::TestApp;
use stockroom::metrics::{Counts, Metrics};
use stockroom::telemetry::Counter;

impl TestApp {
    /// The figures of the shop.
    pub fn metrics(&self) -> &Metrics {
        &self.app.services.metrics
    }

    /// What was counted in the last two days, by the hour.
    pub async fn counted(&self) -> Counts {
        // Two, so that a test that runs at midnight sees what it did.
        self.metrics().of_days(2).await.expect("the database answers")
    }

    /// How often something was counted and written.
    pub async fn counted_of(&self, counter: Counter) -> u64 {
        self.counted().await.total(counter)
    }

    /// Writes what this process counted.
    pub async fn flushes(&self) -> u64 {
        self.metrics().flush().await.expect("the database answers")
    }
}
