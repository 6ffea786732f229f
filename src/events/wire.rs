//! How a message looks on its way through Redis. What comes from there is not trusted: bounded,
//! decoded, or left aside.

use crate::events::BusMessage;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Raised when a message changes its form: replicas of two releases then do not hear each other,
/// and heal by reading. Not for a new kind of message: who does not know it reads again.
const VERSION: u32 = 1;
/// Larger payloads are left aside unread.
pub const LONGEST_PAYLOAD: usize = 256 * 1024;
/// Entries that a payload carries at most; each takes 350 bytes at most.
const ENTRIES_A_PAYLOAD: usize = 500;

/// The channel of a shop's replicas.
pub fn channel(key_prefix: &str) -> String {
    format!("{key_prefix}:bus:{VERSION}")
}

/// What replicas tell each other.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The replica that tells; it has heard it already.
    pub origin: Uuid,
    /// What it tells.
    pub content: Content,
}

/// What replicas tell each other.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A message of the bus.
    Message(BusMessage),
    /// Messages of this replica were lost on the way: read again.
    Lost,
}

impl Envelope {
    /// The payload; None when it could not be encoded or nobody would accept it.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let payload = serde_json::to_vec(self).ok()?;
        (payload.len() <= LONGEST_PAYLOAD).then_some(payload)
    }

    /// Reads a payload of whatever origin.
    pub fn decode(payload: &[u8]) -> Result<Self, Unreadable> {
        if payload.len() > LONGEST_PAYLOAD {
            return Err(Unreadable::TooLong(payload.len()));
        }
        match serde_json::from_slice(payload) {
            Ok(envelope) => Ok(envelope),
            Err(_) if serde_json::from_slice::<Sealed>(payload).is_ok() => Err(Unreadable::Unknown),
            Err(error) => Err(error.into()),
        }
    }
}

/// An envelope of a program that may be newer.
#[derive(Deserialize)]
struct Sealed {
    #[serde(rename = "origin")]
    _origin: Uuid,
    #[serde(rename = "content")]
    _content: serde::de::IgnoredAny,
}

/// Why a payload was left aside.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is longer than any of ours.
    #[error("it has {0} bytes")]
    TooLong(usize),
    /// It is one of ours, and tells what this program does not know.
    #[error("it tells something unknown")]
    Unknown,
    /// It is not one of ours.
    #[error(transparent)]
    Malformed(#[from] serde_json::Error),
}

/// The message in portions that fit a payload.
pub fn portions(message: &BusMessage) -> Vec<BusMessage> {
    match message {
        BusMessage::StockLevelsChanged(levels) => {
            let portions = levels.chunks(ENTRIES_A_PAYLOAD);
            portions.map(|levels| BusMessage::StockLevelsChanged(levels.to_vec())).collect()
        }
        BusMessage::EntitiesChanged(changes) => {
            let portions = changes.chunks(ENTRIES_A_PAYLOAD);
            portions.map(|changes| BusMessage::EntitiesChanged(changes.to_vec())).collect()
        }
        BusMessage::FlashSalesChanged(ids) => {
            let portions = ids.chunks(ENTRIES_A_PAYLOAD);
            portions.map(|ids| BusMessage::FlashSalesChanged(ids.to_vec())).collect()
        }
        BusMessage::AccountsChanged(ids) => {
            let portions = ids.chunks(ENTRIES_A_PAYLOAD);
            portions.map(|ids| BusMessage::AccountsChanged(ids.to_vec())).collect()
        }
        BusMessage::OrdersChanged(ids) => {
            let portions = ids.chunks(ENTRIES_A_PAYLOAD);
            portions.map(|ids| BusMessage::OrdersChanged(ids.to_vec())).collect()
        }
        BusMessage::AlertsChanged(ids) => {
            let portions = ids.chunks(ENTRIES_A_PAYLOAD);
            portions.map(|ids| BusMessage::AlertsChanged(ids.to_vec())).collect()
        }
        BusMessage::Recalled(recalls) => {
            let portions = recalls.chunks(ENTRIES_A_PAYLOAD);
            portions.map(|recalls| BusMessage::Recalled(recalls.to_vec())).collect()
        }
        BusMessage::WarehousesChanged => vec![BusMessage::WarehousesChanged],
        BusMessage::MetricsChanged => vec![BusMessage::MetricsChanged],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{EntityChange, EntityKind, LevelState, Recall};
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

    fn id() -> impl Strategy<Value = Uuid> {
        any::<u128>().prop_map(Uuid::from_u128)
    }

    fn level() -> impl Strategy<Value = LevelState> {
        // Any moment of the years 1 to 9999, to the microsecond.
        let moment = -62_135_596_800_000_000_i64..253_402_300_800_000_000;
        let pieces = (any::<i64>(), any::<i64>(), any::<i64>());
        let versions = (any::<i64>(), any::<i64>());
        (id(), id(), pieces, versions, moment).prop_map(
            |(variant_id, warehouse_id, pieces, (version, previous_version), us)| {
                let (on_hand, reserved, reorder_point) = pieces;
                LevelState {
                    variant_id,
                    warehouse_id,
                    on_hand,
                    reserved,
                    reorder_point,
                    version,
                    previous_version,
                    occurred_at: chrono::DateTime::from_timestamp_micros(us).unwrap(),
                }
            },
        )
    }

    fn change() -> impl Strategy<Value = EntityChange> {
        let kind = prop_oneof![
            Just(EntityKind::Product),
            Just(EntityKind::Variant),
            Just(EntityKind::Category),
            Just(EntityKind::Warehouse),
        ];
        (kind, id(), any::<i64>()).prop_map(|(kind, id, version)| EntityChange {
            kind,
            id,
            version,
        })
    }

    fn recall() -> impl Strategy<Value = Recall> {
        let level = (id(), id(), any::<i64>());
        prop_oneof![
            id().prop_map(|order_id| Recall::Order { order_id }),
            level.prop_map(|(variant_id, warehouse_id, version)| Recall::Level {
                variant_id,
                warehouse_id,
                version,
            }),
        ]
    }

    fn message() -> impl Strategy<Value = BusMessage> {
        prop_oneof![
            proptest::collection::vec(recall(), 0..1_200).prop_map(BusMessage::Recalled),
            proptest::collection::vec(level(), 0..1_200).prop_map(BusMessage::StockLevelsChanged),
            proptest::collection::vec(change(), 0..1_200).prop_map(BusMessage::EntitiesChanged),
            proptest::collection::vec(id(), 0..1_200).prop_map(BusMessage::AccountsChanged),
            proptest::collection::vec(id(), 0..1_200).prop_map(BusMessage::FlashSalesChanged),
            proptest::collection::vec(id(), 0..1_200).prop_map(BusMessage::OrdersChanged),
            proptest::collection::vec(id(), 0..1_200).prop_map(BusMessage::AlertsChanged),
            Just(BusMessage::WarehousesChanged),
            Just(BusMessage::MetricsChanged),
        ]
    }

    /// The entries of a message, for comparing what was sent with what arrived.
    #[derive(Debug, Default, PartialEq)]
    struct Entries {
        levels: Vec<LevelState>,
        changes: Vec<EntityChange>,
        ids: Vec<Uuid>,
        recalls: Vec<Recall>,
    }

    impl Entries {
        fn add(&mut self, message: &BusMessage) {
            match message {
                BusMessage::StockLevelsChanged(levels) => self.levels.extend(levels),
                BusMessage::EntitiesChanged(changes) => self.changes.extend(changes),
                BusMessage::FlashSalesChanged(ids)
                | BusMessage::AccountsChanged(ids)
                | BusMessage::OrdersChanged(ids)
                | BusMessage::AlertsChanged(ids) => {
                    self.ids.extend(ids);
                }
                BusMessage::Recalled(recalls) => self.recalls.extend(recalls),
                BusMessage::WarehousesChanged | BusMessage::MetricsChanged => {}
            }
        }
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]

        #[test]
        fn a_message_of_any_size_arrives_whole_and_in_order(message in message()) {
            let origin = Uuid::from_u128(1);
            let (mut told, mut arrived) = (Entries::default(), Entries::default());
            told.add(&message);
            for portion in portions(&message) {
                let sent = Envelope { origin, content: Content::Message(portion) };
                let payload = sent.encode().expect("a portion fits a payload");
                let read = Envelope::decode(&payload).expect("our own payload can be read");
                assert_eq!(read, sent);
                let Content::Message(portion) = read.content else { panic!("a message") };
                arrived.add(&portion);
            }
            assert_eq!(arrived, told);
        }

        #[test]
        fn no_payload_of_strangers_is_more_than_unreadable(payload: Vec<u8>) {
            assert!(Envelope::decode(&payload).is_err());
        }
    }

    #[test]
    fn what_a_newer_program_tells_is_known_to_be_unknown_and_never_misread() {
        let origin = Uuid::nil();
        for content in
            [r#"{"Message":{"TheMoonRose":[1]}}"#, r#"{"Song":"la"}"#, r#"{"Message":"Silence"}"#]
        {
            let payload = format!(r#"{{"origin":"{origin}","content":{content}}}"#);
            let read = Envelope::decode(payload.as_bytes());
            assert!(matches!(read, Err(Unreadable::Unknown)), "{content}");
        }
        let stranger = br#"{"origin":"nobody","content":1}"#;
        assert!(matches!(Envelope::decode(stranger), Err(Unreadable::Malformed(_))));
    }

    #[test]
    fn a_payload_that_is_too_long_is_not_even_read() {
        let payload = vec![b'['; LONGEST_PAYLOAD + 1];
        assert!(matches!(Envelope::decode(&payload), Err(Unreadable::TooLong(_))));
    }
}
