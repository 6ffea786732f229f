//! Writes to Redis in the background, so that no request waits for it. Entries may be lost;
//! tombstones are kept until Redis has them, or until what they guard against has expired.

use crate::cache::Limits;
use crate::cache::key::{Key, Rank};
use crate::cache::store::{Entry, Store};
use crate::events::{Bus, BusMessage, EntityChange};
use parking_lot::Mutex;
use rand::RngExt;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Entries that may wait to be written; what comes on top is dropped.
const QUEUE: usize = 1024;
/// Entries and tombstones in one round trip.
const ENTRIES_A_TRIP: usize = 100;
/// Bytes in one round trip, about.
const BYTES_A_TRIP: usize = 1024 * 1024;
/// The pause before tombstones are tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The near end, which the cache holds.
pub struct Writer {
    entries: mpsc::Sender<Entry>,
    tombstones: Arc<Tombstones>,
}

/// The work of writing; it must run for [`Writer`] to have any effect.
pub struct Writing {
    store: Store,
    bus: Bus,
    entries: mpsc::Receiver<Entry>,
    tombstones: Arc<Tombstones>,
    limits: Limits,
}

#[derive(Default)]
struct Tombstones {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    by_key: HashMap<Key, Tombstone>,
    /// Whether Redis could not be told at once.
    late: bool,
}

#[derive(Clone, Copy)]
struct Tombstone {
    change: EntityChange,
    since: Instant,
}

/// The two ends of the writing.
pub fn start(store: Store, bus: Bus, limits: Limits) -> (Writer, Writing) {
    let (sender, entries) = mpsc::channel(QUEUE);
    let tombstones = Arc::<Tombstones>::default();
    let writer = Writer { entries: sender, tombstones: Arc::clone(&tombstones) };
    (writer, Writing { store, bus, entries, tombstones, limits })
}

impl Writer {
    /// Writes an entry, sooner or later or never.
    pub fn put(&self, entry: Entry) {
        // A full queue means that Redis is slow or away: then it can do without this one.
        let _ = self.entries.try_send(entry);
    }

    /// Has Redis refuse whatever is older.
    pub fn forget(&self, changes: &[EntityChange], keys_max: usize) {
        let mut waiting = self.tombstones.waiting.lock();
        for change in changes {
            let key = Key::from(change);
            if waiting.by_key.len() >= keys_max && !waiting.by_key.contains_key(&key) {
                tracing::warn!("too many changes wait for Redis; it may be behind for a while");
                break;
            }
            let fresh = Tombstone { change: *change, since: Instant::now() };
            let known = waiting.by_key.entry(key).or_insert(fresh);
            if known.change.version <= change.version {
                *known = fresh;
            }
        }
        drop(waiting);
        self.tombstones.changed.notify_one();
    }
}

impl Writing {
    /// Writes until `stop`; tombstones that wait by then are tried once more.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut retry = tokio::time::interval(RETRY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.write_tombstones().await,
                () = self.tombstones.changed.notified() => self.write_tombstones().await,
                _ = retry.tick() => self.write_tombstones().await,
                entry = self.entries.recv() => match entry {
                    Some(entry) => self.write_entries(entry).await,
                    // The cache is gone.
                    None => return,
                },
            }
        }
    }

    async fn write_tombstones(&self) {
        let due = self.due();
        let mut late = Vec::new();
        for portion in due.chunks(ENTRIES_A_TRIP) {
            let entries: Vec<Entry> = portion.iter().map(|due| self.tombstone(due)).collect();
            if let Err(error) = self.store.put(&entries).await {
                tracing::debug!(%error, "changes wait for Redis");
                self.tombstones.waiting.lock().late = true;
                break;
            }
            late.extend(self.settle(portion));
        }
        // Replicas that read from Redis meanwhile may have read what is out of date.
        self.bus.publish(BusMessage::EntitiesChanged(late));
    }

    /// What is to be written now: nothing while Redis is away.
    fn due(&self) -> Vec<(Key, Tombstone)> {
        let mut waiting = self.tombstones.waiting.lock();
        if waiting.by_key.is_empty() {
            return Vec::new();
        }
        if !self.store.is_up() {
            waiting.late = true;
            return Vec::new();
        }
        let expired_after = self.limits.forgotten_ttl();
        waiting.by_key.retain(|_, tombstone| tombstone.since.elapsed() < expired_after);
        waiting.by_key.iter().map(|(key, tombstone)| (*key, *tombstone)).collect()
    }

    fn tombstone(&self, (key, tombstone): &(Key, Tombstone)) -> Entry {
        let rank = Rank::of_version(tombstone.change.version);
        Entry { key: *key, rank, body: Vec::new(), ttl: self.limits.forgotten_ttl() }
    }

    /// Strikes off what Redis has now, and tells which of it came late.
    fn settle(&self, portion: &[(Key, Tombstone)]) -> Vec<EntityChange> {
        let mut waiting = self.tombstones.waiting.lock();
        for (key, written) in portion {
            // A further change of the same entity may have come meanwhile.
            if waiting.by_key.get(key).is_some_and(|waiting| waiting.since == written.since) {
                waiting.by_key.remove(key);
            }
        }
        let late = waiting.late;
        waiting.late = late && !waiting.by_key.is_empty();
        let changes = portion.iter().map(|(_, tombstone)| tombstone.change);
        if late { changes.collect() } else { Vec::new() }
    }

    async fn write_entries(&mut self, first: Entry) {
        let mut bytes = first.body.len();
        let mut entries = vec![first];
        while entries.len() < ENTRIES_A_TRIP
            && bytes < BYTES_A_TRIP
            && let Ok(entry) = self.entries.try_recv()
        {
            bytes += entry.body.len();
            entries.push(entry);
        }
        for entry in &mut entries {
            entry.ttl = entry.ttl.mul_f64(rand::rng().random_range(0.9..=1.1));
        }
        if let Err(error) = self.store.put(&entries).await {
            tracing::debug!(%error, entries = entries.len(), "not shared through Redis");
        }
    }
}
