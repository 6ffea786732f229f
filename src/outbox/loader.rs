//! Look-ups of events in the outbox, batched.

use crate::auth::Viewer;
use crate::events::OutboxEvent;
use crate::graphql::{Batch, Fault};
use crate::outbox::{Outbox, OutboxError};
use uuid::Uuid;

/// The look-ups of one request. What the viewer may not see is not there.
pub struct OutboxLoaders {
    /// Events by key.
    pub event: Batch<Uuid, OutboxEvent>,
}

impl OutboxLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(outbox: &Outbox, viewer: Viewer) -> Self {
        let outbox = outbox.clone();
        Self {
            event: Batch::new(move |ids| {
                let outbox = outbox.clone();
                async move { outbox.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
        }
    }
}

impl From<OutboxError> for Fault {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::Denied(denied) => denied.into(),
            OutboxError::Db(error) => error.into(),
            error @ OutboxError::Invalid(_) => Self::internal(&error),
        }
    }
}
