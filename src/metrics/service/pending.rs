//! What this process counted and has not written yet, each minute for itself: what is counted
//! while the database is away belongs to the minute in which it was counted, not to that in which
//! the database is back.

use crate::db::{Db, Timestamp};
use crate::metrics::service::Resolution;
use crate::telemetry::Kept;
use chrono::TimeDelta;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// So many minutes wait each for itself; what is older is put together by the hour.
const MINUTES: usize = 120;
/// So many hours wait at most, a week; what is older still is put together with the oldest.
const HOURS: usize = 168;

/// What waits to be written.
#[derive(Default)]
pub(super) struct Pending {
    /// Each hour of a long time, the oldest first.
    hours: VecDeque<Portion>,
    /// Each minute since.
    counted: VecDeque<Portion>,
    tried: Option<Arc<Batch>>,
    turns: i64,
}

/// What is written at once.
pub(super) struct Batch {
    /// Its number among those of this process.
    pub turn: i64,
    portions: Vec<Portion>,
}

/// A moment, by a clock that nobody sets.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    at: Instant,
    /// By how much tests had moved the clock then.
    moved: TimeDelta,
}

/// What was counted in a minute.
struct Portion {
    /// The minute as this process calls it: to tell one from the next.
    minute: Timestamp,
    began: Moment,
    amounts: BTreeMap<String, u64>,
}

impl Moment {
    /// This moment.
    pub(super) fn now(db: &Db) -> Self {
        Self { at: Instant::now(), moved: db.clock_offset() }
    }

    /// The time since an earlier one.
    fn since(self, earlier: Self) -> TimeDelta {
        let elapsed = self.at.saturating_duration_since(earlier.at);
        let elapsed = TimeDelta::from_std(elapsed).unwrap_or(TimeDelta::MAX);
        elapsed.checked_add(&(self.moved - earlier.moved)).unwrap_or(TimeDelta::MAX)
    }
}

impl Pending {
    /// Adds what was counted until now, at this time by the clock of the process.
    pub(super) fn add(&mut self, amounts: Vec<Kept>, (now, time): (Moment, Timestamp)) {
        if amounts.is_empty() {
            return;
        }
        let minute = Resolution::Minute.start(time);
        if self.counted.back().is_none_or(|last| last.minute != minute) {
            let portion = Portion { minute, began: now, amounts: BTreeMap::new() };
            self.counted.push_back(portion);
        }
        if let Some(last) = self.counted.back_mut() {
            last.add(amounts.into_iter().map(|kept| (kept.name, kept.amount)));
        }
        self.stay_bounded();
    }

    /// What is to be written next, as it was tried before: it may have been written all the same.
    pub(super) fn next(&mut self) -> Option<Arc<Batch>> {
        if self.tried.is_none() && !self.counted.is_empty() {
            self.turns = self.turns.saturating_add(1);
            let hours = std::mem::take(&mut self.hours).into_iter();
            let portions = hours.chain(std::mem::take(&mut self.counted)).collect();
            self.tried = Some(Arc::new(Batch { turn: self.turns, portions }));
        }
        self.tried.clone()
    }

    /// What was next is written.
    pub(super) fn settle(&mut self) {
        self.tried = None;
    }

    /// Puts the oldest minute to its hour, when there are many.
    fn stay_bounded(&mut self) {
        if self.counted.len() <= MINUTES {
            return;
        }
        let Some(oldest) = self.counted.pop_front() else { return };
        let hour = |portion: &Portion| Resolution::Hour.start(portion.minute);
        match self.hours.back_mut() {
            Some(last) if hour(last) == hour(&oldest) => last.add(oldest.amounts),
            _ => self.hours.push_back(oldest),
        }
        if self.hours.len() > HOURS
            && let Some(second) = self.hours.remove(1)
            && let Some(first) = self.hours.front_mut()
        {
            first.add(second.amounts);
        }
    }
}

impl Portion {
    fn add(&mut self, amounts: impl IntoIterator<Item = (String, u64)>) {
        for (name, amount) in amounts {
            let sum = self.amounts.entry(name).or_default();
            *sum = sum.saturating_add(amount);
        }
    }
}

impl Batch {
    /// How much of what was counted in which bucket, in the order of their keys. `now` is this
    /// moment, and what the database calls it.
    pub(super) fn buckets(
        &self,
        resolution: Resolution,
        (now, time): (Moment, Timestamp),
    ) -> BTreeMap<(Timestamp, &str), u64> {
        let mut buckets = BTreeMap::new();
        for portion in &self.portions {
            let began = time.checked_sub_signed(now.since(portion.began)).unwrap_or(time);
            for (name, amount) in &portion.amounts {
                let key = (resolution.start(began), name.as_str());
                let sum = buckets.entry(key).or_insert(0_u64);
                *sum = sum.saturating_add(*amount);
            }
        }
        buckets
    }

    /// How many figures it tells of.
    pub(super) fn figures(&self) -> u64 {
        let figures = self.portions.iter().map(|portion| portion.amounts.len()).sum::<usize>();
        u64::try_from(figures).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn time(minutes: i64) -> Timestamp {
        DateTime::from_timestamp(1_795_000_000 / 3_600 * 3_600 + minutes * 60, 0).unwrap()
    }

    /// A process and its clock, in minutes.
    struct Bench {
        pending: Pending,
        began: Moment,
    }

    impl Bench {
        fn new() -> Self {
            let began = Moment { at: Instant::now(), moved: TimeDelta::zero() };
            Self { pending: Pending::default(), began }
        }

        fn at(&self, minutes: i64) -> Moment {
            Moment { moved: TimeDelta::minutes(minutes), ..self.began }
        }

        fn counts(&mut self, minutes: i64, amount: u64) {
            let kept = Kept { name: "one".to_owned(), amount };
            let now = (self.at(minutes), time(minutes));
            self.pending.add(vec![kept], now);
        }

        fn buckets(&mut self, minutes: i64, resolution: Resolution) -> Vec<(i64, u64)> {
            let batch = self.pending.next().unwrap();
            let now = (self.at(minutes), time(minutes));
            let buckets = batch.buckets(resolution, now);
            let minute = |at: Timestamp| (at - time(0)).num_minutes();
            buckets.into_iter().map(|((at, _), amount)| (minute(at), amount)).collect()
        }
    }

    #[test]
    fn what_waits_is_written_in_the_minutes_and_hours_in_which_it_was_counted() {
        let mut bench = Bench::new();
        for (minute, amount) in [(1, 2), (1, 3), (2, 4), (61, 5)] {
            bench.counts(minute, amount);
        }
        assert_eq!(bench.buckets(70, Resolution::Minute), [(1, 5), (2, 4), (61, 5)]);
        assert_eq!(bench.buckets(75, Resolution::Hour), [(0, 9), (60, 5)]);
    }

    #[test]
    fn the_database_says_what_time_it_is() {
        let mut bench = Bench::new();
        bench.counts(3, 1);
        let batch = bench.pending.next().unwrap();
        // It is a quarter of an hour behind.
        let buckets = batch.buckets(Resolution::Minute, (bench.at(4), time(-11)));
        assert_eq!(buckets.keys().next().unwrap().0, time(-12));
    }

    #[test]
    fn what_was_tried_is_tried_again_as_it_was_and_what_came_since_waits() {
        let mut bench = Bench::new();
        assert!(bench.pending.next().is_none());
        bench.counts(1, 2);
        let first = bench.pending.next().unwrap();
        bench.counts(1, 7);
        assert_eq!(bench.pending.next().unwrap().turn, first.turn);
        assert_eq!(bench.buckets(1, Resolution::Minute), [(1, 2)]);
        bench.pending.settle();
        assert_eq!(bench.pending.next().unwrap().turn, first.turn + 1);
        assert_eq!(bench.buckets(1, Resolution::Minute), [(1, 7)]);
        bench.pending.settle();
        assert!(bench.pending.next().is_none());
    }

    #[test]
    fn a_long_time_without_the_database_takes_bounded_memory_and_loses_nothing() {
        let mut bench = Bench::new();
        let minutes = 60 * 24 * 30;
        (0..minutes).for_each(|minute| bench.counts(minute, 1));
        assert!(bench.pending.counted.len() <= MINUTES && bench.pending.hours.len() <= HOURS);
        let buckets = bench.buckets(minutes, Resolution::Minute);
        assert_eq!(buckets.iter().map(|(_, amount)| *amount).sum::<u64>(), 43_200);
        let last: Vec<(i64, u64)> = (minutes - 60..minutes).map(|minute| (minute, 1)).collect();
        assert!(buckets.ends_with(&last), "the last hour is there by the minute");
        let whole = buckets.iter().filter(|(_, amount)| *amount == 60).count();
        assert!(whole > 160, "and the last week by the hour: {whole}");
    }
}
