//! Old history is forgotten.

use crate::jobs::{Handlers, Job};
use crate::metrics::health::HealthLog;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Forgets how components were long ago.
#[derive(Debug, Serialize, Deserialize)]
pub struct PurgeHealth {}

impl Job for PurgeHealth {
    const KIND: &'static str = "health.purge";
}

/// Introduces the job; history is kept for so long.
pub fn register(handlers: &mut Handlers, log: &HealthLog, kept: TimeDelta) {
    let log = log.clone();
    handlers.on(move |_: PurgeHealth, _| {
        let log = log.clone();
        async move { Ok(log.purge(kept).await.map(drop)?) }
    });
}
