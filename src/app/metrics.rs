//! The figures of this process on their way to those of the shop.

use crate::app::App;
use crate::config::Settings;
use crate::db::Db;
use crate::events::Bus;
use crate::metrics::{Circuit, CircuitSource, CircuitState, Metrics, Retention};
use crate::payment::{BreakerState, Payments};
use chrono::TimeDelta;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How late figures are at most, and what a process that is killed takes with it.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// How long figures are kept by the minute.
const MINUTES_KEPT: TimeDelta = TimeDelta::hours(48);

/// The figures in this database, with the circuits of these payments.
pub(super) fn metrics(db: &Db, bus: &Bus, payments: &Payments, settings: &Settings) -> Metrics {
    let retention = Retention { minutes: MINUTES_KEPT, hours: settings.metrics.retention };
    Metrics::new(db.clone(), bus.clone(), circuits(payments.clone()), retention)
}

fn circuits(payments: Payments) -> CircuitSource {
    Arc::new(move || {
        let breakers = payments.breakers().into_iter();
        let tell = |(provider, state): (&str, BreakerState)| Circuit {
            provider: provider.to_owned(),
            state: match state {
                BreakerState::Closed => CircuitState::Closed,
                BreakerState::HalfOpen => CircuitState::HalfOpen,
                BreakerState::Open => CircuitState::Open,
            },
        };
        breakers.map(tell).collect()
    })
}

impl App {
    /// Writes now and then what this process counted, and last of all when the requests have ended.
    pub(super) fn flush_metrics_in_background(&self) {
        let (metrics, ended) = (self.services.metrics.clone(), self.lifecycle.ended.clone());
        let work = async move {
            let mut turns = tokio::time::interval(FLUSH_EVERY);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while ended.run_until_cancelled(turns.tick()).await.is_some() {
                flush(&metrics).await;
            }
            flush(&metrics).await;
        };
        self.lifecycle.background.spawn(work);
    }
}

/// Writes what was counted. As long as that takes, as with a database that does not answer, what is
/// counted meanwhile gets the minutes that it belongs to.
async fn flush(metrics: &Metrics) {
    let mut writing = std::pin::pin!(write(metrics));
    loop {
        match tokio::time::timeout(FLUSH_EVERY, &mut writing).await {
            Ok(()) => return,
            Err(_) => metrics.note(),
        }
    }
}

/// A flush is never cut short: what becomes of it is known.
async fn write(metrics: &Metrics) {
    match AssertUnwindSafe(metrics.flush()).catch_unwind().await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "figures could not be written, and wait"),
        // The panic itself is in the log, by the hook that every panic passes.
        Err(_) => tracing::error!("figures could not be written"),
    }
}
