//! Has an order paid: outside any transaction, so that a slow provider holds nothing locked.

use crate::auth::Viewer;
use crate::failpoint;
use crate::idempotency::{Claim, IdempotencyError, IdempotencyKey};
use crate::order::service::asked::{Asked, Judge, Verdict};
use crate::order::service::at_once::Opened;
use crate::order::service::settle::Source;
use crate::order::service::write::Written;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{Order, OrderError, OrderStatus, Placed, Refusal};
use crate::payment::{Outcome, Payment, PaymentState};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// The first pause of whoever waits for another to have an order paid; each further one is longer.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// After how many seconds to try again when a provider said nothing else.
const RETRY_AFTER_SECONDS: u32 = 10;

impl Orders {
    /// Has an order paid, or waits for whoever does, and tells how it stands. What is told of an
    /// attempt that failed is kept under its key: each repetition tells the same, whatever has
    /// become of the attempt since.
    pub(super) async fn see_through(
        &self,
        written: &Written,
        key: Option<&IdempotencyKey>,
        replayed: bool,
    ) -> Result<Placed, OrderError> {
        let (order, payment, refusal) = match (written.payment_id, &written.opened) {
            (None, _) => (self.get(written.order_id).await?, None, None),
            (Some(_), Some(opened)) if !replayed => {
                let asked = Asked { key: key.cloned(), judge: Judge::Attempt(written.clone()) };
                let (order, payment, refusal) = self.drive(opened, &asked).await?;
                (order, Some(payment), refusal)
            }
            (Some(id), _) => {
                self.await_decision(id).await?;
                let (order, payment, refusal) = self.told_before(written, id, key).await?;
                (order, Some(payment), refusal)
            }
        };
        let order = Order { lines: written.lines.clone(), ..order };
        Ok(Placed { order, payment, refusal, guest_token: None, replayed })
    }

    /// Asks the provider for the money and settles what it says.
    async fn drive(
        &self,
        opened: &Arc<Opened>,
        asked: &Asked,
    ) -> Result<(Order, Payment, Option<Refusal>), OrderError> {
        let payment = &opened.payment;
        let outcome = self.payments.authorize(payment).await;
        failpoint::reach("settle.before_guard").await;
        let mut settled = match self.settle_at_once(opened, &outcome, asked).await? {
            Some(settled) => settled,
            None => {
                let source = Source::Told(Viewer::System);
                self.settle_asked(payment, &outcome, source, Some(asked)).await?
            }
        };
        let verdict = settled.verdict.take();
        let (order, now) = self.finish_settled(settled, payment.id).await?;
        failpoint::reach("pay.after_t2").await;
        let refused = verdict.and_then(Result::err);
        Ok((order, now, refused.as_ref().and_then(Refusal::of_error)))
    }

    /// What whoever used the key first was told. Nobody was when they are gone, or when nothing was
    /// decided then: what is told now is kept instead.
    async fn told_before(
        &self,
        written: &Written,
        payment_id: Uuid,
        key: Option<&IdempotencyKey>,
    ) -> Result<(Order, Payment, Option<Refusal>), OrderError> {
        let telling = self.db.tx(|tx| {
            let (orders, written, key) = (self.clone(), written.clone(), key.cloned());
            async move {
                // A key that is there already is read and not locked: what it says is final once
                // those who came to the order before are through.
                let order = lock_in_txn(&tx, written.order_id).await?;
                let order = order.ok_or_else(OrderError::not_found)?;
                let payment = orders.payments.lock_in_txn(&tx, payment_id).await?;
                let claim = match &key {
                    Some(key) => key.claim_in_txn::<Written>(&tx).await?,
                    None => Claim::New,
                };
                let (is_kept, told) = match claim {
                    Claim::Earlier(kept) => (true, kept.refusal),
                    Claim::New => (false, None),
                };
                if told.is_some() {
                    return Ok((order, payment, told));
                }
                let refused = attempted(&order, &payment).err();
                let refusal = refused.as_ref().and_then(Refusal::of_error);
                if let Some(key) = &key
                    && (refusal.is_some() || !is_kept)
                {
                    let told = Written { refusal: refusal.clone(), ..written };
                    key.record_in_txn(&tx, &told).await?;
                }
                Ok::<_, OrderError>((order, payment, refusal))
            }
        });
        telling.await
    }

    /// Waits until whoever began a payment has been answered. When they are gone for good, this
    /// takes their place.
    async fn await_decision(&self, payment_id: Uuid) -> Result<(), OrderError> {
        let deadline = Instant::now() + self.policy.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            let payment = self.payments.get(payment_id).await?;
            if payment.state != PaymentState::Authorizing {
                return Ok(());
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

/// What there is to say of an attempt to pay, by its row and its order's.
pub(super) fn attempted(order: &Order, payment: &Payment) -> Verdict {
    match payment.state {
        PaymentState::Declined => {
            let code = payment.failure_code.clone();
            Err(OrderError::Declined { code: code.unwrap_or_else(|| "declined".to_owned()) })
        }
        PaymentState::Unavailable => {
            let seconds = payment.retry_after_seconds.unwrap_or(RETRY_AFTER_SECONDS);
            Err(OrderError::Unavailable { retry_after_seconds: seconds })
        }
        // Let go before it was decided, and the order waits for another. One that was decided did
        // not fail, and of an order that is over nothing more is to be paid.
        PaymentState::Voided
            if payment.decided_as.is_none() && order.status == OrderStatus::PendingPayment =>
        {
            Err(OrderError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS })
        }
        state if state.is_undecided() => Err(OrderError::PaymentInProgress),
        _ => Ok(()),
    }
}
