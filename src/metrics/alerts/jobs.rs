//! The rules are asked now and then, by one process at a time.

use crate::jobs::{Failure, Handlers, Job, Queue};
use crate::metrics::alerts::{AlertError, Alerts};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Asks the rules.
#[derive(Debug, Serialize, Deserialize)]
pub struct EvaluateAlerts {}

impl Job for EvaluateAlerts {
    const KIND: &'static str = "alerts.evaluate";
    const QUEUE: Queue = Queue::Watch;
    /// The next turn comes before a second attempt would.
    const MAX_ATTEMPTS: u16 = 1;
    const TIME_LIMIT: Duration = Duration::from_secs(30);
}

/// Forgets alerts that were resolved long ago.
#[derive(Debug, Serialize, Deserialize)]
pub struct PurgeAlerts {}

impl Job for PurgeAlerts {
    const KIND: &'static str = "alerts.purge";
}

/// Introduces the jobs of alerts; resolved ones are kept for so long.
pub fn register(handlers: &mut Handlers, alerts: &Alerts, kept: TimeDelta) {
    let asked = alerts.clone();
    handlers.on(move |_: EvaluateAlerts, _| {
        let alerts = asked.clone();
        async move { alerts.evaluate().await.map(drop).map_err(again) }
    });
    let purged = alerts.clone();
    handlers.on(move |_: PurgeAlerts, _| {
        let alerts = purged.clone();
        async move { alerts.purge(kept).await.map(drop).map_err(again) }
    });
}

fn again(error: AlertError) -> Failure {
    Failure::retry(error.to_string())
}
