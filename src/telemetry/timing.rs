//! Timings: how long something took, in buckets with fixed bounds. Recording one is two additions,
//! and of a million as many numbers are kept as of one.

use crate::telemetry::drain::{Scope, Tally};
use std::time::Duration;

/// The upper bounds of the buckets, in microseconds. What took longer than the last one is in one
/// more bucket.
pub const BOUNDS: [u64; 23] = [
    500, 1_000, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 30_000, 50_000, 70_000,
    100_000, 150_000, 200_000, 300_000, 500_000, 700_000, 1_000_000, 2_000_000, 3_000_000,
    5_000_000, 10_000_000,
];
/// How many buckets there are.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// A timing.
#[derive(Clone, Copy)]
pub struct Timing(&'static Cell);

struct Cell {
    name: &'static str,
    about: &'static str,
    scope: Scope,
    buckets: [Tally; BUCKETS],
    sum_us: Tally,
}

macro_rules! timings {
    ($($(#[doc = $about:literal])+ $name:ident: $scope:ident,)+) => {
        $($(#[doc = $about])+ pub const $name: Timing = {
            static CELL: Cell = Cell {
                name: stringify!($name),
                about: concat!($($about),+),
                scope: Scope::$scope,
                buckets: [const { Tally::new() }; BUCKETS],
                sum_us: Tally::new(),
            };
            Timing(&CELL)
        };)+

        /// Every timing.
        pub const TIMINGS: &[Timing] = &[$($name),+];
    };
}

timings! {
    /// How long GraphQL requests over HTTP took, from the head of the request to the head of the
    /// answer; of a client that hung up, until then.
    HTTP_REQUESTS: Shop,
    /// How long it took from the commit of a change of stock to handing it to a socket; of several
    /// changes that were told at once, of the oldest. What the client lets wait is not counted.
    LIVE_STOCK_DELAY: Shop,
    /// How long it took to refuse a payment because its provider's circuit was open: since it was
    /// asked for, or since the circuit opened before it.
    PAYMENT_REFUSED_FAST: Shop,
    /// How long payments waited for their turn at a provider that were refused as none came.
    PAYMENT_REFUSED_BUSY: Shop,
    /// How long calls to payment providers took, also those that failed or were not answered in
    /// time.
    PAYMENT_CALLS: Shop,
    // Not of the shop: writing the figures is a transaction too, and there would be no end.
    /// How long transactions took, with the waiting for a place.
    DB_TRANSACTIONS: Process,
}

impl Timing {
    /// Its name, such as `http_requests`.
    #[must_use]
    pub fn name(self) -> String {
        self.0.name.to_ascii_lowercase()
    }

    /// What it times, in words.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.0.about.trim()
    }

    /// Under which name the sum of the microseconds is added up over processes.
    #[must_use]
    pub fn sum_name(self) -> String {
        format!("{}_us_sum", self.name())
    }

    /// Under which names its buckets are.
    pub fn bucket_names(self) -> impl Iterator<Item = String> {
        let name = self.name();
        let bounds = BOUNDS.iter().map(ToString::to_string).chain(["inf".to_owned()]);
        bounds.map(move |bound| format!("{name}_us_le_{bound}"))
    }

    /// What of it is added up over processes, if it is.
    pub(super) fn tallies(self) -> impl Iterator<Item = (&'static Tally, String)> {
        let buckets = self.0.buckets.iter().zip(self.bucket_names());
        let all = buckets.chain([(&self.0.sum_us, self.sum_name())]);
        all.filter(move |_| self.0.scope == Scope::Shop)
    }
}

/// Records how long something took.
pub fn time(timing: Timing, took: Duration) {
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let place = BOUNDS.partition_point(|bound| *bound < us);
    if let Some(bucket) = timing.0.buckets.get(place) {
        bucket.add(1);
        timing.0.sum_us.add(us);
    }
}

/// What was recorded since the process began.
#[must_use]
pub fn spread(timing: Timing) -> Spread {
    let buckets = timing.0.buckets.each_ref().map(Tally::total);
    Spread { buckets, sum_us: timing.0.sum_us.total() }
}

/// How long something took, of many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spread {
    /// How many in each bucket of [`BOUNDS`], and in the one beyond.
    pub buckets: [u64; BUCKETS],
    /// All of them together, in microseconds.
    pub sum_us: u64,
}

impl Spread {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, bucket| sum.saturating_add(*bucket))
    }

    /// The mean, in milliseconds; None: there were none.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| float(self.sum_us) / float(count) / 1_000.0)
    }

    /// The time that this part of all (0 to 1) took no longer than, in milliseconds: straight
    /// between the bounds of its bucket, and the last bound for what lies beyond. None: there were
    /// none.
    #[must_use]
    pub fn quantile_ms(&self, part: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        // A hair less: a product of fractions may lie a hair above the whole number it stands for.
        let rank = (part.clamp(0.0, 1.0) * float(count) - 1e-6).max(0.0);
        let (mut below, mut lower) = (0.0, 0.0);
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            let (within, upper) = (float(*bucket), float(bound));
            if within > 0.0 && below + within >= rank {
                return Some((lower + (upper - lower) * (rank - below) / within) / 1_000.0);
            }
            below += within;
            lower = upper;
        }
        Some(lower / 1_000.0)
    }

    /// How many took no longer than this bound of [`BOUNDS`], in microseconds.
    #[must_use]
    pub fn within(&self, bound_us: u64) -> u64 {
        let within = self.buckets.iter().zip(BOUNDS).filter(|(_, bound)| *bound <= bound_us);
        within.fold(0, |sum, (bucket, _)| sum.saturating_add(*bucket))
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures for people: beyond 2^53 the last digits do not matter"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(times_us: &[u64]) -> Spread {
        let mut spread = Spread::default();
        for us in times_us {
            spread.buckets[BOUNDS.partition_point(|bound| bound < us)] += 1;
            spread.sum_us += us;
        }
        spread
    }

    #[test]
    fn a_time_falls_into_the_bucket_whose_bound_it_does_not_pass() {
        time(LIVE_STOCK_DELAY, Duration::from_micros(500));
        time(LIVE_STOCK_DELAY, Duration::from_micros(501));
        time(LIVE_STOCK_DELAY, Duration::from_secs(60));
        let spread = spread(LIVE_STOCK_DELAY);
        let last = spread.buckets.len() - 1;
        assert_eq!((spread.buckets[0], spread.buckets[1], spread.buckets[last]), (1, 1, 1));
        assert_eq!((spread.count(), spread.sum_us), (3, 60_001_001));
    }

    #[test]
    fn of_nothing_there_is_no_mean_and_no_quantile() {
        assert_eq!((of(&[]).mean_ms(), of(&[]).quantile_ms(0.95)), (None, None));
    }

    #[test]
    fn quantiles_lie_straight_between_the_bounds() {
        let ten_to_fifteen = of(&[12_000; 100]);
        assert!((ten_to_fifteen.quantile_ms(0.5).unwrap() - 12.5).abs() < 0.001);
        assert!((ten_to_fifteen.quantile_ms(1.0).unwrap() - 15.0).abs() < 0.001);
        assert_eq!(ten_to_fifteen.mean_ms(), Some(12.0));
        assert_eq!(of(&[60_000_000]).quantile_ms(0.99), Some(10_000.0), "the last bound");
        let mixed = of(&[vec![400; 99], vec![90_000]].concat());
        assert!((mixed.quantile_ms(0.99).unwrap() - 0.5).abs() < 0.001, "99 of 100");
        assert!(mixed.quantile_ms(0.995).unwrap() > 70.0);
        assert_eq!((mixed.within(100_000), mixed.within(70_000)), (100, 99));
    }

    proptest! {
        #[test]
        fn a_quantile_lies_in_the_bucket_of_the_true_one(
            mut times in prop::collection::vec(0_u64..9_000_000, 1..200),
            percent in 1_u32..=100,
        ) {
            let told = of(&times).quantile_ms(f64::from(percent) / 100.0).unwrap() * 1_000.0;
            times.sort_unstable();
            let rank = (times.len() * usize::try_from(percent).unwrap()).div_ceil(100);
            let place = BOUNDS.partition_point(|bound| *bound < times[rank - 1]);
            let lower = if place == 0 { 0 } else { BOUNDS[place - 1] };
            prop_assert!(told >= float(lower) - 1.0 && told <= float(BOUNDS[place]));
        }
    }
}
