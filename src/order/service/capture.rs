//! Beginning to take money that is set aside, and what that came to.

use crate::db::Tx;
use crate::money::Money;
use crate::order::OrderError;
use crate::order::service::Orders;
use crate::payment::{Payment, PaymentError, PaymentState, PaymentStatus};

impl Orders {
    /// Begins to take money, all of it or a part, of a locked order.
    pub(super) async fn open_capture_in_txn(
        &self,
        tx: &Tx,
        payment: &Payment,
        amount: Option<Money>,
    ) -> Result<Payment, OrderError> {
        let opened = self.payments.open_capture_in_txn(tx, payment.id, amount).await;
        let opened = opened.map_err(|error| match error {
            PaymentError::InvalidState { state } if state.is_under_way() => {
                OrderError::PaymentInProgress
            }
            PaymentError::InvalidState { .. } => OrderError::Payment {
                from: payment.status(),
                to: PaymentStatus::Captured,
                because: "",
            },
            error => error.into(),
        })?;
        self.tell_payment_in_txn(tx, &opened);
        Ok(opened)
    }
}

/// What a capture came to, by the payment's row: nothing else is kept of it.
pub(super) fn verdict(payment: &Payment) -> Result<(), OrderError> {
    match payment.state {
        PaymentState::Captured | PaymentState::Surplus => Ok(()),
        PaymentState::Authorized => {
            Err(match (&payment.failure_code, payment.retry_after_seconds) {
                (Some(code), _) => OrderError::Declined { code: code.clone() },
                (None, seconds) => {
                    OrderError::Unavailable { retry_after_seconds: seconds.unwrap_or_default() }
                }
            })
        }
        state if state.is_over() => Err(OrderError::Payment {
            from: payment.status(),
            to: PaymentStatus::Captured,
            because: "The provider has let go of the money.",
        }),
        _ => Err(OrderError::PaymentInProgress),
    }
}
