//! The entity cache of several replicas on one Redis, which is the test's own: what they share,
//! what they tell each other, and what they never believe.

use super::shelf::{Item, Shelf, eventually, id};
use crate::app::RedisServer;
use redis::AsyncCommands;
use std::sync::Arc;
use std::time::Duration;
use stockroom::cache::{EntityCache, Limits};
use stockroom::events::{Bus, BusEvent, BusMessage, BusSubscription};
use stockroom::redis::Redis;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

const PREFIX: &str = "test";

/// A replica: what it has of the bus and of the cache.
pub struct Replica {
    pub bus: Bus,
    pub cache: EntityCache,
    _running: DropGuard,
}

impl Replica {
    /// Starts a replica and waits until it hears the others.
    pub async fn start(redis: &RedisServer) -> Self {
        let replica = Self::start_anyhow(redis).await;
        eventually("the replica hears the others", async || replica.bus.is_shared()).await;
        replica
    }

    /// Starts a replica, whatever state Redis is in.
    pub async fn start_anyhow(redis: &RedisServer) -> Self {
        let redis = Redis::open(&redis.url(), PREFIX).unwrap();
        redis.connect().await;
        let (bus, relay) = Bus::shared(redis.clone());
        let stop = CancellationToken::new();
        tokio::spawn(relay.run(stop.clone()));
        Self::on(bus, redis, stop)
    }

    /// Starts a replica that shares the cache and hears nobody.
    async fn deaf(redis: &RedisServer) -> Self {
        let redis = Redis::open(&redis.url(), PREFIX).unwrap();
        redis.connect().await;
        Self::on(Bus::local(), redis, CancellationToken::new())
    }

    fn on(bus: Bus, redis: Redis, stop: CancellationToken) -> Self {
        // What was cached is used for a shorter time alone than it is in service: tests wait for it.
        let limits = Limits { ttl_alone: Duration::from_secs(3), ..Limits::default() };
        let (cache, upkeep) = EntityCache::new(bus.clone(), Some(redis), limits);
        tokio::spawn(upkeep.run(stop.clone()));
        Self { bus, cache, _running: stop.drop_guard() }
    }
}

/// What Redis has of an item: the digits of its rank, and its body.
pub async fn stored(redis: &RedisServer, number: u128) -> Option<Vec<u8>> {
    redis.connection().await.get(key(number)).await.unwrap()
}

fn key(number: u128) -> String {
    format!("{PREFIX}:cache:1:product:{}", id(number).simple())
}

/// Whether Redis refuses anything older than the item's last change.
async fn is_forgotten(redis: &RedisServer, number: u128) -> bool {
    stored(redis, number).await.is_some_and(|text| text.len() == 19)
}

/// The next message that a subscriber hears, whatever else it is told.
async fn heard(subscriber: &mut BusSubscription) -> Arc<BusMessage> {
    loop {
        match subscriber.next().await.expect("the bus is there") {
            BusEvent::Message(message) => return message,
            BusEvent::Lagged | BusEvent::Resumed => {}
        }
    }
}

#[tokio::test]
async fn what_one_replica_looked_up_another_finds_in_redis() {
    let Some(redis) = RedisServer::start().await else { return };
    let one = Replica::start(&redis).await;
    let shelf = Shelf::with(5);

    // A machine that stalls while Redis is asked looks as if Redis were away: then another is
    // asked for another item.
    for number in 0..5 {
        shelf.read(&one.cache, id(number)).await;
        eventually("it is in Redis", async || stored(&redis, number).await.is_some()).await;
        let (two, fetches) = (Replica::start(&redis).await, shelf.fetches());

        assert_eq!(shelf.read(&two.cache, id(number)).await.unwrap().version, 1);
        if shelf.fetches() == fetches {
            return;
        }
    }
    panic!("nobody found it in Redis");
}

#[tokio::test]
async fn a_change_on_one_replica_is_forgotten_by_the_others() {
    let Some(redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let shelf = Shelf::with(1);
    for replica in [&one, &two] {
        shelf.read(&replica.cache, id(0)).await;
    }
    let mut news = two.bus.subscribe();

    let change = shelf.write(id(0));
    one.cache.invalidate(vec![change]);

    assert_eq!(*heard(&mut news).await, BusMessage::EntitiesChanged(vec![change]));
    eventually("the other forgets", async || two.cache.peek::<Item>(id(0)).is_none()).await;
    assert_eq!(shelf.read(&two.cache, id(0)).await.unwrap().version, 2);
    assert_eq!(shelf.read(&one.cache, id(0)).await.unwrap().version, 2);
}

#[tokio::test]
async fn a_replica_hears_its_own_news_once() {
    let Some(redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let (mut own, mut others) = (one.bus.subscribe(), two.bus.subscribe());
    let shelf = Shelf::with(1);
    let first = BusMessage::EntitiesChanged(vec![shelf.write(id(0))]);
    let last = BusMessage::EntitiesChanged(vec![shelf.write(id(0))]);

    one.bus.publish(first.clone());
    assert_eq!(*heard(&mut others).await, first);
    // By now it has been through Redis and back.
    one.bus.publish(last.clone());
    assert_eq!(*heard(&mut others).await, last);

    assert_eq!((*heard(&mut own).await).clone(), first);
    assert_eq!((*heard(&mut own).await).clone(), last);
}

#[tokio::test]
async fn a_writer_reads_its_own_write_while_redis_still_has_what_was_before() {
    let Some(redis) = RedisServer::start().await else { return };
    let one = Replica::start(&redis).await;
    let shelf = Shelf::with(200);
    for number in 0..200 {
        shelf.read(&one.cache, id(number)).await;
        eventually("it is in Redis", async || stored(&redis, number).await.is_some()).await;

        // Nothing waits for the word to reach Redis.
        one.cache.invalidate(vec![shelf.write(id(number))]);

        assert_eq!(shelf.read(&one.cache, id(number)).await.unwrap().version, 2);
    }
}

#[tokio::test]
async fn in_a_thousand_races_redis_refuses_what_was_loaded_before_the_change() {
    let Some(redis) = RedisServer::start().await else { return };
    let (writer, slow) = (Replica::start(&redis).await, Replica::deaf(&redis).await);
    let shelf = Shelf::with(1_001);
    let ids: Vec<_> = (0..1_000).map(id).collect();
    let gate = Arc::new(Semaphore::new(0));

    // The slow replica loads; the writer changes all of it; then the slow one shares what it has.
    let reading = {
        let (shelf, cache, ids) = (shelf.clone(), slow.cache.clone(), ids.clone());
        let gate = Arc::clone(&gate);
        tokio::spawn(async move { shelf.read_many_behind(&cache, ids, gate).await })
    };
    eventually("it has loaded", async || shelf.fetches() == 1).await;
    writer.cache.invalidate(ids.iter().map(|id| shelf.write(*id)).collect());
    for number in 0..1_000 {
        eventually("Redis knows", async || is_forgotten(&redis, number).await).await;
    }
    gate.add_permits(1);
    assert!(reading.await.unwrap().values().all(|item| item.version == 1), "loaded before");
    // What is shared later arrives later: then all the rest has been.
    shelf.read(&slow.cache, id(1_000)).await;
    eventually("the last is in Redis", async || stored(&redis, 1_000).await.is_some()).await;

    let fresh = Replica::start(&redis).await;
    let read = shelf.read_many(&fresh.cache, ids).await;

    assert_eq!(read.len(), 1_000);
    assert!(read.values().all(|item| item.version == 2));
}

#[tokio::test]
async fn what_is_not_ours_at_a_key_is_a_miss_and_is_replaced() {
    let Some(redis) = RedisServer::start().await else { return };
    let mut connection = redis.connection().await;
    let shelf = Shelf::with(6);
    let rank = "0000000000000000002";
    let other = serde_json::to_string(&shelf.load(&[id(5)])[0]).unwrap();
    let huge = format!(
        "{rank}{{\"id\":\"{}\",\"version\":1,\"name\":\"{}\"}}",
        id(4),
        "x".repeat(300_000)
    );
    let () = connection.lpush(key(0), "a list").await.unwrap();
    let () = connection.set(key(1), "no rank").await.unwrap();
    let () = connection.set(key(2), format!("{rank}{{\"id\":")).await.unwrap();
    let () = connection.set(key(3), format!("{rank}{other}")).await.unwrap();
    let () = connection.set(key(4), huge).await.unwrap();

    let one = Replica::start(&redis).await;
    for number in 0..5 {
        let item = shelf.read(&one.cache, id(number)).await.unwrap();
        assert_eq!(*item, shelf.load(&[id(number)])[0], "item {number}");
    }

    assert_eq!(shelf.fetches(), 5);
    for number in 0..5 {
        let entry = serde_json::to_string(&shelf.load(&[id(number)])[0]).unwrap();
        let entry = format!("{rank}{entry}").into_bytes();
        // GET of the list would be an error until it is replaced.
        eventually("it is replaced", async || {
            let text: Result<Vec<u8>, _> = redis.connection().await.get(key(number)).await;
            text.is_ok_and(|text| text == entry)
        })
        .await;
    }
}

#[tokio::test]
async fn what_strangers_say_on_the_channel_is_left_aside() {
    let Some(redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let mut news = two.bus.subscribe();
    let mut connection = redis.connection().await;
    let channel = format!("{PREFIX}:bus:1");

    for payload in [&b"no json"[..], b"{}", &[0xff; 16], &vec![b'['; 300_000]] {
        let heard_by: usize = connection.publish(&channel, payload).await.unwrap();
        assert_eq!(heard_by, 2);
    }
    one.bus.publish(BusMessage::WarehousesChanged);

    assert_eq!(*heard(&mut news).await, BusMessage::WarehousesChanged);
    assert!(two.bus.is_shared());
}

#[tokio::test]
async fn news_of_any_length_reach_the_others_whole() {
    let Some(redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let mut news = two.bus.subscribe();
    let shelf = Shelf::default();
    let changes: Vec<_> = (0..5_000).map(|number| shelf.write(id(number))).collect();

    one.bus.publish(BusMessage::EntitiesChanged(changes.clone()));

    let mut arrived = Vec::new();
    while arrived.len() < changes.len() {
        if let BusMessage::EntitiesChanged(portion) = &*heard(&mut news).await {
            arrived.extend(portion.clone());
        }
    }
    assert_eq!(arrived, changes);
}

#[tokio::test]
async fn shops_with_different_prefixes_do_not_hear_each_other() {
    let Some(redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let mut news = two.bus.subscribe();
    let other = Redis::open(&redis.url(), "another").unwrap();
    other.connect().await;
    let (other, relay) = Bus::shared(other);
    let stop = CancellationToken::new();
    let told = tokio::spawn(relay.run(stop.clone()));
    let shelf = Shelf::default();

    other.publish(BusMessage::EntitiesChanged(vec![shelf.write(id(0))]));
    stop.cancel();
    // What waited to be told has been told by now.
    told.await.unwrap();
    one.bus.publish(BusMessage::WarehousesChanged);

    assert_eq!(*heard(&mut news).await, BusMessage::WarehousesChanged);
}
