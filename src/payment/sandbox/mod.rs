//! The sandbox: a payment provider for trying the shop out, built in. It behaves like a foreign
//! system: it keeps a record of its own, on connections of its own, committed before it answers, and
//! knows the shop by what it is told.

mod event;
mod method;
mod service;

pub use event::SignedEvent;
pub use method::Method;
pub use service::{Charge, ChargeState};

use crate::config::SandboxSettings;
use crate::db::{Db, DbError, Timestamp};
use crate::payment::provider::{
    Authorization, AuthorizeRequest, CaptureRequest, FindRequest, Found, Provider, ProviderError,
    ProviderEvent, RefundAnswer, RefundRequest, VoidRequest, WebhookError,
};
use crate::payment::sandbox::service::Ledger;
use crate::payment::signature;
use async_trait::async_trait;
use chrono::TimeDelta;
use http::{HeaderMap, HeaderName};
use rand::RngExt;
use secrecy::SecretString;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Its name among providers.
pub const NAME: &str = "sandbox";

/// How long it remembers keys and events.
pub const KEPT: TimeDelta = TimeDelta::days(7);

/// The header that has the signature of a webhook.
const HEADER: HeaderName = HeaderName::from_static("sandbox-signature");

/// Connections that it needs: its transactions are short.
pub const CONNECTIONS: u32 = 4;

/// The sandbox; cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    ledger: Ledger,
    secrets: Arc<[SecretString]>,
    slow: Duration,
    confirms_after: Option<Duration>,
}

impl Sandbox {
    /// The sandbox with its record in `db`: connections that nobody else uses, see [`Db::beside`].
    #[must_use]
    pub fn new(db: Db, settings: &SandboxSettings) -> Self {
        let mut secrets = settings.webhook_secrets.clone();
        if secrets.is_empty() {
            secrets.push(random_secret());
        }
        Self {
            ledger: Ledger::new(db),
            secrets: secrets.into(),
            slow: settings.slow,
            confirms_after: settings.confirms_after,
        }
    }

    /// The payer of a `card_pending` confirms, or gives up. Gives the webhook that tells so; None
    /// when there is nothing to decide.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decide(
        &self,
        payment_id: Uuid,
        confirms: bool,
    ) -> Result<Option<SignedEvent>, DbError> {
        let body = self.ledger.decide(payment_id, confirms).await?;
        Ok(body.map(|body| self.sign(body)))
    }

    /// Everything that the sandbox has to tell of a payment, in its order, signed now. A webhook
    /// may come late, twice, or before another: whoever gets them must not care.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_of(&self, payment_id: Uuid) -> Result<Vec<SignedEvent>, DbError> {
        let bodies = self.ledger.events_of(payment_id).await?;
        Ok(bodies.into_iter().map(|body| self.sign(body)).collect())
    }

    /// Its record of a payment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn charge(&self, payment_id: Uuid) -> Result<Option<Charge>, DbError> {
        self.ledger.find(payment_id).await
    }

    /// Forgets the keys that it was called with and the events that it told, a week after; those of
    /// `needed` payments it keeps. Tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge(&self, needed: &HashSet<Uuid>) -> Result<u64, DbError> {
        self.ledger.purge(KEPT, needed).await
    }

    /// Closes its connections after the statements under way.
    pub async fn close(&self) {
        self.ledger.close().await;
    }

    /// Whether the payer would have confirmed by now, if somebody played the payer.
    fn is_confirmed_by_now(&self, charge: &Charge) -> bool {
        let age = (self.ledger.now() - charge.created_at).to_std().unwrap_or_default();
        charge.state == ChargeState::Pending && self.confirms_after.is_some_and(|it| age >= it)
    }

    fn sign(&self, body: String) -> SignedEvent {
        let now = self.ledger.now();
        let signature = self.secrets.first().map(|it| signature::sign(it, now, body.as_bytes()));
        SignedEvent { signature: signature.unwrap_or_default(), body }
    }
}

#[async_trait]
impl Provider for Sandbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self, method: &str) -> bool {
        Method::from_name(method).is_some()
    }

    async fn authorize(&self, request: &AuthorizeRequest) -> Result<Authorization, ProviderError> {
        let Some(method) = Method::from_name(&request.method) else {
            return Err(ProviderError::Refused { code: "unknown_method".to_owned() });
        };
        match method {
            Method::Timeout => std::future::pending().await,
            Method::Error => Err(ProviderError::NotDone("card_error always fails".to_owned())),
            Method::Slow => {
                tokio::time::sleep(self.slow).await;
                self.ledger.charge(request, method).await
            }
            Method::Late => {
                self.ledger.charge(request, method).await?;
                // The caller has a time limit.
                std::future::pending().await
            }
            Method::Approved | Method::Declined | Method::InsufficientFunds | Method::Pending => {
                self.ledger.charge(request, method).await
            }
        }
    }

    async fn capture(&self, request: &CaptureRequest) -> Result<i64, ProviderError> {
        self.ledger.capture(request).await
    }

    async fn void(&self, request: &VoidRequest) -> Result<(), ProviderError> {
        self.ledger.void(request).await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, ProviderError> {
        self.ledger.refund(request).await
    }

    async fn find(&self, request: &FindRequest) -> Result<Option<Found>, ProviderError> {
        let payment_id = request.asked.payment_id;
        let mut found = self.ledger.find(payment_id).await.map_err(service::fault)?;
        if found.as_ref().is_some_and(|charge| self.is_confirmed_by_now(charge)) {
            self.ledger.decide(payment_id, true).await.map_err(service::fault)?;
            found = self.ledger.find(payment_id).await.map_err(service::fault)?;
        }
        Ok(found.map(Found::from))
    }

    fn verify_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookError> {
        signature::verify(&HEADER, &self.secrets, headers, body, now)?;
        event::read(body)
    }
}

/// In development nobody has to make one up.
fn random_secret() -> SecretString {
    let random: [u8; 32] = rand::rng().random();
    random.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}
