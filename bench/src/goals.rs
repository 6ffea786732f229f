//! What the release must hold, as ratios to limits that were measured in the same run.

use crate::crowd::Crowd;
use crate::figures::{median, short};
use crate::live;
use crate::measure::{Sample, Subject};
use crate::observed::Observed;
use crate::operation::Operation;
use crate::overload::Overload;
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
    /// Too many clients.
    pub overload: &'a Overload,
    /// Sockets that watch, until something failed.
    pub live: &'a [live::Crowd],
    /// Whether nothing did: each socket was told of each change.
    pub all_told: bool,
    /// Log and metrics.
    pub observed: &'a Observed,
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

    /// Stockroom held against a limit.
    fn compared(&self, operation: Operation, connections: usize, limit: Subject) -> Compared {
        let of = |subject, figure| self.figures(operation, connections, subject, figure);
        let series = |subject| Series {
            rates: of(subject, |sample| sample.rate),
            times: of(subject, Sample::all_ms),
            others: of(subject, |sample| sample.others),
        };
        Compared::new(&series(Subject::Stockroom), &series(limit))
    }
}

/// Figures of something by round.
#[derive(Default)]
struct Series {
    rates: Vec<f64>,
    times: Vec<f64>,
    others: Vec<f64>,
}

impl Series {
    fn of(samples: &[Sample]) -> Self {
        let figures = |figure: fn(&Sample) -> f64| samples.iter().map(figure).collect();
        Self {
            rates: figures(|sample| sample.rate),
            times: figures(Sample::all_ms),
            others: figures(|sample| sample.others),
        }
    }
}

/// Something held against something else.
struct Compared {
    /// The middle of the ratios of each round: of the rates, and of what an answer of the limit
    /// takes of processor time to what one of ours takes.
    ratios: Option<(f64, f64)>,
    /// Whether rates tell anything.
    quiet: bool,
}

impl Compared {
    fn new(ours: &Series, limit: &Series) -> Self {
        let rate = ratio(&ours.rates, &limit.rates);
        let time = ratio(&limit.times, &ours.times);
        let others = [ours.others.as_slice(), &limit.others].concat();
        Self { ratios: rate.zip(time), quiet: median(&others).unwrap_or(0.0) <= QUIET }
    }

    fn at_least(&self, id: &'static str, what: &'static str, floor: f64) -> Goal {
        Goal {
            id,
            what,
            floor: format!("≥ {}", short(floor)),
            measured: self.ratios.map(|(rate, time)| {
                let (rate, time) = (short(rate), short(time));
                match self.quiet {
                    true => format!("**{rate}** by rate, {time} by processor time"),
                    false => format!("{rate} by rate, **{time}** by processor time"),
                }
            }),
            met: self.ratios.map(|(rate, time)| floor <= if self.quiet { rate } else { time }),
        }
    }
}

/// With more than this share of the machine used by others, rates tell how it shares and not what
/// work costs: the goals are judged by processor time then.
pub const QUIET: f64 = 0.1;
/// Statements for a crowd of identical requests, at most.
const CROWD_FLOOR: usize = 3;

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
        evidence.compared(operation, connections, limit).at_least(id, what, floor)
    };
    let at_most = |id, what, floor: f64, unit: &str, measured: f64| Goal {
        id,
        what,
        floor: format!("≤ {} {unit}", short(floor)),
        measured: Some(format!("{} {unit}", short(measured))),
        met: Some(measured <= floor),
    };
    let mut goals = vec![
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
        crowd(evidence.statements.crowd),
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
    ];
    goals.extend(load_goals(evidence));
    goals
}

fn crowd(crowd: Crowd) -> Goal {
    Goal {
        id: "P4",
        what: "64 identical cold queries at once",
        floor: format!("≤ {CROWD_FLOOR} SQL statements"),
        measured: Some(format!(
            "{} SQL statements; one query alone takes {}",
            crowd.together, crowd.alone
        )),
        met: Some(crowd.together <= CROWD_FLOOR),
    }
}

/// What is about too many clients, many watchers, and being watched.
fn load_goals(evidence: &Evidence<'_>) -> Vec<Goal> {
    let compared =
        |ours: &[Sample], limit: &[Sample]| Compared::new(&Series::of(ours), &Series::of(limit));
    let (overload, observed) = (evidence.overload, evidence.observed);
    let statements = live::most_statements(evidence.live);
    vec![
        compared(&overload.flood, &overload.peak).at_least(
            "P14",
            "overload: good answers with 16 times the connections that saturate, of the peak",
            0.8,
        ),
        Goal {
            id: "P15",
            what: "a change of stock that many sockets watch, any number of them",
            floor: "≤ 1 SQL statement a change".to_owned(),
            measured: statements.map(|most| match evidence.all_told {
                true => format!("{} SQL statements at most", short(most)),
                false => format!("{} SQL statements at most, and not all were told", short(most)),
            }),
            met: statements.map(|most| most <= 1.0 && evidence.all_told),
        },
        compared(&observed.on, &observed.off).at_least(
            "P16",
            "cold page, 16 connections, with log and metrics on, of it without",
            0.9,
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

    #[test]
    fn rates_are_believed_on_a_quiet_machine_alone() {
        let series = |rate: f64, time: f64, others: f64| Series {
            rates: vec![rate],
            times: vec![time],
            others: vec![others],
        };
        let met = |others| {
            let limit = series(100.0, 1.0, others);
            Compared::new(&series(50.0, 1.0, others), &limit).at_least("P0", "it", 0.9).met
        };

        assert_eq!(met(0.0), Some(false));
        assert_eq!(met(0.5), Some(true));
        assert_eq!(Compared::new(&Series::default(), &Series::default()).ratios, None);
    }
}
