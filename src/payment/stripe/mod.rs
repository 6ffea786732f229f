//! Stripe: payments by card, over its API. Card data never comes here: the shop's page gives it to
//! Stripe, which gives a payment method's id in return, and that is the `method` of a payment.
//!
//! A payment is made in two steps: it is created, which charges nothing and gives its id, and then
//! confirmed. So a payment of which nothing is known can be found out about by creating it again
//! under the same key, and be called off, without any risk of charging it.

mod amount;
mod api;
mod event;
mod object;

use crate::config::StripeSettings;
use crate::db::Timestamp;
use crate::payment::provider::{
    Authorization, AuthorizeRequest, CaptureRequest, FindRequest, Found, FoundState, Provider,
    ProviderError, ProviderEvent, RefundAnswer, RefundRequest, VoidRequest, WebhookError,
};
use crate::payment::signature;
use crate::payment::stripe::api::{Api, Failure, Fields, UNEXPECTED_STATE};
use crate::payment::stripe::object::{Intent, Intents, Refund, Refunds, Status};
use async_trait::async_trait;
use http::{HeaderMap, HeaderName};
use secrecy::SecretString;
use std::sync::Arc;

/// Its name among providers.
pub const NAME: &str = "stripe";

const HEADER: HeaderName = HeaderName::from_static("stripe-signature");
const INTENTS: &str = "payment_intents";
/// The longest id of a payment method that is passed on; Stripe's have some thirty characters.
const METHOD_MAX: usize = 128;

/// Stripe; cheap to clone.
#[derive(Clone)]
pub struct Stripe {
    api: Api,
    webhook_secrets: Arc<[SecretString]>,
}

impl Stripe {
    /// Stripe with the shop's keys.
    ///
    /// # Errors
    /// When its address is none, or TLS cannot be set up.
    pub fn new(settings: &StripeSettings) -> anyhow::Result<Self> {
        let api = Api::new(&settings.api_base, settings.secret_key.clone())?;
        Ok(Self { api, webhook_secrets: settings.webhook_secrets.clone().into() })
    }

    /// The payment at Stripe, made if there is none: the same request comes to the same payment.
    /// Nothing is charged by it.
    async fn create(&self, request: &AuthorizeRequest) -> Result<Intent, Failure> {
        let units = amount::to_stripe(request.amount)?;
        let capture = if request.capture { "automatic" } else { "manual" };
        let fields = fields([
            ("amount", units.to_string()),
            ("currency", request.amount.currency.code().to_ascii_lowercase()),
            ("capture_method", capture.to_owned()),
            ("payment_method", request.method.clone()),
            // What needs no page to return to. Wallets are cards too.
            ("payment_method_types[]", "card".to_owned()),
            ("metadata[payment_id]", request.payment_id.to_string()),
            ("metadata[order_number]", request.order_number.clone()),
        ]);
        self.api.post(&[INTENTS], &fields, Some(&request.idempotency_key)).await
    }

    /// The id of a payment that told none. A question of days ago is found by the payment's
    /// metadata: its key is forgotten. One of just now is found by its key: the search is behind.
    async fn known(&self, asked: &AuthorizeRequest) -> Result<String, Failure> {
        let query = format!("metadata['payment_id']:'{}'", asked.payment_id);
        match self.api.get::<Intents>(&[INTENTS, "search"], &[("query", &query)]).await {
            Ok(Intents { data }) => {
                let idle = [Status::RequiresConfirmation, Status::Canceled];
                if let Some(found) = data.into_iter().find(|it| !idle.contains(&it.status)) {
                    return Ok(found.id);
                }
            }
            // Not every account may search.
            Err(Failure::Refused { .. }) => {}
            Err(failure) => return Err(failure),
        }
        self.create(asked).await.map(|intent| intent.id)
    }

    async fn intent(&self, id: &str) -> Result<Intent, Failure> {
        self.api.get(&[INTENTS, id], &[]).await
    }

    /// Can be asked for any number of times, and is refused while something else is under way.
    async fn cancel(&self, id: &str) -> Result<Intent, Failure> {
        self.api.post(&[INTENTS, id, "cancel"], &Fields::new(), None).await
    }

    /// The refund that the shop calls so, if Stripe has heard of it. Keys are forgotten after a
    /// day; a refund that takes longer is not to be made twice.
    async fn earlier(&self, request: &RefundRequest) -> Result<Option<Refund>, Failure> {
        let query = [("payment_intent", request.reference.as_str()), ("limit", "100")];
        let Refunds { data } = self.api.get(&["refunds"], &query).await?;
        Ok(data.into_iter().find(|refund| {
            let metadata = refund.metadata.as_ref();
            metadata.and_then(object::Metadata::refund) == Some(request.refund_id)
        }))
    }
}

#[async_trait]
impl Provider for Stripe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self, method: &str) -> bool {
        let id = method.strip_prefix("pm_").unwrap_or_default();
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        plain && !id.is_empty() && method.len() <= METHOD_MAX
    }

    async fn authorize(&self, request: &AuthorizeRequest) -> Result<Authorization, ProviderError> {
        let created = self.create(request).await.map_err(nothing_charged)?;
        let key = format!("{}:confirm", request.idempotency_key);
        let path = [INTENTS, created.id.as_str(), "confirm"];
        match self.api.post::<Intent>(&path, &Fields::new(), Some(&key)).await {
            Ok(confirmed) => confirmed.authorization(),
            // Confirmed before, and the key was forgotten; or called off.
            Err(Failure::Refused { code }) if code == UNEXPECTED_STATE => {
                self.intent(&created.id).await.map_err(unknown)?.authorization()
            }
            Err(Failure::Refused { code }) => Ok(Authorization::Declined { code }),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn capture(&self, request: &CaptureRequest) -> Result<i64, ProviderError> {
        let units = amount::to_stripe(request.amount)?;
        let path = [INTENTS, request.reference.as_str(), "capture"];
        let fields = fields([("amount_to_capture", units.to_string())]);
        let captured: Intent =
            self.api.post(&path, &fields, Some(&request.idempotency_key)).await?;
        captured.received(request.amount.minor)
    }

    async fn void(&self, request: &VoidRequest) -> Result<(), ProviderError> {
        let id = match &request.reference {
            Some(reference) => reference.clone(),
            None => match self.known(&request.asked).await {
                Ok(id) => id,
                // Stripe would not have it then either.
                Err(Failure::Refused { .. }) => return Ok(()),
                Err(failure) => return Err(failure.into()),
            },
        };
        let canceled = self.cancel(&id).await?;
        if canceled.status == Status::Canceled {
            return Ok(());
        }
        Err(ProviderError::Unknown("a payment that was canceled is not".to_owned()))
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, ProviderError> {
        let units = amount::to_stripe(request.amount)?;
        if let Some(earlier) = self.earlier(request).await? {
            return Ok(earlier.answer());
        }
        let fields = fields([
            ("payment_intent", request.reference.clone()),
            ("amount", units.to_string()),
            ("metadata[payment_id]", request.payment_id.to_string()),
            ("metadata[refund_id]", request.refund_id.to_string()),
        ]);
        let refund: Refund =
            self.api.post(&["refunds"], &fields, Some(&request.idempotency_key)).await?;
        Ok(refund.answer())
    }

    async fn find(&self, request: &FindRequest) -> Result<Option<Found>, ProviderError> {
        let reference = match &request.reference {
            Some(reference) => reference.clone(),
            None => match self.known(&request.asked).await {
                Ok(id) => id,
                // It has never been, and nothing was charged.
                Err(Failure::Refused { .. }) => return Ok(None),
                Err(failure) => return Err(failure.into()),
            },
        };
        let intent = self.intent(&reference).await?;
        if intent.status == Status::RequiresPaymentMethod {
            // Stripe would take another card for it. The shop begins a new payment for that, so
            // this one is to be over there as well.
            self.cancel(&reference).await.map_err(unknown)?;
        }
        Ok(intent.state()?.map(|state: FoundState| Found { reference, state }))
    }

    fn verify_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookError> {
        signature::verify(&HEADER, &self.webhook_secrets, headers, body, now)?;
        event::read(body)
    }
}

fn fields<const N: usize>(fields: [(&str, String); N]) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Creating a payment charges nothing, whatever came of it. But what the key was used for before
/// may have.
fn nothing_charged(failure: Failure) -> ProviderError {
    match failure {
        Failure::Unknown(said) => ProviderError::NotDone(said),
        failure => failure.into(),
    }
}

/// A failure after the money was asked for.
fn unknown(failure: Failure) -> ProviderError {
    ProviderError::Unknown(ProviderError::from(failure).to_string())
}
