//! The way to a provider: a place among the calls in flight, the breaker's permit, a time limit.

use crate::failpoint;
use crate::payment::breaker::{Breaker, BreakerLimits, BreakerState, Clock, Refused};
use crate::payment::provider::{Provider, ProviderError};
use crate::telemetry;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// What stands around each call.
#[derive(Debug, Clone, Copy)]
pub struct GatewayLimits {
    /// How long a call may take.
    pub call: Duration,
    /// How long a caller waits for a place.
    pub patience: Duration,
    /// Calls in flight at once: a provider that hangs leaves so many payments open, and no more.
    pub places: usize,
    /// When calls are not made at all.
    pub breaker: BreakerLimits,
}

/// A provider with what stands around each call; clones share all of it.
#[derive(Clone)]
pub struct Gateway {
    provider: Arc<dyn Provider>,
    breaker: Breaker,
    places: Arc<Semaphore>,
    limits: GatewayLimits,
}

/// Why a call brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missed {
    /// Nothing was done, for certain.
    NotDone {
        /// When it may help to try again.
        retry_after_seconds: u32,
    },
    /// The provider refused.
    Refused {
        /// Why, in its code.
        code: String,
    },
    /// Something may have been done.
    Unknown,
}

impl Gateway {
    /// The way to this provider.
    pub fn new(provider: Arc<dyn Provider>, limits: GatewayLimits, clock: Clock) -> Self {
        let breaker = Breaker::new(limits.breaker, clock);
        let places = Arc::new(Semaphore::new(limits.places));
        Self { provider, breaker, places, limits }
    }

    /// The provider itself, for what needs no call.
    pub fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// Whether it is called.
    pub fn state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Makes a call. It is dropped when its time is over.
    pub async fn call<T, F, Fut>(&self, make: F) -> Result<T, Missed>
    where
        F: FnOnce(Arc<dyn Provider>) -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        let began = Instant::now();
        // Who would wait for a place would wait for nothing.
        if let Some(refused) = self.breaker.refusal() {
            return Err(self.refuse_at_once(refused, began));
        }
        let place = tokio::time::timeout(self.limits.patience, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(self.refuse(Duration::from_secs(1))) };
        let asked = Instant::now();
        let permit =
            self.breaker.permit().map_err(|refused| self.refuse_at_once(refused, asked))?;
        if permit.is_of_an_open_breaker() {
            telemetry::count(telemetry::PAYMENT_CALLS_WHILE_OPEN);
        }
        let called = async {
            let answer = make(Arc::clone(&self.provider)).await;
            failpoint::reach("gateway.before_answer").await;
            answer
        };
        let began = Instant::now();
        let answer = tokio::time::timeout(self.limits.call, called).await;
        telemetry::time(telemetry::PAYMENT_CALLS, began.elapsed());
        let provider = self.provider.name();
        let result = match answer {
            Ok(Ok(answer)) => {
                permit.answered();
                return Ok(answer);
            }
            Ok(Err(ProviderError::Refused { code })) => {
                permit.answered();
                return Err(Missed::Refused { code });
            }
            Ok(Err(error @ ProviderError::NotDone(_))) => {
                tracing::warn!(provider, %error, "a payment provider failed");
                Err(Missed::NotDone { retry_after_seconds: 1 })
            }
            Ok(Err(error @ ProviderError::Unknown(_))) => {
                tracing::warn!(provider, %error, "a payment provider failed");
                Err(Missed::Unknown)
            }
            Err(_) => {
                tracing::warn!(provider, "a payment provider does not answer");
                Err(Missed::Unknown)
            }
        };
        telemetry::count(telemetry::PAYMENT_CALLS_FAILED);
        if permit.failed() {
            telemetry::count(telemetry::PAYMENT_BREAKER_OPENED);
            tracing::error!(provider, "a payment provider is not called for a while");
        }
        result
    }

    /// The breaker lets nobody through.
    fn refuse_at_once(&self, refused: Refused, began: Instant) -> Missed {
        telemetry::time(telemetry::PAYMENT_REFUSED_FAST, began.elapsed());
        self.refuse(refused.retry_after)
    }

    fn refuse(&self, retry_after: Duration) -> Missed {
        telemetry::count(telemetry::PAYMENT_CALLS_REFUSED);
        let up = Duration::from_millis(999);
        let seconds = retry_after.saturating_add(up).as_secs().max(1);
        Missed::NotDone { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
    }
}
