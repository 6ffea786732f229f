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
        let amount = amount.unwrap_or(Money { minor: payment.authorized, ..payment.amount });
        let fits = (1..=payment.authorized).contains(&amount.minor);
        if !fits || amount.currency != payment.amount.currency {
            return Err(PaymentError::Amount { maximum: payment.authorized });
        }
        open(tx, &payment, there, amount.minor).await
    }

    /// Begins to let go of the money. The payment is then `Payments::void`ed and settled by whoever
    /// called, or by recovery.
    ///
    /// # Errors
    /// [`PaymentError::InvalidState`] when nothing is set aside and nothing waits for the payer.
    pub async fn open_void_in_txn(
        &self,
        tx: &Tx,
        payment_id: Uuid,
    ) -> Result<Payment, PaymentError> {
        let payment = self.lock_in_txn(tx, payment_id).await?;
        let there = PaymentState::Voiding;
        allow(&payment, there)?;
        open(tx, &payment, there, 0).await
    }
}

fn allow(payment: &Payment, there: PaymentState) -> Result<(), PaymentError> {
    if payment.state.leads_to(there) {
        return Ok(());
    }
    Err(PaymentError::InvalidState { state: payment.state })
}

async fn open(
    tx: &Tx,
    payment: &Payment,
    there: PaymentState,
    capturing: i64,
) -> Result<Payment, PaymentError> {
    let mut update = changing(tx, payment, there);
    update
        .value(Column::Capturing, capturing)
        .value(Column::NextAction, Option::<serde_json::Value>::None)
        .value(Column::LeaseUntil, tx.db().now_plus_sql(LEASE))
        .value(Column::Attempts, 0_i32);
    let row: Option<Model> = tx.one(&update).await?;
    row.ok_or(PaymentError::InvalidState { state: payment.state })?.try_into()
}
