//! The part of the cache in this process: the entries, the look-ups that are under way, and what
//! was lately forgotten. One lock decides who looks up and what may be kept, so that what was read
//! before a commit is never put back after it.

use crate::cache::flight::{Answer, Flight, Flights, Running};
use crate::cache::forgotten::Forgotten;
use crate::cache::key::{Key, Rank};
use crate::cache::{Cached, Limits};
use futures::FutureExt;
use futures::future::BoxFuture;
use moka::Expiry;
use parking_lot::Mutex;
use rand::RngExt;
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What an entry weighs besides its content.
const OVERHEAD_BYTES: usize = 256;

/// Changes that are forgotten under one lock.
const CHANGES_AT_ONCE: usize = 256;

/// The part of the cache in this process.
pub struct Memory {
    entries: moka::sync::Cache<Key, Entry>,
    board: Mutex<Board>,
    /// Rises when everything is forgotten; entries of an older one are not there.
    generation: AtomicU64,
    limits: Limits,
}

struct Board {
    flights: Flights,
    forgotten: Forgotten,
}

/// What is known of a key.
#[derive(Clone)]
pub struct Entry {
    content: Option<Arc<dyn Any + Send + Sync>>,
    rank: Rank,
    weight: u32,
    generation: u64,
    kept_at: Instant,
    /// How long it may be kept.
    ttl: Duration,
    /// How long it may be used when nobody tells of changes elsewhere.
    ttl_alone: Duration,
}

/// How an entry is found.
pub enum Found<T> {
    /// It is there.
    Here(Arc<T>),
    /// It is known not to be there.
    Absent,
    /// Nothing is known.
    Unknown,
}

/// What became of a request for several keys.
pub struct Joined<T> {
    /// What was there after all.
    pub found: HashMap<Uuid, Arc<T>>,
    /// What to wait for.
    pub running: Vec<Running<T>>,
}

/// What was looked up, to be kept.
pub struct Loaded<T> {
    /// The entity, unless there is none.
    pub entity: Option<Arc<T>>,
    /// How long its encoded form is.
    pub bytes: usize,
}

/// The right to look certain keys up, and to keep what is found unless it was forgotten since.
pub struct Ticket {
    memory: Arc<Memory>,
    number: u64,
    keys: Vec<Key>,
}

struct TimeToLive;

impl Expiry<Key, Entry> for TimeToLive {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl Memory {
    pub fn new(limits: Limits) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(limits.memory_bytes)
            .weigher(|_, entry: &Entry| entry.weight)
            .expire_after(TimeToLive)
            .build();
        let board = Board {
            flights: Flights::default(),
            forgotten: Forgotten::new(limits.forgotten_ttl(), limits.forgotten_keys),
        };
        Self { entries, board: Mutex::new(board), generation: AtomicU64::new(0), limits }
    }

    /// What is known of a key. `told` is whether changes elsewhere are heard of.
    pub fn look<T: Cached>(&self, id: Uuid, told: bool) -> Found<T> {
        let Some(entry) = self.entries.get(&Key { kind: T::KIND, id }) else {
            return Found::Unknown;
        };
        let outdated = entry.generation != self.generation.load(Ordering::Acquire);
        if outdated || !told && entry.kept_at.elapsed() > entry.ttl_alone {
            return Found::Unknown;
        }
        match entry.content.map(Arc::downcast::<T>) {
            Some(Ok(entity)) => Found::Here(entity),
            Some(Err(_)) => Found::Unknown,
            None => Found::Absent,
        }
    }

    /// Joins the look-ups that are under way for some of the keys, and begins one for the others.
    pub fn join<T: Cached>(
        self: &Arc<Self>,
        ids: Vec<Uuid>,
        told: bool,
        begin: impl FnOnce(Ticket, Vec<Uuid>) -> BoxFuture<'static, Answer<T>>,
    ) -> Joined<T> {
        let mut joined = Joined { found: HashMap::new(), running: Vec::new() };
        let mut mine = Vec::new();
        let mut board = self.board.lock();
        for id in ids {
            let key = Key { kind: T::KIND, id };
            // A look-up may have ended since the caller looked.
            match self.look::<T>(id, told) {
                Found::Here(entity) => drop(joined.found.insert(id, entity)),
                Found::Absent => {}
                Found::Unknown if board.flights.join(&key, &mut joined.running) => {}
                Found::Unknown => mine.push(key),
            }
        }
        if mine.is_empty() {
            return joined;
        }
        let number = board.flights.next_number();
        let ticket = Ticket { memory: Arc::clone(self), number, keys: mine.clone() };
        let ids: Vec<Uuid> = mine.iter().map(|key| key.id).collect();
        let running = Running { number, ids: ids.clone(), future: begin(ticket, ids).shared() };
        for key in mine {
            board.flights.insert(key, Flight::of(&running));
        }
        joined.running.push(running);
        joined
    }

    /// Forgets entities that were changed: now, and what look-ups that are under way will find.
    pub fn forget(&self, changes: &[(Key, Rank)]) {
        // A bulk change lets readers in between.
        for portion in changes.chunks(CHANGES_AT_ONCE) {
            let mut board = self.board.lock();
            for (key, rank) in portion {
                board.forgotten.remember(*key, *rank);
                board.flights.remove(key);
                if self.entries.get(key).is_some_and(|entry| entry.rank <= *rank) {
                    self.entries.invalidate(key);
                }
            }
        }
    }

    /// Forgets everything: nobody knows what has changed.
    pub fn forget_all(&self) {
        let mut board = self.board.lock();
        board.flights.clear();
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.entries.invalidate_all();
    }

    /// Whether an entity of this rank is older than one that is known to be out of date.
    pub fn is_outdated(&self, key: &Key, rank: Rank) -> bool {
        self.board.lock().forgotten.is_newer(key, rank)
    }

    fn entry<T: Cached>(&self, loaded: &Loaded<T>, told: bool) -> Entry {
        // Entries that were read together do not all expire together.
        let jitter = rand::rng().random_range(0.9..=1.1);
        let limits = &self.limits;
        let (ttl, ttl_alone) = match &loaded.entity {
            Some(_) if told => (limits.ttl_shared, limits.ttl_alone),
            Some(_) => (limits.ttl_alone, limits.ttl_alone),
            None => (limits.ttl_absent, limits.ttl_absent),
        };
        let rank = loaded.entity.as_ref().map(|entity| Rank::of_version(entity.version()));
        let content = loaded.entity.clone().map(|entity| {
            let content: Arc<dyn Any + Send + Sync> = entity;
            content
        });
        Entry {
            content,
            rank: rank.unwrap_or(Rank::ABSENT),
            weight: u32::try_from(loaded.bytes + OVERHEAD_BYTES).unwrap_or(u32::MAX),
            generation: self.generation.load(Ordering::Acquire),
            kept_at: Instant::now(),
            ttl: ttl.mul_f64(jitter),
            ttl_alone: ttl_alone.mul_f64(jitter),
        }
    }
}

impl Ticket {
    /// Keeps what was found, and tells which of it: not what was forgotten meanwhile.
    pub fn land<T: Cached>(self, loaded: &HashMap<Uuid, Loaded<T>>, told: bool) -> Vec<Uuid> {
        let memory = &self.memory;
        let mut kept = Vec::new();
        let mut board = memory.board.lock();
        for (id, loaded) in loaded {
            let key = Key { kind: T::KIND, id: *id };
            let entry = memory.entry(loaded, told);
            let outdated = entry.content.is_some() && board.forgotten.is_newer(&key, entry.rank);
            if board.flights.end(&key, self.number) && !outdated {
                memory.entries.insert(key, entry);
                kept.push(*id);
            }
        }
        kept
    }
}

impl Drop for Ticket {
    /// Makes way for the next look-up when this one failed or nobody waited for it any more.
    fn drop(&mut self) {
        let mut board = self.memory.board.lock();
        for key in &self.keys {
            board.flights.end(key, self.number);
        }
    }
}
