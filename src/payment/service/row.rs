//! Rows of `payment` and `refund` as the domain's own types.

use crate::money::{Currency, Money};
use crate::payment::attempt::{NextAction, Payment, Refund};
use crate::payment::decision::Decision;
use crate::payment::error::PaymentError;
use crate::payment::state::{PaymentState, RefundState};
use entity::{payment, refund};

impl TryFrom<payment::Model> for Payment {
    type Error = PaymentError;

    fn try_from(row: payment::Model) -> Result<Self, PaymentError> {
        let state = PaymentState::from_name(&row.state);
        let currency = Currency::from_code(&row.currency);
        let (Some(state), Some(currency)) = (state, currency) else {
            return Err(PaymentError::fault(format!("payment {} cannot be read", row.id)));
        };
        Ok(Self {
            id: row.id,
            order_id: row.order_id,
            order_number: row.order_number,
            provider: row.provider,
            method: row.method,
            amount: Money { minor: row.amount, currency },
            capture: row.capture_at_once,
            state,
            authorized: row.authorized,
            capturing: row.capturing,
            captured: row.captured,
            refunded: row.refunded,
            refund_pending: row.refund_pending,
            step: row.step,
            provider_reference: row.provider_reference,
            failure_code: row.failure_code,
            retry_after_seconds: row.retry_after_seconds.and_then(|s| u32::try_from(s).ok()),
            next_action: row.next_action.and_then(|json| serde_json::from_value(json).ok()),
            lease_until: row.lease_until,
            attempts: row.attempts,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            capture_asked: row.capture_asked,
            void_reason: row.void_reason,
            decided_as: row.decided_as.as_deref().and_then(Decision::from_name),
            decided_at: row.decided_at,
        })
    }
}

impl TryFrom<refund::Model> for Refund {
    type Error = PaymentError;

    fn try_from(row: refund::Model) -> Result<Self, PaymentError> {
        let Some(state) = RefundState::from_name(&row.state) else {
            return Err(PaymentError::fault(format!("refund {} cannot be read", row.id)));
        };
        Ok(Self {
            id: row.id,
            payment_id: row.payment_id,
            key: row.key,
            amount: row.amount,
            state,
            reason: row.reason,
            provider_reference: row.provider_reference,
            failure_code: row.failure_code,
            attempts: row.attempts,
            restock: row.restock,
            turn: row.turn,
            created_at: row.created_at,
        })
    }
}

/// Rows as payments; one that cannot be read is a fault of all.
pub(super) fn payments(rows: Vec<payment::Model>) -> Result<Vec<Payment>, PaymentError> {
    rows.into_iter().map(Payment::try_from).collect()
}

/// What a column of JSON holds of it.
pub(super) fn to_json(action: &NextAction) -> serde_json::Value {
    // Plain data: it cannot fail.
    serde_json::to_value(action).unwrap_or_default()
}
