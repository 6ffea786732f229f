//! Taking money that is set aside, and letting go of it.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::money::Money;
use crate::order::service::asked::Asked;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{Order, OrderError, OrderStatus};
use crate::payment::{Payment, PaymentError, PaymentState, PaymentStatus};
use uuid::Uuid;

impl Orders {
    /// Takes all the money that is set aside for an order, before its goods leave. An order that is
    /// paid already is answered as it is.
    ///
    /// # Errors
    /// [`OrderError::Declined`] and [`OrderError::Unavailable`]: nothing was taken.
    /// [`OrderError::PaymentInProgress`] while nobody knows. [`OrderError::Payment`] when no money
    /// is set aside.
    pub async fn capture_order(&self, order_id: Uuid) -> Result<Order, OrderError> {
        let opening = self.db.tx(|tx| {
            let orders = self.clone();
            async move {
                let order = lock_in_txn(&tx, order_id).await?.ok_or_else(OrderError::not_found)?;
                if order.status != OrderStatus::Authorized {
                    return Ok((order, None));
                }
                let payment = orders.payments.open_of_order_in_txn(&tx, order_id).await?;
                let payment = payment.ok_or_else(|| OrderError::fault("no money is set aside"))?;
                let payment = orders.open_capture_in_txn(&tx, &payment, None).await?;
                Ok::<_, OrderError>((order, Some(payment)))
            }
        });
        let (order, payment) = opening.await?;
        let Some(payment) = payment else { return Ok(order) };
        let outcome = self.payments.capture(&payment).await;
        let asked = Asked { key: None, judge: verdict };
        let dealt = self.tell(&Viewer::System, (&payment, &outcome), asked).await?;
        if dealt.pending {
            return Err(OrderError::PaymentInProgress);
        }
        Ok(dealt.order)
    }

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
