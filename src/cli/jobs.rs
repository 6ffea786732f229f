//! `stockroom jobs`: what became of the work in the background, and another chance for what failed.

use crate::config::SettingsArgs;
use crate::jobs::{self, Status};
use anyhow::{Context, bail};
use uuid::Uuid;

/// What can be done with jobs.
#[derive(clap::Subcommand)]
pub enum JobsCommand {
    /// Print jobs in a state, the newest first, with the reason of their last failure.
    List(ListArgs),
    /// Queue a dead job again, with all its attempts.
    Retry(RetryArgs),
}

/// Which jobs to print.
#[derive(clap::Args)]
pub struct ListArgs {
    /// Their state. Dead are those that failed for the last time.
    #[arg(long, value_enum, default_value = "dead")]
    status: Status,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    limit: u64,
}

/// Which job to queue.
#[derive(clap::Args)]
pub struct RetryArgs {
    /// As `jobs list` and the log name it.
    id: Uuid,
}

/// Carries out the command.
///
/// # Errors
/// When the settings or the database cannot be used, or there is no such job.
pub fn run(settings: SettingsArgs, command: &JobsCommand) -> anyhow::Result<()> {
    crate::cli::with_app(settings, async |app| match command {
        JobsCommand::List(args) => {
            let jobs = jobs::list(&app.db, args.status, args.limit).await;
            let jobs = jobs.context("cannot read the jobs")?;
            for job in &jobs {
                let at = job.finished_at.unwrap_or(job.run_at).format("%Y-%m-%d %H:%M:%S UTC");
                let (kind, tried, most) = (&job.kind, job.attempts, job.max_attempts);
                println!("{}  {at}  {kind}  attempt {tried} of {most}", job.id);
                if let Some(error) = &job.error {
                    println!("    {}", error.replace(char::is_control, " "));
                }
            }
            if jobs.is_empty() {
                println!("There are no jobs that are {}.", args.status.name());
            }
            Ok(())
        }
        JobsCommand::Retry(RetryArgs { id }) => {
            if !jobs::retry(&app.db, *id).await.context("cannot queue the job")? {
                bail!("there is no dead job {id}");
            }
            println!("The job is queued again; a worker takes it within seconds.");
            Ok(())
        }
    })
}
