//! `stockroom doctor`: whether the database is sound. A verdict for people or for programs, and an
//! exit status.

use crate::config::{DatabaseTarget, SettingsArgs};
use crate::db::Db;
use crate::doctor::{self, Invariant, NAMED, Report, Verdict};
use anyhow::{Context, bail};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// Something is wrong.
const UNSOUND: u8 = 1;
/// Nobody knows.
const UNKNOWN: u8 = 2;

/// How to tell.
#[derive(clap::Args)]
pub struct DoctorArgs {
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Carries out the command. Its exit status is 0 when all is well, 1 when something is wrong, and 2
/// when it could not look.
pub fn run(settings: SettingsArgs, args: &DoctorArgs) -> ExitCode {
    match examine(settings).and_then(|report| Ok((written(&report, args.json)?, report.healthy))) {
        Ok((text, healthy)) => {
            // Whoever closed the other end of the output does not want to read it.
            let _ = std::io::stdout().write_all(text.as_bytes());
            if healthy { ExitCode::SUCCESS } else { ExitCode::from(UNSOUND) }
        }
        Err(error) => {
            eprintln!("stockroom: {error:#}");
            ExitCode::from(UNKNOWN)
        }
    }
}

fn examine(settings: SettingsArgs) -> anyhow::Result<Report> {
    let settings = settings.check()?;
    if let DatabaseTarget::Sqlite(path) = &settings.database
        && !path.exists()
    {
        bail!("there is no database in {}", path.display());
    }
    crate::cli::block_on(async {
        let db = Db::open(&settings.database).await.context("cannot open the database")?;
        let pending = db.pending_migrations().await.context("cannot read the database")?;
        if !pending.is_empty() {
            bail!("the database is not up to date: run `stockroom migrate` first");
        }
        let report = doctor::examine(&db, Invariant::ALL).await;
        db.close().await;
        report.context("cannot read the database")
    })
}

fn written(report: &Report, json: bool) -> anyhow::Result<String> {
    if json {
        let text = serde_json::to_string_pretty(report).context("cannot write the report")?;
        return Ok(text + "\n");
    }
    let mut text = String::new();
    for verdict in &report.verdicts {
        write_verdict(&mut text, verdict);
    }
    for note in &report.notes {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "note: {note}");
    }
    let broken = report.verdicts.iter().filter(|verdict| verdict.broken > 0).count();
    let _ = match broken {
        0 => writeln!(text, "The database is sound."),
        1 => writeln!(text, "The database is NOT sound: 1 rule is broken."),
        many => writeln!(text, "The database is NOT sound: {many} rules are broken."),
    };
    Ok(text)
}

fn write_verdict(text: &mut String, verdict: &Verdict) {
    let Verdict { id, rule, broken, findings } = verdict;
    // Writing to a string cannot fail.
    let _ = match broken {
        0 => writeln!(text, "{id}  ok      {rule}"),
        _ => writeln!(text, "{id}  BROKEN  {rule}: {broken}"),
    };
    for finding in findings {
        let _ = writeln!(text, "      {}: {}", finding.wrong, finding.count);
        for offender in &finding.first {
            let id = offender.id.map(|id| format!("{id}  ")).unwrap_or_default();
            let _ = writeln!(text, "        {id}{}", offender.detail);
        }
        if finding.count > i64::from(NAMED) {
            let _ = writeln!(text, "        and {} more", finding.count - i64::from(NAMED));
        }
    }
}
