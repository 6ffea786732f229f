//! The entity cache in one process: who looks up, what is kept, and what is never put back.

mod interleavings;
pub mod replicas;
mod responses;
pub mod shelf;
mod shop;

use self::shelf::{Item, Shelf, id};
use futures::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use stockroom::cache::{EntityCache, Limits};
use stockroom::db::{DbError, DbErrorKind};
use stockroom::events::{Bus, EntityChange, EntityKind};
use tokio::sync::Semaphore;

/// A cache of one process alone. Its upkeep has nothing to do.
fn alone(limits: Limits) -> EntityCache {
    let (cache, upkeep) = EntityCache::new(Bus::local(), None, limits);
    drop(upkeep);
    cache
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_readers_of_one_key_look_it_up_once() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(1));

    let readers = (0..1_000).map(|_| {
        let (cache, shelf) = (cache.clone(), shelf.clone());
        tokio::spawn(async move { shelf.read(&cache, id(0)).await })
    });
    let found = join_all(readers).await;

    assert!(found.into_iter().all(|item| item.unwrap().unwrap().version == 1));
    assert_eq!(shelf.fetches(), 1);
}

#[tokio::test]
async fn a_key_that_is_being_looked_up_is_awaited_and_only_the_others_are_fetched() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(3));
    let gate = Arc::new(Semaphore::new(0));

    let mut first = Box::pin(shelf.read_many_behind(&cache, vec![id(0), id(1)], gate.clone()));
    assert!(futures::poll!(&mut first).is_pending());
    let mut second = Box::pin(shelf.read_many(&cache, vec![id(1), id(2)]));
    assert!(futures::poll!(&mut second).is_pending());
    gate.add_permits(1);
    let (first, second) = futures::join!(first, second);

    assert_eq!((first.len(), second.len()), (2, 2));
    assert_eq!(shelf.fetched(), vec![vec![id(0), id(1)], vec![id(2)]]);
}

#[tokio::test]
async fn a_look_up_of_several_keys_brings_only_those_that_have_not_changed_since() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(2));
    let gates = [Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0))];
    let both = vec![id(0), id(1)];

    // Of the first look-up one key is out of date; the second look-up is of that key alone.
    let mut first = Box::pin(shelf.read_many_behind(&cache, both.clone(), gates[0].clone()));
    assert!(futures::poll!(&mut first).is_pending());
    cache.invalidate(vec![shelf.write(id(1))]);
    let mut second = Box::pin(shelf.read_many_behind(&cache, vec![id(1)], gates[1].clone()));
    assert!(futures::poll!(&mut second).is_pending());
    // In whichever order a third reader asks, it awaits the second look-up for that key.
    let readers = [both.clone(), vec![id(1), id(0)]].map(|ids| shelf.read_many(&cache, ids));
    let mut readers = readers.map(Box::pin);
    for reader in &mut readers {
        assert!(futures::poll!(reader).is_pending());
    }
    gates.iter().for_each(|gate| gate.add_permits(1));

    assert_eq!(first.await[&id(1)].version, 1, "it began before the change");
    assert_eq!(second.await[&id(1)].version, 2);
    for reader in readers {
        let read = reader.await;
        assert_eq!((read[&id(0)].version, read[&id(1)].version), (1, 2));
    }
    assert_eq!(shelf.fetches(), 2);
}

#[tokio::test]
async fn those_who_wait_go_on_when_the_first_is_cancelled() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(1));
    let gate = Arc::new(Semaphore::new(0));

    let mut first = Box::pin(shelf.read_many_behind(&cache, vec![id(0)], gate.clone()));
    assert!(futures::poll!(&mut first).is_pending());
    let mut second = Box::pin(shelf.read(&cache, id(0)));
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    gate.add_permits(1);

    assert_eq!(second.await.unwrap().version, 1);
    assert_eq!(shelf.fetches(), 1);
}

#[tokio::test]
async fn a_look_up_that_nobody_waits_for_any_more_is_in_nobodys_way() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(1));
    let closed = Arc::new(Semaphore::new(0));

    let mut first = Box::pin(shelf.read_many_behind(&cache, vec![id(0)], closed));
    assert!(futures::poll!(&mut first).is_pending());
    drop(first);

    assert_eq!(shelf.read(&cache, id(0)).await.unwrap().version, 1);
    assert_eq!(shelf.fetches(), 2);
}

#[tokio::test]
async fn an_error_reaches_everyone_who_waited_and_is_not_kept() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(1));
    let broken =
        DbError { kind: DbErrorKind::Unavailable, constraint: None, message: "away".to_owned() };

    let failing = async || {
        let broken = broken.clone();
        let fail = async move |_| {
            tokio::task::yield_now().await;
            Err(broken)
        };
        cache.get_many::<Item, _, _>(&[id(0)], fail).await
    };
    let (first, second) = futures::join!(failing(), failing());

    assert_eq!(first.unwrap_err().kind, DbErrorKind::Unavailable);
    assert_eq!(second.unwrap_err().kind, DbErrorKind::Unavailable);
    assert_eq!(shelf.read(&cache, id(0)).await.unwrap().version, 1);
}

#[tokio::test]
async fn what_is_not_there_is_known_until_it_is_made() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(0));

    assert!(shelf.read(&cache, id(5)).await.is_none());
    assert!(shelf.read(&cache, id(5)).await.is_none());
    assert_eq!(shelf.fetches(), 1, "the second read knows");
    cache.invalidate(vec![shelf.write(id(5))]);

    assert_eq!(shelf.read(&cache, id(5)).await.unwrap().version, 1);
}

#[tokio::test]
async fn what_was_deleted_is_gone_at_once() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(1));
    assert!(shelf.read(&cache, id(0)).await.is_some());

    shelf.delete(id(0));
    let version = EntityChange::DELETED;
    cache.invalidate(vec![EntityChange { kind: EntityKind::Product, id: id(0), version }]);

    assert!(shelf.read(&cache, id(0)).await.is_none());
}

#[tokio::test]
async fn a_peek_never_looks_anything_up() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(1));

    assert!(cache.peek::<Item>(id(0)).is_none());
    shelf.read(&cache, id(0)).await;
    assert_eq!(cache.peek::<Item>(id(0)).unwrap().version, 1);
    cache.invalidate(vec![shelf.write(id(0))]);
    assert!(cache.peek::<Item>(id(0)).is_none());

    assert_eq!(shelf.fetches(), 1);
}

#[tokio::test]
async fn without_news_of_others_a_change_elsewhere_shows_within_the_time_to_live() {
    let limits = Limits { ttl_alone: Duration::from_millis(20), ..Limits::default() };
    let (cache, shelf) = (alone(limits), Shelf::with(1));
    assert_eq!(shelf.read(&cache, id(0)).await.unwrap().version, 1);

    // Another process commits, and this one hears nothing of it.
    shelf.write(id(0));

    shelf::eventually("the new version shows", async || {
        shelf.read(&cache, id(0)).await.unwrap().version == 2
    })
    .await;
}

#[tokio::test]
async fn many_changes_at_once_are_all_forgotten() {
    let (cache, shelf) = (alone(Limits::default()), Shelf::with(1_000));
    let ids: Vec<_> = (0..1_000).map(id).collect();
    shelf.read_many(&cache, ids.clone()).await;

    cache.invalidate(ids.iter().map(|id| shelf.write(*id)).collect());

    assert!(shelf.read_many(&cache, ids).await.values().all(|item| item.version == 2));
}

#[tokio::test]
async fn memory_is_bounded_by_what_the_entities_weigh() {
    let limits = Limits { memory_bytes: 100 * 1024, ..Limits::default() };
    let (cache, shelf) = (alone(limits), Shelf::with(2_000));
    let ids: Vec<_> = (0..2_000).map(id).collect();

    // Each weighs more than 256 bytes: 400 of them fit at most.
    for portion in ids.chunks(50) {
        shelf.read_many(&cache, portion.to_vec()).await;
    }

    shelf::eventually("what is too much goes", async || {
        // Reading what is there lets the cache do its house-keeping.
        ids.iter().filter(|id| cache.peek::<Item>(**id).is_some()).count() <= 400
    })
    .await;
}
