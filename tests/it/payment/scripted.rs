//! A provider that does as a test tells it, and counts.

use async_trait::async_trait;
use http::HeaderMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stockroom::db::Timestamp;
use stockroom::payment::{
    Authorization, AuthorizeRequest, CaptureRequest, FindRequest, Found, Payments, Provider,
    ProviderError, ProviderEvent, RefundAnswer, RefundRequest, VoidRequest, WebhookError,
};
use tokio::sync::watch;

use crate::app::TestApp;

/// How the provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    Declines,
    /// Answers nothing until it is in another mood.
    Hangs,
    /// Fails like a server in trouble.
    Fails,
    Panics,
}

/// The provider; clones are the same one.
#[derive(Clone)]
pub struct Scripted {
    mood: Arc<watch::Sender<Mood>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

/// Counts a call out when it ends, however it ends.
struct InFlight(Arc<Counts>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Scripted {
    pub fn new(mood: Mood) -> Self {
        Self { mood: Arc::new(watch::channel(mood).0), counts: Arc::default() }
    }

    /// Payments by way of this provider alone.
    pub fn payments(&self, app: &TestApp) -> Payments {
        Payments::new(app.app.db.clone(), vec![Arc::new(self.clone())], &app.app.settings.payment)
    }

    pub fn becomes(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    pub fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::SeqCst)
    }

    pub fn in_flight(&self) -> usize {
        self.counts.in_flight.load(Ordering::SeqCst)
    }

    pub fn most_in_flight(&self) -> usize {
        self.counts.most_in_flight.load(Ordering::SeqCst)
    }

    async fn answer(&self) -> Result<Mood, ProviderError> {
        self.counts.calls.fetch_add(1, Ordering::SeqCst);
        let now = self.counts.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.counts.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let _in_flight = InFlight(Arc::clone(&self.counts));
        let mut mood = self.mood.subscribe();
        let mood = *mood.wait_for(|mood| *mood != Mood::Hangs).await.expect("the sender lives");
        match mood {
            Mood::Fails => Err(ProviderError::Unknown("500".to_owned())),
            Mood::Panics => panic!("the provider's library has a fault"),
            other => Ok(other),
        }
    }
}

#[async_trait]
impl Provider for Scripted {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn takes(&self, _: &str) -> bool {
        true
    }

    async fn authorize(&self, request: &AuthorizeRequest) -> Result<Authorization, ProviderError> {
        let reference = request.payment_id.to_string();
        Ok(match self.answer().await? {
            Mood::Declines => Authorization::Declined { code: "no".to_owned() },
            _ => Authorization::Captured { reference, amount: request.amount.minor },
        })
    }

    async fn capture(&self, request: &CaptureRequest) -> Result<i64, ProviderError> {
        match self.answer().await? {
            Mood::Declines => Err(ProviderError::Refused { code: "no".to_owned() }),
            _ => Ok(request.amount.minor),
        }
    }

    async fn void(&self, _: &VoidRequest) -> Result<(), ProviderError> {
        self.answer().await.map(drop)
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, ProviderError> {
        self.answer().await?;
        Ok(RefundAnswer::Succeeded { reference: request.refund_id.to_string() })
    }

    async fn find(&self, _: &FindRequest) -> Result<Option<Found>, ProviderError> {
        self.answer().await.map(|_| None)
    }

    fn verify_webhook(
        &self,
        _: &HeaderMap,
        _: &[u8],
        _: Timestamp,
    ) -> Result<ProviderEvent, WebhookError> {
        Err(WebhookError::Unsigned)
    }
}
