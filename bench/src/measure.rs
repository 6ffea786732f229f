//! Rounds: everything is measured once in each, one after the other, the limits and Stockroom in turn.
//! What disturbs the machine for a while disturbs all of them, and medians and ratios of one round
//! are what is told.

use crate::database::Database;
use crate::figures::real;
use crate::load::{Outcome, Shape, Traffic, send};
use crate::machine::{Clock, Processes, Watched};
use crate::operation::{Operation, Requests};
use crate::pgbench::{self, Script};
use crate::server::Server;
use crate::shop::{Content, Shop};
use anyhow::Context;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is measured: the server, or what limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Stockroom.
    Stockroom,
    /// PostgreSQL by itself.
    Database(Script),
    /// axum by itself.
    Axum,
}

impl Subject {
    /// What the tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stockroom => "Stockroom",
            Self::Database(script) => script.name,
            Self::Axum => "axum, same answer from memory",
        }
    }
}

/// What stands in one line of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Case {
    /// What is done.
    pub operation: Operation,
    /// Connections at once.
    pub connections: usize,
}

/// One measurement.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What was done.
    pub case: Case,
    /// By whom.
    pub subject: Subject,
    /// In which round, from 0.
    pub round: usize,
    /// Right answers.
    pub done: u64,
    /// The same a second.
    pub rate: f64,
    /// Milliseconds within which half of the answers came.
    pub p50_ms: f64,
    /// Milliseconds within which 99 of 100 answers came.
    pub p99_ms: f64,
    /// Milliseconds of processor time of the server for each answer.
    pub server_ms: f64,
    /// Milliseconds of processor time of the database for each answer.
    pub database_ms: f64,
    /// The same of whoever asked.
    pub client_ms: f64,
    /// The share of the machine that was used by what has nothing to do with the benchmark.
    pub others: f64,
    /// Wrong answers.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<String>,
    /// Requests that were turned away.
    pub refused: u64,
    /// Milliseconds within which 99 of 100 of them were told so.
    pub refused_p99_ms: f64,
}

impl Sample {
    /// Milliseconds of processor time for each answer, of all that had to do with it.
    #[must_use]
    pub fn all_ms(&self) -> f64 {
        self.server_ms + self.database_ms + self.client_ms
    }
}

/// Where everything is.
pub struct Bench {
    /// The database.
    pub database: Database,
    /// Other processes that work for the benchmark: Redis, and servers that are there for a while.
    pub rest: Vec<Watched>,
    /// What is in the shop.
    pub shop: Arc<Shop>,
    /// The server with all of its caches.
    pub warm: Server,
    /// The server without caches.
    pub cold: Server,
    /// The plain server.
    pub axum: Server,
    /// A folder for files that are gone after the run.
    pub work: PathBuf,
    /// How long each measurement takes.
    pub slot: Duration,
}

impl Bench {
    /// Whom an operation is measured by.
    #[must_use]
    pub fn subjects(operation: Operation) -> Vec<Subject> {
        let scripts = pgbench::scripts(operation).iter().copied().map(Subject::Database);
        let axum = (operation == Operation::WarmPage).then_some(Subject::Axum);
        scripts.chain(axum).chain([Subject::Stockroom]).collect()
    }

    /// Measures a case once.
    ///
    /// # Errors
    /// When something cannot be run; wrong answers are counted instead.
    pub async fn sample(
        &self,
        case: Case,
        subject: Subject,
        round: usize,
    ) -> anyhow::Result<Sample> {
        match subject {
            Subject::Database(script) => self.sample_database(case, script, round).await,
            Subject::Axum => self.sample_server(case, subject, round, &self.axum).await,
            Subject::Stockroom if case.operation.is_cold() => {
                self.sample_server(case, subject, round, &self.cold).await
            }
            Subject::Stockroom => self.sample_server(case, subject, round, &self.warm).await,
        }
    }

    /// The processes of the run while this server is looked at.
    #[must_use]
    pub fn processes(&self, server: Option<&Server>) -> Processes {
        let database = Watched { pid: self.database.pid, with_children: true };
        let mut rest = self.rest.clone();
        rest.retain(|one| server.is_none_or(|server| server.pid != one.pid));
        let servers = [&self.warm, &self.cold, &self.axum];
        let others = servers.into_iter().filter(|one| server.is_none_or(|s| s.pid != one.pid));
        rest.extend(others.map(Server::watched));
        Processes { server: server.map(Server::watched), database: Some(database), rest }
    }

    async fn sample_database(
        &self,
        case: Case,
        script: Script,
        round: usize,
    ) -> anyhow::Result<Sample> {
        let processes = self.processes(None);
        let before = processes.clock()?;
        let seconds = self.slot.as_secs().max(1);
        let (database, connections) = (&self.database, case.connections);
        let ran =
            pgbench::run(database, &self.work, &self.shop, script, connections, seconds).await?;
        let spent = processes.clock()?.since(before);
        let each = |seconds: f64| seconds * 1_000.0 / real(ran.done.max(1));
        Ok(Sample {
            case,
            subject: Subject::Database(script),
            round,
            done: ran.done,
            rate: ran.rate,
            p50_ms: ran.times.within_ms(500),
            p99_ms: ran.times.within_ms(990),
            server_ms: 0.0,
            database_ms: each(spent.database),
            client_ms: each(spent.clients),
            others: spent.others(),
            errors: ran.errors,
            first_error: (ran.errors > 0).then(|| "transactions failed".to_owned()),
            refused: 0,
            refused_p99_ms: 0.0,
        })
    }

    async fn sample_server(
        &self,
        case: Case,
        subject: Subject,
        round: usize,
        server: &Server,
    ) -> anyhow::Result<Sample> {
        let carts = self.carts(case.operation).await?;
        let requests = Requests::new(case.operation, Arc::clone(&self.shop), carts)?;
        let shape = Shape {
            address: server.address,
            connections: case.connections,
            warm_up: Duration::from_millis(300),
            duration: self.slot,
        };
        self.drive((case, subject, round), server, requests, shape).await
    }

    /// Sends a load to a server, and tells what came of it.
    ///
    /// # Errors
    /// When the server is gone; wrong answers are counted instead.
    pub async fn drive(
        &self,
        (case, subject, round): (Case, Subject, usize),
        server: &Server,
        traffic: Arc<dyn Traffic>,
        shape: Shape,
    ) -> anyhow::Result<Sample> {
        let processes = self.processes(Some(server));
        let mut before = Clock::default();
        let started = || {
            before = processes.clock()?;
            Ok(())
        };
        let outcome = send(traffic, shape, started).await?;
        // What an order leaves to be done in the background belongs to what it costs.
        if case.operation.uses_carts() && subject == Subject::Stockroom {
            self.comes_to_rest().await?;
        }
        let spent = processes.clock()?.since(before);
        Ok(told(case, subject, round, outcome, spent))
    }

    /// More than can be used up in a slot.
    async fn carts(&self, operation: Operation) -> anyhow::Result<Vec<String>> {
        let seconds = usize::try_from(self.slot.as_secs().max(1))?;
        let (count, content) = match operation {
            Operation::Add => (seconds * 1_500, Content::Nothing),
            Operation::Checkout => (seconds * 4_000, Content::Any),
            Operation::HotCheckout => (seconds * 4_000, Content::Hot),
            _ => return Ok(Vec::new()),
        };
        self.shop.make_carts(&self.database, count, content).await
    }

    /// Waits until the jobs and events that orders leave behind are done, half a minute at most.
    async fn comes_to_rest(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let open = "SELECT (SELECT count(*) FROM outbox WHERE status IN ('PENDING', 'INFLIGHT'))
            + (SELECT count(*) FROM job WHERE status IN ('queued', 'running') AND run_at <= now())";
        while began.elapsed() < Duration::from_secs(30) {
            if self.database.value::<u64>(open).await.context("what is left to do")? == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}

fn told(case: Case, subject: Subject, round: usize, outcome: Outcome, spent: Clock) -> Sample {
    let each = |seconds: f64| seconds * 1_000.0 / real(outcome.done.max(1));
    Sample {
        case,
        subject,
        round,
        done: outcome.done,
        rate: outcome.rate(),
        p50_ms: outcome.times.within_ms(500),
        p99_ms: outcome.times.within_ms(990),
        server_ms: each(spent.server),
        database_ms: each(spent.database),
        client_ms: each(spent.clients),
        others: spent.others(),
        errors: outcome.errors,
        first_error: outcome.first_error,
        refused: outcome.refused.len(),
        refused_p99_ms: outcome.refused.within_ms(990),
    }
}

/// All rounds. The first one is not kept: it fills caches and makes tables grow.
///
/// # Errors
/// When something cannot be run.
pub async fn rounds(bench: &Bench, cases: &[Case], rounds: usize) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for round in 0..=rounds {
        for case in cases {
            let mut subjects = Bench::subjects(case.operation);
            // Whoever comes second finds the machine as the first one left it.
            if round % 2 == 1 {
                subjects.reverse();
            }
            for subject in subjects {
                let sample = bench.sample(*case, subject, round).await?;
                eprintln!(
                    "   round {round} of {rounds}: {}, {} connections, {}: {:.0}/s",
                    case.operation.name(),
                    case.connections,
                    subject.name(),
                    sample.rate,
                );
                if let Some(error) = &sample.first_error {
                    eprintln!("   {} ERRORS, the first: {error}", sample.errors);
                }
                if round > 0 || sample.errors > 0 {
                    samples.push(sample);
                }
            }
        }
    }
    Ok(samples)
}
