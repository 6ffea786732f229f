//! What was lately forgotten: Redis may still have it, when it did not hear of the change.

use crate::cache::key::{Key, Rank};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The ranks that were forgotten, for as long as an older one may turn up.
pub struct Forgotten {
    ranks: HashMap<Key, (Rank, Instant)>,
    /// In the order of time; a key that was forgotten again stands in it again.
    order: VecDeque<(Instant, Key)>,
    remembered_for: Duration,
    keys_max: usize,
}

impl Forgotten {
    /// Remembers for so long, and about so many keys.
    pub fn new(remembered_for: Duration, keys_max: usize) -> Self {
        Self { ranks: HashMap::new(), order: VecDeque::new(), remembered_for, keys_max }
    }

    /// Notes that whatever is older than `rank` is out of date.
    pub fn remember(&mut self, key: Key, rank: Rank) {
        let now = Instant::now();
        self.prune(now);
        let (known, at) = self.ranks.entry(key).or_insert((rank, now));
        *known = rank.max(*known);
        *at = now;
        self.order.push_back((now, key));
    }

    /// Whether something newer than `rank` is known to exist.
    pub fn is_newer(&self, key: &Key, rank: Rank) -> bool {
        self.ranks.get(key).is_some_and(|(known, _)| *known > rank)
    }

    /// Drops what is too old or too much: then the time to live in Redis is what bounds the error.
    fn prune(&mut self, now: Instant) {
        while let Some((noted_at, key)) = self.order.front() {
            let due = now.duration_since(*noted_at) > self.remembered_for;
            if !due && self.order.len() < self.keys_max {
                break;
            }
            // A later note about the same key has its own turn.
            if self.ranks.get(key).is_some_and(|(_, at)| at == noted_at) {
                self.ranks.remove(key);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EntityKind;
    use uuid::Uuid;

    fn key(id: u128) -> Key {
        Key { kind: EntityKind::Product, id: Uuid::from_u128(id) }
    }

    #[test]
    fn the_newest_of_several_changes_counts() {
        let mut forgotten = Forgotten::new(Duration::from_secs(60), 10);
        for version in [2, 5, 3] {
            forgotten.remember(key(1), Rank::of_version(version));
        }
        assert!(forgotten.is_newer(&key(1), Rank::of_version(4)));
        assert!(!forgotten.is_newer(&key(1), Rank::of_version(5)));
        assert!(!forgotten.is_newer(&key(2), Rank::of_version(0)));
    }

    #[test]
    fn memory_is_bounded_and_the_latest_stay() {
        let mut forgotten = Forgotten::new(Duration::from_secs(60), 10);
        for id in 0..1_000 {
            forgotten.remember(key(id), Rank::of_version(1));
        }
        assert!(forgotten.ranks.len() <= 10 && forgotten.order.len() <= 10);
        assert!(forgotten.is_newer(&key(999), Rank::of_version(0)));
        assert!(!forgotten.is_newer(&key(0), Rank::of_version(0)));
    }

    #[test]
    fn a_key_that_changes_again_and_again_stays_known() {
        let mut forgotten = Forgotten::new(Duration::from_secs(60), 10);
        for version in 0..1_000 {
            forgotten.remember(key(1), Rank::of_version(version));
        }
        assert!(forgotten.is_newer(&key(1), Rank::of_version(998)));
    }
}
