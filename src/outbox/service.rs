//! Who may look into the outbox, and who may offer again what was refused.

use crate::audit::{self, AuditAction, AuditSubject, NewAuditEvent};
use crate::auth::{Permission, Viewer};
use crate::db::Db;
use crate::db::page::{Page, Window};
use crate::events::{self, EventStatus, OutboxEvent};
use crate::outbox::OutboxError;
use crate::validation::{Problem, ProblemKind};
use std::collections::HashMap;
use uuid::Uuid;

/// Events in one call of `retry` at most.
const MAX_IDS: usize = 100;

/// The outbox, for those who may look into it; cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    db: Db,
}

impl Outbox {
    /// The outbox of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// A page of events, the latest first.
    ///
    /// # Errors
    /// When the viewer may not see them, or the database fails.
    pub async fn list(
        &self,
        viewer: &Viewer,
        status: Option<EventStatus>,
        window: &Window,
    ) -> Result<Page<OutboxEvent>, OutboxError> {
        viewer.may(Permission::OutboxRead)?;
        Ok(events::list(&self.db, status, window).await?)
    }

    /// How many events a list has.
    ///
    /// # Errors
    /// When the viewer may not see them, or the database fails.
    pub async fn count(
        &self,
        viewer: &Viewer,
        status: Option<EventStatus>,
    ) -> Result<u64, OutboxError> {
        viewer.may(Permission::OutboxRead)?;
        Ok(events::count(&self.db, status).await?)
    }

    /// Events by key; nobody but those who may look into the outbox sees any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, OutboxEvent>, OutboxError> {
        if !viewer.can(Permission::OutboxRead) {
            return Ok(HashMap::new());
        }
        Ok(events::find_many(&self.db, ids).await?)
    }

    /// Gives the dead among these events all their attempts again, each with a line in the audit
    /// log; those that are not dead stay as they are. Gives all of them, in the order asked for, and
    /// how many were revived.
    ///
    /// # Errors
    /// [`OutboxError::Invalid`] when one of them is not there: then nothing happened.
    pub async fn retry(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<(Vec<OutboxEvent>, usize), OutboxError> {
        viewer.may(Permission::OutboxRetry)?;
        if ids.len() > MAX_IDS {
            let message = format!("ids has {} ids; {MAX_IDS} at most.", ids.len());
            let problem = Problem::new(ProblemKind::TooLong, ["ids"], message);
            return Err(OutboxError::Invalid(vec![problem]));
        }
        let found = events::find_many(&self.db, ids).await?;
        let missing = |(place, id): (usize, &Uuid)| {
            let path = ["ids".to_owned(), place.to_string()];
            let problem = || Problem::new(ProblemKind::NotFound, path, "There is no such event.");
            (!found.contains_key(id)).then(problem)
        };
        let missing: Vec<Problem> = ids.iter().enumerate().filter_map(missing).collect();
        if !missing.is_empty() {
            return Err(OutboxError::Invalid(missing));
        }
        let revived = self.db.tx(|tx| async move {
            let revived = events::retry_in_txn(&tx, ids).await?;
            for event in &revived {
                let subject = AuditSubject::OutboxEvent(event.id);
                let done = NewAuditEvent::new(AuditAction::OutboxRetried, subject);
                audit::record_in_txn(&tx, viewer, done).await?;
            }
            Ok::<_, OutboxError>(revived.len())
        });
        let revived = revived.await?;
        let now = events::find_many(&self.db, ids).await?;
        Ok((ids.iter().filter_map(|id| now.get(id).cloned()).collect(), revived))
    }
}
