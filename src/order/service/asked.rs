//! What came of asking a provider for something: judged as it is settled, before anybody can ask
//! anew, and kept under the key of whoever asked.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::failpoint;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::order::service::Orders;
use crate::order::service::drive::attempted;
use crate::order::service::settle::Source;
use crate::order::service::write::Written;
use crate::order::{Dealt, Order, OrderError, Refusal};
use crate::payment::{Outcome, Payment, PaymentState, Payments};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a key remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) payment_id: Uuid,
    pub(super) refund_id: Option<Uuid>,
    /// What the provider said when it refused.
    pub(super) refusal: Option<Refusal>,
    /// Which try of a capture it was.
    #[serde(default)]
    pub(super) step: Option<i32>,
}

impl Kept {
    /// That something was asked for about this payment.
    pub(super) const fn of(payment_id: Uuid) -> Self {
        Self { payment_id, refund_id: None, refusal: None, step: None }
    }
}

impl Refusal {
    /// What a provider's answer comes to, when that is nothing.
    pub(super) fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Declined { code } => Some(Self::Declined(code.clone())),
            Outcome::Unavailable { retry_after_seconds } => {
                Some(Self::Unavailable(*retry_after_seconds))
            }
            _ => None,
        }
    }

    /// The same, by what it is told as.
    pub(super) fn of_error(error: &OrderError) -> Option<Self> {
        match error {
            OrderError::Declined { code } => Some(Self::Declined(code.clone())),
            OrderError::Unavailable { retry_after_seconds } => {
                Some(Self::Unavailable(*retry_after_seconds))
            }
            _ => None,
        }
    }
}

impl From<Refusal> for OrderError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Declined(code) => Self::Declined { code },
            Refusal::Unavailable(retry_after_seconds) => Self::Unavailable { retry_after_seconds },
        }
    }
}

/// How it is judged whether what was asked for was done; `PaymentInProgress` while nobody knows.
#[derive(Clone)]
pub(super) enum Judge {
    /// By the payment's row.
    Till(fn(&Payment) -> Verdict),
    /// As an attempt to pay an order, by the order's row too. What its key says besides.
    Attempt(Written),
}

impl Judge {
    pub(super) fn judge(&self, order: &Order, payment: &Payment) -> Verdict {
        match self {
            Self::Till(judge) => judge(payment),
            Self::Attempt(_) => attempted(order, payment),
        }
    }

    /// Has the key remember a refusal.
    async fn keep_in_txn(
        &self,
        tx: &Tx,
        key: &IdempotencyKey,
        payment: &Payment,
        refusal: Refusal,
    ) -> Result<(), OrderError> {
        match self {
            Self::Till(_) => {
                let kept = Kept { refusal: Some(refusal), ..Kept::of(payment.id) };
                key.record_in_txn(tx, &kept).await?;
            }
            Self::Attempt(written) => {
                let written = Written { refusal: Some(refusal), ..written.clone() };
                key.record_in_txn(tx, &written).await?;
            }
        }
        Ok(())
    }
}

/// What somebody asked the provider for, under this key.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) key: Option<IdempotencyKey>,
    pub(super) judge: Judge,
}

/// What it came to: the answer to whoever asked.
pub(super) type Verdict = Result<(), OrderError>;

impl Asked {
    /// Judges by the row as it was settled, which is locked, and keeps a refusal under the key. Once
    /// this attempt is over, the row may tell of the next one: then the provider's answer is the
    /// word, or what somebody else heard who settled it before.
    pub(super) async fn judge_in_txn(
        &self,
        tx: &Tx,
        payments: &Payments,
        (begun, outcome): (&Payment, &Outcome),
        (order, payment): (&Order, &Payment),
    ) -> Result<Verdict, OrderError> {
        let refused = match outcome {
            // Whatever was refused for certain is tried under another number the next time.
            _ if payment.step == begun.step => None,
            Outcome::Unknown if begun.state == PaymentState::Capturing => {
                payments.refused_in_txn(tx, payment, begun.step).await?
            }
            outcome => Some(outcome.clone()),
        };
        let verdict = match refused.as_ref().and_then(Refusal::of) {
            Some(refusal) => Err(refusal.into()),
            None => self.judge.judge(order, payment),
        };
        if let (Some(key), Err(refused)) = (&self.key, &verdict)
            && let Some(refusal) = Refusal::of_error(refused)
        {
            self.judge.keep_in_txn(tx, key, payment, refusal).await?;
        }
        Ok(verdict)
    }
}

/// The answer to whoever asked.
fn dealt(order: Order, payment: Payment, verdict: Verdict) -> Result<Dealt, OrderError> {
    match verdict {
        Ok(()) => Ok(Dealt { order, payment, pending: false, replayed: false }),
        Err(OrderError::PaymentInProgress) => {
            Ok(Dealt { order, payment, pending: true, replayed: false })
        }
        Err(refused) => Err(refused),
    }
}

impl Orders {
    /// Settles what the provider said to whoever asked for it, and tells them.
    pub(super) async fn tell(
        &self,
        viewer: &Viewer,
        (begun, outcome): (&Payment, &Outcome),
        asked: Asked,
    ) -> Result<Dealt, OrderError> {
        failpoint::reach("till.before_settle").await;
        let source = Source::Told(*viewer);
        let mut settled = self.settle_asked(begun, outcome, source, Some(&asked)).await?;
        let verdict = settled.verdict.take();
        let (order, payment) = self.finish_settled(settled, begun.id).await?;
        let verdict = verdict.ok_or_else(|| OrderError::fault("nobody said what it came to"))?;
        dealt(order, payment, verdict)
    }

    /// What came of it when the key was used first; `kept` is what the key said before whoever used
    /// it was answered.
    pub(super) async fn dealt_before(&self, asked: Asked, kept: Kept) -> Result<Dealt, OrderError> {
        let now = self.db.tx(|tx| {
            let key = asked.key.clone();
            async move { claim_in_txn(&tx, key.as_ref(), kept.payment_id).await }
        });
        let kept = now.await?.unwrap_or(kept);
        if let Some(refusal) = kept.refusal {
            return Err(refusal.into());
        }
        let payment = self.payments.get(kept.payment_id).await?;
        // Recovery or a webhook may have settled it, which know no key, and the row may tell of
        // another try by now.
        if let Some(step) = kept.step {
            let refused = self.payments.refused(&payment, step).await?;
            if let Some(refusal) = refused.as_ref().and_then(Refusal::of) {
                return Err(refusal.into());
            }
        }
        let order = self.get(payment.order_id).await?;
        let verdict = asked.judge.judge(&order, &payment);
        Ok(Dealt { replayed: true, ..dealt(order, payment, verdict)? })
    }
}

/// Claims the key, if there is one, for something to be done with this payment, and keeps that.
pub(super) async fn claim_in_txn(
    tx: &Tx,
    key: Option<&IdempotencyKey>,
    payment_id: Uuid,
) -> Result<Option<Kept>, OrderError> {
    let Some(key) = key else { return Ok(None) };
    match key.claim_in_txn(tx).await? {
        Claim::Earlier(kept) => Ok(Some(kept)),
        Claim::New => {
            key.record_in_txn(tx, &Kept::of(payment_id)).await?;
            Ok(None)
        }
    }
}
