//! Beginning an attempt to pay.

use crate::db::{DbError, Timestamp, Tx};
use crate::payment::attempt::{NewPayment, Payment};
use crate::payment::error::PaymentError;
use crate::payment::service::{LEASE, Payments};
use crate::payment::state::PaymentState;
use entity::payment::{ActiveModel, Entity, Model};
use sea_orm::sea_query::InsertStatement;
use sea_orm::{EntityTrait, QueryTrait};

impl Payments {
    /// Writes an attempt, as being authorized by whoever calls: others leave it alone for half a
    /// minute. To be committed before the provider is asked.
    ///
    /// # Errors
    /// [`PaymentError::InProgress`] when another attempt to pay for the order is undecided or holds
    /// money.
    pub async fn open_in_txn(&self, tx: &Tx, new: &NewPayment) -> Result<Payment, PaymentError> {
        let row = row(new, tx.clock().await?);
        let payment = Payment::try_from(row.clone())?;
        tx.run(&inserting(row)).await.map_err(in_progress)?;
        Ok(payment)
    }

    /// The same for an order that is new itself, as of the moment at which it was placed: the row is
    /// written with others of the transaction.
    ///
    /// # Errors
    /// None that a caller could do something about.
    pub fn open_first_in_txn(
        &self,
        tx: &Tx,
        new: &NewPayment,
        now: Timestamp,
    ) -> Result<Payment, PaymentError> {
        let row = row(new, now);
        let payment = Payment::try_from(row.clone())?;
        tx.later(Entity, inserting(row), 1);
        Ok(payment)
    }
}

fn row(new: &NewPayment, now: Timestamp) -> Model {
    Model {
        id: new.id,
        order_id: new.order_id,
        order_number: new.order_number.clone(),
        provider: new.provider.clone(),
        method: new.method.clone(),
        currency: new.amount.currency.code().to_owned(),
        amount: new.amount.minor,
        capture_at_once: new.capture,
        state: PaymentState::Authorizing.name().to_owned(),
        authorized: 0,
        capturing: 0,
        captured: 0,
        refunded: 0,
        refund_pending: 0,
        step: 1,
        provider_reference: None,
        failure_code: None,
        retry_after_seconds: None,
        next_action: None,
        lease_until: Some(now + LEASE),
        attempts: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        capture_asked: None,
        void_reason: None,
        decided_as: None,
        decided_at: None,
    }
}

fn inserting(row: Model) -> InsertStatement {
    Entity::insert(ActiveModel::from(row)).into_query()
}

fn in_progress(error: DbError) -> PaymentError {
    if error.violates("payment_open_key", "payment.order_id") {
        PaymentError::InProgress
    } else {
        error.into()
    }
}
