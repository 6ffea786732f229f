//! What was counted in some time, by all processes together.

use crate::telemetry::{Counter, Spread, Timing};
use std::collections::HashMap;

/// What was counted in some time. What nobody counted is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(HashMap<String, u64>);

impl Counts {
    /// How often it was counted.
    #[must_use]
    pub fn total(&self, counter: Counter) -> u64 {
        self.of(&counter.name())
    }

    /// How long something took, of all times that it was timed.
    #[must_use]
    pub fn spread(&self, timing: Timing) -> Spread {
        let mut spread = Spread { sum_us: self.of(&timing.sum_name()), ..Spread::default() };
        for (bucket, name) in spread.buckets.iter_mut().zip(timing.bucket_names()) {
            *bucket = self.of(&name);
        }
        spread
    }

    /// How often it was timed.
    #[must_use]
    pub fn count_of(&self, timing: Timing) -> u64 {
        self.spread(timing).count()
    }

    /// How long it took in the mean, in milliseconds; None: it was never timed.
    #[must_use]
    pub fn mean_ms(&self, timing: Timing) -> Option<f64> {
        self.spread(timing).mean_ms()
    }

    /// What this part of all times (0 to 1) did not exceed, in milliseconds, to within the bounds
    /// of [`crate::telemetry::BOUNDS`]; None: it was never timed.
    #[must_use]
    pub fn quantile_ms(&self, timing: Timing, part: f64) -> Option<f64> {
        self.spread(timing).quantile_ms(part)
    }

    /// Adds an amount of the figure of this name.
    pub(crate) fn add(&mut self, name: String, amount: u64) {
        let sum = self.0.entry(name).or_default();
        *sum = sum.saturating_add(amount);
    }

    fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{GRAPHQL_REQUESTS, HTTP_REQUESTS, STOCK_CONFLICTS};

    #[test]
    fn a_timing_is_put_together_from_its_parts() {
        let mut counts = Counts::default();
        for (name, amount) in [
            ("http_requests_us_le_2000", 3),
            ("http_requests_us_le_inf", 1),
            ("http_requests_us_sum", 12_004_500),
            ("graphql_requests", 2),
            ("graphql_requests", 3),
        ] {
            counts.add(name.to_owned(), amount);
        }
        assert_eq!((counts.total(GRAPHQL_REQUESTS), counts.total(STOCK_CONFLICTS)), (5, 0));
        assert_eq!(counts.count_of(HTTP_REQUESTS), 4);
        assert_eq!(counts.mean_ms(HTTP_REQUESTS), Some(3_001.125));
        assert!((counts.quantile_ms(HTTP_REQUESTS, 0.75).unwrap() - 2.0).abs() < 0.001);
        assert_eq!(Counts::default().quantile_ms(HTTP_REQUESTS, 0.75), None);
    }
}
