//! The sink of this process: the bus, a second time. Whoever watches was told right after the
//! commit, unless the process ended just then; what comes from the outbox makes those look again
//! who know less.

use crate::events::outbox::{Event, Sink, SinkError, Topic};
use crate::events::{Bus, BusMessage, Recall};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde_json::Value;
use uuid::Uuid;

/// Hands events to the bus.
pub struct BusSink {
    bus: Bus,
}

impl BusSink {
    /// A sink in front of this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }
}

impl Sink for BusSink {
    fn name(&self) -> &'static str {
        "bus"
    }

    fn is_at_hand(&self) -> bool {
        true
    }

    fn take<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), SinkError>> {
        let recalled = recall(event).map(|recall| {
            self.bus.publish(BusMessage::Recalled(vec![recall]));
        });
        ready(recalled).boxed()
    }
}

fn recall(event: &Event) -> Result<Recall, SinkError> {
    let key = |name: &str| {
        let key = event.payload.get(name).and_then(Value::as_str).and_then(|key| key.parse().ok());
        key.ok_or_else(|| SinkError::Refused(format!("its payload has no key {name}")))
    };
    let version = event.seq;
    match Topic::from_name(&event.topic) {
        Some(Topic::Orders) => Ok(Recall::Order { order_id: key("orderId")? }),
        Some(Topic::Payments) => Ok(Recall::Order { order_id: key("orderId")? }),
        Some(Topic::Stock) => {
            let (variant_id, warehouse_id): (Uuid, Uuid) = (key("variantId")?, key("warehouseId")?);
            Ok(Recall::Level { variant_id, warehouse_id, version })
        }
        None => Err(SinkError::Refused(format!("there is no topic {:?}", event.topic))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(topic: &str, payload: Value) -> Event {
        Event {
            id: Uuid::now_v7(),
            topic: topic.to_owned(),
            kind: "something.happened".to_owned(),
            aggregate_id: Uuid::now_v7(),
            seq: 7,
            payload,
            correlation_id: None,
            created_at: chrono::Utc::now(),
        }
    }

    #[test]
    fn each_topic_recalls_what_its_watchers_watch() {
        let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
        let order = json!({ "orderId": one });
        let level = json!({ "variantId": one, "warehouseId": two });

        for topic in ["order-events", "payment-events"] {
            let recalled = recall(&event(topic, order.clone()));
            assert_eq!(recalled, Ok(Recall::Order { order_id: one }));
        }
        let recalled = recall(&event("stock-events", level));
        let expected = Recall::Level { variant_id: one, warehouse_id: two, version: 7 };
        assert_eq!(recalled, Ok(expected));
    }

    #[test]
    fn what_nobody_could_read_is_refused() {
        for (topic, payload) in [
            ("order-events", json!({})),
            ("stock-events", json!({ "variantId": Uuid::now_v7(), "warehouseId": "here" })),
            ("weather", json!({})),
        ] {
            let refused = recall(&event(topic, payload));
            assert!(matches!(refused, Err(SinkError::Refused(_))), "{topic}: {refused:?}");
        }
    }
}
