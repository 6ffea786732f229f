//! How old the news is that a subscription hands out: what finds it says so, and who sends it takes
//! the time.

use crate::db::Timestamp;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::time::Instant;

/// When what is about to be sent happened, of several changes the oldest, and when it was heard of;
/// clones are of the same operation.
#[derive(Clone, Default)]
pub struct Freshness(Arc<Mutex<News>>);

#[derive(Default)]
struct News {
    committed_at: Option<Timestamp>,
    heard_at: Option<Instant>,
}

impl Freshness {
    /// What is handed out next was committed then; None when that is not timed.
    pub fn set_committed(&self, committed_at: Option<Timestamp>) {
        self.0.lock().committed_at = committed_at;
    }

    /// What is handed out next was heard of then, by all who are told of it; None when it is told
    /// to this operation alone.
    pub fn set_heard(&self, heard_at: Option<Instant>) {
        self.0.lock().heard_at = heard_at;
    }

    /// When what was just handed out was committed; None when that is not timed.
    #[must_use]
    pub fn take_committed(&self) -> Option<Timestamp> {
        self.0.lock().committed_at.take()
    }

    /// When what is being handed out was heard of: whatever was looked up since then for others
    /// who are told of it is as good as an own look.
    #[must_use]
    pub fn heard_at(&self) -> Option<Instant> {
        self.0.lock().heard_at
    }
}
