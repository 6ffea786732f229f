//! Somebody says that they look after an alert.

use crate::audit::{self, AuditAction, AuditSubject, NewAuditEvent};
use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::events::BusMessage;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::metrics::alerts::alert::NOTE_CHARS_MAX;
use crate::metrics::alerts::service::{Alerts, column, select_alerts};
use crate::metrics::alerts::{Acknowledge, Alert, AlertError, Status};
use crate::validation::{Problem, ProblemKind, optional_text};
use entity::alert::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use uuid::Uuid;

/// An alert that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledged {
    /// Its key.
    pub id: Uuid,
    /// It was done before, under the same key.
    pub replayed: bool,
}

impl Alerts {
    /// Writes who looks after an alert since when, and what they say about it. Of several who do, the
    /// first one stays.
    ///
    /// # Errors
    /// [`AlertError::Invalid`] when there is no such alert, or it is resolved.
    pub async fn acknowledge(
        &self,
        viewer: &Viewer,
        ask: &Acknowledge,
    ) -> Result<Acknowledged, AlertError> {
        viewer.may(Permission::AlertWrite)?;
        let bind = |key: &str| IdempotencyKey::bind(viewer.scope(), "alertAcknowledge", key, ask);
        let key = ask.idempotency_key.as_deref().map(bind).transpose()?;
        let note = ask.note.as_deref().filter(|note| !note.trim().is_empty());
        let note = note.map(|note| optional_text("note", note, NOTE_CHARS_MAX)).transpose()?;
        let acknowledging = self.db.tx(|tx| {
            let (alerts, viewer, key) = (self.clone(), *viewer, key.clone());
            let (id, note) = (ask.id, note.clone());
            async move {
                if let Some(key) = &key
                    && let Claim::Earlier(id) = key.claim_in_txn::<Uuid>(&tx).await?
                {
                    return Ok(Acknowledged { id, replayed: true });
                }
                alerts.acknowledge_in_txn(&tx, &viewer, id, note).await?;
                if let Some(key) = &key {
                    key.record_in_txn(&tx, &id).await?;
                }
                Ok(Acknowledged { id, replayed: false })
            }
        });
        acknowledging.await
    }

    async fn acknowledge_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        id: Uuid,
        note: Option<String>,
    ) -> Result<(), AlertError> {
        let mut select = select_alerts();
        select.and_where(column(Column::Id).eq(id));
        if tx.db().is_postgres() {
            // On SQLite whoever is in a transaction is alone.
            select.lock(LockType::Update);
        }
        let found: Option<Model> = tx.one(&select).await?;
        let Some(alert) = found.map(Alert::from) else {
            return Err(problem(ProblemKind::NotFound, "There is no alert with this id."));
        };
        match alert.status {
            Status::Open => {}
            // Somebody was first, or the same one asks again.
            Status::Acknowledged => return Ok(()),
            Status::Resolved => {
                let message = "It is resolved: there is nothing to acknowledge any more.";
                return Err(problem(ProblemKind::Invalid, message));
            }
        }
        let now = tx.db().now();
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::Status, Status::Acknowledged.name())
            .value(Column::Version, Expr::col(Column::Version).add(1))
            .value(Column::AcknowledgedAt, now)
            .value(Column::AcknowledgedBy, viewer.user_id())
            .value(Column::Note, note)
            .value(Column::UpdatedAt, now)
            .and_where(column(Column::Id).eq(id));
        tx.run(&update).await?;
        let done = NewAuditEvent::new(AuditAction::AlertAcknowledged, AuditSubject::Alert(id));
        audit::record_in_txn(tx, viewer, done).await?;
        let bus = self.bus.clone();
        tx.after_commit(move || bus.publish(BusMessage::AlertsChanged(vec![id])));
        Ok(())
    }
}

fn problem(kind: ProblemKind, message: &str) -> AlertError {
    Problem::new(kind, ["alertId"], message).into()
}
