//! Keys and times of the demo data: both follow from a row's place alone, so that the same rows
//! come out every time, on SQLite and on Postgres.

use crate::db::Timestamp;
use crate::seed::random::Random;
use chrono::TimeDelta;
use uuid::{Builder, Uuid};

/// 1 January 2025, 08:00 UTC, in seconds since 1970: before anyone's first real row.
const OPENING: i64 = 1_735_718_400;

/// What a key is the key of.
#[derive(Clone, Copy)]
pub enum Kind {
    Category,
    Warehouse,
    Product,
    Variant,
    Level,
    Movement,
    TaxRate,
    FlashSale,
}

/// When the shop began; categories are of then.
pub fn opening() -> Timestamp {
    Timestamp::from_timestamp(OPENING, 0).unwrap_or_default()
}

/// When the demo's flash sales are over, 1 January 2035: the same in every database, and far enough
/// for a demo that is to have some.
pub fn closing() -> Timestamp {
    Timestamp::from_timestamp(2_051_222_400, 0).unwrap_or_default()
}

/// When the product with this index was made: one a minute.
pub fn made_at(index: u64) -> Timestamp {
    let minutes = i64::try_from(index).unwrap_or_default().saturating_add(1);
    opening().checked_add_signed(TimeDelta::minutes(minutes)).unwrap_or_default()
}

/// The key of the `part`-th thing of this kind that belongs to the `index`-th product (or of the
/// `index`-th category). It has the form of a version 7 UUID: sorted by time like any other key.
pub fn key(kind: Kind, index: u64, part: u64, at: Timestamp) -> Uuid {
    let kind = match kind {
        Kind::Category => 1_u64,
        Kind::Warehouse => 2,
        Kind::Product => 3,
        Kind::Variant => 4,
        Kind::Level => 5,
        Kind::Movement => 6,
        Kind::TaxRate => 7,
        Kind::FlashSale => 8,
    };
    // 2^48 indexes and 2^12 parts: no two places share a stream.
    let mut random = Random::new((kind << 60) | (index << 12) | part);
    let mut bytes = [0; 10];
    let bits = random.bits().to_be_bytes().into_iter().chain(random.bits().to_be_bytes());
    bytes.iter_mut().zip(bits).for_each(|(byte, bits)| *byte = bits);
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_are_version_7_sorted_by_time_and_all_different() {
        let keys: Vec<Uuid> =
            (0..1_000).map(|index| key(Kind::Product, index, 0, made_at(index))).collect();
        assert!(keys.iter().all(|key| key.get_version_num() == 7));
        assert!(keys.is_sorted());
        let parts = (0..8).map(|part| key(Kind::Level, 3, part, made_at(3)));
        assert_eq!(parts.chain(keys).collect::<HashSet<_>>().len(), 1_008);
    }
}
