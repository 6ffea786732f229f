//! How old the news is that a subscription hands out: what finds it says so, and who sends it takes
//! the time.

use crate::db::Timestamp;
use parking_lot::Mutex;
use std::sync::Arc;

/// When what is about to be sent was committed, of several changes the oldest; clones are of the same
/// operation.
#[derive(Clone, Default)]
pub struct Freshness(Arc<Mutex<Option<Timestamp>>>);

impl Freshness {
    /// What is handed out next was committed then.
    pub fn set(&self, committed_at: Timestamp) {
        *self.0.lock() = Some(committed_at);
    }

    /// When what was just handed out was committed; None when that is not timed.
    #[must_use]
    pub fn take(&self) -> Option<Timestamp> {
        self.0.lock().take()
    }
}
