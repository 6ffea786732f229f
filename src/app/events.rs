//! Who takes events from the outbox, and whether they are taken.

use crate::app::App;
use crate::config::Settings;
use crate::db::{Db, DbError};
use crate::events::{self, Bus, BusSink, Courier, CourierTerms};
use chrono::TimeDelta;
use std::sync::Arc;

/// Events that wait for so long are told of: longer than for one before them that is refused until
/// it is dead.
const LATE: TimeDelta = TimeDelta::minutes(2);

/// Why events are not delivered.
#[derive(Debug, thiserror::Error)]
pub enum EventsWait {
    /// They wait.
    #[error("events wait for {0} s")]
    Late(i64),
    /// Nobody knows.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl App {
    /// Whether events are delivered.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check_events(&self) -> Result<(), EventsWait> {
        check_events(&self.db).await
    }
}

pub(super) async fn check_events(db: &Db) -> Result<(), EventsWait> {
    let Some(oldest) = events::waiting(db).await?.oldest else { return Ok(()) };
    let waited = db.now() - oldest;
    if waited > LATE { Err(EventsWait::Late(waited.num_seconds())) } else { Ok(()) }
}

/// The courier between this database and this bus.
pub(super) fn courier(db: &Db, bus: &Bus, settings: &Settings) -> Courier {
    let terms = CourierTerms {
        batch: u64::from(settings.outbox.batch),
        attempts: i32::from(settings.outbox.attempts),
        ..CourierTerms::default()
    };
    Courier::new(db.clone(), Arc::new(BusSink::new(bus.clone())), terms)
}
