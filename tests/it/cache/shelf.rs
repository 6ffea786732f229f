//! What the tests of the cache keep in it, and a database as simple as can be behind it.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use stockroom::cache::{Cached, EntityCache};
use stockroom::events::{EntityChange, EntityKind};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Something to cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub id: Uuid,
    pub version: i64,
    pub name: String,
}

impl Cached for Item {
    const KIND: EntityKind = EntityKind::Product;

    fn id(&self) -> Uuid {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// The key of the item with this number.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

/// A database of items; clones are the same.
#[derive(Clone, Default)]
pub struct Shelf {
    items: Arc<Mutex<BTreeMap<Uuid, Item>>>,
    fetched: Arc<Mutex<Vec<Vec<Uuid>>>>,
}

impl Shelf {
    /// Items 0 to `count`, at version 1.
    pub fn with(count: u128) -> Self {
        let shelf = Self::default();
        for number in 0..count {
            shelf.write(id(number));
        }
        shelf
    }

    /// Makes or changes an item, and tells what to invalidate.
    pub fn write(&self, id: Uuid) -> EntityChange {
        let mut items = self.items.lock();
        let version = items.get(&id).map_or(1, |item| item.version + 1);
        items.insert(id, Item { id, version, name: format!("item at {version}") });
        EntityChange { kind: EntityKind::Product, id, version }
    }

    pub fn delete(&self, id: Uuid) {
        self.items.lock().remove(&id);
    }

    /// What is there now.
    pub fn load(&self, ids: &[Uuid]) -> Vec<Item> {
        let items = self.items.lock();
        ids.iter().filter_map(|id| items.get(id).cloned()).collect()
    }

    /// Counts a look-up.
    pub fn note(&self, mut ids: Vec<Uuid>) {
        ids.sort();
        self.fetched.lock().push(ids);
    }

    /// How many look-ups there were.
    pub fn fetches(&self) -> usize {
        self.fetched.lock().len()
    }

    /// The ids of each look-up, in order.
    pub fn fetched(&self) -> Vec<Vec<Uuid>> {
        self.fetched.lock().clone()
    }

    /// Reads items through a cache.
    pub async fn read_many(&self, cache: &EntityCache, ids: Vec<Uuid>) -> HashMap<Uuid, Arc<Item>> {
        let open = Arc::new(Semaphore::new(1));
        self.read_many_behind(cache, ids, open).await
    }

    /// Reads items through a cache; what was loaded waits at the gate before it goes on.
    pub async fn read_many_behind(
        &self,
        cache: &EntityCache,
        ids: Vec<Uuid>,
        gate: Arc<Semaphore>,
    ) -> HashMap<Uuid, Arc<Item>> {
        let shelf = self.clone();
        let fetch = async move |ids: Vec<Uuid>| {
            let loaded = shelf.load(&ids);
            shelf.note(ids);
            tokio::task::yield_now().await;
            gate.acquire().await.unwrap().forget();
            Ok(loaded)
        };
        cache.get_many(&ids, fetch).await.unwrap()
    }

    /// Reads one item through a cache.
    pub async fn read(&self, cache: &EntityCache, id: Uuid) -> Option<Arc<Item>> {
        self.read_many(cache, vec![id]).await.remove(&id)
    }
}

/// Waits until something holds that other tasks bring about.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "it did not come about that {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
