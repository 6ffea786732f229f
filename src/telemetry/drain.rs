//! What was counted since it was last taken, for whoever adds it up over processes. A total only
//! rises; beside it stands how much of it was taken, so that counting itself is one addition.

use std::sync::atomic::{AtomicU64, Ordering};

/// Who reads a figure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Whoever looks at this process.
    Process,
    /// It is also added up over all processes, by the minute and by the hour.
    Shop,
}

/// A number that rises.
#[derive(Default)]
pub struct Tally {
    total: AtomicU64,
    taken: AtomicU64,
}

impl Tally {
    /// Nothing so far.
    pub(super) const fn new() -> Self {
        Self { total: AtomicU64::new(0), taken: AtomicU64::new(0) }
    }

    pub(super) fn add(&self, amount: u64) {
        self.total.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// What nobody has taken yet. Of two who take at once each has what the other has not.
    fn take(&self) -> u64 {
        let now = self.total();
        now.saturating_sub(self.taken.fetch_max(now, Ordering::Relaxed))
    }

    fn give_back(&self, amount: u64) {
        self.taken.fetch_sub(amount, Ordering::Relaxed);
    }
}

/// An amount, and under which name it is added up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// Which figure.
    pub name: String,
    /// How much was counted.
    pub amount: u64,
}

/// What was taken. Dropped before it is [`Taken::settle`]d, it is given back, and whoever takes
/// next has it: nothing is lost while a database is away.
#[must_use = "what is dropped is given back"]
pub struct Taken(Vec<(&'static Tally, Kept)>);

/// Takes what was counted since the last time, of the figures that are added up over processes.
pub fn take() -> Taken {
    let counters = crate::telemetry::COUNTERS.iter().flat_map(|counter| counter.tallies());
    let timings = crate::telemetry::TIMINGS.iter().flat_map(|timing| timing.tallies());
    take_from(counters.chain(timings))
}

fn take_from(tallies: impl Iterator<Item = (&'static Tally, String)>) -> Taken {
    let amounts = tallies.filter_map(|(tally, name)| {
        let amount = tally.take();
        (amount > 0).then_some((tally, Kept { name, amount }))
    });
    Taken(amounts.collect())
}

impl Taken {
    /// Each amount, in the order of the names.
    #[must_use]
    pub fn amounts(&self) -> Vec<Kept> {
        let mut amounts: Vec<Kept> = self.0.iter().map(|(_, kept)| kept.clone()).collect();
        amounts.sort();
        amounts
    }

    /// It is added up for good.
    pub fn settle(mut self) {
        self.0.clear();
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        for (tally, kept) in &self.0 {
            tally.give_back(kept.amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(tally: &'static Tally) -> Taken {
        take_from(std::iter::once((tally, "one".to_owned())))
    }

    fn amounts(taken: &Taken) -> Vec<u64> {
        taken.amounts().iter().map(|kept| kept.amount).collect()
    }

    #[test]
    fn what_is_taken_is_not_taken_again_and_the_total_stays() {
        static TALLY: Tally = Tally::new();
        TALLY.add(3);
        let first = one(&TALLY);
        assert_eq!(amounts(&first), [3]);
        first.settle();
        assert_eq!(amounts(&one(&TALLY)), [0; 0]);
        TALLY.add(2);
        assert_eq!((amounts(&one(&TALLY)), TALLY.total()), (vec![2], 5));
    }

    #[test]
    fn what_is_dropped_comes_with_the_next_whoever_took_between() {
        static TALLY: Tally = Tally::new();
        TALLY.add(3);
        let failing = one(&TALLY);
        TALLY.add(4);
        one(&TALLY).settle();
        drop(failing);
        TALLY.add(1);
        assert_eq!(amounts(&one(&TALLY)), [4], "3 that came back, and 1");
    }

    #[test]
    fn of_many_who_count_and_take_at_once_nothing_is_lost_or_taken_twice() {
        static TALLY: Tally = Tally::new();
        let settled = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..20_000).for_each(|_| TALLY.add(1)));
            }
            for taker in 0..3 {
                let settled = &settled;
                scope.spawn(move || {
                    for turn in 0..2_000 {
                        let taken = one(&TALLY);
                        if (turn + taker) % 3 == 0 {
                            continue;
                        }
                        settled.fetch_add(amounts(&taken).iter().sum(), Ordering::Relaxed);
                        taken.settle();
                    }
                });
            }
        });
        let rest: u64 = amounts(&one(&TALLY)).iter().sum();
        assert_eq!(settled.load(Ordering::Relaxed) + rest, 80_000);
    }
}
