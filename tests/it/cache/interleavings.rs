//! Readers and writers in every order that chance finds: whoever begins to read after a change was
//! invalidated never gets what was before it.

use super::alone;
use super::shelf::{Item, Shelf, id};
use futures::future::BoxFuture;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use stockroom::cache::{EntityCache, Limits};
use stockroom::db::DbError;
use stockroom::events::EntityChange;
use stockroom::failpoint;
use uuid::Uuid;

const KEYS: u128 = 3;

type Answer = Result<HashMap<Uuid, Arc<Item>>, DbError>;

/// A step that ends at its second poll. It wakes nobody: the test polls whom it likes.
async fn step() {
    let mut polled = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut polled, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

struct Reader {
    work: BoxFuture<'static, Answer>,
    ids: Vec<Uuid>,
    /// What each id must at least have, for one who began when this one did.
    at_least: HashMap<Uuid, i64>,
}

/// What was done so far, and what it must lead to.
struct World {
    cache: EntityCache,
    shelf: Shelf,
    chance: SmallRng,
    readers: Vec<Reader>,
    /// Committed and not yet invalidated.
    committed: Vec<EntityChange>,
    invalidated: HashMap<Uuid, i64>,
    reads: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            cache: alone(Limits::default()),
            shelf: Shelf::with(KEYS),
            chance: SmallRng::seed_from_u64(seed),
            readers: Vec::new(),
            committed: Vec::new(),
            invalidated: HashMap::new(),
            reads: 0,
        }
    }

    fn begin_reading(&mut self) {
        let count = self.chance.random_range(1..=KEYS);
        let first = self.chance.random_range(0..KEYS);
        let ids: Vec<Uuid> = (0..count).map(|n| id((first + n) % KEYS)).collect();
        let (before, after) = (self.chance.random_range(0..3), self.chance.random_range(0..3));
        let (cache, shelf, wanted) = (self.cache.clone(), self.shelf.clone(), ids.clone());
        let fetch = async move |ids: Vec<Uuid>| {
            for _ in 0..before {
                step().await;
            }
            let loaded = shelf.load(&ids);
            for _ in 0..after {
                step().await;
            }
            Ok(loaded)
        };
        let work = Box::pin(async move { cache.get_many(&wanted, fetch).await });
        self.readers.push(Reader { work, ids, at_least: self.invalidated.clone() });
    }

    async fn poll_someone(&mut self) {
        if self.readers.is_empty() {
            return;
        }
        let who = self.chance.random_range(0..self.readers.len());
        if let Poll::Ready(answer) = futures::poll!(&mut self.readers[who].work) {
            let reader = self.readers.swap_remove(who);
            let answer = answer.unwrap();
            for id in &reader.ids {
                let (version, floor) = (answer[id].version, reader.at_least.get(id));
                assert!(version >= *floor.unwrap_or(&1), "{id} at {version}, not {floor:?}");
            }
            self.reads += 1;
        }
    }

    fn cancel_someone(&mut self) {
        if !self.readers.is_empty() {
            let who = self.chance.random_range(0..self.readers.len());
            drop(self.readers.swap_remove(who));
        }
    }

    fn commit(&mut self) {
        let number = self.chance.random_range(0..KEYS);
        self.committed.push(self.shelf.write(id(number)));
    }

    /// After the commit, in whatever order the transactions' ends come.
    fn invalidate(&mut self) {
        if self.committed.is_empty() {
            return;
        }
        let which = self.chance.random_range(0..self.committed.len());
        let change = self.committed.swap_remove(which);
        self.cache.invalidate(vec![change]);
        let known = self.invalidated.entry(change.id).or_insert(change.version);
        *known = change.version.max(*known);
    }
}

#[tokio::test]
async fn in_a_thousand_interleavings_nobody_reads_what_was_invalidated_before() {
    let mut reads = 0;
    for seed in 0..1_000 {
        let mut world = World::new(seed);
        for _ in 0..120 {
            match world.chance.random_range(0..12) {
                0..2 => world.begin_reading(),
                2..9 => world.poll_someone().await,
                9 => world.commit(),
                10 => world.invalidate(),
                _ => world.cancel_someone(),
            }
        }
        while !world.committed.is_empty() {
            world.invalidate();
        }
        while !world.readers.is_empty() {
            world.poll_someone().await;
        }
        for number in 0..KEYS {
            let now = world.shelf.load(&[id(number)]);
            let read = world.shelf.read(&world.cache, id(number)).await.unwrap();
            assert_eq!(*read, now[0], "seed {seed}: the last word is the database's");
        }
        reads += world.reads;
    }
    assert!(reads > 5_000, "only {reads} reads came to an end: the test tests nothing");
}

/// The race itself, one by one: loaded before the commit, kept after it.
#[tokio::test]
async fn what_was_loaded_before_a_commit_is_not_kept_after_it() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(1_000));
    for number in 0..1_000 {
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let mut slow =
            Box::pin(shelf.read_many_behind(&cache, vec![id(number)], Arc::clone(&gate)));
        while shelf.fetches() < (2 * number + 1) as usize {
            assert!(futures::poll!(&mut slow).is_pending());
        }

        cache.invalidate(vec![shelf.write(id(number))]);
        gate.add_permits(1);

        assert_eq!(slow.await[&id(number)].version, 1, "it began before the change");
        assert!(cache.peek::<Item>(id(number)).is_none());
        assert_eq!(shelf.read(&cache, id(number)).await.unwrap().version, 2);
    }
}

/// The same at the last step: the change comes when all was loaded, and only the keeping is left.
#[tokio::test]
async fn what_changes_just_before_it_is_kept_is_not_kept() {
    let (cache, shelf) = (alone(Limits::default()), Arc::new(Shelf::with(1)));
    let (changing, writing) = (cache.clone(), Arc::clone(&shelf));
    let first = AtomicBool::new(true);
    failpoint::on("cache.before_set", move || {
        if first.swap(false, Ordering::SeqCst) {
            changing.invalidate(vec![writing.write(id(0))]);
        }
        std::future::ready(())
    });

    assert_eq!(shelf.read(&cache, id(0)).await.unwrap().version, 1, "it began before the change");

    assert!(cache.peek::<Item>(id(0)).is_none());
    assert_eq!(shelf.read(&cache, id(0)).await.unwrap().version, 2);
}
