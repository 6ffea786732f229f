//! Asking providers: outside any transaction, each in a task of its own, so that a client who hangs
//! up leaves nothing half known.

use crate::db::Db;
use crate::failpoint::reach;
use crate::money::Money;
use crate::payment::attempt::{Payment, Refund};
use crate::payment::gateway::{Gateway, Missed};
use crate::payment::outcome::{Outcome, RefundOutcome};
use crate::payment::provider::{
    AuthorizeRequest, CaptureRequest, FindRequest, RefundAnswer, RefundRequest, VoidRequest,
};
use crate::payment::service::Payments;
use crate::payment::state::PaymentState;

/// A payment that the provider has not heard of, although it was asked for it so often, is ended.
const ASKED_AGAIN_MAX: i32 = 3;

impl Payments {
    /// Whether nobody can have called before: recovery has not taken the payment up, and whoever
    /// began it is still within the time that others leave them.
    fn is_first_call(&self, payment: &Payment) -> bool {
        payment.attempts == 0 && payment.lease_until.is_some_and(|until| until > self.db.now())
    }

    /// Asks the provider for the money of a fresh attempt. Only whoever began it may: others
    /// [`Payments::ask`].
    pub async fn authorize(&self, payment: &Payment) -> Outcome {
        let Some(gateway) = self.gateway(&payment.provider).cloned() else {
            return Outcome::Unavailable { retry_after_seconds: 60 };
        };
        let (payment, first) = (payment.clone(), self.is_first_call(payment));
        apart(Outcome::Unknown, async move {
            match authorize(&gateway, &payment).await {
                // An earlier call may have come to something.
                Outcome::Unavailable { .. } if !first => Outcome::Unknown,
                outcome => outcome,
            }
        })
        .await
    }

    /// Asks the provider for the money that the payment is `capturing`.
    pub async fn capture(&self, payment: &Payment) -> Outcome {
        let Some(gateway) = self.gateway(&payment.provider).cloned() else {
            return Outcome::Unknown;
        };
        let (payment, first) = (payment.clone(), self.is_first_call(payment));
        apart(Outcome::Unknown, async move {
            match capture(&gateway, &payment).await {
                Outcome::Unavailable { .. } if !first => Outcome::Unknown,
                outcome => outcome,
            }
        })
        .await
    }

    /// Asks the provider to let go of the money. When it cannot be asked, recovery goes on asking.
    pub async fn void(&self, payment: &Payment) -> Outcome {
        let Some(gateway) = self.gateway(&payment.provider).cloned() else {
            return Outcome::Unknown;
        };
        let payment = payment.clone();
        apart(Outcome::Unknown, async move { void(&gateway, &payment).await }).await
    }

    /// Asks the provider to give money back. When it cannot be asked, recovery goes on asking.
    pub async fn refund(&self, payment: &Payment, refund: &Refund) -> RefundOutcome {
        let Some(gateway) = self.gateway(&payment.provider).cloned() else {
            return RefundOutcome::Unknown;
        };
        let request = RefundRequest {
            payment_id: payment.id,
            refund_id: refund.id,
            idempotency_key: key(payment, "refund", &refund.id.to_string()),
            reference: payment.provider_reference.clone().unwrap_or_default(),
            amount: Money { minor: refund.amount, ..payment.amount },
        };
        apart(RefundOutcome::Unknown, async move {
            let answer =
                gateway.call(|provider| async move { provider.refund(&request).await }).await;
            reach("refund.after_call").await;
            match answer {
                Ok(RefundAnswer::Succeeded { reference }) => RefundOutcome::Succeeded { reference },
                Ok(RefundAnswer::Pending) | Err(Missed::Unknown) => RefundOutcome::Unknown,
                Ok(RefundAnswer::Failed { code }) | Err(Missed::Refused { code }) => {
                    RefundOutcome::Failed { code }
                }
                Err(Missed::NotDone { retry_after_seconds }) => {
                    RefundOutcome::Unavailable { retry_after_seconds }
                }
            }
        })
        .await
    }

    /// Finds out what became of a payment that nobody knows of: asks by our name for it first, and
    /// repeats what was asked for, under the same key, when the provider never heard of it. What it
    /// does not hear of either time after time is ended there, so that nothing is charged later.
    pub async fn ask(&self, payment: &Payment) -> Outcome {
        let Some(gateway) = self.gateway(&payment.provider).cloned() else {
            return Outcome::Unknown;
        };
        let payment = payment.clone();
        apart(Outcome::Unknown, async move { ask(&gateway, &payment, true).await }).await
    }

    /// As [`Payments::ask`], of a payment that nobody wants any more: what the provider never heard
    /// of is ended there and not asked for again, and what it holds is let go.
    pub async fn ask_unwanted(&self, payment: &Payment) -> Outcome {
        let Some(gateway) = self.gateway(&payment.provider).cloned() else {
            return Outcome::Unknown;
        };
        let payment = payment.clone();
        apart(Outcome::Unknown, async move { ask(&gateway, &payment, false).await }).await
    }
}

/// Runs in a task of its own; when that fails, nobody knows.
async fn apart<T: Send + 'static>(
    when_lost: T,
    asking: impl Future<Output = T> + Send + 'static,
) -> T {
    // A provider may take seconds, and on SQLite the sandbox waits for the turn to write.
    debug_assert!(!Db::is_in_transaction(), "a provider is called inside a transaction");
    tokio::spawn(asking).await.unwrap_or(when_lost)
}

/// The key that a provider knows a request by. It changes only after the provider has definitely
/// not done what the last one asked for.
fn key(payment: &Payment, step: &str, try_of_it: &str) -> String {
    format!("pay:{}:{step}:{try_of_it}", payment.id)
}

/// The one question for the money of a payment.
fn question(payment: &Payment) -> AuthorizeRequest {
    AuthorizeRequest {
        payment_id: payment.id,
        idempotency_key: key(payment, "authorize", "1"),
        amount: payment.amount,
        method: payment.method.clone(),
        capture: payment.capture,
        order_number: payment.order_number.clone(),
    }
}

async fn authorize(gateway: &Gateway, payment: &Payment) -> Outcome {
    let request = question(payment);
    reach("pay.before_call").await;
    let answer = gateway.call(|provider| async move { provider.authorize(&request).await }).await;
    reach("pay.after_call").await;
    match answer {
        Ok(answer) => answer.into(),
        Err(Missed::Refused { code }) => Outcome::Declined { code },
        Err(Missed::NotDone { retry_after_seconds }) => {
            Outcome::Unavailable { retry_after_seconds }
        }
        Err(Missed::Unknown) => Outcome::Unknown,
    }
}

async fn capture(gateway: &Gateway, payment: &Payment) -> Outcome {
    let reference = payment.provider_reference.clone().unwrap_or_default();
    let request = CaptureRequest {
        payment_id: payment.id,
        idempotency_key: key(payment, "capture", &payment.step.to_string()),
        reference: reference.clone(),
        amount: Money { minor: payment.capturing, ..payment.amount },
    };
    match gateway.call(|provider| async move { provider.capture(&request).await }).await {
        Ok(amount) => Outcome::Captured { reference, amount },
        Err(Missed::Refused { code }) => match found(gateway, payment).await {
            // It was refused because there is nothing left to capture.
            Ok(Some(known @ (Outcome::Captured { .. } | Outcome::Voided))) => known,
            Ok(_) => Outcome::Declined { code },
            Err(_) => Outcome::Unknown,
        },
        Err(Missed::NotDone { retry_after_seconds }) => {
            Outcome::Unavailable { retry_after_seconds }
        }
        Err(Missed::Unknown) => Outcome::Unknown,
    }
}

async fn void(gateway: &Gateway, payment: &Payment) -> Outcome {
    let request = VoidRequest {
        payment_id: payment.id,
        idempotency_key: key(payment, "void", &payment.step.to_string()),
        reference: payment.provider_reference.clone(),
        amount: payment.amount,
        asked: question(payment),
    };
    match gateway.call(|provider| async move { provider.void(&request).await }).await {
        Ok(()) => Outcome::Voided,
        // It was refused because it came too late, or nothing is held.
        Err(Missed::Refused { .. }) => match found(gateway, payment).await {
            Ok(Some(Outcome::Authorized { .. } | Outcome::Pending { .. }) | None) | Err(_) => {
                Outcome::Unknown
            }
            Ok(Some(known)) => known,
        },
        Err(Missed::NotDone { retry_after_seconds }) => {
            Outcome::Unavailable { retry_after_seconds }
        }
        Err(Missed::Unknown) => Outcome::Unknown,
    }
}

/// What the provider knows of a payment by our name for it.
async fn found(gateway: &Gateway, payment: &Payment) -> Result<Option<Outcome>, Missed> {
    let reference = payment.provider_reference.clone();
    let request = FindRequest { asked: question(payment), reference };
    let found = gateway.call(|provider| async move { provider.find(&request).await }).await?;
    Ok(found.map(Outcome::from))
}

async fn ask(gateway: &Gateway, payment: &Payment, wanted: bool) -> Outcome {
    // Letting go of money can be asked for any number of times.
    if payment.state == PaymentState::Voiding {
        return void(gateway, payment).await;
    }
    let Ok(known) = found(gateway, payment).await else { return Outcome::Unknown };
    let answer = match (payment.state, known) {
        (
            PaymentState::Capturing | PaymentState::CaptureUnknown,
            Some(Outcome::Authorized { .. }),
        ) if wanted => capture(gateway, payment).await,
        (state, Some(Outcome::Authorized { .. } | Outcome::Pending { .. }))
            if !wanted && lets_go(state) =>
        {
            void(gateway, payment).await
        }
        (_, Some(known)) => known,
        (PaymentState::Authorizing | PaymentState::AuthUnknown, None) => {
            if wanted && payment.attempts < ASKED_AGAIN_MAX {
                authorize(gateway, payment).await
            } else {
                end(gateway, payment).await
            }
        }
        (PaymentState::ManualReview, None) if payment.authorized == 0 => {
            end(gateway, payment).await
        }
        // There is nothing, as was known.
        (state, None) if state.is_over() => Outcome::Unavailable { retry_after_seconds: 0 },
        (_, None) => Outcome::Unknown,
    };
    match answer {
        // An earlier call may still come to something.
        Outcome::Unavailable { retry_after_seconds } if retry_after_seconds > 0 => Outcome::Unknown,
        answer => answer,
    }
}

/// Whether money that nobody wants is let go of at once; of the others the row is told first, and
/// voided then.
const fn lets_go(state: PaymentState) -> bool {
    state.is_over() || matches!(state, PaymentState::Capturing | PaymentState::CaptureUnknown)
}

/// Makes sure that nothing will ever be charged for an attempt that the provider does not know.
async fn end(gateway: &Gateway, payment: &Payment) -> Outcome {
    match void(gateway, payment).await {
        Outcome::Voided => Outcome::Unavailable { retry_after_seconds: 0 },
        Outcome::Unavailable { .. } => Outcome::Unknown,
        other => other,
    }
}
