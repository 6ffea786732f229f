//! The doctor, called by tests when they have done their worst.

use super::TestApp;
use stockroom::doctor::{Invariant, Report, examine};

impl TestApp {
    /// The whole database is sound.
    pub async fn is_sound(&self) {
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
