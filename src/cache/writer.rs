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
    waiting: Mutex<HashMap<Key, Tombstone>>,
    changed: Notify,
}

#[derive(Clone, Copy)]
struct Tombstone {
    change: EntityChange,
    since: Instant,
    /// Whether Redis was away when it was first tried.
    late: bool,
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
            if waiting.len() >= keys_max && !waiting.contains_key(&key) {
                tracing::warn!("too many changes wait for Redis; it may be behind for a while");
                break;
            }
            let fresh = Tombstone { change: *change, since: Instant::now(), late: false };
            let known = waiting.entry(key).or_insert(fresh);
            if known.change.version <= change.version {
                *known = Tombstone { late: known.late, ..fresh };
            }
        }
        drop(waiting);
        self.tombstones.changed.notify_one();
    }
}

impl Writing {
    /// Writes until `stop`; tombstones that wait by then are tried once more.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let entry = tokio::select! {
                () = stop.cancelled() => None,
                () = self.tombstones.changed.notified() => None,
                () = tokio::time::sleep(RETRY), if !self.tombstones.waiting.lock().is_empty() => None,
                entry = self.entries.recv() => match entry {
                    Some(entry) => Some(entry),
                    // The cache is gone.
                    None => return,
                },
            };
            self.write_tombstones().await;
            if stop.is_cancelled() {
                return;
            }
            if let Some(entry) = entry {
                self.write_entries(entry).await;
            }
        }
    }

    async fn write_tombstones(&self) {
        let expired_after = self.limits.forgotten_ttl();
        let due: Vec<(Key, Tombstone)> = {
            let mut waiting = self.tombstones.waiting.lock();
            waiting.retain(|_, tombstone| tombstone.since.elapsed() < expired_after);
            waiting.iter().map(|(key, tombstone)| (*key, *tombstone)).collect()
        };
        let mut late = Vec::new();
        for portion in due.chunks(ENTRIES_A_TRIP) {
            let entries: Vec<Entry> = portion.iter().map(|due| self.tombstone(due)).collect();
            if let Err(error) = self.store.put(&entries).await {
                tracing::debug!(%error, "changes wait for Redis");
                self.mark_late();
                break;
            }
            late.extend(self.settle(portion));
        }
        // Replicas that read from Redis meanwhile may have read what is out of date.
        self.bus.publish(BusMessage::EntitiesChanged(late));
    }

    fn tombstone(&self, (key, tombstone): &(Key, Tombstone)) -> Entry {
        let rank = Rank::of_version(tombstone.change.version);
        Entry { key: *key, rank, body: Vec::new(), ttl: self.limits.forgotten_ttl() }
    }

    fn mark_late(&self) {
        self.tombstones.waiting.lock().values_mut().for_each(|tombstone| tombstone.late = true);
    }

    /// Strikes off what Redis has now, and tells which of it came late.
    fn settle(&self, portion: &[(Key, Tombstone)]) -> Vec<EntityChange> {
        let mut waiting = self.tombstones.waiting.lock();
        for (key, written) in portion {
            // A further change of the same entity may have come meanwhile.
            let same = |waiting: &Tombstone| waiting.since == written.since;
            if waiting.get(key).is_some_and(same) {
                waiting.remove(key);
            }
        }
        let late = portion.iter().filter(|(_, tombstone)| tombstone.late);
        late.map(|(_, tombstone)| tombstone.change).collect()
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
