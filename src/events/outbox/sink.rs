//! Where events go. The courier knows no more of it than this.

use crate::db::Timestamp;
use futures::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

/// An event on its way.
#[derive(Debug, Clone)]
pub struct Event {
    /// By which whoever is told twice knows it.
    pub id: Uuid,
    /// What it is about, by name.
    pub topic: String,
    /// What happened.
    pub kind: String,
    /// To which row. Its events come in the order of `seq`, so it is what a sink divides by.
    pub aggregate_id: Uuid,
    /// The row's version after it.
    pub seq: i64,
    /// What others may know of it.
    pub payload: Value,
    /// The request or job that it comes from.
    pub correlation_id: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Why a sink did not take an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// It will not take this one, whoever brings it: too large, malformed, of no known topic.
    #[error("the event was refused: {0}")]
    Refused(String),
    /// It takes none at this moment.
    #[error("the sink is away: {0}")]
    Away(String),
}

/// Takes events. Events of one aggregate are offered one after the other, those of several side by
/// side, and any of them may be offered again after it was taken: at least once, in order.
pub trait Sink: Send + Sync + 'static {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// Whether it is a part of this process that takes or refuses whatever it is offered at once, and
    /// waits for nothing: then events are handed on in the transaction that takes them.
    fn is_at_hand(&self) -> bool {
        false
    }

    /// Takes an event; done when it is as safe there as it was in the outbox.
    fn take<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), SinkError>>;
}
