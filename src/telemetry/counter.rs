//! Counters: how often something happened since the process began.

use crate::telemetry::drain::{Scope, Tally};

/// A counter.
#[derive(Clone, Copy)]
pub struct Counter(&'static Cell);

struct Cell {
    name: &'static str,
    about: &'static str,
    scope: Scope,
    tally: Tally,
}

macro_rules! counters {
    ($($(#[doc = $about:literal])+ $name:ident: $scope:ident,)+) => {
        $($(#[doc = $about])+ pub const $name: Counter = {
            static CELL: Cell = Cell {
                name: stringify!($name),
                about: concat!($($about),+),
                scope: Scope::$scope,
                tally: Tally::new(),
            };
            Counter(&CELL)
        };)+

        /// Every counter.
        pub const COUNTERS: &[Counter] = &[$($name),+];
    };
}

counters! {
    /// GraphQL requests: over HTTP each request, on a socket each operation. A client that hung up
    /// before its answer counts as well.
    GRAPHQL_REQUESTS: Shop,
    /// GraphQL requests that met a fault of the server: an error with the code
    /// INTERNAL_SERVER_ERROR or SERVICE_UNAVAILABLE is in the answer. Refusals are none.
    GRAPHQL_FAULTS: Shop,
    /// Checkouts and orders by staff that came as far as the stock: those that got it, and those
    /// that were told that there is not enough.
    ORDERS_PLACED: Shop,
    /// Times that a database constraint had to save us: must stay 0.
    STOCK_CONFLICTS: Shop,
    /// Clean "not enough stock" answers.
    STOCK_REJECTIONS: Shop,
    /// Tries that were refused because there were too many.
    THROTTLED_REQUESTS: Shop,
    /// Look-ups that the in-process cache answered.
    CACHE_HITS: Shop,
    /// Look-ups that went on to Redis or the database.
    CACHE_MISSES: Shop,
    /// Changes of stock that were handed to a socket before they were made, by clocks that differ: how
    /// long they took is not known.
    LIVE_STOCK_CLOCKS_DIFFER: Shop,
    /// Attempts to pay that were authorized or captured.
    PAYMENTS_SUCCEEDED: Shop,
    /// Attempts to pay that the provider declined.
    PAYMENTS_DECLINED: Shop,
    /// Attempts to pay that failed because the provider could not be asked.
    PAYMENTS_FAILED: Shop,
    /// Calls to payment providers that failed or were not answered in time; declines are answers.
    PAYMENT_CALLS_FAILED: Shop,
    /// Calls that were not made: the provider's breaker was open, or too many were in flight.
    PAYMENT_CALLS_REFUSED: Shop,
    /// Calls that were made though the provider's breaker was open: must stay 0.
    PAYMENT_CALLS_WHILE_OPEN: Shop,
    /// Times that the breaker of a payment provider opened.
    PAYMENT_BREAKER_OPENED: Shop,
    /// Transactions that were repeated because another was in their way.
    TX_RETRIES: Process,
    /// Refresh tokens that were used again after they were spent; their sessions ended.
    REFRESH_TOKENS_REPLAYED: Process,
    /// Whole answers that were given again, or to several who asked at once.
    RESPONSES_REUSED: Process,
    /// Jobs that were done.
    JOBS_DONE: Process,
    /// Attempts at jobs that failed and are repeated.
    JOBS_RETRIED: Process,
    /// Jobs that failed for the last time.
    JOBS_DEAD: Process,
    /// Events that a sink has taken.
    EVENTS_SENT: Process,
    /// Events that a sink refused and that are offered again.
    EVENTS_RETRIED: Process,
    /// Events that a sink refused for the last time.
    EVENTS_DEAD: Process,
    /// Times that a sink could not be reached.
    EVENT_SINK_AWAY: Process,
    /// Times that figures of this process could not be written and wait for the next time.
    METRICS_FLUSHES_FAILED: Process,
}

impl Counter {
    /// Its name, such as `stock_conflicts`.
    #[must_use]
    pub fn name(self) -> String {
        self.0.name.to_ascii_lowercase()
    }

    /// What it counts, in words.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.0.about.trim()
    }

    /// What of it is added up over processes, if it is.
    pub(super) fn tallies(self) -> Option<(&'static Tally, String)> {
        (self.0.scope == Scope::Shop).then(|| (&self.0.tally, self.name()))
    }
}

/// Adds one.
pub fn count(counter: Counter) {
    counter.0.tally.add(1);
}

/// Adds several at once.
pub fn add(counter: Counter, amount: usize) {
    counter.0.tally.add(u64::try_from(amount).unwrap_or(u64::MAX));
}

/// The count since the process began.
#[must_use]
pub fn total(counter: Counter) -> u64 {
    counter.0.tally.total()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counter_has_a_name_of_its_own_and_says_what_it_counts() {
        let mut names: Vec<String> = COUNTERS.iter().map(|counter| counter.name()).collect();
        assert!(names.contains(&"stock_conflicts".to_owned()));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), COUNTERS.len());
        assert!(GRAPHQL_FAULTS.about().contains("server: an error with the code INTERNAL"));
    }

    #[test]
    fn what_is_counted_is_the_total() {
        let before = total(REFRESH_TOKENS_REPLAYED);
        count(REFRESH_TOKENS_REPLAYED);
        add(REFRESH_TOKENS_REPLAYED, 2);
        assert_eq!(total(REFRESH_TOKENS_REPLAYED), before + 3);
    }
}
