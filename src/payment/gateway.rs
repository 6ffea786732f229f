//! The way to a provider: a place among the calls in flight, the breaker's permit, a time limit.

use crate::failpoint;
use crate::payment::breaker::{Breaker, BreakerLimits, BreakerState, Clock, Refused};
use crate::payment::provider::{Provider, ProviderError};
use crate::telemetry;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

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

    /// Calls of the last half minute, and how many of these failed, while all may call.
    pub fn lately(&self) -> (u32, u32) {
        self.breaker.lately()
    }

    /// Makes a call. It is dropped when its time is over.
    pub async fn call<T, F, Fut>(&self, make: F) -> Result<T, Missed>
    where
        F: FnOnce(Arc<dyn Provider>) -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        let began = Instant::now();
        let _place = self.place(began).await?;
        let permit =
            self.breaker.permit().map_err(|refused| self.refuse_at_once(refused, began))?;
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

    /// Waits for a place among the calls in flight, until nobody is let through any more.
    async fn place(&self, began: Instant) -> Result<SemaphorePermit<'_>, Missed> {
        let turn = tokio::time::timeout(self.limits.patience, self.places.acquire());
        let mut turn = std::pin::pin!(turn);
        loop {
            // Listens before it looks: it misses no opening between the two.
            let mut opens = std::pin::pin!(self.breaker.opens());
            opens.as_mut().enable();
            // Who would wait for a place would wait for nothing.
            if let Some(refused) = self.breaker.refusal() {
                return Err(self.refuse_at_once(refused, began));
            }
            tokio::select! {
                place = &mut turn => {
                    let Ok(Ok(place)) = place else { return Err(self.refuse_waiting(began)) };
                    return Ok(place);
                }
                () = opens => {}
            }
        }
    }

    /// The breaker lets nobody through. Who was in line before it opened is refused from then on.
    fn refuse_at_once(&self, refused: Refused, began: Instant) -> Missed {
        let since = self.breaker.opened_at().map_or(began, |opened| Ord::max(opened, began));
        telemetry::time(telemetry::PAYMENT_REFUSED_FAST, since.elapsed());
        self.refuse(refused.retry_after)
    }

    /// No place came free in time.
    fn refuse_waiting(&self, began: Instant) -> Missed {
        telemetry::time(telemetry::PAYMENT_REFUSED_BUSY, began.elapsed());
        self.refuse(Duration::from_secs(1))
    }

    fn refuse(&self, retry_after: Duration) -> Missed {
        telemetry::count(telemetry::PAYMENT_CALLS_REFUSED);
        let up = Duration::from_millis(999);
        let seconds = retry_after.saturating_add(up).as_secs().max(1);
        Missed::NotDone { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::{
        Authorization, AuthorizeRequest, CaptureRequest, FindRequest, Found, ProviderEvent,
        RefundAnswer, RefundRequest, VoidRequest, WebhookError,
    };
    use crate::telemetry::{PAYMENT_REFUSED_BUSY, PAYMENT_REFUSED_FAST, spread};
    use async_trait::async_trait;
    use http::HeaderMap;

    /// A provider that nobody gets to.
    struct Unreached;

    #[async_trait]
    impl Provider for Unreached {
        fn name(&self) -> &'static str {
            "unreached"
        }
        fn takes(&self, _: &str) -> bool {
            true
        }
        async fn authorize(&self, _: &AuthorizeRequest) -> Result<Authorization, ProviderError> {
            unreachable!()
        }
        async fn capture(&self, _: &CaptureRequest) -> Result<i64, ProviderError> {
            unreachable!()
        }
        async fn void(&self, _: &VoidRequest) -> Result<(), ProviderError> {
            unreachable!()
        }
        async fn refund(&self, _: &RefundRequest) -> Result<RefundAnswer, ProviderError> {
            unreachable!()
        }
        async fn find(&self, _: &FindRequest) -> Result<Option<Found>, ProviderError> {
            unreachable!()
        }
        fn verify_webhook(
            &self,
            _: &HeaderMap,
            _: &[u8],
            _: crate::db::Timestamp,
        ) -> Result<ProviderEvent, WebhookError> {
            unreachable!()
        }
    }

    /// The way to a provider with one place, which is taken.
    fn gateway(patience: Duration) -> Gateway {
        let limits = GatewayLimits {
            call: Duration::from_secs(3_600),
            patience,
            places: 1,
            breaker: BreakerLimits::default(),
        };
        let gateway = Gateway::new(Arc::new(Unreached), limits, Arc::new(Duration::default));
        gateway.places.try_acquire().unwrap().forget();
        gateway
    }

    fn opens(gateway: &Gateway) {
        (0..20).for_each(|_| _ = gateway.breaker.permit().ok().unwrap().failed());
        assert_eq!(gateway.state(), BreakerState::Open);
    }

    async fn call(gateway: &Gateway) -> Result<(), Missed> {
        gateway.call(async |_| unreachable!("it is not called")).await
    }

    #[tokio::test]
    async fn who_waits_in_line_is_refused_when_it_opens_though_no_place_comes_free() {
        let gateway = gateway(Duration::from_secs(3_600));
        let waiting = std::pin::pin!(call(&gateway));
        let futures::future::Either::Right((_, waiting)) =
            futures::future::select(waiting, std::future::ready(())).await
        else {
            panic!("it does not wait")
        };

        opens(&gateway);

        assert_eq!(waiting.await, Err(Missed::NotDone { retry_after_seconds: 10 }));
        assert_eq!(spread(PAYMENT_REFUSED_FAST).count(), 1);
    }

    #[tokio::test]
    async fn a_wait_for_nothing_is_timed_and_apart_from_refusals_of_an_open_circuit() {
        let gateway = gateway(Duration::from_millis(5));
        let (busy, fast) = (spread(PAYMENT_REFUSED_BUSY), spread(PAYMENT_REFUSED_FAST));

        assert_eq!(call(&gateway).await, Err(Missed::NotDone { retry_after_seconds: 1 }));

        let after = spread(PAYMENT_REFUSED_BUSY);
        assert_eq!(after.count() - busy.count(), 1);
        assert!(after.sum_us - busy.sum_us >= 5_000, "as long as it waited");
        assert_eq!(spread(PAYMENT_REFUSED_FAST), fast);
    }

    #[tokio::test]
    async fn how_long_a_refusal_took_begins_when_the_circuit_opened() {
        let gateway = gateway(Duration::from_secs(3_600));
        let an_hour = Duration::from_secs(3_600);
        let Some(long_ago) = Instant::now().checked_sub(an_hour) else { return };
        let refused = Refused { retry_after: Duration::from_secs(1) };
        let took_us = || {
            let before = spread(PAYMENT_REFUSED_FAST).sum_us;
            gateway.refuse_at_once(refused, long_ago);
            u128::from(spread(PAYMENT_REFUSED_FAST).sum_us - before)
        };
        assert!(took_us() >= an_hour.as_micros(), "it never opened");
        opens(&gateway);
        assert!(took_us() < an_hour.as_micros(), "it opened just now");
    }
}
