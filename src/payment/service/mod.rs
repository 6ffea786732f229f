//! The payment service: its providers, and what it needs.

mod call;
mod capture;
mod event;
mod find;
mod open;
mod recover;
mod refund;
mod refusal;
mod row;
mod settle;
mod stats;
mod unsettled;

use crate::config::PaymentSettings;
use crate::db::{Db, Tx};
use crate::payment::attempt::Payment;
use crate::payment::breaker::{BreakerState, Clock};
use crate::payment::error::PaymentError;
use crate::payment::gateway::{Gateway, GatewayLimits};
use crate::payment::provider::Provider;
use crate::validation::{Problem, ProblemKind};
use chrono::TimeDelta;
use entity::payment;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, LockType, Query, SelectStatement};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// While somebody works on a payment, others leave it alone for so long.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// The longest time between two questions about a payment whose fate is not known.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(10);

/// The payments of the shop; cheap to clone.
#[derive(Clone)]
pub struct Payments {
    db: Db,
    gateways: Arc<[Gateway]>,
}

/// So many calls of half a minute that fail, and half of all, are told of: fewer than end with
/// nobody calling, as in a shop where few pay.
const FAILED_MIN: u32 = 3;

/// A provider is not well.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderAway {
    /// Nobody calls it, or only a few do, to try.
    #[error("{0} is not called because too many calls failed")]
    NotCalled(&'static str),
    /// It is called, and most calls fail.
    #[error("{failed} of {calls} calls to {provider} in half a minute failed")]
    Fails {
        /// Its name.
        provider: &'static str,
        /// Calls that failed, or took too long.
        failed: u32,
        /// All calls.
        calls: u32,
    },
}

impl Payments {
    /// Payments by way of these providers.
    #[must_use]
    pub fn new(db: Db, providers: Vec<Arc<dyn Provider>>, settings: &PaymentSettings) -> Self {
        let limits = GatewayLimits::from(settings);
        let clock = clock(&db);
        let gateways = providers.into_iter();
        let gateways = gateways.map(|it| Gateway::new(it, limits, Arc::clone(&clock))).collect();
        Self { db, gateways }
    }

    /// Whether an order can be paid so.
    ///
    /// # Errors
    /// [`PaymentError::Invalid`] at `payment.provider` or `payment.method`.
    pub fn check_method(&self, provider: &str, method: &str) -> Result<(), PaymentError> {
        let wrong = |field: &str, message: String| {
            Err(Problem::new(ProblemKind::Invalid, ["payment", field], message).into())
        };
        let Some(gateway) = self.gateway(provider) else {
            return wrong("provider", "The shop does not take payments of this provider.".into());
        };
        if !gateway.provider().takes(method) {
            return wrong("method", format!("{provider} has no such method of payment."));
        }
        Ok(())
    }

    /// Whether providers are called; of several the worst.
    #[must_use]
    pub fn breaker_state(&self) -> BreakerState {
        let states = self.gateways.iter().map(Gateway::state);
        states.max().unwrap_or(BreakerState::Closed)
    }

    /// Whether each provider is called, by its name.
    #[must_use]
    pub fn breakers(&self) -> Vec<(&'static str, BreakerState)> {
        self.gateways.iter().map(|it| (it.provider().name(), it.state())).collect()
    }

    /// Whether every provider is called, and answers.
    ///
    /// # Errors
    /// What is wrong with the first one of which that is not so.
    pub fn check(&self) -> Result<(), ProviderAway> {
        self.gateways.iter().try_for_each(|gateway| {
            let provider = gateway.provider().name();
            if gateway.state() != BreakerState::Closed {
                return Err(ProviderAway::NotCalled(provider));
            }
            let (calls, failed) = gateway.lately();
            if failed >= FAILED_MIN && failed.saturating_mul(2) >= calls {
                return Err(ProviderAway::Fails { provider, failed, calls });
            }
            Ok(())
        })
    }

    fn gateway(&self, provider: &str) -> Option<&Gateway> {
        self.gateways.iter().find(|gateway| gateway.provider().name() == provider)
    }

    /// Locks a payment's row until the transaction ends.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when there is none.
    pub async fn lock_in_txn(&self, tx: &Tx, id: Uuid) -> Result<Payment, PaymentError> {
        let mut select = select_payments();
        select.and_where(Expr::col(payment::Column::Id).eq(id));
        if tx.db().is_postgres() {
            // On SQLite whoever is in a transaction is alone.
            select.lock(LockType::Update);
        }
        let row: Option<payment::Model> = tx.one(&select).await?;
        row.ok_or(PaymentError::NotFound)?.try_into()
    }
}

/// A select of whole payments, to be restricted further.
fn select_payments() -> SelectStatement {
    let mut select = Query::select();
    select.column((payment::Entity, Asterisk)).from(payment::Entity);
    select
}

/// The time since now, moved as tests move the database's.
fn clock(db: &Db) -> Clock {
    let (began, db) = (Instant::now(), db.clone());
    Arc::new(move || began.elapsed() + db.clock_offset().to_std().unwrap_or_default())
}

/// How long to wait before the next question, after so many.
fn pause(attempts: i32) -> TimeDelta {
    let doublings = Ord::min(u32::try_from(attempts).unwrap_or(0), 16);
    let pause = TimeDelta::seconds(2_i64.saturating_pow(doublings.saturating_add(1)));
    Ord::min(pause, LONGEST_PAUSE)
}

impl From<&PaymentSettings> for GatewayLimits {
    fn from(settings: &PaymentSettings) -> Self {
        Self {
            call: settings.call_limit,
            patience: settings.call_limit,
            places: settings.calls_in_flight,
            breaker: crate::payment::breaker::BreakerLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_rarer_and_never_stop() {
        let seconds = |attempts| pause(attempts).num_seconds();
        assert_eq!([0, 1, 2, 3].map(seconds), [2, 4, 8, 16]);
        assert_eq!([9, 1_000, i32::MAX].map(seconds), [600; 3]);
    }
}
