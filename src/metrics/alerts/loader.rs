//! Look-ups of alerts, batched.

use crate::auth::Viewer;
use crate::graphql::{Batch, Fault};
use crate::metrics::alerts::{Alert, AlertError, Alerts};
use uuid::Uuid;

/// The look-ups of one request. What the viewer may not see is not there.
pub struct AlertLoaders {
    /// Alerts by key.
    pub alert: Batch<Uuid, Alert>,
}

impl AlertLoaders {
    /// Look-ups as `viewer`.
    #[must_use]
    pub fn new(alerts: &Alerts, viewer: Viewer) -> Self {
        let alerts = alerts.clone();
        Self {
            alert: Batch::new(move |ids: Vec<Uuid>| {
                let alerts = alerts.clone();
                async move { alerts.find_many(&viewer, &ids).await.map_err(Fault::from) }
            }),
        }
    }
}

impl From<AlertError> for Fault {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Denied(denied) => denied.into(),
            AlertError::Db(error) => error.into(),
            error @ (AlertError::Invalid(_) | AlertError::Idempotency(_)) => Self::internal(&error),
        }
    }
}
