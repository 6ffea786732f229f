//! The bus: tells subscribers in this process, and through Redis those of other replicas, what was
//! committed. Delivery is at most once; a subscriber that may have missed something is told so.

mod message;
mod outbox;
mod replicas;
mod wire;

pub use message::{BusMessage, EntityChange, EntityKind, LevelState, Recall};
pub use outbox::{
    BusSink, Courier, CourierTerms, Event, EventStatus, NewEvent, OutboxEvent, Sink, SinkError,
    Topic, Waiting, count, count_open, find_many, list, purge_sent, retry_in_txn, waiting,
    write_in_txn,
};
pub use replicas::Relay;

use crate::events::replicas::Replicas;
use crate::redis::Redis;
use parking_lot::RwLock;
use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Messages that a subscriber may be behind before it has to read again.
const CAPACITY: usize = 1024;

/// Handle on the bus; cheap to clone.
#[derive(Clone)]
pub struct Bus {
    local: broadcast::Sender<BusEvent>,
    replicas: Option<Arc<Replicas>>,
    witnesses: Arc<RwLock<Vec<Witness>>>,
}

/// Sees each message of this process before whoever publishes it goes on. It must not wait.
pub type Witness = Arc<dyn Fn(&BusMessage) + Send + Sync>;

/// What is done before other replicas are heard again. It must not wait.
pub type Rejoining = Arc<dyn Fn() + Send + Sync>;

/// What a subscriber is told.
#[derive(Debug, Clone)]
pub enum BusEvent {
    /// Something was committed, here or on another replica.
    Message(Arc<BusMessage>),
    /// This subscriber was too slow and missed messages: read again what you watch.
    Lagged,
    /// The way to the other replicas is open, again, or one of them could not tell everything:
    /// read again what you watch.
    Resumed,
}

impl Bus {
    /// A bus for this process alone.
    #[must_use]
    pub fn local() -> Self {
        let (local, _) = broadcast::channel(CAPACITY);
        Self { local, replicas: None, witnesses: Arc::default() }
    }

    /// A bus that reaches the other replicas through Redis while the relay runs.
    pub fn shared(redis: Redis) -> (Self, Relay) {
        let (local, _) = broadcast::channel(CAPACITY);
        let (replicas, relay) = replicas::connect(redis, local.clone());
        let replicas = Some(Arc::new(replicas));
        (Self { local, replicas, witnesses: Arc::default() }, relay)
    }

    /// Tells everyone. Never waits and never fails: who misses it reads again. To be called after
    /// the commit, never before.
    pub fn publish(&self, message: BusMessage) {
        if message.is_empty() {
            return;
        }
        for witness in self.witnesses.read().iter() {
            witness(&message);
        }
        let message = Arc::new(message);
        // An error means that nobody listens.
        let _ = self.local.send(BusEvent::Message(Arc::clone(&message)));
        if let Some(replicas) = &self.replicas {
            replicas.tell(message);
        }
    }

    /// Has every message of this process seen, from now on, before its publisher goes on.
    pub fn witness(&self, witness: Witness) {
        self.witnesses.write().push(witness);
    }

    /// Has something done whenever the way to the other replicas is open again, before anybody is
    /// told that it is: they changed things meanwhile that nobody heard of here.
    pub fn before_rejoining(&self, forget: Rejoining) {
        if let Some(replicas) = &self.replicas {
            replicas.before_rejoining(forget);
        }
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> BusSubscription {
        BusSubscription { events: self.local.subscribe() }
    }

    /// Listens from now on to other replicas alone: for who knows what this one does.
    #[must_use]
    pub fn subscribe_to_replicas(&self) -> BusSubscription {
        match &self.replicas {
            Some(replicas) => BusSubscription { events: replicas.subscribe() },
            // Nobody will ever tell: the channel is closed from the start.
            None => BusSubscription { events: broadcast::channel(1).1 },
        }
    }

    /// Waits for the other replicas to be within reach, for the start of the server: half a second
    /// at most, and not at all without Redis.
    pub async fn join(&self) {
        if let Some(replicas) = &self.replicas {
            replicas.join().await;
        }
    }

    /// Whether other replicas are told, and tell us, at this moment, as far as is known.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.replicas.as_ref().is_some_and(|replicas| replicas.are_reached())
    }
}

/// Hears what is published from the moment it was made.
pub struct BusSubscription {
    events: broadcast::Receiver<BusEvent>,
}

impl BusSubscription {
    /// The next piece of news; None when the bus is gone.
    pub async fn next(&mut self) -> Option<BusEvent> {
        match self.events.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(_)) => Some(BusEvent::Lagged),
            Err(RecvError::Closed) => None,
        }
    }
}
