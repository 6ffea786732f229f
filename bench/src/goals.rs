//! What the release must hold, as ratios to limits that were measured in the same run.

use crate::figures::{median, real, short};
use crate::measure::{Sample, Subject};
use crate::operation::Operation;
use crate::pgbench;
use crate::probe::{Start, Statements};

/// A goal, and what came of it.
#[derive(Debug, Clone)]
pub struct Goal {
    /// Its number.
    pub id: &'static str,
    /// What it is about.
    pub what: &'static str,
    /// What must be reached.
    pub floor: String,
    /// What was measured; None when this run did not measure it.
    pub measured: Option<String>,
    /// Whether that is enough.
    pub met: Option<bool>,
}

/// What the goals are held against.
pub struct Evidence<'a> {
    /// The rounds.
    pub samples: &'a [Sample],
    /// Statements.
    pub statements: &'a Statements,
    /// Starts, with an SQLite of its own and on PostgreSQL.
    pub sqlite: Start,
    /// The same on PostgreSQL, its tables there already.
    pub postgres: Start,
}

impl Evidence<'_> {
    /// A figure of a subject by round.
    fn figures(
        &self,
        operation: Operation,
        connections: usize,
        subject: Subject,
        figure: fn(&Sample) -> f64,
    ) -> Vec<f64> {
        let of = |sample: &&Sample| {
            sample.case.operation == operation
                && sample.case.connections == connections
                && sample.subject == subject
                && sample.round > 0
        };
        self.samples.iter().filter(of).map(figure).collect()
    }

    /// The middle of the ratios of each round: of the rates, and of what an answer of the limit
    /// takes of processor time to what one of ours takes.
    fn ratios(&self, case: (Operation, usize), limit: Subject) -> Option<(f64, f64)> {
        let of = |subject, figure| self.figures(case.0, case.1, subject, figure);
        let rate = |subject| of(subject, |sample: &Sample| sample.rate);
        let time = |subject| of(subject, Sample::all_ms);
        let ours = Subject::Stockroom;
        Some((ratio(&rate(ours), &rate(limit))?, ratio(&time(limit), &time(ours))?))
    }

    /// The share of the machine that others used while this was measured.
    fn others(&self, (operation, connections): (Operation, usize), limit: Subject) -> f64 {
        let of = |subject| self.figures(operation, connections, subject, |sample| sample.others);
        median(&[of(Subject::Stockroom), of(limit)].concat()).unwrap_or(0.0)
    }
}

/// With more than this share of the machine used by others, rates tell how it shares and not what
/// work costs: the goals are judged by processor time then.
pub const QUIET: f64 = 0.1;

/// The middle of the ratios, round by round.
#[must_use]
pub fn ratio(ours: &[f64], limits: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> = ours.iter().zip(limits).map(|(ours, limit)| ours / limit).collect();
    median(&ratios)
}

/// All goals that need no other system.
#[must_use]
pub fn goals(evidence: &Evidence<'_>) -> Vec<Goal> {
    let script = Subject::Database;
    let at_least = |id, what, operation, connections, limit, floor: f64| {
        let case = (operation, connections);
        let measured = evidence.ratios(case, limit);
        let quiet = evidence.others(case, limit) <= QUIET;
        Goal {
            id,
            what,
            floor: format!("≥ {}", short(floor)),
            measured: measured.map(|(rate, time)| {
                let (rate, time) = (short(rate), short(time));
                match quiet {
                    true => format!("**{rate}** by rate, {time} by processor time"),
                    false => format!("{rate} by rate, **{time}** by processor time"),
                }
            }),
            met: measured.map(|(rate, time)| floor <= if quiet { rate } else { time }),
        }
    };
    let at_most = |id, what, floor: f64, unit: &str, measured: f64| Goal {
        id,
        what,
        floor: format!("≤ {} {unit}", short(floor)),
        measured: Some(format!("{} {unit}", short(measured))),
        met: Some(measured <= floor),
    };
    vec![
        at_least(
            "P1",
            "cold page, 16 connections, of pgbench's page",
            Operation::Page,
            16,
            script(pgbench::PAGE),
            0.15,
        ),
        at_least(
            "P2",
            "nested catalogue, 16 connections, of pgbench's",
            Operation::Nested,
            16,
            script(pgbench::NESTED),
            0.25,
        ),
        at_least(
            "P3",
            "warm page, 64 connections, of axum's",
            Operation::WarmPage,
            64,
            Subject::Axum,
            0.35,
        ),
        at_most(
            "P4",
            "64 identical cold queries at once",
            3.0,
            "SQL statements",
            real(evidence.statements.crowd),
        ),
        at_least(
            "P9",
            "checkout, 16 connections, of pgbench's order in 8 statements",
            Operation::Checkout,
            16,
            script(pgbench::ORDER),
            0.25,
        ),
        at_least(
            "P10",
            "checkout of one hot SKU, 64 connections, of pgbench's hot order",
            Operation::HotCheckout,
            64,
            script(pgbench::HOT_FIRST),
            2.0,
        ),
        at_most("P13", "start to ready, new folder, SQLite", 0.3, "s", evidence.sqlite.seconds),
        at_most(
            "P13",
            "start to ready, PostgreSQL with its tables",
            0.3,
            "s",
            evidence.postgres.seconds,
        ),
        at_most("P12", "memory when idle, SQLite", 40.0, "MiB", evidence.sqlite.idle.all),
        at_most(
            "P12",
            "memory when idle, PostgreSQL and Redis",
            40.0,
            "MiB",
            evidence.postgres.idle.all,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_compared_with_themselves() {
        // A machine that was half as fast in one round says nothing about the ratio.
        assert_eq!(ratio(&[10.0, 5.0, 10.0], &[20.0, 10.0, 20.0]), Some(0.5));
        assert_eq!(ratio(&[], &[1.0]), None);
    }
}
