//! Has an order paid: outside any transaction, so that a slow provider holds nothing locked.

use crate::failpoint;
use crate::idempotency::IdempotencyError;
use crate::order::service::Orders;
use crate::order::service::write::Written;
use crate::order::{Order, OrderError, OrderStatus, Placed};
use crate::payment::{Outcome, Payment, PaymentState};
use std::time::Duration;
use tokio::time::Instant;

/// The first pause of whoever waits for another to have an order paid; each further one is longer.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

impl Orders {
    /// Has an order paid, or waits for whoever does, and tells how it stands.
    pub(super) async fn see_through(
        &self,
        written: &Written,
        replayed: bool,
    ) -> Result<Placed, OrderError> {
        let (order, payment) = match (written.payment_id, &written.opened) {
            (None, _) => (self.get(written.order_id).await?, None),
            (Some(id), Some(payment)) if !replayed => {
                let order = self.drive(payment).await?;
                (order, Some(self.payments.get(id).await?))
            }
            (Some(id), _) => {
                let payment = self.await_decision(id).await?;
                (self.get(written.order_id).await?, Some(payment))
            }
        };
        Ok(Placed { order, payment, guest_token: None, replayed })
    }

    /// Asks the provider for the money and settles what it says.
    pub(super) async fn drive(&self, payment: &Payment) -> Result<Order, OrderError> {
        let outcome = self.payments.authorize(payment).await;
        failpoint::reach("settle.before_guard").await;
        let order = self.settle(payment, &outcome).await?;
        failpoint::reach("pay.after_t2").await;
        Ok(order)
    }

    /// The payment, once whoever began it has been answered. When they are gone for good, this
    /// takes their place.
    async fn await_decision(&self, payment_id: uuid::Uuid) -> Result<Payment, OrderError> {
        let deadline = Instant::now() + self.policy.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            let payment = self.payments.get(payment_id).await?;
            if payment.state != PaymentState::Authorizing {
                return Ok(payment);
            }
            // Their lease has ended: they are gone. Asking again is the same question to the
            // provider, and settling twice comes to the same.
            if payment.lease_until.is_none_or(|until| until < self.db.now()) {
                let outcome = self.learn(&payment).await?;
                self.settle_found(&payment, &outcome).await?;
                continue;
            }
            if Instant::now() + pause > deadline {
                return Err(IdempotencyError::InProgress.into());
            }
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Asks the provider what became of a payment. Nothing is charged any more for an order that
    /// does not wait for money, and what came late for one that is paid otherwise is let go.
    pub(super) async fn learn(&self, payment: &Payment) -> Result<Outcome, OrderError> {
        let order = self.get(payment.order_id).await?;
        let wanted = match order.status {
            OrderStatus::PendingPayment => {
                !payment.state.is_over() || !self.payments.has_open(order.id).await?
            }
            OrderStatus::Authorized => !payment.state.is_over(),
            _ => false,
        };
        if wanted {
            Ok(self.payments.ask(payment).await)
        } else {
            Ok(self.payments.ask_unwanted(payment).await)
        }
    }
}
