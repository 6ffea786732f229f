//! What came of asking a provider for something: judged as it is settled, before anybody can ask
//! anew, and kept under the key of whoever asked.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::failpoint;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::order::service::Orders;
use crate::order::service::settle::Source;
use crate::order::{Dealt, Order, OrderError};
use crate::payment::{Outcome, Payment};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a key remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) payment_id: Uuid,
    pub(super) refund_id: Option<Uuid>,
    /// What the provider said when it refused.
    pub(super) refusal: Option<Refusal>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Refusal {
    Declined(String),
    Unavailable(u32),
}

/// Says, by a payment's row, whether what was asked for was done; `PaymentInProgress` while nobody
/// knows.
pub(super) type Judge = fn(&Payment) -> Verdict;

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
    /// this attempt is over, the row may tell of the next one: then the provider's answer is the word.
    pub(super) async fn judge_in_txn(
        &self,
        tx: &Tx,
        (begun, outcome): (&Payment, &Outcome),
        payment: &Payment,
    ) -> Result<Verdict, OrderError> {
        // Whatever was refused for certain is tried under another number the next time.
        let is_over = payment.step != begun.step;
        let verdict = match outcome {
            Outcome::Declined { code } if is_over => {
                Err(OrderError::Declined { code: code.clone() })
            }
            Outcome::Unavailable { retry_after_seconds } if is_over => {
                let retry_after_seconds = *retry_after_seconds;
                Err(OrderError::Unavailable { retry_after_seconds })
            }
            _ => (self.judge)(payment),
        };
        if let (Some(key), Err(refused)) = (&self.key, &verdict)
            && let Some(refusal) = refusal_of(refused)
        {
            let kept = Kept { payment_id: payment.id, refund_id: None, refusal: Some(refusal) };
            key.record_in_txn(tx, &kept).await?;
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
        let settled = self.settle_asked(begun, outcome, source, Some(&asked)).await?;
        let (order, rest, verdict) = settled;
        let order = self.finish(order, rest).await?;
        let verdict = verdict.ok_or_else(|| OrderError::fault("nobody said what it came to"))?;
        dealt(order, self.payments.get(begun.id).await?, verdict)
    }

    /// What came of it when the key was used first; `kept` is what the key said before whoever used
    /// it was answered.
    pub(super) async fn dealt_before(&self, asked: Asked, kept: Kept) -> Result<Dealt, OrderError> {
        let now = self.db.tx(|tx| {
            let key = asked.key.clone();
            async move { claim_in_txn(&tx, key.as_ref(), kept.payment_id).await }
        });
        match now.await?.and_then(|kept| kept.refusal) {
            Some(Refusal::Declined(code)) => return Err(OrderError::Declined { code }),
            Some(Refusal::Unavailable(retry_after_seconds)) => {
                return Err(OrderError::Unavailable { retry_after_seconds });
            }
            None => {}
        }
        let payment = self.payments.get(kept.payment_id).await?;
        let order = self.get(payment.order_id).await?;
        let verdict = (asked.judge)(&payment);
        Ok(Dealt { replayed: true, ..dealt(order, payment, verdict)? })
    }
}

fn refusal_of(error: &OrderError) -> Option<Refusal> {
    match error {
        OrderError::Declined { code } => Some(Refusal::Declined(code.clone())),
        OrderError::Unavailable { retry_after_seconds } => {
            Some(Refusal::Unavailable(*retry_after_seconds))
        }
        _ => None,
    }
}

/// Claims the key, if there is one, for something to be done with this payment.
pub(super) async fn claim_in_txn(
    tx: &Tx,
    key: Option<&IdempotencyKey>,
    payment_id: Uuid,
) -> Result<Option<Kept>, OrderError> {
    let Some(key) = key else { return Ok(None) };
    match key.claim_in_txn(tx).await? {
        Claim::Earlier(kept) => Ok(Some(kept)),
        Claim::New => {
            let kept = Kept { payment_id, refund_id: None, refusal: None };
            key.record_in_txn(tx, &kept).await?;
            Ok(None)
        }
    }
}
