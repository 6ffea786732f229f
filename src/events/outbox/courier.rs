//! The courier: takes events from the outbox to a sink, each at least once, those of one aggregate
//! in their order. Any number of them, in any number of processes, share the outbox.
//!
//! It takes events in a transaction, hands them on outside any, and then writes what became of
//! them. When it ends in between, others take the events over once its lease is past, and the sink
//! is told of them twice. To a sink that is at hand it does all of it in one transaction: each event
//! is written once less.

use crate::db::{Db, DbError};
use crate::events::outbox::head::{self, Head};
use crate::events::outbox::rows::{self, Fate, Held};
use crate::events::outbox::{Sink, SinkError};
use crate::{failpoint, telemetry};
use chrono::TimeDelta;
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use rand::RngExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Aggregates whose events are handed on side by side.
const SIDE_BY_SIDE: usize = 16;

/// The times and numbers that a courier keeps to.
#[derive(Debug, Clone, Copy)]
pub struct CourierTerms {
    /// Events that it takes at once, at most.
    pub batch: u64,
    /// How often an event is offered before it is dead.
    pub attempts: i32,
    /// How long events stay taken by a courier that says nothing more.
    pub lease: Duration,
    /// Nothing is handed on in the last part of the lease: others may be about to take over.
    pub margin: Duration,
    /// How often it looks for events that nobody told of.
    pub poll: Duration,
    /// The shortest time between two looks for a few events: those of a crowd come together.
    pub gather: Duration,
    /// The pause after a first refusal; each further one is four times as long, ± 20 %.
    pub backoff: Duration,
    /// The pause while the sink or the database is away, at first and at most.
    pub away: (Duration, Duration),
}

impl Default for CourierTerms {
    fn default() -> Self {
        Self {
            batch: 50,
            attempts: 5,
            lease: Duration::from_secs(30),
            margin: Duration::from_secs(5),
            poll: Duration::from_secs(1),
            gather: Duration::from_millis(50),
            backoff: Duration::from_secs(1),
            away: (Duration::from_secs(1), Duration::from_secs(30)),
        }
    }
}

/// Delivers events; cheap to clone.
#[derive(Clone)]
pub struct Courier {
    db: Db,
    sink: Arc<dyn Sink>,
    terms: CourierTerms,
    head: Arc<Mutex<Head>>,
}

/// How many events were taken, and what became of them.
type Delivered = (usize, Vec<(i64, Fate)>);

/// What one turn came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Turn {
    taken: usize,
    delivered: usize,
    away: bool,
}

impl Courier {
    /// A courier from this database to this sink. It does nothing yet.
    #[must_use]
    pub fn new(db: Db, sink: Arc<dyn Sink>, terms: CourierTerms) -> Self {
        Self { db, sink, terms, head: Arc::default() }
    }

    /// Delivers until told to stop; then it hands back what it has not delivered.
    pub async fn run(self, stopping: CancellationToken) {
        let mut news = self.db.events_announced();
        let mut away = self.terms.away.0;
        let mut busy = false;
        while !stopping.is_cancelled() {
            // What is announced from here on is not missed by the look that comes next.
            news.borrow_and_update();
            let turn = AssertUnwindSafe(self.next_turn(busy, &stopping)).catch_unwind().await;
            busy = matches!(turn, Ok(Ok(Turn { taken: 1.., .. })));
            let pause = match turn {
                Ok(Ok(Turn { away: false, taken, .. })) => {
                    away = self.terms.away.0;
                    let full = u64::try_from(taken).unwrap_or(u64::MAX) >= self.terms.batch;
                    if full {
                        continue;
                    }
                    self.terms.gather
                }
                Ok(Ok(Turn { .. })) => longer(&mut away, self.terms.away.1),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "events could not be taken or settled");
                    longer(&mut away, self.terms.away.1)
                }
                Err(_) => {
                    tracing::error!("the courier panicked and goes on");
                    longer(&mut away, self.terms.away.1)
                }
            };
            let idle = async {
                tokio::time::sleep(pause).await;
                // Who is gone all the same has to be waited for.
                let _ = tokio::time::timeout(self.terms.poll, news.changed()).await;
            };
            let _ = stopping.run_until_cancelled(idle).await;
        }
    }

    /// Delivers what is due, and what follows from it, and ends; tells how many.
    ///
    /// # Errors
    /// [`DbError`] when the database fails.
    pub async fn deliver_due(&self) -> Result<usize, DbError> {
        let stopping = CancellationToken::new();
        let mut delivered = 0;
        loop {
            let turn = self.turn(None, &stopping).await?;
            delivered += turn.delivered;
            if turn.taken == 0 || turn.away {
                return Ok(delivered);
            }
        }
    }

    /// A turn of whoever has just taken something, or has not. From the beginning it looks as often as
    /// for what nobody told of.
    async fn next_turn(&self, busy: bool, stopping: &CancellationToken) -> Result<Turn, DbError> {
        if !busy || !self.db.is_postgres() {
            return self.turn(None, stopping).await;
        }
        let now = Instant::now();
        if self.head.lock().is_due(now, self.terms.poll) {
            let extent = head::extent(&self.db).await?;
            self.head.lock().looked(now, extent);
            return self.turn(None, stopping).await;
        }
        let from = self.head.lock().from();
        self.turn(from, stopping).await
    }

    async fn turn(&self, from: Option<i64>, stopping: &CancellationToken) -> Result<Turn, DbError> {
        let (taken, fates) = match self.sink.is_at_hand() {
            true => self.deliver_in_one(from, stopping).await?,
            false => self.deliver_apart(from, stopping).await?,
        };
        let delivered = fates.iter().filter(|(_, fate)| *fate == Fate::Sent).count();
        let away = taken > 0 && delivered == 0 && fates.iter().all(|(_, fate)| *fate == Fate::Back);
        telemetry::add(telemetry::EVENTS_SENT, delivered);
        Ok(Turn { taken, delivered, away })
    }

    async fn deliver_in_one(
        &self,
        from: Option<i64>,
        stopping: &CancellationToken,
    ) -> Result<Delivered, DbError> {
        let until = Instant::now() + self.terms.margin;
        let delivering = self.db.tx(|tx| {
            let (courier, stopping) = (self.clone(), stopping.clone());
            async move {
                let held = rows::hold_in_txn(&tx, (from, courier.terms.batch)).await?;
                let taken = held.len();
                let fates = courier.hand_on(held, until, &stopping).await;
                failpoint::reach("outbox.after_publish").await;
                rows::settle_in_txn(&tx, &fates).await?;
                Ok((taken, fates))
            }
        });
        delivering.await
    }

    async fn deliver_apart(
        &self,
        from: Option<i64>,
        stopping: &CancellationToken,
    ) -> Result<Delivered, DbError> {
        let (claim, asked) = (Uuid::new_v4(), Instant::now());
        let lease = TimeDelta::from_std(self.terms.lease).unwrap_or(TimeDelta::MAX);
        let held = rows::claim(&self.db, claim, (from, self.terms.batch), lease).await?;
        if held.is_empty() {
            return Ok(Delivered::default());
        }
        let taken = held.len();
        // Counted from before the question: the database's lease ends later, never sooner.
        let until = asked + self.terms.lease.saturating_sub(self.terms.margin);
        let fates = self.hand_on(held, until, stopping).await;
        failpoint::reach("outbox.after_publish").await;
        let settled = self.settle(claim, &fates, asked + self.terms.lease).await?;
        if usize::try_from(settled).unwrap_or(usize::MAX) < taken {
            tracing::warn!(taken, settled, "others took over events that took too long");
        }
        Ok((taken, fates))
    }

    /// Offers events to the sink: those of one aggregate one after the other, until one is not
    /// taken; what comes after that one has to wait for it.
    async fn hand_on(
        &self,
        held: Vec<Held>,
        until: Instant,
        stopping: &CancellationToken,
    ) -> Vec<(i64, Fate)> {
        let mut aggregates: Vec<Vec<Held>> = Vec::new();
        for held in held {
            match aggregates.last_mut() {
                Some(last)
                    if last.first().map(|it| it.event.aggregate_id)
                        == Some(held.event.aggregate_id) =>
                {
                    last.push(held);
                }
                _ => aggregates.push(vec![held]),
            }
        }
        let fates = aggregates.into_iter().map(|events| {
            let courier = self.clone();
            let stopping = stopping.clone();
            async move { courier.hand_on_one(events, until, &stopping).await }.boxed()
        });
        let fates: Vec<_> = fates.collect();
        let fates = futures::stream::iter(fates).buffer_unordered(SIDE_BY_SIDE);
        fates.collect::<Vec<_>>().await.into_iter().flatten().collect()
    }

    async fn hand_on_one(
        &self,
        events: Vec<Held>,
        until: Instant,
        stopping: &CancellationToken,
    ) -> Vec<(i64, Fate)> {
        let mut fates = Vec::with_capacity(events.len());
        let mut halted = false;
        for held in &events {
            if halted || stopping.is_cancelled() || Instant::now() >= until {
                fates.push((held.row, Fate::Back));
                continue;
            }
            let fate = self.offer(held, until).await;
            // A dead one lets the others pass: they would wait for ever.
            halted = matches!(fate, Fate::Again { .. } | Fate::Back);
            fates.push((held.row, fate));
        }
        fates
    }

    async fn offer(&self, held: &Held, until: Instant) -> Fate {
        let event = &held.event;
        let taken = tokio::time::timeout_at(until, self.sink.take(event)).await;
        match taken.unwrap_or_else(|_| Err(SinkError::Away("it took too long".to_owned()))) {
            Ok(()) => Fate::Sent,
            Err(SinkError::Away(reason)) => {
                telemetry::count(telemetry::EVENT_SINK_AWAY);
                tracing::warn!(sink = self.sink.name(), reason, "a sink is away");
                Fate::Back
            }
            Err(SinkError::Refused(reason)) => self.refused(held, reason),
        }
    }

    fn refused(&self, held: &Held, reason: String) -> Fate {
        let (event, attempts) = (&held.event, held.attempts.saturating_add(1));
        let (topic, kind, event_id) = (event.topic.as_str(), event.kind.as_str(), event.id);
        if attempts >= self.terms.attempts {
            telemetry::count(telemetry::EVENTS_DEAD);
            tracing::error!(%event_id, topic, kind, attempts, reason, "an event is dead");
            return Fate::Dead { reason };
        }
        telemetry::count(telemetry::EVENTS_RETRIED);
        tracing::warn!(%event_id, topic, kind, attempts, reason, "an event was refused");
        Fate::Again { reason, after: backoff(self.terms.backoff, attempts) }
    }

    /// Writes what became of events; while the database is away it tries again, as long as the
    /// lease lasts: after it others deliver the events a second time.
    async fn settle(
        &self,
        claim: Uuid,
        fates: &[(i64, Fate)],
        until: Instant,
    ) -> Result<u64, DbError> {
        loop {
            match rows::settle(&self.db, claim, fates).await {
                Err(error) if Instant::now() + self.terms.away.0 < until => {
                    tracing::warn!(%error, "what became of events is not written yet");
                    tokio::time::sleep(self.terms.away.0).await;
                }
                done => return done,
            }
        }
    }
}

/// The pause that is due now; the next one is twice as long.
fn longer(pause: &mut Duration, longest: Duration) -> Duration {
    let now = *pause;
    *pause = (now * 2).min(longest);
    now
}

/// The pause after so many refusals.
fn backoff(first: Duration, attempts: i32) -> TimeDelta {
    let exponent = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default().min(8);
    let pause = first.saturating_mul(4_u32.saturating_pow(exponent));
    let pause = pause.mul_f64(rand::rng().random_range(0.8..=1.2));
    TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_waits_four_times_as_long_as_the_one_before() {
        for (attempts, seconds) in [(1, 1), (2, 4), (3, 16), (4, 64)] {
            let pause = backoff(Duration::from_secs(1), attempts).num_milliseconds();
            assert!((seconds * 800..=seconds * 1_200).contains(&pause), "{attempts}: {pause}");
        }
    }

    #[test]
    fn who_is_away_is_asked_more_and_more_seldom() {
        let mut pause = Duration::from_secs(1);
        let pauses: Vec<u64> =
            (0..7).map(|_| longer(&mut pause, Duration::from_secs(30)).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }
}
