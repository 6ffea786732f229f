//! The bus within one process: who hears what, and what a slow listener is told.

use stockroom::events::{Bus, BusEvent, BusMessage, EntityChange, EntityKind};
use uuid::Uuid;

fn change(version: i64) -> BusMessage {
    BusMessage::EntitiesChanged(vec![EntityChange {
        kind: EntityKind::Product,
        id: Uuid::from_u128(7),
        version,
    }])
}

#[tokio::test]
async fn every_subscriber_hears_what_is_published_in_its_order() {
    let bus = Bus::local();
    let (mut one, mut two) = (bus.subscribe(), bus.subscribe());

    for version in 1..=3 {
        bus.clone().publish(change(version));
    }

    for version in 1..=3 {
        for subscriber in [&mut one, &mut two] {
            let Some(BusEvent::Message(message)) = subscriber.next().await else {
                panic!("a message was expected");
            };
            assert_eq!(*message, change(version));
        }
    }
}

#[tokio::test]
async fn a_subscriber_that_is_too_slow_is_told_that_it_missed_something() {
    let bus = Bus::local();
    let mut slow = bus.subscribe();

    for version in 1..=5_000 {
        bus.publish(change(version));
    }

    assert!(matches!(slow.next().await, Some(BusEvent::Lagged)));
    let mut last = None;
    for _ in 0..1_024 {
        last = slow.next().await;
    }
    let Some(BusEvent::Message(last)) = last else { panic!("a message was expected") };
    assert_eq!(*last, change(5_000), "what it hears after that is the newest");
}

#[tokio::test]
async fn nothing_is_told_of_an_empty_change() {
    let bus = Bus::local();
    let mut subscriber = bus.subscribe();

    bus.publish(BusMessage::StockLevelsChanged(Vec::new()));
    bus.publish(BusMessage::EntitiesChanged(Vec::new()));
    bus.publish(BusMessage::WarehousesChanged);

    let Some(BusEvent::Message(message)) = subscriber.next().await else {
        panic!("a message was expected");
    };
    assert_eq!(*message, BusMessage::WarehousesChanged);
}
