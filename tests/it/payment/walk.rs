//! Random walks over everything that can happen to payments, with a provider that fails before and
//! after it has done its work, answers that are lost, and webhooks in any order. When it is over and
//! all is quiet, the shop's rows and the provider's own record agree to the cent.

use crate::app::{TestApp, eur};
use async_trait::async_trait;
use chrono::TimeDelta;
use http::HeaderMap;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stockroom::db::Timestamp;
use stockroom::doctor::Invariant;
use stockroom::payment::sandbox::{ChargeState, Sandbox, SignedEvent};
use stockroom::payment::{
    Authorization, AuthorizeRequest, CaptureRequest, FindRequest, Found, NewRefund, OpenedRefund,
    PaymentError, PaymentState, Payments, Provider, ProviderError, ProviderEvent, RefundAnswer,
    RefundRequest, Said, VoidRequest, WebhookError,
};
use uuid::Uuid;

const PAYMENTS: usize = 6;
const STEPS: usize = 80;

/// The sandbox behind a bad line.
struct Flaky {
    sandbox: Sandbox,
    random: Mutex<StdRng>,
    well: Arc<AtomicBool>,
}

impl Flaky {
    /// Does the work or not, and answers or not.
    async fn maybe<T>(
        &self,
        work: impl Future<Output = Result<T, ProviderError>> + Send,
    ) -> Result<T, ProviderError> {
        let fate = self.random.lock().random_range(0..100);
        if self.well.load(Ordering::SeqCst) {
            return work.await;
        }
        match fate {
            0..12 => Err(ProviderError::NotDone("no way there".to_owned())),
            12..24 => Err(ProviderError::Unknown("lost on the way there".to_owned())),
            24..44 => {
                work.await?;
                Err(ProviderError::Unknown("lost on the way back".to_owned()))
            }
            _ => work.await,
        }
    }
}

#[async_trait]
impl Provider for Flaky {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn takes(&self, method: &str) -> bool {
        self.sandbox.takes(method)
    }

    async fn authorize(&self, request: &AuthorizeRequest) -> Result<Authorization, ProviderError> {
        self.maybe(self.sandbox.authorize(request)).await
    }

    async fn capture(&self, request: &CaptureRequest) -> Result<i64, ProviderError> {
        self.maybe(self.sandbox.capture(request)).await
    }

    async fn void(&self, request: &VoidRequest) -> Result<(), ProviderError> {
        self.maybe(self.sandbox.void(request)).await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, ProviderError> {
        self.maybe(self.sandbox.refund(request)).await
    }

    async fn find(&self, request: &FindRequest) -> Result<Option<Found>, ProviderError> {
        self.maybe(self.sandbox.find(request)).await
    }

    fn verify_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookError> {
        self.sandbox.verify_webhook(headers, body, now)
    }
}

struct Walk {
    app: TestApp,
    payments: Payments,
    random: StdRng,
    well: Arc<AtomicBool>,
    ids: Vec<Uuid>,
}

impl Walk {
    async fn begin(seed: u64) -> Self {
        let app = TestApp::start().await;
        let well = Arc::new(AtomicBool::new(false));
        let flaky = Flaky {
            sandbox: app.sandbox().clone(),
            random: Mutex::new(StdRng::seed_from_u64(seed ^ 1)),
            well: Arc::clone(&well),
        };
        let settings = &app.app.settings.payment;
        let payments = Payments::new(app.app.db.clone(), vec![Arc::new(flaky)], settings);
        let mut random = StdRng::seed_from_u64(seed);
        let mut ids = Vec::new();
        for _ in 0..PAYMENTS {
            let methods = ["card_approved", "card_approved", "card_pending", "card_declined"];
            let method = methods.choose(&mut random).expect("there are some");
            let payment = app.begins_to_pay(method, random.random_bool(0.4)).await;
            ids.push(payment.id);
            let outcome = payments.authorize(&payment).await;
            // Else the process died before it could write it down.
            if random.random_bool(0.8) {
                app.settles(&payment, &outcome).await;
            }
        }
        Self { app, payments, random, well, ids }
    }

    /// Whether the answer to a call is written down.
    fn survives(&mut self) -> bool {
        self.random.random_bool(0.8)
    }

    async fn step(&mut self) {
        let id = *self.ids.choose(&mut self.random).expect("there are some");
        match self.random.random_range(0..8) {
            0 => self.capture(id).await,
            1 => self.void(id).await,
            2 | 3 => self.refund(id).await,
            4 => {
                let confirms = self.random.random_bool(0.7);
                self.app.sandbox().decide(id, confirms).await.expect("the sandbox answers");
            }
            5 => self.hear(id).await,
            6 => drop(self.recover().await),
            _ => self.app.waits(TimeDelta::seconds(self.random.random_range(0..40))),
        }
    }

    async fn capture(&mut self, id: Uuid) {
        let cents = self.random.random_range(1..=10_000);
        let payments = &self.payments;
        let opened =
            self.app.app.db.tx(|tx| async move {
                payments.open_capture_in_txn(&tx, id, Some(eur(cents))).await
            });
        match opened.await {
            Ok(payment) => {
                let outcome = self.payments.capture(&payment).await;
                if self.survives() {
                    self.app.settles(&payment, &outcome).await;
                }
            }
            Err(PaymentError::InvalidState { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn void(&mut self, id: Uuid) {
        let payments = &self.payments;
        let opened =
            self.app.app.db.tx(|tx| async move { payments.open_void_in_txn(&tx, id, None).await });
        match opened.await {
            Ok(payment) => {
                let outcome = self.payments.void(&payment).await;
                if self.survives() {
                    self.app.settles(&payment, &outcome).await;
                }
            }
            Err(PaymentError::InvalidState { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn refund(&mut self, id: Uuid) {
        let amount = eur(self.random.random_range(1..=6_000));
        let key = self.random.random_range(0..6).to_string();
        let (payments, new) = (
            &self.payments,
            &NewRefund { payment_id: id, amount, key, reason: None, restock: false, turn: 0 },
        );
        let opened =
            self.app.app.db.tx(|tx| async move { payments.open_refund_in_txn(&tx, new).await });
        match opened.await {
            Ok(OpenedRefund::New(refund)) => {
                let outcome = payments.refund(&self.app.payment(id).await, &refund).await;
                if self.survives() {
                    self.settle_refund(refund.id, &outcome).await;
                }
            }
            Ok(OpenedRefund::Earlier(_))
            | Err(
                PaymentError::InvalidState { .. }
                | PaymentError::Amount { .. }
                | PaymentError::KeyReused,
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn settle_refund(&self, id: Uuid, outcome: &stockroom::payment::RefundOutcome) {
        let payments = &self.payments;
        let settled = self
            .app
            .app
            .db
            .tx(|tx| async move { payments.settle_refund_in_txn(&tx, id, outcome).await });
        settled.await.expect("the refund is there");
    }

    /// One of the webhooks of a payment comes, perhaps again, perhaps before an earlier one.
    async fn hear(&mut self, id: Uuid) {
        let events = self.app.sandbox().events_of(id).await.expect("the sandbox answers");
        let Some(event) = events.choose(&mut self.random) else { return };
        let signature = event.signature.parse().expect("it is ASCII");
        let headers = HeaderMap::from_iter([(SignedEvent::HEADER, signature)]);
        let heard = self.payments.verify_webhook("sandbox", &headers, event.body.as_bytes());
        match heard.expect("it is genuine").said {
            Said::Payment(outcome) => {
                let payment = self.app.payment(id).await;
                self.app.settles(&payment, &outcome).await;
            }
            Said::Refund { refund_id, outcome } => self.settle_refund(refund_id, &outcome).await,
            Said::Changed | Said::Nothing => {}
        }
    }

    async fn recover(&self) -> usize {
        let stuck = self.payments.claim_stuck(50).await.expect("the database answers");
        for payment in &stuck {
            let payments = &self.payments;
            let outcome = &payments.ask(payment).await;
            let db = &self.app.app.db;
            let settled = db
                .tx(|tx| async move { payments.settle_found_in_txn(&tx, payment, outcome).await });
            settled.await.expect("the payment is there");
        }
        let refunds = self.payments.claim_stuck_refunds(50).await.expect("the database answers");
        for refund in &refunds {
            let payment = self.app.payment(refund.payment_id).await;
            let outcome = self.payments.refund(&payment, refund).await;
            self.settle_refund(refund.id, &outcome).await;
        }
        stuck.len() + refunds.len()
    }

    /// The provider is well again, every payer has decided, and recovery finds out the rest.
    async fn comes_to_rest(&self) {
        self.well.store(true, Ordering::SeqCst);
        for id in &self.ids {
            self.app.sandbox().decide(*id, true).await.expect("the sandbox answers");
        }
        for _ in 0..30 {
            self.app.waits(TimeDelta::minutes(11));
            if self.recover().await == 0 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    async fn agrees(&self, seed: u64) {
        for id in &self.ids {
            let (ours, theirs) = (self.app.payment(*id).await, self.app.charge(*id).await);
            let said = format!("seed {seed}: {ours:?}\n{theirs:?}");
            let charge =
                theirs.as_ref().map(|charge| (charge.state, charge.captured, charge.refunded));
            match ours.state {
                PaymentState::Captured => {
                    let expected = (ChargeState::Captured, ours.captured, ours.refunded);
                    assert_eq!(charge, Some(expected), "{said}");
                }
                PaymentState::Authorized => {
                    assert_eq!(charge, Some((ChargeState::Authorized, 0, 0)), "{said}");
                }
                PaymentState::Voided | PaymentState::Declined | PaymentState::Unavailable => {
                    let free = [None, Some(ChargeState::Voided), Some(ChargeState::Declined)];
                    assert!(free.contains(&charge.map(|(state, ..)| state)), "{said}");
                }
                other => panic!("{other:?} is no rest: {said}"),
            }
            assert_eq!(ours.refund_pending, 0, "{said}");
        }
        self.app.is_sound_as_to(&[Invariant::Money]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_our_rows_and_the_providers_record_agree_in_the_end() {
    let (mut captured, mut refunded) = (0, 0);
    for seed in 0..12 {
        let mut walk = Box::pin(Walk::begin(seed)).await;
        for _ in 0..STEPS {
            walk.step().await;
        }
        walk.comes_to_rest().await;
        walk.agrees(seed).await;
        for id in &walk.ids {
            let payment = walk.app.payment(*id).await;
            captured += u32::from(payment.state == PaymentState::Captured);
            refunded += u32::from(payment.refunded > 0);
        }
    }
    assert!(captured > 10 && refunded > 5, "the walks went nowhere: {captured}, {refunded}");
}
