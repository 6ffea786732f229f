//! Stripe's payments and refunds as it shows them, and what they mean for the shop.

use crate::payment::attempt::{NextAction, NextActionKind};
use crate::payment::outcome::RefundOutcome;
use crate::payment::provider::{Authorization, FoundState, ProviderError, RefundAnswer};
use crate::payment::stripe::amount;
use serde::Deserialize;
use uuid::Uuid;

/// A `PaymentIntent`: one payment.
#[derive(Debug, Clone, Deserialize)]
pub struct Intent {
    /// Stripe's name for it.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    amount: i64,
    currency: String,
    /// What was taken; Stripe always says so.
    amount_received: Option<i64>,
    client_secret: Option<String>,
    next_action: Option<Action>,
    last_payment_error: Option<PaymentFailure>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

/// Where a payment stands at Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It failed, and Stripe would take another card.
    RequiresPaymentMethod,
    /// Nobody asked for the money yet.
    RequiresConfirmation,
    /// The payer has to do something.
    RequiresAction,
    /// The bank is being asked.
    Processing,
    /// The money is set aside.
    RequiresCapture,
    /// It is over, and nothing is held.
    Canceled,
    /// The money is taken.
    Succeeded,
    /// Something new.
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Deserialize)]
struct Action {
    redirect_to_url: Option<Redirect>,
}

#[derive(Debug, Clone, Deserialize)]
struct Redirect {
    url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct PaymentFailure {
    code: Option<String>,
    decline_code: Option<String>,
}

/// What the shop wrote beside an object.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Metadata {
    /// The shop's name for the payment.
    pub payment_id: Option<String>,
    /// The shop's name for the refund.
    pub refund_id: Option<String>,
}

impl Metadata {
    /// The shop's payment, if it is one of a shop.
    pub fn payment(&self) -> Option<Uuid> {
        self.payment_id.as_deref().and_then(|id| id.parse().ok())
    }

    /// The shop's refund, if the shop asked for it.
    pub fn refund(&self) -> Option<Uuid> {
        self.refund_id.as_deref().and_then(|id| id.parse().ok())
    }
}

impl Intent {
    /// The shop's name for it.
    pub fn payment_id(&self) -> Option<Uuid> {
        self.metadata.as_ref().and_then(Metadata::payment)
    }

    /// Where it stands; None when nobody asked for the money yet, and nothing can be charged.
    pub fn state(&self) -> Result<Option<FoundState>, ProviderError> {
        Ok(Some(match self.status {
            Status::RequiresConfirmation => return Ok(None),
            Status::RequiresPaymentMethod => FoundState::Declined { code: self.decline_code() },
            Status::RequiresAction => FoundState::Pending { next_action: self.next_action() },
            Status::Processing => FoundState::Pending {
                next_action: NextAction {
                    kind: NextActionKind::Wait,
                    redirect_url: None,
                    client_secret: None,
                },
            },
            Status::RequiresCapture => FoundState::Authorized,
            Status::Canceled => FoundState::Voided,
            Status::Succeeded => {
                FoundState::Captured { amount: self.received(self.minor(self.amount)?)? }
            }
            Status::Other => {
                return Err(ProviderError::Unknown("a payment of a new status".to_owned()));
            }
        }))
    }

    /// What came of asking for the money.
    pub fn authorization(self) -> Result<Authorization, ProviderError> {
        let state = self.state()?;
        let reference = self.id;
        match state {
            Some(FoundState::Authorized) => Ok(Authorization::Authorized { reference }),
            Some(FoundState::Captured { amount }) => {
                Ok(Authorization::Captured { reference, amount })
            }
            Some(FoundState::Pending { next_action }) => {
                Ok(Authorization::Pending { reference, next_action })
            }
            Some(FoundState::Declined { code }) => Ok(Authorization::Declined { code }),
            // It was called off before the money was asked for.
            Some(FoundState::Voided) => Ok(Authorization::Declined { code: "canceled".to_owned() }),
            None => Err(ProviderError::Unknown("a payment that was confirmed is not".to_owned())),
        }
    }

    /// How much was taken, in the currency's minor units; so much, where that is not told.
    pub fn received(&self, otherwise: i64) -> Result<i64, ProviderError> {
        self.amount_received.map_or(Ok(otherwise), |units| self.minor(units))
    }

    fn minor(&self, units: i64) -> Result<i64, ProviderError> {
        let minor = amount::from_stripe(units, &self.currency);
        minor.ok_or_else(|| ProviderError::Unknown("an amount cannot be read".to_owned()))
    }

    fn decline_code(&self) -> String {
        let failure = self.last_payment_error.as_ref();
        let code = failure.and_then(|it| it.decline_code.as_ref().or(it.code.as_ref()));
        code.map_or_else(|| "card_declined".to_owned(), Clone::clone)
    }

    fn next_action(&self) -> NextAction {
        let redirect = self.next_action.as_ref().and_then(|it| it.redirect_to_url.as_ref());
        let redirect_url = redirect.and_then(|it| it.url.clone());
        let kind = if redirect_url.is_some() {
            NextActionKind::Redirect
        } else {
            NextActionKind::ClientSecret
        };
        NextAction { kind, redirect_url, client_secret: self.client_secret.clone() }
    }
}

/// A refund.
#[derive(Debug, Clone, Deserialize)]
pub struct Refund {
    /// Stripe's name for it.
    pub id: String,
    status: Option<String>,
    failure_reason: Option<String>,
    /// What the shop wrote beside it.
    #[serde(default)]
    pub metadata: Option<Metadata>,
}

/// Payments that were looked for.
#[derive(Debug, Deserialize)]
pub struct Intents {
    /// Those that were found.
    pub data: Vec<Intent>,
}

/// The refunds of a payment.
#[derive(Debug, Deserialize)]
pub struct Refunds {
    /// The newest first.
    pub data: Vec<Refund>,
}

impl Refund {
    /// What came of asking for it.
    pub fn answer(self) -> RefundAnswer {
        match self.outcome() {
            Some(RefundOutcome::Succeeded { reference }) => RefundAnswer::Succeeded { reference },
            Some(RefundOutcome::Failed { code }) => RefundAnswer::Failed { code },
            _ => RefundAnswer::Pending,
        }
    }

    /// What is known of it; None while it is under way.
    pub fn outcome(self) -> Option<RefundOutcome> {
        match self.status.as_deref() {
            Some("succeeded") => Some(RefundOutcome::Succeeded { reference: self.id }),
            Some("failed") => {
                let code = self.failure_reason.unwrap_or_else(|| "failed".to_owned());
                Some(RefundOutcome::Failed { code })
            }
            Some("canceled") => Some(RefundOutcome::Failed { code: "canceled".to_owned() }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn intent(changes: Value) -> Intent {
        let mut body = json!({
            "id": "pi_1", "object": "payment_intent", "amount": 1_000, "currency": "eur",
            "amount_received": 0, "client_secret": "pi_1_secret_2", "next_action": null,
            "last_payment_error": null, "status": "requires_confirmation", "metadata": {},
        });
        let changes = changes.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(changes);
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn each_status_is_one_of_the_shops() {
        let state = |status: &str| intent(json!({ "status": status })).state().unwrap();
        assert_eq!(state("requires_confirmation"), None);
        assert_eq!(state("requires_capture"), Some(FoundState::Authorized));
        assert_eq!(state("canceled"), Some(FoundState::Voided));
        assert_eq!(state("succeeded"), Some(FoundState::Captured { amount: 0 }));
        assert!(matches!(state("processing"), Some(FoundState::Pending { .. })));
        assert!(intent(json!({ "status": "requires_moonlight" })).state().is_err());
    }

    #[test]
    fn what_was_taken_is_told_in_minor_units() {
        let taken = |currency: &str, received: Value| {
            let body =
                json!({ "status": "succeeded", "currency": currency, "amount_received": received });
            intent(body).state()
        };
        assert_eq!(taken("eur", json!(700)), Ok(Some(FoundState::Captured { amount: 700 })));
        assert_eq!(taken("isk", json!(700)), Ok(Some(FoundState::Captured { amount: 7 })));
        assert_eq!(taken("eur", Value::Null), Ok(Some(FoundState::Captured { amount: 1_000 })));
        assert!(taken("isk", json!(701)).is_err());
    }

    #[test]
    fn a_payer_is_sent_to_a_page_or_confirms_in_stripes_script() {
        let sdk = intent(json!({
            "status": "requires_action",
            "next_action": { "type": "use_stripe_sdk", "use_stripe_sdk": {} },
        }));
        let action = NextAction {
            kind: NextActionKind::ClientSecret,
            redirect_url: None,
            client_secret: Some("pi_1_secret_2".to_owned()),
        };
        assert_eq!(sdk.state(), Ok(Some(FoundState::Pending { next_action: action.clone() })));

        let page = intent(json!({
            "status": "requires_action",
            "next_action": { "redirect_to_url": { "url": "https://bank.example/3ds" } },
        }));
        let url = Some("https://bank.example/3ds".to_owned());
        let action = NextAction { kind: NextActionKind::Redirect, redirect_url: url, ..action };
        assert_eq!(page.state(), Ok(Some(FoundState::Pending { next_action: action })));
    }

    #[test]
    fn a_failed_payment_says_why() {
        let code = |error: Value| {
            let body = json!({ "status": "requires_payment_method", "last_payment_error": error });
            intent(body).authorization()
        };
        let declined = |code: &str| Ok(Authorization::Declined { code: code.to_owned() });
        assert_eq!(code(json!({ "code": "expired_card" })), declined("expired_card"));
        let both = json!({ "code": "card_declined", "decline_code": "lost_card" });
        assert_eq!(code(both), declined("lost_card"));
        assert_eq!(code(Value::Null), declined("card_declined"));
    }

    #[test]
    fn a_refund_is_through_failed_or_under_way() {
        let answer = |status: &str| {
            let body = json!({ "id": "re_1", "status": status, "failure_reason": "lost_card" });
            serde_json::from_value::<Refund>(body).unwrap().answer()
        };
        let succeeded = RefundAnswer::Succeeded { reference: "re_1".to_owned() };
        assert_eq!(answer("succeeded"), succeeded);
        assert_eq!(answer("failed"), RefundAnswer::Failed { code: "lost_card".to_owned() });
        assert_eq!(answer("canceled"), RefundAnswer::Failed { code: "canceled".to_owned() });
        for under_way in ["pending", "requires_action", "something_new"] {
            assert_eq!(answer(under_way), RefundAnswer::Pending);
        }
    }
}
