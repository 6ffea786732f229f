//! Work that goes on without requests, each turn after a pause, until the process stops. A turn that
//! fails is logged and the next one comes all the same.

use crate::app::App;
use crate::config::ServeRole;
use futures::FutureExt;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How long stock may stay set aside after its hold has ended.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Categories that are read ahead at most.
const READ_AHEAD: u64 = 500;
/// How often the cache is asked whether it can keep them, and the pause between two times.
const READ_AHEAD_TRIES: u32 = 20;
const READ_AHEAD_PAUSE: Duration = Duration::from_millis(100);

impl App {
    /// Begins the background work. Whoever serves calls it once, with the database migrated; it
    /// ends when the lifecycle stops.
    pub fn work_in_background(&self) {
        self.flush_metrics_in_background();
        let stock = self.services.stock.clone();
        self.repeat("expired holds could not be ended", SWEEP_EVERY, move || {
            let stock = stock.clone();
            async move { stock.expire_holds().await }
        });
        if self.settings.role != ServeRole::Api {
            // Ends within the time that requests have to end: what it does not finish it hands back.
            let worker = self.worker.clone().run(self.lifecycle.stopping.clone());
            self.lifecycle.tasks.spawn(worker);
            let courier = self.courier.clone().run(self.lifecycle.stopping.clone());
            self.lifecycle.tasks.spawn(courier);
            let alerts = self.services.alerts.clone().follow_stock(self.bus.subscribe());
            let stopping = self.lifecycle.stopping.clone();
            self.lifecycle.background.spawn(stopping.run_until_cancelled_owned(alerts));
        }
        if self.settings.role != ServeRole::Worker {
            self.read_ahead();
        }
        // After the worker has begun, which would not be found well before.
        self.look_after_health();
    }

    /// Has at hand what nearly every first answer needs, once the cache can keep it.
    fn read_ahead(&self) {
        let (catalog, cache) = (self.services.catalog.clone(), self.cache.clone());
        let work = async move {
            for _ in 0..READ_AHEAD_TRIES {
                if cache.check().await.is_ok() {
                    break;
                }
                tokio::time::sleep(READ_AHEAD_PAUSE).await;
            }
            if let Err(error) = catalog.read_categories_ahead(READ_AHEAD).await {
                tracing::warn!(%error, "the categories could not be read ahead");
            }
        };
        let stopping = self.lifecycle.stopping.clone();
        self.lifecycle.background.spawn(stopping.run_until_cancelled_owned(work));
    }

    fn repeat<Fut, E>(
        &self,
        trouble: &'static str,
        every: Duration,
        turn: impl Fn() -> Fut + Send + 'static,
    ) where
        Fut: Future<Output = Result<u64, E>> + Send,
        E: Display + Send,
    {
        let work = async move {
            let mut turns = tokio::time::interval(every);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                turns.tick().await;
                match AssertUnwindSafe(turn()).catch_unwind().await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "{trouble}"),
                    // The panic itself is in the log, by the hook that every panic passes.
                    Err(_) => tracing::error!("{trouble}"),
                }
            }
        };
        let stopping = self.lifecycle.stopping.clone();
        self.lifecycle.background.spawn(stopping.run_until_cancelled_owned(work));
    }
}
