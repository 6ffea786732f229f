//! The webhooks of the sandbox: what stands in their bodies, and what that means for the shop.

use crate::payment::outcome::{Outcome, RefundOutcome};
use crate::payment::provider::{ProviderEvent, Said, WebhookError};
use crate::payment::sandbox::NAME;
use crate::payment::sandbox::service::ChargeState;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A webhook as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedEvent {
    /// The value of the header `Sandbox-Signature`.
    pub signature: String,
    /// The body; JSON.
    pub body: String,
}

impl SignedEvent {
    /// The name of the header that has the signature.
    pub const HEADER: http::HeaderName = crate::payment::sandbox::HEADER;
}

/// The body of a webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Body {
    /// Names the event.
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// What the shop calls the payment.
    pub(super) payment_id: Uuid,
    /// What the sandbox calls it.
    pub(super) reference: String,
    /// How much was authorized, captured or refunded, in minor units.
    pub(super) amount: i64,
    /// Why it was declined.
    #[serde(default)]
    pub(super) code: Option<String>,
    /// What the shop calls the refund.
    #[serde(default)]
    pub(super) refund_id: Option<Uuid>,
}

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    #[serde(rename = "charge.authorized")]
    Authorized,
    #[serde(rename = "charge.captured")]
    Captured,
    #[serde(rename = "charge.declined")]
    Declined,
    #[serde(rename = "charge.voided")]
    Voided,
    #[serde(rename = "refund.succeeded")]
    Refunded,
}

impl Kind {
    /// The event of coming to this state; None for waiting, of which nothing is told.
    pub(super) fn of(state: ChargeState) -> Option<Self> {
        match state {
            ChargeState::Pending => None,
            ChargeState::Authorized => Some(Self::Authorized),
            ChargeState::Captured => Some(Self::Captured),
            ChargeState::Declined => Some(Self::Declined),
            ChargeState::Voided => Some(Self::Voided),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Authorized => "charge.authorized",
            Self::Captured => "charge.captured",
            Self::Declined => "charge.declined",
            Self::Voided => "charge.voided",
            Self::Refunded => "refund.succeeded",
        }
    }
}

/// What a genuine body says.
pub(super) fn read(body: &[u8]) -> Result<ProviderEvent, WebhookError> {
    let body: Body = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
    let Body { kind, reference, amount, .. } = body;
    let said = match kind {
        Kind::Authorized => Said::Payment(Outcome::Authorized { reference }),
        Kind::Captured => Said::Payment(Outcome::Captured { reference, amount }),
        Kind::Declined => Said::Payment(Outcome::Declined { code: body.code.unwrap_or_default() }),
        Kind::Voided => Said::Payment(Outcome::Voided),
        Kind::Refunded => Said::Refund {
            refund_id: body.refund_id.ok_or(WebhookError::Malformed)?,
            outcome: RefundOutcome::Succeeded { reference },
        },
    };
    Ok(ProviderEvent {
        provider: NAME,
        event_id: body.id,
        kind: kind.name().to_owned(),
        payment_id: Some(body.payment_id),
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_event_is_malformed() {
        let id = Uuid::now_v7();
        let unknown = format!(
            r#"{{"id":"e","type":"charge.lost","payment_id":"{id}","reference":"r","amount":1}}"#
        );
        let of_nothing = unknown.replace("charge.lost", "refund.succeeded");
        for body in ["", "{}", "[]", "\u{0}", &unknown, &of_nothing] {
            assert_eq!(read(body.as_bytes()), Err(WebhookError::Malformed), "{body}");
        }
        let captured = unknown.replace("charge.lost", "charge.captured");
        let event = read(captured.as_bytes()).unwrap();
        assert_eq!((event.payment_id, event.kind.as_str()), (Some(id), "charge.captured"));
    }
}
