//! The figures of some days, made of what was counted; apart from any database.

use crate::db::Timestamp;
use crate::metrics::{CircuitState, Counts};
use crate::telemetry::{CACHE_HITS, CACHE_MISSES, GRAPHQL_FAULTS, GRAPHQL_REQUESTS, HTTP_REQUESTS};
use chrono::NaiveDate;

/// The 95th of a hundred.
const P95: f64 = 0.95;

/// How the shop did in some days.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Each day, the oldest first, also those on which nothing happened.
    pub days: Vec<DayCounts>,
    /// What all processes counted in them.
    pub counts: Counts,
    /// The worst circuit there is now.
    pub circuit: CircuitState,
}

/// What happened on a day, by the tables of orders and payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCounts {
    /// The day, in UTC.
    pub date: NaiveDate,
    /// Sales placed.
    pub orders: i64,
    /// Refunds that succeeded.
    pub refunds: i64,
    /// Attempts to pay whose money was set aside or taken.
    pub succeeded: i64,
    /// Attempts that the provider declined.
    pub declined: i64,
    /// Attempts for which the provider could not be asked.
    pub failed: i64,
}

impl DayCounts {
    /// A day on which nothing happened.
    #[must_use]
    pub const fn quiet(date: NaiveDate) -> Self {
        Self { date, orders: 0, refunds: 0, succeeded: 0, declined: 0, failed: 0 }
    }
}

/// What was counted in an hour, or in five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// When it begins.
    pub at: Timestamp,
    /// What all processes counted in it.
    pub counts: Counts,
}

impl Figures {
    /// Of a hundred attempts to pay that were not declined, how many succeeded. None: there were
    /// none.
    #[must_use]
    pub fn payment_success_percent(&self) -> Option<f64> {
        let sum = |of: fn(&DayCounts) -> i64| {
            let sum = self.days.iter().fold(0_i64, |sum, day| sum.saturating_add(of(day)));
            u64::try_from(sum).unwrap_or_default()
        };
        let (succeeded, failed) = (sum(|day| day.succeeded), sum(|day| day.failed));
        percent(succeeded, succeeded.saturating_add(failed))
    }
}

impl Counts {
    /// Of a hundred GraphQL requests, how many met a fault. None: there were none.
    #[must_use]
    pub fn error_percent(&self) -> Option<f64> {
        percent(self.total(GRAPHQL_FAULTS), self.total(GRAPHQL_REQUESTS))
    }

    /// How long a GraphQL request over HTTP took in the mean, in milliseconds. None: there were
    /// none.
    #[must_use]
    pub fn mean_response_ms(&self) -> Option<f64> {
        self.mean_ms(HTTP_REQUESTS)
    }

    /// What 95 of a hundred GraphQL requests over HTTP did not exceed, in milliseconds. None: there
    /// were none.
    #[must_use]
    pub fn p95_response_ms(&self) -> Option<f64> {
        self.quantile_ms(HTTP_REQUESTS, P95)
    }

    /// Of a hundred look-ups of the cache, how many it answered. None: there were none.
    #[must_use]
    pub fn cache_hit_percent(&self) -> Option<f64> {
        let hits = self.total(CACHE_HITS);
        percent(hits, hits.saturating_add(self.total(CACHE_MISSES)))
    }
}

/// How many of a hundred; never more, though a fault may be told before its request.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a percentage for people: beyond 2^53 the last digits do not matter"
)]
fn percent(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| (part as f64 / all as f64 * 100.0).min(100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(days: &[(i64, i64, i64)]) -> Figures {
        let date = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let day = |&(succeeded, declined, failed): &(i64, i64, i64)| DayCounts {
            succeeded,
            declined,
            failed,
            ..DayCounts::quiet(date)
        };
        Figures {
            days: days.iter().map(day).collect(),
            counts: Counts::default(),
            circuit: CircuitState::Closed,
        }
    }

    #[test]
    fn declines_are_no_failures_and_of_nothing_there_is_no_rate() {
        assert_eq!(figures(&[(3, 40, 1), (0, 7, 0)]).payment_success_percent(), Some(75.0));
        assert_eq!(figures(&[(0, 9, 0)]).payment_success_percent(), None);
        assert_eq!(figures(&[(0, 0, 2)]).payment_success_percent(), Some(0.0));
        assert_eq!(figures(&[(5, 0, 0)]).payment_success_percent(), Some(100.0));
    }

    #[test]
    fn rates_are_parts_of_a_hundred() {
        let mut counts = Counts::default();
        assert_eq!((counts.error_percent(), counts.cache_hit_percent()), (None, None));
        assert_eq!((counts.mean_response_ms(), counts.p95_response_ms()), (None, None));
        for (name, amount) in
            [("graphql_requests", 8), ("graphql_faults", 2), ("cache_hits", 3), ("cache_misses", 1)]
        {
            counts.add(name.to_owned(), amount);
        }
        assert_eq!((counts.error_percent(), counts.cache_hit_percent()), (Some(25.0), Some(75.0)));
        counts.add("graphql_faults".to_owned(), 30);
        assert_eq!(counts.error_percent(), Some(100.0));
    }
}
