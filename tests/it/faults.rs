//! Redis stopped, stalled, emptied and started again, while readers and writers go on: nobody's
//! request fails, and when it is back all replicas agree again.

mod shop;

use crate::app::{RedisServer, TestApp};
use crate::cache::replicas::Replica;
use crate::cache::shelf::{Item, Shelf, eventually, id};
use redis::AsyncCommands;
use std::time::Duration;
use stockroom::events::{BusEvent, BusMessage};

/// Longer than all time limits together, and much shorter than what a client would bear.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads and changes items one after the other; every read must be right.
async fn work(shelf: &Shelf, replica: &Replica, numbers: std::ops::Range<u128>) {
    let working = async {
        for number in numbers {
            let before = shelf.read(&replica.cache, id(number)).await.unwrap().version;
            replica.cache.invalidate(vec![shelf.write(id(number))]);
            let after = shelf.read(&replica.cache, id(number)).await.unwrap().version;
            assert_eq!(after, before + 1, "a writer reads its own write");
        }
    };
    tokio::time::timeout(PATIENCE, working).await.expect("nobody waits for Redis");
}

/// Whether both replicas have the present version of all items at hand.
async fn agree(shelf: &Shelf, replicas: [&Replica; 2], count: u128) -> bool {
    let ids: Vec<_> = (0..count).map(id).collect();
    for replica in replicas {
        let read = shelf.read_many(&replica.cache, ids.clone()).await;
        if shelf.load(&ids).iter().any(|item| *read[&item.id] != *item) {
            return false;
        }
    }
    true
}

/// That a change here is heard there.
async fn assert_connected(shelf: &Shelf, one: &Replica, two: &Replica) {
    for (here, there) in [(one, two), (two, one)] {
        eventually("both are heard", async || here.bus.is_shared() && there.bus.is_shared()).await;
        shelf.read(&there.cache, id(0)).await;
        here.cache.invalidate(vec![shelf.write(id(0))]);
        eventually("the change is heard", async || {
            shelf.read(&there.cache, id(0)).await.unwrap() == shelf.load(&[id(0)])[0].clone().into()
        })
        .await;
        eventually("it is healthy", async || here.cache.check().await.is_ok()).await;
    }
}

#[tokio::test]
async fn while_redis_is_stopped_everything_goes_on_and_then_replicas_agree_again() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let shelf = Shelf::with(200);
    work(&shelf, &one, 0..100).await;
    agree(&shelf, [&one, &two], 200).await;

    redis.kill().await;
    work(&shelf, &one, 0..200).await;
    assert!(one.cache.check().await.is_err());
    redis.restart().await;

    eventually("they agree", async || agree(&shelf, [&one, &two], 200).await).await;
    assert_connected(&shelf, &one, &two).await;
}

#[tokio::test]
async fn while_redis_accepts_and_never_answers_everything_goes_on() {
    let Some(redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let shelf = Shelf::with(500);
    agree(&shelf, [&one, &two], 500).await;

    redis.stall().await;
    work(&shelf, &one, 0..500).await;
    assert!(one.cache.check().await.is_err());
    redis.resume().await;

    eventually("they agree", async || agree(&shelf, [&one, &two], 500).await).await;
    assert_connected(&shelf, &one, &two).await;
}

#[tokio::test]
async fn a_server_starts_while_redis_does_not_answer() {
    let Some(redis) = RedisServer::start().await else { return };
    redis.stall().await;
    let shelf = Shelf::with(50);

    let one = Replica::start_anyhow(&redis).await;
    work(&shelf, &one, 0..50).await;
    redis.resume().await;

    let two = Replica::start(&redis).await;
    assert_connected(&shelf, &one, &two).await;
}

#[tokio::test]
async fn what_redis_could_not_be_told_in_time_it_is_told_later() {
    let Some(redis) = RedisServer::start().await else { return };
    let one = Replica::start(&redis).await;
    let shelf = Shelf::with(20);
    let ids: Vec<_> = (0..20).map(id).collect();
    shelf.read_many(&one.cache, ids.clone()).await;
    for number in 0..20 {
        let stored = async || crate::cache::replicas::stored(&redis, number).await.is_some();
        eventually("it is in Redis", stored).await;
    }

    // Redis goes on with what it knew before, which is out of date.
    redis.stall().await;
    one.cache.invalidate(ids.iter().map(|id| shelf.write(*id)).collect());
    work(&shelf, &one, 0..20).await;
    redis.resume().await;

    eventually("another replica reads what is true", async || {
        let fresh = Replica::start(&redis).await;
        let read = shelf.read_many(&fresh.cache, ids.clone()).await;
        read.values().all(|item| item.version == 3)
    })
    .await;
}

#[tokio::test]
async fn redis_emptied_in_the_middle_is_a_miss() {
    let Some(redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let shelf = Shelf::with(100);

    work(&shelf, &one, 0..50).await;
    let () = redis.connection().await.flushall().await.unwrap();
    work(&shelf, &one, 50..100).await;

    eventually("they agree", async || agree(&shelf, [&one, &two], 100).await).await;
    assert_connected(&shelf, &one, &two).await;
}

#[tokio::test]
async fn a_subscriber_is_told_to_read_again_after_it_was_cut_off() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let mut news = two.bus.subscribe();

    redis.kill().await;
    eventually("it is known", async || !two.bus.is_shared()).await;
    one.bus.publish(BusMessage::WarehousesChanged);
    redis.restart().await;

    // The message itself is lost, or comes late; that something may be missing is always told.
    while !matches!(news.next().await, Some(BusEvent::Resumed)) {}
    eventually("both are heard", async || one.bus.is_shared() && two.bus.is_shared()).await;
}

#[tokio::test]
async fn what_was_cached_before_redis_went_is_not_used_for_longer_than_alone() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let (one, two) = (Replica::start(&redis).await, Replica::start(&redis).await);
    let shelf = Shelf::with(1);
    shelf.read(&two.cache, id(0)).await;

    redis.kill().await;
    one.cache.invalidate(vec![shelf.write(id(0))]);

    // Nobody can tell the other one; its entry of a minute counts as one of three seconds now.
    eventually("the change shows all the same", async || {
        two.cache.peek::<Item>(id(0)).is_none()
            && shelf.read(&two.cache, id(0)).await.unwrap().version == 2
    })
    .await;
}

#[tokio::test]
async fn addresses_with_tls_and_a_password_can_be_used() {
    for url in ["rediss://:secret@redis.example:6380", "redis://user:secret@redis.example/2"] {
        assert!(stockroom::redis::Redis::open(url, "shop").is_ok(), "{url}");
    }
    let unreadable = stockroom::redis::Redis::open("redis://:secret@:port", "shop");
    let error = unreadable.err().expect("it is refused").to_string();
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test]
async fn without_redis_the_server_is_ready_and_says_that_it_is_degraded() {
    let Some(redis) = RedisServer::start().await else { return };
    redis.stall().await;

    let app = TestApp::with(|settings| settings.redis_url = Some(redis.url().into())).await;
    app.app.work_in_background();
    let degraded = app.guest().get("/health/ready").await;
    redis.resume().await;

    assert_eq!((degraded.status.as_u16(), &degraded.json["status"]), (200, &"degraded".into()));
    assert_eq!(degraded.json["checks"]["cache"]["status"], "degraded");
    assert_eq!(degraded.json["checks"]["database"]["status"], "healthy");
    eventually("it is healthy again", async || {
        app.guest().get("/health/ready").await.json["status"] == "healthy"
    })
    .await;
    app.ends_background_work().await;
}
