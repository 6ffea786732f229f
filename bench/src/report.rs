//! The results as Markdown.

use crate::figures::{median, short, short_or_dash};
use crate::goals::{Goal, ratio};
use crate::live;
use crate::machine::Resident;
use crate::measure::{Bench, Case, Sample, Subject};
use crate::observed::Observed;
use crate::overload::Overload;
use crate::probe::{Start, Statements};
use std::fmt::Write as _;

/// Everything that a run found out.
pub struct Findings {
    /// When, where and on what.
    pub facts: Vec<(&'static str, String)>,
    /// The cases in their order.
    pub cases: Vec<Case>,
    /// The rounds.
    pub samples: Vec<Sample>,
    /// Statements by request.
    pub statements: Statements,
    /// Starts by name.
    pub starts: Vec<(&'static str, Start)>,
    /// Memory by name.
    pub memory: Vec<(&'static str, Resident)>,
    /// Too many clients.
    pub overload: Overload,
    /// Sockets that watch stock.
    pub live: Vec<live::Crowd>,
    /// Log and metrics.
    pub observed: Observed,
    /// Whether things that must hold after the load do, by name.
    pub checks: Vec<(&'static str, Result<String, String>)>,
    /// The goals.
    pub goals: Vec<Goal>,
}

impl Findings {
    /// What went wrong: the figures of such a run are worth nothing.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let Overload { peak, flood } = &self.overload;
        let Observed { on, off, .. } = &self.observed;
        // Far too many clients may be turned away; whoever comes otherwise may not.
        let wrong = |sample: &&Sample| sample.errors + sample.refused > 0;
        let mut failures: Vec<String> = [&self.samples, peak, on, off]
            .into_iter()
            .flatten()
            .filter(wrong)
            .chain(flood.iter().filter(|sample| sample.errors > 0))
            .map(|sample| {
                format!(
                    "{} wrong and {} refused answers: {}, {} connections, {}, round {}{}",
                    sample.errors,
                    sample.refused,
                    sample.case.operation.name(),
                    sample.case.connections,
                    sample.subject.name(),
                    sample.round,
                    sample.first_error.as_ref().map_or(String::new(), |e| format!(": {e}")),
                )
            })
            .collect();
        let wrong = self.checks.iter().filter_map(|(name, found)| {
            found.as_ref().err().map(|error| format!("{name}: {error}"))
        });
        failures.extend(wrong);
        failures
    }

    /// The whole report.
    ///
    /// # Errors
    /// Never: text can be written.
    pub fn markdown(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::from("# Benchmark\n\n");
        for (name, fact) in &self.facts {
            writeln!(text, "- **{name}**: {fact}")?;
        }
        let failures = self.failures();
        if failures.is_empty() {
            writeln!(text, "- **Errors**: none")?;
        } else {
            writeln!(text, "\n## **THIS RUN HAS ERRORS: ITS FIGURES ARE WORTH NOTHING**\n")?;
            for failure in failures {
                writeln!(text, "- {failure}")?;
            }
        }
        self.goals(&mut text)?;
        self.operations(&mut text)?;
        self.overload.write(&mut text)?;
        live::write(&self.live, &mut text)?;
        self.observed.write(&mut text)?;
        self.rest(&mut text)?;
        Ok(text)
    }

    fn goals(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\n## Goals\n\n| | what | floor | measured | |\n| --- | --- | --- | --- | --- |"
        )?;
        for goal in &self.goals {
            let met = match goal.met {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "not measured in this run",
            };
            let measured = goal.measured.as_deref().unwrap_or("–");
            let Goal { id, what, floor, .. } = goal;
            writeln!(text, "| {id} | {what} | {floor} | {measured} | {met} |")?;
        }
        Ok(())
    }

    fn operations(&self, text: &mut String) -> std::fmt::Result {
        let mut last = None;
        for case in &self.cases {
            if last != Some(case.operation) {
                last = Some(case.operation);
                writeln!(text, "\n## {}\n", capital(case.operation.name()))?;
                let statements = self.statements.by_operation.iter();
                if let Some((_, count)) = statements.clone().find(|(o, _)| *o == case.operation) {
                    writeln!(
                        text,
                        "Stockroom takes {} SQL statements a request.\n",
                        short(*count)
                    )?;
                }
                writeln!(
                    text,
                    "| connections | | per second | Stockroom to it: rate / CPU | p50 ms | p99 ms | CPU ms each: \
                     server | database | clients | used by others |\n\
                     | --: | --- | --: | --: | --: | --: | --: | --: | --: | --: |"
                )?;
            }
            self.lines(text, *case)?;
        }
        Ok(())
    }

    fn lines(&self, text: &mut String, case: Case) -> std::fmt::Result {
        let of = |subject: Subject| -> Vec<&Sample> {
            let chosen = |sample: &&Sample| {
                sample.case == case && sample.subject == subject && sample.round > 0
            };
            self.samples.iter().filter(chosen).collect()
        };
        let rates =
            |subject| -> Vec<f64> { of(subject).iter().map(|sample| sample.rate).collect() };
        let times =
            |subject| -> Vec<f64> { of(subject).iter().map(|sample| sample.all_ms()).collect() };
        let ours = Subject::Stockroom;
        for subject in Bench::subjects(case.operation) {
            let samples = of(subject);
            let middle = |figure: fn(&Sample) -> f64| {
                let figures: Vec<f64> = samples.iter().map(|sample| figure(sample)).collect();
                short_or_dash(median(&figures))
            };
            let share = match subject {
                Subject::Stockroom => String::new(),
                limit => format!(
                    "{} / {}",
                    short_or_dash(ratio(&rates(ours), &rates(limit))),
                    short_or_dash(ratio(&times(limit), &times(ours)))
                ),
            };
            let server = match subject {
                Subject::Database(_) => "–".to_owned(),
                _ => middle(|sample| sample.server_ms),
            };
            let others: Vec<f64> = samples.iter().map(|sample| sample.others * 100.0).collect();
            writeln!(
                text,
                "| {} | {} | {} | {share} | {} | {} | {server} | {} | {} | {:.0} % |",
                case.connections,
                subject.name(),
                middle(|sample| sample.rate),
                middle(|sample| sample.p50_ms),
                middle(|sample| sample.p99_ms),
                middle(|sample| sample.database_ms),
                middle(|sample| sample.client_ms),
                median(&others).unwrap_or(0.0),
            )?;
        }
        Ok(())
    }

    fn rest(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\n## Start and memory\n\n| | s to ready | MiB resident | its own | of its program |\n\
             | --- | --: | --: | --: | --: |"
        )?;
        let starts = self
            .starts
            .iter()
            .map(|(name, start)| (format!("idle: {name}"), short(start.seconds), start.idle));
        let loaded =
            self.memory.iter().map(|(name, memory)| ((*name).to_owned(), String::new(), *memory));
        for (name, seconds, Resident { all, own, program }) in starts.chain(loaded) {
            let (all, own, program) = (short(all), short(own), short(program));
            writeln!(text, "| {name} | {seconds} | {all} | {own} | {program} |")?;
        }
        writeln!(text, "\n## Looked at after the load\n")?;
        for (name, found) in &self.checks {
            let (Ok(said) | Err(said)) = found;
            writeln!(text, "- {name}: {said}")?;
        }
        Ok(())
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
