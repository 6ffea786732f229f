//! Figures as they change, for those who may see them.

use crate::auth::Viewer;
use crate::events::{BusEvent, BusMessage, BusSubscription};
use crate::metrics::service::Metrics;
use crate::metrics::{Figures, MetricsError};
use futures::{Stream, stream};
use std::time::Duration;
use tokio::time::Instant;

/// How often a watcher is told at most.
const PAUSE: Duration = Duration::from_secs(1);

/// What a watcher knows.
struct Watch {
    metrics: Metrics,
    viewer: Viewer,
    days: i32,
    news: BusSubscription,
    /// What it is told at once, as it begins.
    first: Option<Figures>,
    /// What it was told last.
    told: Figures,
    /// When they were last read.
    read_at: Instant,
}

impl Metrics {
    /// The figures as they are, then again after what any process wrote has changed them, at most
    /// once a second. Of several changes between, the last is told.
    ///
    /// # Errors
    /// As of [`Metrics::figures`].
    pub async fn watch(
        &self,
        viewer: Viewer,
        days: i32,
    ) -> Result<impl Stream<Item = Result<Figures, MetricsError>> + use<>, MetricsError> {
        // Before the first look, so that nothing happens unseen between.
        let news = self.bus.subscribe();
        let figures = self.figures(&viewer, days).await?;
        let metrics = self.clone();
        let (first, read_at) = (Some(figures.clone()), Instant::now());
        let watch = Watch { metrics, viewer, days, news, first, told: figures, read_at };
        Ok(stream::unfold(watch, |mut watch| async move {
            let next = watch.next().await?;
            Some((next, watch))
        }))
    }
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Figures, MetricsError>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        loop {
            while !concerns(&self.news.next().await?) {}
            tokio::time::sleep_until(self.read_at + PAUSE).await;
            self.read_at = Instant::now();
            match self.metrics.figures(&self.viewer, self.days).await {
                Ok(figures) if figures == self.told => {}
                Ok(figures) => {
                    self.told = figures.clone();
                    return Some(Ok(figures));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Whether figures may have changed. Whoever missed something looks.
fn concerns(event: &BusEvent) -> bool {
    match event {
        BusEvent::Message(message) => matches!(**message, BusMessage::MetricsChanged),
        BusEvent::Lagged | BusEvent::Resumed => true,
    }
}
