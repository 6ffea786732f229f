//! The bus: tells subscribers in this process, and through Redis those of other replicas, what was
//! committed. Delivery is at most once; a subscriber that may have missed something is told so.

mod message;

pub use message::{BusMessage, EntityChange, EntityKind, LevelState};

use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Messages that a subscriber may be behind before it has to read again.
const CAPACITY: usize = 1024;

/// Handle on the bus; cheap to clone.
#[derive(Clone)]
pub struct Bus {
    local: broadcast::Sender<BusEvent>,
}

/// What a subscriber is told.
#[derive(Debug, Clone)]
pub enum BusEvent {
    /// Something was committed, here or on another replica.
    Message(Arc<BusMessage>),
    /// This subscriber was too slow and missed messages: read again what you watch.
    Lagged,
    /// The way to the other replicas is open, again: what they told before is lost. Read again.
    Resumed,
}

impl Bus {
    /// A bus for this process alone.
    #[must_use]
    pub fn local() -> Self {
        let (local, _) = broadcast::channel(CAPACITY);
        Self { local }
    }

    /// Tells everyone. Never waits and never fails: who misses it reads again. To be called after
    /// the commit, never before.
    pub fn publish(&self, message: BusMessage) {
        if message.is_empty() {
            return;
        }
        // An error means that nobody listens.
        let _ = self.local.send(BusEvent::Message(Arc::new(message)));
    }

    /// Listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> BusSubscription {
        BusSubscription { events: self.local.subscribe() }
    }

    /// Whether other replicas are told, and tell us, at this moment.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        false
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
