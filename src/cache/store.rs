//! The part of the cache in Redis, shared by the replicas. An entry is its rank, in digits, and
//! the entity as JSON; a rank alone is a tombstone: nothing older may be put there. What comes
//! from Redis is not trusted: bounded, decoded, compared with what was asked for.

use crate::cache::Cached;
use crate::cache::key::{Key, Rank};
use crate::events::EntityKind;
use crate::redis::{Redis, RedisFailure};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// Raised when an entry changes its form: replicas of two releases then do not share entries.
const VERSION: u32 = 1;
/// Longer entities are kept in the process alone.
pub const LONGEST_BODY: usize = 256 * 1024;
/// Keys that are asked for in one round trip.
const KEYS_A_TRIP: usize = 500;

/// Puts entries and tombstones where there is nothing newer. Redis runs it as a whole, so a slow
/// reader cannot put an old entity back between another's look and its write.
const PUT_IF_NEWER: &str = r"
local put = 0
for i, key in ipairs(KEYS) do
  local rank, body, ttl_ms = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local there = redis.pcall('GETRANGE', key, 0, 18)
  if type(there) ~= 'string' or #there < 19 or there <= rank then
    redis.call('SET', key, rank .. body, 'PX', ttl_ms)
    put = put + 1
  end
end
return put
";

/// The part of the cache in Redis.
#[derive(Clone)]
pub struct Store {
    redis: Redis,
}

/// What is put into Redis.
pub struct Entry {
    /// Under what.
    pub key: Key,
    /// How new it is.
    pub rank: Rank,
    /// The entity as JSON; empty for a tombstone.
    pub body: Vec<u8>,
    /// How long it stays.
    pub ttl: Duration,
}

impl Store {
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// The entities that Redis has, with the length of each. Any failure is a miss.
    pub async fn get<T: Cached>(&self, ids: &[Uuid]) -> HashMap<Uuid, (T, usize)> {
        let mut found = HashMap::new();
        for ids in ids.chunks(KEYS_A_TRIP) {
            let mut command = redis::cmd("MGET");
            for id in ids {
                command.arg(self.name(&Key { kind: T::KIND, id: *id }));
            }
            // A key of another type is answered like one that is not there.
            let Ok(texts) = self.redis.run::<Vec<Option<Vec<u8>>>>(command).await else { break };
            let pairs = ids.iter().zip(texts);
            found.extend(pairs.filter_map(|(id, text)| Some((*id, read(*id, &text?)?))));
        }
        found
    }

    /// Puts entries and tombstones where there is nothing newer.
    pub async fn put(&self, entries: &[Entry]) -> Result<(), RedisFailure> {
        let mut command = redis::cmd("EVAL");
        command.arg(PUT_IF_NEWER).arg(entries.len());
        for entry in entries {
            command.arg(self.name(&entry.key));
        }
        for entry in entries {
            let ttl_ms = u64::try_from(entry.ttl.as_millis()).unwrap_or(u64::MAX).max(1);
            command.arg(entry.rank.text()).arg(&entry.body).arg(ttl_ms);
        }
        self.redis.run::<u64>(command).await.map(drop)
    }

    /// Whether Redis is asked at this moment.
    pub fn is_up(&self) -> bool {
        self.redis.is_up()
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> Result<(), RedisFailure> {
        self.redis.ping().await
    }

    fn name(&self, key: &Key) -> String {
        let kind = match key.kind {
            EntityKind::Product => "product",
            EntityKind::Variant => "variant",
            EntityKind::Category => "category",
            EntityKind::Warehouse => "warehouse",
        };
        format!("{}:cache:{VERSION}:{kind}:{}", self.redis.key_prefix(), key.id.simple())
    }
}

/// The entity in a text; None for a tombstone and for what is none of ours.
fn read<T: Cached>(id: Uuid, text: &[u8]) -> Option<(T, usize)> {
    let (rank, body) = text.split_at_checked(Rank::DIGITS)?;
    let rank = Rank::parse(rank)?;
    if body.is_empty() || body.len() > LONGEST_BODY {
        return None;
    }
    let entity: T = match serde_json::from_slice(body) {
        Ok(entity) => entity,
        Err(error) => {
            tracing::debug!(%error, kind = ?T::KIND, "left aside an entry of the shared cache");
            return None;
        }
    };
    let is_it = entity.id() == id && Rank::of_version(entity.version()) == rank;
    is_it.then_some((entity, body.len()))
}
