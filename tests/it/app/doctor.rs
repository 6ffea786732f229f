//! The doctor, called by tests when they have done their worst.

use super::TestApp;
use chrono::TimeDelta;
use stockroom::doctor::{Invariant, Report, examine};

impl TestApp {
    /// The whole database is sound, once its events are delivered.
    pub async fn is_sound(&self) {
        self.app.courier.deliver_due().await.expect("events are delivered");
        self.is_sound_as_to(Invariant::ALL).await;
    }

    /// The database is sound as far as these invariants go: for tests that make up a part of it,
    /// such as stock that is held for orders that are not there.
    pub async fn is_sound_as_to(&self, invariants: &[Invariant]) {
        let report = self.report(invariants).await;
        let found: Vec<_> = report.verdicts.iter().filter(|verdict| verdict.broken > 0).collect();
        assert!(report.healthy, "the doctor finds: {found:#?}");
    }

    /// What the doctor finds.
    pub async fn report(&self, invariants: &[Invariant]) -> Report {
        examine(&self.app.db, invariants).await.expect("the doctor can look")
    }
}

/// Minutes of the database's clock that pass in one turn of coming to rest.
const TURN: TimeDelta = TimeDelta::minutes(2);
/// More than it takes until the last hold and the last lease are over.
const TURNS: usize = 60;

impl TestApp {
    /// Time passes, and what is done in the background is done, until nothing is left to do: every
    /// payment is decided, every order that nobody paid has ended, every event is delivered.
    pub async fn comes_to_rest(&self) {
        let busy = "SELECT (SELECT COUNT(*) FROM payment WHERE lease_until IS NOT NULL \
                AND state NOT IN ('VOIDED', 'DECLINED', 'UNAVAILABLE')) \
             + (SELECT COUNT(*) FROM refund WHERE lease_until IS NOT NULL) \
             + (SELECT COUNT(*) FROM shop_order WHERE status = 'PENDING_PAYMENT') \
             + (SELECT COUNT(*) FROM outbox WHERE status IN ('PENDING', 'INFLIGHT'))";
        for _ in 0..TURNS {
            self.app.services.orders.recover().await.expect("payments are recovered");
            self.app.services.orders.expire_due().await.expect("orders are ended");
            self.works().await;
            self.app.courier.deliver_due().await.expect("events are delivered");
            if self.number(busy).await == 0 {
                return;
            }
            self.waits(TURN);
        }
        panic!("it does not come to rest: {} things are left", self.number(busy).await);
    }
}
