//! What a process has found and not written yet. While the database is away it remembers: tallies
//! of whole hours, and when something became better or worse.

use crate::db::Timestamp;
use crate::metrics::health::component::{Component, Finding, Health};
use chrono::{DurationRound, TimeDelta};
use std::collections::{BTreeMap, HashMap};

/// Changes that are remembered at most; of a component that flutters for long while nothing can be
/// written the oldest are forgotten.
const REMEMBERED: usize = 600;
/// Tallies that are remembered at most: ten days of all components.
const TALLIES: usize = 1_500;

/// So many looks in a row have to find that something is not well before anybody is alerted.
pub const CONFIRMED_BY: i64 = 2;

/// What looks within an hour found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many there were.
    pub looks: i64,
    /// How many found it well.
    pub healthy: i64,
    /// How long it took to answer in all, when it was well.
    pub latency_sum_us: i64,
    /// The longest time that it took to answer, when it was well.
    pub latency_max_us: i64,
}

/// A component became better or worse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Which one.
    pub component: Component,
    /// How it is since.
    pub health: Health,
    /// What is wrong.
    pub message: Option<String>,
    /// When that was found.
    pub at: Timestamp,
}

/// What has not been written yet.
#[derive(Debug, Default)]
pub struct Diary {
    last: HashMap<Component, Health>,
    /// How many looks in a row found it not to be well.
    bad_looks: HashMap<Component, i64>,
    turns: Vec<Turn>,
    tallies: BTreeMap<(Component, Timestamp), Tally>,
}

/// What is to be written.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    /// Changes, in the order in which they came.
    pub turns: Vec<Turn>,
    /// By component and the hour's beginning.
    pub tallies: BTreeMap<(Component, Timestamp), Tally>,
    /// How many looks in a row found each component not to be well.
    pub bad_looks: HashMap<Component, i64>,
}

impl Diary {
    /// Takes down what was found; tells whether something became better or worse since the last
    /// time, or was found not to be well for the second time in a row. What is found first is no
    /// change.
    pub fn note(&mut self, findings: &[Finding], at: Timestamp) -> bool {
        let hour = at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at);
        let mut turned = false;
        for finding in findings {
            let tally = self.tallies.entry((finding.component, hour)).or_default();
            tally.add(finding);
            let bad_looks = self.bad_looks.entry(finding.component).or_default();
            *bad_looks = match finding.health {
                Health::Healthy => 0,
                Health::Degraded | Health::Unhealthy => bad_looks.saturating_add(1),
            };
            turned |= *bad_looks == CONFIRMED_BY;
            let before = self.last.insert(finding.component, finding.health);
            if before.is_some_and(|before| before != finding.health) {
                turned = true;
                self.turns.push(Turn {
                    component: finding.component,
                    health: finding.health,
                    message: finding.message.clone(),
                    at,
                });
            }
        }
        let surplus = self.turns.len().saturating_sub(REMEMBERED);
        self.turns.drain(..surplus);
        while self.tallies.len() > TALLIES {
            self.tallies.pop_first();
        }
        turned
    }

    /// What is to be written; it stays until it is struck out.
    pub fn entries(&self) -> Entries {
        Entries {
            turns: self.turns.clone(),
            tallies: self.tallies.clone(),
            bad_looks: self.bad_looks.clone(),
        }
    }

    /// Strikes out what was written; what was noted meanwhile stays.
    pub fn strike(&mut self, written: &Entries) {
        self.turns.retain(|turn| !written.turns.contains(turn));
        for (key, tally) in &written.tallies {
            if let Some(own) = self.tallies.get_mut(key) {
                own.take(tally);
                if own.looks <= 0 {
                    self.tallies.remove(key);
                }
            }
        }
    }
}

impl Tally {
    fn add(&mut self, finding: &Finding) {
        self.looks = self.looks.saturating_add(1);
        if finding.health == Health::Healthy {
            let us = i64::try_from(finding.latency.as_micros()).unwrap_or(i64::MAX);
            self.healthy = self.healthy.saturating_add(1);
            self.latency_sum_us = self.latency_sum_us.saturating_add(us);
            self.latency_max_us = self.latency_max_us.max(us);
        }
    }

    fn take(&mut self, written: &Self) {
        self.looks = self.looks.saturating_sub(written.looks);
        self.healthy = self.healthy.saturating_sub(written.healthy);
        self.latency_sum_us = self.latency_sum_us.saturating_sub(written.latency_sum_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-22T{time}Z").parse().unwrap()
    }

    fn found(health: Health, ms: u64) -> Vec<Finding> {
        vec![Finding {
            component: Component::Cache,
            health,
            latency: Duration::from_millis(ms),
            message: (health != Health::Healthy).then(|| "away".to_owned()),
        }]
    }

    #[test]
    fn it_is_counted_how_often_in_a_row_something_is_not_well() {
        let mut diary = Diary::default();
        let turns: Vec<(bool, i64)> = [
            Health::Healthy,
            Health::Degraded,
            Health::Degraded,
            Health::Degraded,
            Health::Healthy,
            Health::Degraded,
        ]
        .into_iter()
        .map(|health| {
            let news = diary.note(&found(health, 1), at("10:00:00"));
            (news, diary.entries().bad_looks[&Component::Cache])
        })
        .collect();
        let expected = [(false, 0), (true, 1), (true, 2), (false, 3), (true, 0), (true, 1)];
        assert_eq!(turns, expected, "the second bad look is news as the first is");
    }

    #[test]
    fn looks_are_counted_by_the_hour_and_only_good_ones_have_a_latency() {
        let mut diary = Diary::default();
        diary.note(&found(Health::Healthy, 2), at("10:59:58"));
        diary.note(&found(Health::Healthy, 4), at("10:59:59"));
        diary.note(&found(Health::Degraded, 1_000), at("10:59:59.5"));
        diary.note(&found(Health::Degraded, 1_000), at("11:00:00"));

        let tallies = diary.entries().tallies;
        let ten = tallies[&(Component::Cache, at("10:00:00"))];
        assert_eq!((ten.looks, ten.healthy, ten.latency_sum_us), (3, 2, 6_000));
        assert_eq!(ten.latency_max_us, 4_000);
        assert_eq!(tallies[&(Component::Cache, at("11:00:00"))].looks, 1);
    }

    #[test]
    fn only_what_changes_is_a_turn_and_the_first_finding_is_none() {
        let mut diary = Diary::default();
        assert!(!diary.note(&found(Health::Degraded, 1), at("10:00:00")));
        diary.note(&found(Health::Degraded, 1), at("10:00:05"));
        assert!(diary.note(&found(Health::Healthy, 1), at("10:00:10")));
        assert!(diary.note(&found(Health::Degraded, 1), at("10:00:15")));

        let turns = diary.entries().turns;
        let told: Vec<_> = turns.iter().map(|turn| (turn.health, turn.at)).collect();
        assert_eq!(told, [(Health::Healthy, at("10:00:10")), (Health::Degraded, at("10:00:15"))]);
    }

    #[test]
    fn what_was_noted_while_something_was_written_is_not_struck_out() {
        let mut diary = Diary::default();
        diary.note(&found(Health::Healthy, 2), at("10:00:00"));
        diary.note(&found(Health::Degraded, 2), at("10:00:05"));
        let written = diary.entries();
        diary.note(&found(Health::Healthy, 8), at("10:00:10"));

        diary.strike(&written);

        let left = diary.entries();
        assert_eq!(left.turns.len(), 1);
        assert_eq!(left.turns[0].health, Health::Healthy);
        let tally = left.tallies[&(Component::Cache, at("10:00:00"))];
        assert_eq!((tally.looks, tally.healthy, tally.latency_sum_us), (1, 1, 8_000));
        diary.strike(&left);
        assert!(diary.entries().tallies.is_empty() && diary.entries().turns.is_empty());
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let mut diary = Diary::default();
        let begins = at("00:00:00");
        for turn in 0..5_000_i32 {
            let health = if turn % 2 == 0 { Health::Healthy } else { Health::Degraded };
            diary.note(&found(health, 1), begins + TimeDelta::hours(turn.into()));
        }
        let entries = diary.entries();
        assert_eq!((entries.turns.len(), entries.tallies.len()), (REMEMBERED, TALLIES));
    }
}
