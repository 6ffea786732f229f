//! Beginning to take money that is set aside, or to let go of it: guarded changes, committed before
//! the provider is asked.

use crate::db::Tx;
use crate::money::Money;
use crate::payment::attempt::Payment;
use crate::payment::error::PaymentError;
use crate::payment::service::settle::changing;
use crate::payment::service::{LEASE, Payments};
use crate::payment::state::PaymentState;
use entity::payment::{Column, Model};
use sea_orm::sea_query::UpdateStatement;
use uuid::Uuid;

impl Payments {
    /// Begins to take the money, all of it or a part; the rest is given up. The payment is then
    /// `Payments::capture`d and settled by whoever called, or by recovery.
    ///
    /// # Errors
    /// [`PaymentError::InvalidState`] when no money is set aside, [`PaymentError::Amount`] for more
    /// than that.
    pub async fn open_capture_in_txn(
        &self,
        tx: &Tx,
        payment_id: Uuid,
        amount: Option<Money>,
    ) -> Result<Payment, PaymentError> {
        let payment = self.lock_in_txn(tx, payment_id).await?;
        let there = PaymentState::Capturing;
        allow(&payment, there)?;
        if payment.authorized == 0 {
            return Err(PaymentError::InvalidState { state: payment.state });
        }
        let amount = amount.unwrap_or(Money { minor: payment.authorized, ..payment.amount });
        let fits = (1..=payment.authorized).contains(&amount.minor);
        if !fits || amount.currency != payment.amount.currency {
            return Err(PaymentError::Amount { maximum: payment.authorized });
        }
        let mut update = opening(tx, &payment, there);
        let part = (amount.minor < payment.amount.minor).then_some(amount.minor);
        update.value(Column::Capturing, amount.minor).value(Column::CaptureAsked, part);
        open(tx, &payment, &update).await
    }

    /// Begins to let go of the money, for a reason in words. The payment is then `Payments::void`ed and settled by whoever
    /// called, or by recovery.
    ///
    /// # Errors
    /// [`PaymentError::InvalidState`] when nothing is set aside and nothing waits for the payer.
    pub async fn open_void_in_txn(
        &self,
        tx: &Tx,
        payment_id: Uuid,
        reason: Option<&str>,
    ) -> Result<Payment, PaymentError> {
        let payment = self.lock_in_txn(tx, payment_id).await?;
        let there = PaymentState::Voiding;
        allow(&payment, there)?;
        let mut update = opening(tx, &payment, there);
        update.value(Column::Capturing, 0_i64).value(Column::VoidReason, reason.map(str::to_owned));
        open(tx, &payment, &update).await
    }
}

fn allow(payment: &Payment, there: PaymentState) -> Result<(), PaymentError> {
    if payment.state.leads_to(there) {
        return Ok(());
    }
    Err(PaymentError::InvalidState { state: payment.state })
}

fn opening(tx: &Tx, payment: &Payment, there: PaymentState) -> UpdateStatement {
    // What nobody could find out may have been done: whoever asks now is not the first.
    let attempts = i32::from(payment.state == PaymentState::ManualReview);
    let mut update = changing(tx, payment, there);
    update
        .value(Column::NextAction, Option::<serde_json::Value>::None)
        .value(Column::FailureCode, Option::<String>::None)
        .value(Column::RetryAfterSeconds, Option::<i32>::None)
        .value(Column::LeaseUntil, tx.db().now_plus_sql(LEASE))
        .value(Column::Attempts, attempts);
    update
}

async fn open(
    tx: &Tx,
    payment: &Payment,
    update: &UpdateStatement,
) -> Result<Payment, PaymentError> {
    let row: Option<Model> = tx.one(update).await?;
    row.ok_or(PaymentError::InvalidState { state: payment.state })?.try_into()
}
