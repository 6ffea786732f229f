//! Live stock: who watches which variants, and what they are to be told. A watcher has one slot a
//! variant, where a newer state replaces an older one: memory is bounded, and a slow reader ends
//! with the truth. What a message may have missed is read again, every few seconds and whenever
//! the bus was cut.

use crate::db::Timestamp;
use crate::events::{Bus, BusEvent, BusMessage, BusSubscription, LevelState, Recall};
use crate::stock::service::WatchedLevel;
use crate::stock::{Availability, Stock, StockError};
use futures::Stream;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

/// How often everything watched is read again.
const READ_AGAIN_EVERY: Duration = Duration::from_secs(5);

/// The present stock of one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockState {
    /// The variant.
    pub variant_id: Uuid,
    /// The sums over its levels.
    pub stock: Availability,
    /// When the newest change happened; None when it was never stocked.
    pub occurred_at: Option<Timestamp>,
    /// When the oldest change happened that whoever watches was not told of before this, as far as
    /// messages told of it; of what was found by reading, the newest change of each level.
    pub pending_since: Option<Timestamp>,
    /// When this process heard of it, the same for all who watch; None when it is not told for a
    /// change.
    pub heard_at: Option<Instant>,
}

/// Those who watch stock; cheap to clone.
#[derive(Clone)]
pub struct LiveStock {
    stock: Stock,
    bus: Bus,
    watched: Arc<Mutex<HashMap<Uuid, Watched>>>,
    next_watcher: Arc<AtomicU64>,
    read_again_every: Duration,
}

/// What is known of a variant that somebody watches.
#[derive(Default)]
struct Watched {
    levels: HashMap<Uuid, LevelNow>,
    watchers: HashMap<u64, Arc<Slot>>,
    /// When the oldest change happened that is known of and not told.
    untold_since: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct LevelNow {
    on_hand: i64,
    reserved: i64,
    reorder_point: i64,
    version: i64,
    active: bool,
    changed_at: Timestamp,
}

/// What one watcher still has to be told: at most one state a variant.
#[derive(Default)]
struct Slot {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    order: VecDeque<Uuid>,
    states: HashMap<Uuid, StockState>,
}

impl Slot {
    fn put(&self, mut state: StockState) {
        let mut waiting = self.waiting.lock();
        if let Some(earlier) = waiting.states.get(&state.variant_id) {
            // What is replaced was not told: the change that it was of has waited longer.
            state.pending_since = oldest(earlier.pending_since, state.pending_since);
        }
        if waiting.states.insert(state.variant_id, state).is_none() {
            waiting.order.push_back(state.variant_id);
        }
        drop(waiting);
        self.filled.notify_one();
    }

    fn take(&self) -> Option<StockState> {
        let mut waiting = self.waiting.lock();
        let variant_id = waiting.order.pop_front()?;
        waiting.states.remove(&variant_id)
    }
}

impl Watched {
    fn state(&self, variant_id: Uuid, pending_since: Option<Timestamp>) -> StockState {
        let mut stock = Availability::default();
        for level in self.levels.values() {
            if level.active {
                stock.available += level.on_hand - level.reserved;
                stock.reorder_point += level.reorder_point;
            }
            stock.version += level.version;
        }
        let occurred_at = self.levels.values().map(|level| level.changed_at).max();
        StockState { variant_id, stock, occurred_at, pending_since, heard_at: None }
    }

    /// Takes over a level when it is newer than what is known.
    fn learn(&mut self, warehouse_id: Uuid, level: LevelNow) -> bool {
        let known = self.levels.get(&warehouse_id);
        let newer = known.is_none_or(|known| known.version < level.version);
        if newer {
            self.levels.insert(warehouse_id, level);
        }
        newer
    }

    /// Something of it changed then, of which nobody is told yet.
    fn changed(&mut self, at: Timestamp) {
        self.untold_since = oldest(self.untold_since, Some(at));
    }

    fn tell(&mut self, variant_id: Uuid) {
        let untold_since = self.untold_since.take();
        let state = self.state(variant_id, untold_since);
        let state = StockState { heard_at: Some(Instant::now()), ..state };
        self.watchers.values().for_each(|slot| slot.put(state));
    }
}

/// Ends a watch when its stream is dropped.
struct Watch {
    live: LiveStock,
    id: u64,
    variants: Vec<Uuid>,
    slot: Arc<Slot>,
    told: HashMap<Uuid, i64>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.live.watched.lock();
        for variant in &self.variants {
            let Some(entry) = watched.get_mut(variant) else { continue };
            entry.watchers.remove(&self.id);
            if entry.watchers.is_empty() {
                watched.remove(variant);
            }
        }
    }
}

impl LiveStock {
    /// Watches over this stock, with news from this bus.
    #[must_use]
    pub fn new(stock: Stock, bus: Bus) -> Self {
        Self {
            stock,
            bus,
            watched: Arc::default(),
            next_watcher: Arc::default(),
            read_again_every: READ_AGAIN_EVERY,
        }
    }

    /// The same, with everything watched read again at another pace.
    #[must_use]
    pub fn reading_again_every(self, pause: Duration) -> Self {
        Self { read_again_every: pause, ..self }
    }

    /// The present state of each variant, then its changes in rising versions, without a gap
    /// between the two.
    ///
    /// # Errors
    /// When the present state cannot be read.
    pub async fn watch(
        &self,
        variants: Vec<Uuid>,
    ) -> Result<impl Stream<Item = StockState> + use<>, StockError> {
        let slot = Arc::new(Slot::default());
        let id = self.next_watcher.fetch_add(1, Ordering::Relaxed);
        // First listen, then read: what is committed in between arrives twice rather than never.
        for variant in &variants {
            let mut watched = self.watched.lock();
            watched.entry(*variant).or_default().watchers.insert(id, Arc::clone(&slot));
        }
        let watch = Watch { live: self.clone(), id, variants, slot, told: HashMap::new() };
        let levels = self.stock.find_watched(&watch.variants).await?;
        self.learn(levels);
        let watched = self.watched.lock();
        for variant in &watch.variants {
            if let Some(entry) = watched.get(variant) {
                watch.slot.put(entry.state(*variant, None));
            }
        }
        drop(watched);
        Ok(futures::stream::unfold(watch, |mut watch| async move {
            let state = watch.next().await;
            Some((state, watch))
        }))
    }

    /// How many variants are watched.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.watched.lock().len()
    }

    /// Follows the bus from now on until it is gone; the application runs this in the background.
    pub fn run(self) -> impl Future<Output = ()> + Send {
        // Not when the task has its first turn: who watches before that would miss something.
        let news = self.bus.subscribe();
        self.follow(news)
    }

    async fn follow(self, mut news: BusSubscription) {
        let first = Instant::now() + self.read_again_every;
        let mut again = tokio::time::interval_at(first, self.read_again_every);
        again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = news.next() => match event {
                    Some(BusEvent::Message(message)) => self.hear(&message).await,
                    Some(BusEvent::Lagged | BusEvent::Resumed) => self.read_all().await,
                    None => return,
                },
                _ = again.tick() => self.read_all().await,
            }
        }
    }

    async fn hear(&self, message: &BusMessage) {
        match message {
            BusMessage::StockLevelsChanged(levels) => {
                let missed = self.hear_of(levels);
                self.read(&missed).await;
            }
            BusMessage::WarehousesChanged => self.read_all().await,
            BusMessage::Recalled(recalls) => {
                let missed = self.missed_of(recalls);
                self.read(&missed).await;
            }
            BusMessage::EntitiesChanged(_)
            | BusMessage::FlashSalesChanged(_)
            | BusMessage::AccountsChanged(_)
            | BusMessage::OrdersChanged(_)
            | BusMessage::AlertsChanged(_)
            | BusMessage::MetricsChanged => {}
        }
    }

    /// Takes over the levels of one commit, then tells those who watch: nobody sees the pieces of
    /// a transfer leave and not arrive. Gives the variants of which something was missed before:
    /// these have to be read. What a message does not say is as it was at the version before it,
    /// and only there: whether the level's warehouse sells.
    fn hear_of(&self, levels: &[LevelState]) -> Vec<Uuid> {
        let mut watched = self.watched.lock();
        let (mut changed, mut missed) = (HashSet::new(), HashSet::new());
        for level in levels {
            let Some(entry) = watched.get_mut(&level.variant_id) else { continue };
            match entry.levels.get(&level.warehouse_id) {
                Some(known) if known.version >= level.version => {}
                Some(known) if known.version == level.previous_version => {
                    let now = LevelNow {
                        on_hand: level.on_hand,
                        reserved: level.reserved,
                        reorder_point: level.reorder_point,
                        version: level.version,
                        active: known.active,
                        changed_at: level.occurred_at,
                    };
                    entry.levels.insert(level.warehouse_id, now);
                    entry.changed(level.occurred_at);
                    changed.insert(level.variant_id);
                }
                _ => {
                    entry.changed(level.occurred_at);
                    missed.insert(level.variant_id);
                }
            }
        }
        for variant in changed.difference(&missed) {
            if let Some(entry) = watched.get_mut(variant) {
                entry.tell(*variant);
            }
        }
        missed.into_iter().collect()
    }

    /// The watched variants of which less is known than is recalled.
    fn missed_of(&self, recalls: &[Recall]) -> Vec<Uuid> {
        let watched = self.watched.lock();
        let missed = recalls.iter().filter_map(|recall| {
            let Recall::Level { variant_id, warehouse_id, version } = recall else { return None };
            let known = watched.get(variant_id)?.levels.get(warehouse_id);
            known.is_none_or(|known| known.version < *version).then_some(*variant_id)
        });
        missed.collect::<HashSet<Uuid>>().into_iter().collect()
    }

    async fn read_all(&self) {
        let variants: Vec<Uuid> = self.watched.lock().keys().copied().collect();
        self.read(&variants).await;
    }

    async fn read(&self, variants: &[Uuid]) {
        if variants.is_empty() {
            return;
        }
        match self.stock.find_watched(variants).await {
            Ok(levels) => self.learn(levels),
            // The next turn tries again.
            Err(error) => tracing::warn!(%error, "watched stock could not be read"),
        }
    }

    /// Takes over what was read, and tells those who watch what is news to them.
    fn learn(&self, levels: Vec<WatchedLevel>) {
        let mut watched = self.watched.lock();
        let mut changed = HashSet::new();
        for level in levels {
            let Some(entry) = watched.get_mut(&level.variant_id) else { continue };
            let now = LevelNow {
                on_hand: level.on_hand,
                reserved: level.reserved,
                reorder_point: level.reorder_point,
                version: level.version,
                active: level.active,
                changed_at: level.updated_at,
            };
            if entry.learn(level.warehouse_id, now) {
                entry.changed(now.changed_at);
                changed.insert(level.variant_id);
            }
        }
        for variant in changed {
            if let Some(entry) = watched.get_mut(&variant) {
                entry.tell(variant);
            }
        }
    }
}

impl Watch {
    async fn next(&mut self) -> StockState {
        loop {
            while let Some(state) = self.slot.take() {
                // A message and a read may tell the same: only what is newer goes out.
                let version = state.stock.version;
                let told = self.told.get(&state.variant_id);
                if told.is_none_or(|told| *told < version) {
                    self.told.insert(state.variant_id, version);
                    return state;
                }
            }
            self.slot.filled.notified().await;
        }
    }
}

/// The older of two moments, where there are two.
fn oldest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Ord::min(one, other)),
        (one, other) => one.or(other),
    }
}
