//! Whole answers to questions that everybody may ask about the catalogue. An answer is given again
//! only while nothing that it was made of has changed: every commit tells, before its writer is
//! answered. Whoever asks what is being answered already waits for that answer.

use crate::cache::EntityCache;
use crate::cache::reads::{Noted, PLACES, Reads, place_of};
use crate::events::{Bus, BusEvent, BusMessage, Recall};
use crate::telemetry;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Answers are kept in so much memory.
const MEMORY_BYTES: u64 = 32 * 1024 * 1024;
/// What an answer weighs besides its bytes and notes.
const OVERHEAD_BYTES: usize = 512;
/// What a note weighs, in a tree whose nodes are half full.
const NOTE_BYTES: usize = 24;
/// An answer ends so long before something of it changes by time: about as much as the clocks of
/// replicas and of the database differ.
const MARGIN: TimeDelta = TimeDelta::seconds(2);
/// Questions whose answers were found not to be kept are not waited for meanwhile.
const PASSING_FOR: Duration = Duration::from_secs(5);
const PASSING_QUESTIONS: u64 = 10_000;

/// Leaders whose end one who waits sees at most, before it goes alone.
const LEADERS: usize = 3;

/// A question: a hash of everything that its answer depends on, but for the catalogue.
pub type Question = [u8; 32];

/// The time by which things change that change by time: as well as it is known, the database's.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The answers; clones share them.
#[derive(Clone)]
pub struct Responses {
    shelf: Arc<Shelf>,
}

struct Shelf {
    kept: Cache<Question, Arc<Kept>>,
    passing: Cache<Question, ()>,
    flights: Mutex<HashMap<Question, Flight>>,
    news: News,
    entities: EntityCache,
    clock: Clock,
    bus: Bus,
    /// Nobody else writes to the database: nothing is missed without other replicas.
    alone: bool,
}

struct Kept {
    body: Bytes,
    made: Made,
}

/// When an answer was begun, and what it was made of.
struct Made {
    began: u64,
    noted: Noted,
}

/// An answer that is being made.
struct Flight {
    began: u64,
    answer: watch::Receiver<Option<Bytes>>,
}

/// When what has changed last, in ticks: one a change.
struct News {
    tick: AtomicU64,
    catalogue: AtomicU64,
    stock: AtomicU64,
    places: Box<[AtomicU64]>,
}

/// What to do about a question.
pub enum Asked {
    /// This is the answer.
    Answered(Bytes),
    /// It is to be found; others may wait for it.
    Lead(Lead),
    /// It is to be found for this one alone.
    Alone,
}

/// The right to answer a question for all who ask it meanwhile. Dropped without an answer, it sends
/// them to find their own.
pub struct Lead {
    shelf: Arc<Shelf>,
    question: Question,
    began: u64,
    reads: Reads,
    tell: watch::Sender<Option<Bytes>>,
}

/// Hears what other replicas change; it must run where there are some.
#[must_use = "what other replicas change is not noticed until it runs"]
pub struct Listening {
    shelf: Arc<Shelf>,
    replicas: crate::events::BusSubscription,
}

impl Responses {
    /// No answers yet. They are made of what is in the database and in `entities`. `alone` tells that
    /// no other process writes to this database. What a program that does not tell has changed all
    /// the same, such as a seed, shows within `kept_for`.
    pub fn new(
        bus: &Bus,
        entities: EntityCache,
        clock: Clock,
        (alone, kept_for): (bool, Duration),
    ) -> (Self, Listening) {
        let shelf = Arc::new(Shelf {
            kept: Cache::builder()
                .max_capacity(MEMORY_BYTES)
                .weigher(|_, kept: &Arc<Kept>| kept.weight())
                .time_to_live(kept_for)
                .build(),
            passing: Cache::builder()
                .max_capacity(PASSING_QUESTIONS)
                .time_to_live(PASSING_FOR)
                .build(),
            flights: Mutex::default(),
            news: News::default(),
            entities,
            clock,
            bus: bus.clone(),
            alone,
        });
        let seeing = Arc::downgrade(&shelf);
        bus.witness(Arc::new(move |message| {
            if let Some(shelf) = seeing.upgrade() {
                shelf.news.hear(message);
            }
        }));
        let forgetting = Arc::downgrade(&shelf);
        bus.before_rejoining(Arc::new(move || {
            if let Some(shelf) = forgetting.upgrade() {
                shelf.hear(&BusEvent::Resumed);
            }
        }));
        let replicas = bus.subscribe_to_replicas();
        (Self { shelf: Arc::clone(&shelf) }, Listening { shelf, replicas })
    }

    /// Looks a question up; when it is being answered, waits for that.
    pub async fn ask(&self, question: Question) -> Asked {
        let shelf = &self.shelf;
        // Other replicas change what nobody here would hear of.
        if !(shelf.alone || shelf.bus.is_shared()) || shelf.passing.contains_key(&question) {
            return Asked::Alone;
        }
        if let Some(kept) = shelf.kept.get(&question)
            && shelf.news.none_for(&kept.made)
            && !shelf.is_over(&kept.made.noted)
        {
            telemetry::count(telemetry::RESPONSES_REUSED);
            return Asked::Answered(kept.body.clone());
        }
        for _ in 0..LEADERS {
            let mut answer = match shelf.join(question) {
                Ok(lead) => return Asked::Lead(lead),
                Err(answer) => answer,
            };
            // An error means that whoever led is gone: then another one does.
            if let Ok(body) = answer.wait_for(Option::is_some).await {
                telemetry::count(telemetry::RESPONSES_REUSED);
                return body.clone().map_or(Asked::Alone, Asked::Answered);
            }
            if shelf.passing.contains_key(&question) {
                return Asked::Alone;
            }
        }
        Asked::Alone
    }
}

impl Kept {
    fn weight(&self) -> u32 {
        let notes = self.made.noted.places.len().saturating_mul(NOTE_BYTES);
        let weight = self.body.len().saturating_add(notes).saturating_add(OVERHEAD_BYTES);
        u32::try_from(weight).unwrap_or(u32::MAX)
    }
}

impl Shelf {
    /// Notices what other replicas change.
    fn hear(&self, event: &BusEvent) {
        // What is asked from now on must not be made of what was in memory before.
        self.entities.hear(event);
        match event {
            BusEvent::Message(message) => self.news.hear(message),
            // Nobody knows what has changed.
            BusEvent::Lagged | BusEvent::Resumed => self.news.hear_anything(),
        }
    }

    /// Whether something of it has changed by now, or will in a moment, without anybody telling.
    fn is_over(&self, noted: &Noted) -> bool {
        noted.until.is_some_and(|until| until - MARGIN <= (self.clock)())
    }

    /// Begins to answer a question, or joins whoever does, unless something has changed since they
    /// began: who asks after a change is not answered from before it.
    fn join(self: &Arc<Self>, question: Question) -> Result<Lead, watch::Receiver<Option<Bytes>>> {
        let mut flights = self.flights.lock();
        let now = self.news.tick.load(Ordering::SeqCst);
        if let Some(flight) = flights.get(&question)
            && flight.began == now
        {
            return Err(flight.answer.clone());
        }
        let (tell, answer) = watch::channel(None);
        flights.insert(question, Flight { began: now, answer });
        Ok(Lead { shelf: Arc::clone(self), question, began: now, reads: Reads::default(), tell })
    }
}

impl Lead {
    /// Where to note what the answer is made of.
    #[must_use]
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Gives the answer to those who wait, and keeps it, unless it is of this moment alone.
    pub fn keep(self, body: &Bytes) {
        let noted = self.reads.take();
        if self.shelf.is_over(&noted) {
            return self.keep_nothing();
        }
        let made = Made { began: self.began, noted };
        if self.shelf.news.none_for(&made) {
            let kept = Arc::new(Kept { body: body.clone(), made });
            self.shelf.kept.insert(self.question, kept);
        }
        // Who waits came while nothing had changed: the answer is theirs, whatever came since.
        self.tell.send_replace(Some(body.clone()));
    }
}

impl Lead {
    /// Nobody waits for answers to this question for a while: there is none to share.
    pub fn keep_nothing(self) {
        self.shelf.passing.insert(self.question, ());
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut flights = self.shelf.flights.lock();
        // Somebody may have begun anew since.
        if flights
            .get(&self.question)
            .is_some_and(|flight| flight.answer.same_channel(&self.tell.subscribe()))
        {
            flights.remove(&self.question);
        }
    }
}

impl Listening {
    /// Notices what other replicas change, until the bus is gone.
    pub async fn run(mut self) {
        while let Some(event) = self.replicas.next().await {
            self.shelf.hear(&event);
        }
    }
}

impl Default for News {
    fn default() -> Self {
        let places = std::iter::repeat_with(AtomicU64::default).take(PLACES);
        Self {
            tick: AtomicU64::default(),
            catalogue: AtomicU64::default(),
            stock: AtomicU64::default(),
            places: places.collect(),
        }
    }
}

impl News {
    fn hear(&self, message: &BusMessage) {
        match message {
            BusMessage::StockLevelsChanged(levels) => {
                self.hear_of(levels.iter().map(|level| level.variant_id));
            }
            BusMessage::FlashSalesChanged(variants) => self.hear_of(variants.iter().copied()),
            BusMessage::Recalled(recalls) => {
                self.hear_of(recalls.iter().filter_map(|recall| match recall {
                    Recall::Level { variant_id, .. } => Some(*variant_id),
                    Recall::Order { .. } => None,
                }));
            }
            BusMessage::WarehousesChanged | BusMessage::EntitiesChanged(_) => self.hear_anything(),
            BusMessage::AccountsChanged(_)
            | BusMessage::OrdersChanged(_)
            | BusMessage::AlertsChanged(_)
            | BusMessage::MetricsChanged => {}
        }
    }

    fn hear_of(&self, variants: impl Iterator<Item = Uuid>) {
        let mut variants = variants.peekable();
        if variants.peek().is_none() {
            return;
        }
        let now = self.next_tick();
        self.stock.fetch_max(now, Ordering::SeqCst);
        for variant in variants {
            if let Some(place) = self.places.get(place_of(&variant)) {
                place.fetch_max(now, Ordering::SeqCst);
            }
        }
    }

    fn hear_anything(&self) {
        let now = self.next_tick();
        self.catalogue.fetch_max(now, Ordering::SeqCst);
    }

    fn next_tick(&self) -> u64 {
        self.tick.fetch_add(1, Ordering::SeqCst).saturating_add(1)
    }

    /// Whether nothing that an answer was made of has changed since it was begun. What is under way
    /// was begun before: who reads a tick reads what was committed up to it.
    fn none_for(&self, made: &Made) -> bool {
        let since = |tick: &AtomicU64| tick.load(Ordering::SeqCst) > made.began;
        let of_place = |place: &usize| self.places.get(*place).is_some_and(since);
        let news = since(&self.catalogue)
            || made.noted.all_stock && since(&self.stock)
            || made.noted.places.iter().any(of_place);
        !news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_weighs_its_bytes_and_what_it_was_made_of() {
        let kept = |variants: u128| {
            let places = (0..variants).map(|key| place_of(&Uuid::from_u128(key))).collect();
            let noted = Noted { places, ..Noted::default() };
            Kept { body: Bytes::from_static(b"0123456789"), made: Made { began: 0, noted } }
        };
        let alone = kept(0).weight();
        assert!(alone >= 10);
        // A tree keeps eleven keys in a node of some 104 bytes, and half of that.
        assert!(kept(4_000).weight() >= alone + 4_000 * 19);
    }
}
