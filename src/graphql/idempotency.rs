//! Tells the client that an answer repeats an earlier one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by a mutation that answered from an idempotency key; the transport writes
/// `extensions.idempotency.replayed` from it. One per request, clones are the same.
#[derive(Clone, Default)]
pub struct Replayed(Arc<AtomicBool>);

impl Replayed {
    /// The answer is an earlier one.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether some mutation of the request answered from a key.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
