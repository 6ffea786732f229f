//! What becomes of alerts when the rules have been asked. Nothing here knows where alerts are kept.

use crate::db::Timestamp;
use crate::metrics::alerts::alert::{Alert, Rule};
use crate::metrics::alerts::rules::{Reading, Verdict};
use chrono::TimeDelta;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// There has to be no reason for an alert for so long before it resolves: what comes and goes is one
/// alert and not many.
const QUIET_FOR: TimeDelta = TimeDelta::seconds(20);

/// What becomes of one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is raised.
    Raise(Reading),
    /// There is still a reason for it, or again, and what was measured is this.
    Keep(Uuid, Reading),
    /// There is no reason for it any more, from now on.
    Calm(Uuid),
    /// There has been none for long enough.
    Resolve(Uuid),
}

/// What the rules said.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// Of each subject that they know something of.
    pub readings: Vec<Reading>,
    /// Rules that could not be asked.
    pub unknown: Vec<Rule>,
    /// The alerts that they were asked about: of these a subject without a reading is quiet.
    pub asked: HashSet<Uuid>,
}

impl Judgement {
    fn is_silent_about(&self, alert: &Alert) -> bool {
        self.unknown.contains(&alert.rule) || !self.asked.contains(&alert.id)
    }
}

type Key<'a> = (Rule, Option<&'a str>);

/// What becomes of the alerts that are not resolved, and which are raised.
pub fn plan(unresolved: &[Alert], judgement: &Judgement, now: Timestamp) -> Vec<Step> {
    let readings = &judgement.readings;
    let mut by_key: HashMap<Key<'_>, &Reading> = HashMap::new();
    for reading in readings {
        by_key.entry((reading.rule, reading.subject.as_deref())).or_insert(reading);
    }
    let mut steps = Vec::new();
    for alert in unresolved {
        let reading = by_key.remove(&(alert.rule, alert.subject.as_deref()));
        steps.extend(of_alert(alert, reading, judgement, now));
    }
    // In the order in which the rules said so.
    let raised = readings.iter().filter(|reading| {
        let key = (reading.rule, reading.subject.as_deref());
        reading.verdict == Verdict::Raise
            && by_key.get(&key).is_some_and(|own| std::ptr::eq(*own, *reading))
    });
    steps.extend(raised.cloned().map(Step::Raise));
    steps
}

fn of_alert(
    alert: &Alert,
    reading: Option<&Reading>,
    judgement: &Judgement,
    now: Timestamp,
) -> Option<Step> {
    match reading {
        None if judgement.is_silent_about(alert) => None,
        Some(reading) if reading.verdict != Verdict::Quiet => {
            let told = (&alert.measured, &alert.message, &alert.threshold, alert.severity);
            let found = (&reading.measured, &reading.message, &reading.threshold, reading.severity);
            let is_news = alert.quiet_since.is_some() || told != found;
            is_news.then(|| Step::Keep(alert.id, reading.clone()))
        }
        _ => match alert.quiet_since {
            None => Some(Step::Calm(alert.id)),
            Some(since) if now - since >= QUIET_FOR => Some(Step::Resolve(alert.id)),
            Some(_) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::alerts::alert::{Severity, Status};
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn reading(subject: &str, verdict: Verdict, measured: &str) -> Reading {
        Reading {
            rule: Rule::LowStock,
            subject: Some(subject.to_owned()),
            verdict,
            severity: Severity::Warning,
            message: "It is low.".to_owned(),
            threshold: "at most 5".to_owned(),
            measured: measured.to_owned(),
        }
    }

    fn raised(id: u128, reading: &Reading, now: Timestamp) -> Alert {
        Alert {
            id: Uuid::from_u128(id),
            rule: reading.rule,
            subject: reading.subject.clone(),
            severity: reading.severity,
            status: Status::Open,
            message: reading.message.clone(),
            threshold: reading.threshold.clone(),
            measured: reading.measured.clone(),
            version: 1,
            quiet_since: None,
            raised_at: now,
            updated_at: now,
            acknowledged_at: None,
            acknowledged_by: None,
            note: None,
            resolved_at: None,
        }
    }

    fn judgement(alerts: &[Alert], readings: &[Reading]) -> Judgement {
        Judgement {
            readings: readings.to_vec(),
            unknown: Vec::new(),
            asked: alerts.iter().map(|alert| alert.id).collect(),
        }
    }

    /// A desk with the unresolved alerts, that does what the plan says.
    #[derive(Default)]
    struct Desk {
        alerts: Vec<Alert>,
        raised: u128,
        resolved: u128,
    }

    impl Desk {
        fn turn(&mut self, readings: &[Reading], now: Timestamp) {
            for step in plan(&self.alerts, &judgement(&self.alerts, readings), now) {
                match step {
                    Step::Raise(reading) => {
                        self.raised += 1;
                        self.alerts.push(raised(self.raised, &reading, now));
                    }
                    Step::Keep(id, reading) => {
                        let alert = self.alerts.iter_mut().find(|it| it.id == id).unwrap();
                        alert.quiet_since = None;
                        alert.measured = reading.measured;
                    }
                    Step::Calm(id) => {
                        let alert = self.alerts.iter_mut().find(|it| it.id == id).unwrap();
                        alert.quiet_since = Some(now);
                    }
                    Step::Resolve(id) => {
                        self.resolved += 1;
                        self.alerts.retain(|it| it.id != id);
                    }
                }
            }
        }
    }

    #[test]
    fn fifty_readings_over_the_line_are_one_alert() {
        let mut desk = Desk::default();
        for turn in 0..50_i64 {
            let measured = (5 - turn).to_string();
            desk.turn(&[reading("TEA", Verdict::Raise, &measured)], at(turn));
        }
        assert_eq!((desk.raised, desk.resolved, desk.alerts.len()), (1, 0, 1));
        assert_eq!(desk.alerts[0].measured, "-44", "it tells what was measured last");
    }

    #[test]
    fn an_alert_resolves_when_it_was_quiet_for_long_enough_and_not_before() {
        let mut desk = Desk::default();
        desk.turn(&[reading("TEA", Verdict::Raise, "1")], at(0));
        desk.turn(&[], at(10));
        desk.turn(&[reading("TEA", Verdict::Quiet, "9")], at(29));
        assert_eq!(desk.resolved, 0);
        desk.turn(&[], at(30));
        assert_eq!((desk.raised, desk.resolved), (1, 1));
    }

    #[test]
    fn what_comes_and_goes_is_one_alert() {
        let mut desk = Desk::default();
        for turn in 0..100_i64 {
            let verdict = if turn % 2 == 0 { Verdict::Raise } else { Verdict::Quiet };
            desk.turn(&[reading("TEA", verdict, "1")], at(turn * 15));
        }
        assert_eq!((desk.raised, desk.resolved), (1, 0));
    }

    #[test]
    fn between_the_lines_nothing_is_raised_and_nothing_resolves() {
        let mut desk = Desk::default();
        desk.turn(&[reading("TEA", Verdict::Hold, "1")], at(0));
        assert_eq!(desk.raised, 0);
        desk.turn(&[reading("TEA", Verdict::Raise, "1")], at(15));
        for turn in 2..100_i64 {
            desk.turn(&[reading("TEA", Verdict::Hold, "1")], at(turn * 15));
        }
        assert_eq!((desk.raised, desk.resolved), (1, 0));
    }

    #[test]
    fn what_is_not_known_resolves_nothing() {
        let alerts = [raised(1, &reading("TEA", Verdict::Raise, "1"), at(0))];
        let asked = judgement(&alerts, &[]);
        assert_eq!(plan(&alerts, &asked, at(1_000)), [Step::Calm(Uuid::from_u128(1))]);
        let unknown = Judgement { unknown: vec![Rule::LowStock], ..asked };
        assert_eq!(plan(&alerts, &unknown, at(1_000)), []);
    }

    #[test]
    fn what_was_raised_after_the_rules_were_asked_is_left_and_not_raised_again() {
        let tea = reading("TEA", Verdict::Raise, "1");
        let alerts = [raised(1, &tea, at(0))];
        assert_eq!(plan(&alerts, &Judgement::default(), at(1_000)), []);
        let late = Judgement { readings: vec![tea], ..Judgement::default() };
        assert_eq!(plan(&alerts, &late, at(1_000)), []);
    }

    #[test]
    fn a_subject_that_is_said_twice_is_raised_once() {
        let said = [reading("TEA", Verdict::Raise, "1"), reading("TEA", Verdict::Raise, "1")];
        assert_eq!(plan(&[], &judgement(&[], &said), at(0)).len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_is_read_one_alert_a_subject_is_unresolved(
            turns in proptest::collection::vec((0..3_usize, 0..3_usize, 0..40_i64), 0..200),
        ) {
            let mut desk = Desk::default();
            let mut now = 0;
            for (subject, verdict, later) in turns {
                now += later;
                let verdict = [Verdict::Raise, Verdict::Hold, Verdict::Quiet][verdict];
                let subject = ["TEA", "COFFEE", "MILK"][subject];
                desk.turn(&[reading(subject, verdict, "1")], at(now));
                let mut subjects: Vec<_> = desk.alerts.iter().map(|it| &it.subject).collect();
                subjects.sort();
                let all = subjects.len();
                subjects.dedup();
                prop_assert_eq!(subjects.len(), all);
                prop_assert_eq!(
                    u128::try_from(all).unwrap(), desk.raised - desk.resolved
                );
            }
        }
    }
}
