//! Figures as they change, for those who may see them. Whoever watches the same days in a process
//! shares one look at the database, however many they are.

use crate::auth::{Permission, Viewer};
use crate::events::{BusEvent, BusMessage, BusSubscription};
use crate::failpoint;
use crate::metrics::service::Metrics;
use crate::metrics::{Figures, MetricsError, Point};
use futures::{Stream, stream};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{OnceCell, watch};
use tokio::time::Instant;

/// How often the figures of some days are read at most, for those who watch them.
const PAUSE: Duration = Duration::from_secs(1);

/// The figures of some days, and their history once somebody has asked for it.
#[derive(Debug)]
pub struct Report {
    /// The figures.
    pub figures: Figures,
    days: i32,
    history: OnceCell<Vec<Point>>,
}

/// What was read last of some days.
#[derive(Clone)]
struct Latest {
    read_at: Instant,
    report: Result<Arc<Report>, MetricsError>,
}

type Latests = watch::Sender<Latest>;

/// The days that are watched in this process, by how many they are.
#[derive(Default)]
pub(super) struct Watched(Mutex<HashMap<i32, Weak<Latests>>>);

/// What a watcher knows.
struct Watch {
    latest: watch::Receiver<Latest>,
    /// What it is told at once, as it begins.
    first: Option<Arc<Report>>,
    /// What it was told last, and when that was read.
    told: (Figures, Instant),
}

impl Metrics {
    /// As [`Metrics::figures`], with what it takes to tell their history.
    ///
    /// # Errors
    /// As of [`Metrics::figures`].
    pub async fn report(&self, viewer: &Viewer, days: i32) -> Result<Arc<Report>, MetricsError> {
        let figures = self.figures(viewer, days).await?;
        failpoint::reach("metrics.after_figures").await;
        Ok(Arc::new(Report { figures, days, history: OnceCell::new() }))
    }

    /// The history of these days, as [`Metrics::history`] has it: read once, whoever asks.
    ///
    /// # Errors
    /// As of [`Metrics::history`].
    pub async fn history_of<'a>(
        &self,
        viewer: &Viewer,
        report: &'a Report,
    ) -> Result<&'a [Point], MetricsError> {
        viewer.may(Permission::MetricsRead)?;
        let history = report.history.get_or_try_init(async || {
            let history = self.history(viewer, report.days).await?;
            failpoint::reach("metrics.after_history").await;
            Ok(history)
        });
        history.await.map(Vec::as_slice)
    }

    /// The figures as they are, then again after what any process wrote has changed them, at most
    /// once a second. Of several changes between, the last is told.
    ///
    /// # Errors
    /// As of [`Metrics::figures`].
    pub async fn watch(
        &self,
        viewer: Viewer,
        days: i32,
    ) -> Result<impl Stream<Item = Result<Arc<Report>, MetricsError>> + use<>, MetricsError> {
        viewer.may(Permission::MetricsRead)?;
        // Before the first look, so that nothing happens unseen between.
        let news = self.bus.subscribe();
        let (first, read_at) = match self.read_lately(days) {
            Some(known) => known,
            None => {
                let read_at = Instant::now();
                (self.report(&viewer, days).await?, read_at)
            }
        };
        let latest = self.follow(days, news, Latest { read_at, report: Ok(Arc::clone(&first)) });
        let told = (first.figures.clone(), read_at);
        let watch = Watch { latest, first: Some(first), told };
        Ok(stream::unfold(watch, |mut watch| async move {
            let next = watch.next().await?;
            Some((next, watch))
        }))
    }

    /// What those who watch these days were told this moment.
    fn read_lately(&self, days: i32) -> Option<(Arc<Report>, Instant)> {
        let latest = self.own.watched.0.lock().get(&days)?.upgrade()?.borrow().clone();
        let report = latest.report.ok().filter(|_| latest.read_at.elapsed() < PAUSE)?;
        Some((report, latest.read_at))
    }

    /// Follows these days with those who do already, or begins to for those who will.
    fn follow(&self, days: i32, news: BusSubscription, first: Latest) -> watch::Receiver<Latest> {
        let mut watched = self.own.watched.0.lock();
        if let Some(latest) = watched.get(&days).and_then(Weak::upgrade) {
            let mut following = latest.subscribe();
            // It may be news to whoever comes.
            following.mark_changed();
            return following;
        }
        let (latest, following) = watch::channel(first);
        let latest = Arc::new(latest);
        watched.insert(days, Arc::downgrade(&latest));
        tokio::spawn(self.clone().read_for(days, latest, news));
        following
    }

    /// Reads these days whenever they may have changed, as long as somebody watches them.
    async fn read_for(self, days: i32, latest: Arc<Latests>, mut news: BusSubscription) {
        loop {
            let heard = async {
                while !concerns(&news.next().await?) {}
                Some(())
            };
            tokio::select! {
                biased;
                () = latest.closed() => {
                    let mut watched = self.own.watched.0.lock();
                    // Somebody may have come since.
                    if latest.receiver_count() == 0 {
                        watched.remove(&days);
                        return;
                    }
                    continue;
                }
                heard = heard => if heard.is_none() { return },
            }
            let pause = latest.borrow().read_at + PAUSE;
            tokio::time::sleep_until(pause).await;
            if latest.receiver_count() == 0 {
                continue;
            }
            let read_at = Instant::now();
            let report = self.report(&Viewer::System, days).await;
            latest.send_replace(Latest { read_at, report });
        }
    }
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Arc<Report>, MetricsError>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        loop {
            self.latest.changed().await.ok()?;
            let Latest { read_at, report } = self.latest.borrow_and_update().clone();
            match report {
                // What was read before what this one was told may be older.
                Ok(report) if read_at > self.told.1 && report.figures != self.told.0 => {
                    self.told = (report.figures.clone(), read_at);
                    return Some(Ok(report));
                }
                Ok(_) => {}
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
