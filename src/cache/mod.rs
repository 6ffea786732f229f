//! The entity cache: products, variants, categories and warehouses by their id, in this process
//! first, then in Redis, then by one look-up of what is missing. Never stock, never a price that a
//! checkout uses, nothing that depends on who asks: the caller applies that to what it gets.
//!
//! After a commit the writer calls [`EntityCache::invalidate`]; from then on no reader of this
//! process gets what is older, nor of any other that the message reaches. Where it reaches nobody,
//! the time to live bounds the error.

mod flight;
mod forgotten;
mod key;
mod memory;
pub mod reads;
mod responses;
mod store;
mod writer;

pub use crate::cache::responses::{Asked, Lead, Listening, Question, Responses};

use crate::cache::flight::Answer;
use crate::cache::key::{Key, Rank};
use crate::cache::memory::{Found, Loaded, Memory, Ticket};
use crate::cache::store::{Entry, LONGEST_BODY, Store};
use crate::cache::writer::{Writer, Writing};
use crate::db::DbError;
use crate::events::{Bus, BusEvent, BusMessage, BusSubscription, EntityChange, EntityKind};
use crate::failpoint;
use crate::redis::{Redis, RedisFailure};
use crate::telemetry;
use futures::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What can be cached. Its version rises with every change of what is encoded.
pub trait Cached: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is; each kind belongs to one type.
    const KIND: EntityKind;
    /// Which one.
    fn id(&self) -> Uuid;
    /// How new it is.
    fn version(&self) -> i64;
}

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of entities in this process, about.
    pub memory_bytes: u64,
    /// In this process, while other replicas tell what they change.
    pub ttl_shared: Duration,
    /// In this process, while nobody tells.
    pub ttl_alone: Duration,
    /// That an id is not there.
    pub ttl_absent: Duration,
    /// In Redis.
    pub ttl_redis: Duration,
    /// Changes that are remembered, at most.
    pub forgotten_keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 * 1024 * 1024,
            ttl_shared: Duration::from_secs(60),
            ttl_alone: Duration::from_secs(10),
            ttl_absent: Duration::from_secs(5),
            ttl_redis: Duration::from_secs(120),
            forgotten_keys: 100_000,
        }
    }
}

impl Limits {
    /// How long a change is remembered: until Redis has surely dropped what was there before it,
    /// and a reader has surely ended that read it before.
    fn forgotten_ttl(&self) -> Duration {
        self.ttl_redis.mul_f64(1.1) + Duration::from_secs(30)
    }
}

/// Handle on the cache; clones share it.
#[derive(Clone)]
pub struct EntityCache {
    shelves: Arc<Shelves>,
}

struct Shelves {
    memory: Arc<Memory>,
    bus: Bus,
    redis: Option<(Store, Writer)>,
    limits: Limits,
}

/// What the cache does in the background; it must run for replicas to agree.
#[must_use = "replicas do not agree until it runs"]
pub struct Upkeep {
    memory: Arc<Memory>,
    replicas: BusSubscription,
    writing: Option<Writing>,
}

impl EntityCache {
    /// A cache in this process, and in Redis if there is one.
    pub fn new(bus: Bus, redis: Option<Redis>, limits: Limits) -> (Self, Upkeep) {
        let memory = Arc::new(Memory::new(limits));
        let replicas = bus.subscribe_to_replicas();
        let (redis, writing) = match redis.map(Store::new) {
            Some(store) => {
                let (writer, writing) = writer::start(store.clone(), bus.clone(), limits);
                (Some((store, writer)), Some(writing))
            }
            None => (None, None),
        };
        let upkeep = Upkeep { memory: Arc::clone(&memory), replicas, writing };
        (Self { shelves: Arc::new(Shelves { memory, bus, redis, limits }) }, upkeep)
    }

    /// The entity, if it is at hand in this process. Never waits, so that it can be asked before a
    /// loader is entered.
    #[must_use]
    pub fn peek<T: Cached>(&self, id: Uuid) -> Option<Arc<T>> {
        match self.shelves.memory.look(id, self.shelves.bus.is_shared()) {
            Found::Here(entity) => {
                telemetry::count(telemetry::CACHE_HITS);
                Some(entity)
            }
            Found::Absent | Found::Unknown => None,
        }
    }

    /// The entities of `ids`, by id; those that do not exist are left out. `fetch` is called once,
    /// if at all, with the ids that neither this process, nor another look-up that is under way,
    /// nor Redis has. It must read what is committed, and not in the caller's own transaction.
    ///
    /// # Errors
    /// Those of `fetch`, for everyone who waited for it.
    pub async fn get_many<T, F, Fut>(
        &self,
        ids: &[Uuid],
        fetch: F,
    ) -> Result<HashMap<Uuid, Arc<T>>, DbError>
    where
        T: Cached,
        F: FnOnce(Vec<Uuid>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Vec<T>, DbError>> + Send + 'static,
    {
        let shelves = &self.shelves;
        let told = shelves.bus.is_shared();
        let wanted: HashSet<Uuid> = ids.iter().copied().collect();
        let mut found = HashMap::with_capacity(wanted.len());
        let mut unknown = Vec::new();
        for id in &wanted {
            match shelves.memory.look(*id, told) {
                Found::Here(entity) => drop(found.insert(*id, entity)),
                Found::Absent => {}
                Found::Unknown => unknown.push(*id),
            }
        }
        telemetry::add(telemetry::CACHE_HITS, wanted.len() - unknown.len());
        telemetry::add(telemetry::CACHE_MISSES, unknown.len());
        if unknown.is_empty() {
            return Ok(found);
        }
        let joined = shelves.memory.join(unknown, told, |ticket, ids| {
            let shelves = Arc::clone(shelves);
            async move { shelves.look_up(ticket, ids, fetch).await }.boxed()
        });
        found.extend(joined.found);
        let running = joined.running.into_iter();
        let answers = running.map(|running| async move { (running.ids, running.future.await) });
        for (ids, answer) in futures::future::join_all(answers).await {
            let answer = answer?;
            found.extend(ids.iter().filter_map(|id| Some((*id, Arc::clone(answer.get(id)?)))));
        }
        Ok(found)
    }

    /// Forgets what was changed, here and on every other replica. To be called after the commit,
    /// never before. Never waits and never fails.
    pub fn invalidate(&self, changes: Vec<EntityChange>) {
        if changes.is_empty() {
            return;
        }
        self.shelves.memory.forget(&ranks(&changes));
        if let Some((_, writer)) = &self.shelves.redis {
            writer.forget(&changes, self.shelves.limits.forgotten_keys);
        }
        self.shelves.bus.publish(BusMessage::EntitiesChanged(changes));
    }

    /// Forgets what another replica has changed, or everything when nobody knows what that was.
    /// The upkeep does so in its time; whoever goes on by the news has it done before.
    pub(crate) fn hear(&self, event: &BusEvent) {
        self.shelves.memory.hear(event);
    }

    /// Whether the cache is as good as its settings promise: with Redis in them, whether Redis
    /// answers and other replicas are heard. Everything works without, too.
    ///
    /// # Errors
    /// What is amiss.
    pub async fn check(&self) -> Result<(), CacheFault> {
        let Some((store, _)) = &self.shelves.redis else { return Ok(()) };
        store.ping().await?;
        if self.shelves.bus.is_shared() { Ok(()) } else { Err(CacheFault::CutOff) }
    }
}

/// Why the cache is not shared at this moment.
#[derive(Debug, thiserror::Error)]
pub enum CacheFault {
    /// Redis does not answer.
    #[error(transparent)]
    Redis(#[from] RedisFailure),
    /// Other replicas are not heard.
    #[error("cut off from other replicas")]
    CutOff,
}

impl Memory {
    fn hear(&self, event: &BusEvent) {
        match event {
            BusEvent::Message(message) => {
                if let BusMessage::EntitiesChanged(changes) = &**message {
                    self.forget(&ranks(changes));
                }
            }
            BusEvent::Lagged | BusEvent::Resumed => self.forget_all(),
        }
    }
}

fn ranks(changes: &[EntityChange]) -> Vec<(Key, Rank)> {
    changes.iter().map(|change| (Key::from(change), Rank::of_version(change.version))).collect()
}

impl Shelves {
    async fn look_up<T, F, Fut>(&self, ticket: Ticket, ids: Vec<Uuid>, fetch: F) -> Answer<T>
    where
        T: Cached,
        F: FnOnce(Vec<Uuid>) -> Fut,
        Fut: Future<Output = Result<Vec<T>, DbError>>,
    {
        let mut loaded = self.find_shared::<T>(&ids).await;
        let missing: Vec<Uuid> = ids.into_iter().filter(|id| !loaded.contains_key(id)).collect();
        let mut bodies = HashMap::new();
        if !missing.is_empty() {
            // What the look-up does not bring is not there.
            loaded.extend(missing.iter().map(|id| (*id, Loaded { entity: None, bytes: 0 })));
            for entity in fetch(missing).await? {
                // What cannot be encoded is kept in this process alone.
                let body = serde_json::to_vec(&entity).unwrap_or_default();
                let (id, bytes) = (entity.id(), body.len());
                loaded.insert(id, Loaded { entity: Some(Arc::new(entity)), bytes });
                bodies.insert(id, body);
            }
        }
        failpoint::reach("cache.before_set").await;
        let kept = ticket.land(&loaded, self.bus.is_shared());
        self.share(kept, bodies, &loaded);
        let entities = loaded.into_iter().filter_map(|(id, loaded)| Some((id, loaded.entity?)));
        Ok(Arc::new(entities.collect()))
    }

    async fn find_shared<T: Cached>(&self, ids: &[Uuid]) -> HashMap<Uuid, Loaded<T>> {
        let Some((store, _)) = &self.redis else { return HashMap::new() };
        let found = store.get::<T>(ids).await.into_iter();
        let current = found.filter(|(id, (entity, _))| {
            let key = Key { kind: T::KIND, id: *id };
            !self.memory.is_outdated(&key, Rank::of_version(entity.version()))
        });
        let loaded = current
            .map(|(id, (entity, bytes))| (id, Loaded { entity: Some(Arc::new(entity)), bytes }));
        loaded.collect()
    }

    /// Shares with other replicas what was fetched and is not known to be out of date.
    fn share<T: Cached>(
        &self,
        kept: Vec<Uuid>,
        mut bodies: HashMap<Uuid, Vec<u8>>,
        loaded: &HashMap<Uuid, Loaded<T>>,
    ) {
        let Some((_, writer)) = &self.redis else { return };
        for id in kept {
            let entity = loaded.get(&id).and_then(|loaded| loaded.entity.as_ref());
            let body = bodies.remove(&id).filter(|body| (1..=LONGEST_BODY).contains(&body.len()));
            if let (Some(entity), Some(body)) = (entity, body) {
                let (key, rank) = (Key { kind: T::KIND, id }, Rank::of_version(entity.version()));
                writer.put(Entry { key, rank, body, ttl: self.limits.ttl_redis });
            }
        }
    }
}

impl Upkeep {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { memory, mut replicas, writing } = self;
        let hearing = async {
            while let Some(event) = replicas.next().await {
                memory.hear(&event);
            }
        };
        let writing = async {
            if let Some(writing) = writing {
                writing.run(stop.clone()).await;
            }
        };
        tokio::join!(stop.run_until_cancelled(hearing), writing);
    }
}
