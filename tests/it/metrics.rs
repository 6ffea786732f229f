//! How the shop does: what all processes count adds up, and figures are those of a recount.

mod circuits;
mod exposing;
mod keeping;
mod recount;
mod telling;

use crate::app::{Caller, TestApp};
use chrono::{TimeDelta, Timelike};
use serde_json::{Value, json};
use stockroom::metrics::{Counts, Metrics};
use stockroom::telemetry::Counter;

/// All but the history.
const METRICS: &str = "query ($days: Int!) { metrics(days: $days) { days \
    ordersPerDay { date count } refundsPerDay { date count } \
    paymentsPerDay { date succeeded declined failed } requests errorRate paymentSuccessRate \
    avgResponseTimeMs p95ResponseTimeMs circuitBreakerState stockConflicts stockRejections \
    throttledRequests cacheHitRate } }";

/// The figures of so many days.
async fn metrics_of(staff: &Caller, days: i32) -> Value {
    let answer = staff.query(METRICS).with_variables(json!({ "days": days })).await;
    answer.data()["metrics"].clone()
}

impl TestApp {
    /// The figures of the shop.
    pub fn metrics(&self) -> &Metrics {
        &self.app.services.metrics
    }

    /// Moves the clock past midnight when that is near: whoever compares days is done before the next
    /// one comes.
    pub fn is_far_from_midnight(&self) {
        let time = self.app.db.now().time();
        if time.hour() == 23 && time.minute() >= 45 {
            self.waits(TimeDelta::minutes(20));
        }
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
