//! Look-ups of events, batched.

use crate::audit::{AuditError, AuditEvent, AuditLog};
use crate::auth::Viewer;
use crate::graphql::{Batch, Fault};
use uuid::Uuid;

/// The look-ups of one request. What the viewer may not see is not there.
pub struct AuditLoaders {
    /// Events by key.
    pub event: Batch<Uuid, AuditEvent>,
}

impl AuditLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(log: &AuditLog, viewer: Viewer) -> Self {
        let log = log.clone();
        Self {
            event: Batch::new(move |ids| {
                let log = log.clone();
                async move { log.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
        }
    }
}

impl From<AuditError> for Fault {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Denied(denied) => denied.into(),
            AuditError::Db(error) => error.into(),
        }
    }
}
