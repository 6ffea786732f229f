//! What providers tell by themselves: believed when it is signed, and written down once.

use crate::db::{DbError, Tx};
use crate::payment::error::PaymentError;
use crate::payment::provider::{ProviderEvent, WebhookError};
use crate::payment::service::Payments;
use entity::payment_event::{Column, Entity};
use http::HeaderMap;
use sea_orm::sea_query::{Expr, OnConflict, Query};
use uuid::Uuid;

/// No provider sends more.
const MAX_BODY_BYTES: usize = 256 * 1024;

impl Payments {
    /// Whether a webhook is the provider's own and fresh, and what it says.
    ///
    /// # Errors
    /// [`WebhookError`] when it is not to be believed.
    pub fn verify_webhook(
        &self,
        provider: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<ProviderEvent, WebhookError> {
        let gateway = self.gateway(provider).ok_or(WebhookError::UnknownProvider)?;
        if body.len() > MAX_BODY_BYTES {
            return Err(WebhookError::TooLarge);
        }
        gateway.provider().verify_webhook(headers, body, self.db.now())
    }

    /// Writes an event down. False: it was told before. Whoever gets true acts on it, in the same
    /// transaction.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when the event is about no payment of this shop.
    pub async fn record_event_in_txn(
        &self,
        tx: &Tx,
        event: &ProviderEvent,
    ) -> Result<bool, PaymentError> {
        // What is about no payment has no place here.
        let payment_id = event.payment_id.ok_or(PaymentError::NotFound)?;
        let said = serde_json::to_value(&event.said).unwrap_or_default();
        let mut insert = Query::insert();
        insert
            .into_table(Entity)
            .columns([
                Column::Id,
                Column::Provider,
                Column::EventId,
                Column::PaymentId,
                Column::Kind,
                Column::Said,
                Column::ReceivedAt,
            ])
            .values_panic([
                Expr::value(Uuid::now_v7()),
                Expr::value(event.provider),
                Expr::value(event.event_id.as_str()),
                Expr::value(payment_id),
                Expr::value(event.kind.as_str()),
                Expr::value(said),
                tx.db().now_sql(),
            ])
            .on_conflict(
                OnConflict::columns([Column::Provider, Column::EventId]).do_nothing().to_owned(),
            );
        Ok(tx.run(&insert).await.map_err(unknown_payment)? == 1)
    }
}

fn unknown_payment(error: DbError) -> PaymentError {
    if error.kind == crate::db::DbErrorKind::ForeignKey {
        PaymentError::NotFound
    } else {
        error.into()
    }
}
