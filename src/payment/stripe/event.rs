//! Stripe's webhooks: what they say, once their signature was found to hold.

use crate::payment::outcome::Outcome;
use crate::payment::provider::{FoundState, ProviderEvent, Said, WebhookError};
use crate::payment::stripe::NAME;
use crate::payment::stripe::object::{Intent, Metadata, Refund};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// What stands beside any object.
#[derive(Deserialize)]
struct Any {
    #[serde(default)]
    metadata: Option<Metadata>,
}

/// What a genuine body says.
pub fn read(body: &[u8]) -> Result<ProviderEvent, WebhookError> {
    let envelope = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
    let Envelope { id, kind, data } = envelope;
    let (payment_id, said) = match kind.as_str() {
        "payment_intent.succeeded"
        | "payment_intent.amount_capturable_updated"
        | "payment_intent.canceled" => intent(object(data)?)?,
        // Its payer could still try another card: the attempt is ended at Stripe before the shop
        // calls it over.
        "payment_intent.payment_failed" => {
            let Any { metadata } = object(data)?;
            (metadata.unwrap_or_default().payment(), Said::Changed)
        }
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            refund(object(data)?)
        }
        _ => {
            let any: Result<Any, _> = object(data);
            let metadata = any.ok().and_then(|it| it.metadata);
            (metadata.unwrap_or_default().payment(), Said::Nothing)
        }
    };
    Ok(ProviderEvent { provider: NAME, event_id: id, kind, payment_id, said })
}

fn object<T: serde::de::DeserializeOwned>(data: Data) -> Result<T, WebhookError> {
    serde_json::from_value(data.object).map_err(|_| WebhookError::Malformed)
}

/// The payment as it was when the event was written.
fn intent(intent: Intent) -> Result<(Option<Uuid>, Said), WebhookError> {
    let state = intent.state().map_err(|_| WebhookError::Malformed)?;
    let (payment_id, reference) = (intent.payment_id(), intent.id);
    let said = match state {
        Some(FoundState::Authorized) => Said::Payment(Outcome::Authorized { reference }),
        Some(FoundState::Captured { amount }) => {
            Said::Payment(Outcome::Captured { reference, amount })
        }
        Some(FoundState::Voided) => Said::Payment(Outcome::Voided),
        Some(FoundState::Pending { .. } | FoundState::Declined { .. }) | None => Said::Nothing,
    };
    Ok((payment_id, said))
}

/// A refund. One that somebody made on Stripe's own pages is no refund of the shop's.
fn refund(refund: Refund) -> (Option<Uuid>, Said) {
    let metadata = refund.metadata.clone().unwrap_or_default();
    let said = match (metadata.refund(), refund.outcome()) {
        (Some(refund_id), Some(outcome)) => Said::Refund { refund_id, outcome },
        _ => Said::Nothing,
    };
    (metadata.payment(), said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::outcome::RefundOutcome;
    use serde_json::json;

    fn event(kind: &str, object: Value) -> Result<ProviderEvent, WebhookError> {
        let body = json!({
            "id": "evt_1", "object": "event", "type": kind, "api_version": "2024-06-20",
            "data": { "object": object },
        });
        read(body.to_string().as_bytes())
    }

    fn said(kind: &str, object: Value) -> Said {
        event(kind, object).unwrap().said
    }

    fn intent(status: &str, payment: Uuid) -> Value {
        json!({
            "id": "pi_1", "object": "payment_intent", "amount": 1_000, "currency": "eur",
            "amount_received": 900, "status": status, "client_secret": "s", "next_action": null,
            "metadata": { "payment_id": payment, "order_number": "R-1" },
        })
    }

    #[test]
    fn what_became_of_a_payment_is_said_by_its_status() {
        let id = Uuid::now_v7();
        let reference = || "pi_1".to_owned();
        let taken = event("payment_intent.succeeded", intent("succeeded", id)).unwrap();
        assert_eq!(taken.payment_id, Some(id));
        assert_eq!((taken.provider, taken.event_id.as_str()), ("stripe", "evt_1"));
        let captured = Outcome::Captured { reference: reference(), amount: 900 };
        assert_eq!(taken.said, Said::Payment(captured));

        let kind = "payment_intent.amount_capturable_updated";
        let authorized = Outcome::Authorized { reference: reference() };
        assert_eq!(said(kind, intent("requires_capture", id)), Said::Payment(authorized));
        assert_eq!(said(kind, intent("requires_action", id)), Said::Nothing);
        let kind = "payment_intent.canceled";
        assert_eq!(said(kind, intent("canceled", id)), Said::Payment(Outcome::Voided));
    }

    #[test]
    fn a_failed_payment_is_asked_for_before_it_is_over() {
        let id = Uuid::now_v7();
        let kind = "payment_intent.payment_failed";
        let failed = event(kind, intent("requires_payment_method", id)).unwrap();
        assert_eq!((failed.payment_id, failed.said), (Some(id), Said::Changed));
    }

    #[test]
    fn refunds_are_known_by_the_shops_name_for_them() {
        let (payment, id) = (Uuid::now_v7(), Uuid::now_v7());
        let refund = |status: &str, metadata: Value| {
            json!({ "id": "re_1", "object": "refund", "status": status, "metadata": metadata,
                    "failure_reason": "expired_or_canceled_card" })
        };
        let ours = json!({ "payment_id": payment, "refund_id": id });
        let outcome = RefundOutcome::Succeeded { reference: "re_1".to_owned() };
        let through = Said::Refund { refund_id: id, outcome };
        for kind in ["refund.created", "refund.updated", "charge.refund.updated"] {
            assert_eq!(said(kind, refund("succeeded", ours.clone())), through);
        }
        let outcome = RefundOutcome::Failed { code: "expired_or_canceled_card".to_owned() };
        let failed = Said::Refund { refund_id: id, outcome };
        assert_eq!(said("refund.failed", refund("failed", ours.clone())), failed);
        assert_eq!(said("refund.updated", refund("pending", ours)), Said::Nothing);
        assert_eq!(said("refund.updated", refund("succeeded", json!({}))), Said::Nothing);
    }

    #[test]
    fn what_the_shop_does_not_act_on_says_nothing() {
        let id = Uuid::now_v7();
        let charge = json!({ "id": "ch_1", "metadata": { "payment_id": id }, "refunded": true });
        let refunded = event("charge.refunded", charge).unwrap();
        assert_eq!((refunded.payment_id, refunded.said), (Some(id), Said::Nothing));
        let foreign = event("customer.created", json!({ "id": "cus_1", "metadata": {} })).unwrap();
        assert_eq!((foreign.payment_id, foreign.said), (None, Said::Nothing));
        let odd = event("tax.settings.updated", json!([1])).unwrap();
        assert_eq!((odd.payment_id, odd.said), (None, Said::Nothing));
    }

    #[test]
    fn what_is_no_event_is_malformed() {
        for body in ["", "{}", "[]", "\u{0}", r#"{"id":"e","type":"payment_intent.succeeded"}"#] {
            assert_eq!(read(body.as_bytes()), Err(WebhookError::Malformed), "{body}");
        }
        let headless = event("payment_intent.succeeded", json!({ "id": "pi_1" }));
        assert_eq!(headless, Err(WebhookError::Malformed));
    }
}
