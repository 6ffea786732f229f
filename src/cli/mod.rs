//! The command line: one file a command. Here the commands are told apart, and their errors become
//! sentences and an exit status.

mod admin;
mod config;
mod doctor;
mod health;
mod jobs;
mod migrate;
mod reference;
mod schema;
mod seed;
mod serve;

use crate::app::App;
use crate::config::SettingsArgs;
use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// One GraphQL server for a shop: products, stock, and all that is sold.
///
/// Without a command it serves. Settings come from flags, the environment and a `.env` file, in
/// this order; `stockroom config check` shows what they come to.
#[derive(Parser)]
#[command(name = "stockroom", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten, next_help_heading = "Settings")]
    settings: SettingsArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to end; also what happens without a command.
    Serve,
    /// Bring the database's schema up to date and end. `serve` does so too when it starts.
    Migrate,
    /// Write the demo catalogue: the same products every time, and only those that are missing.
    Seed(seed::SeedArgs),
    /// Manage the accounts of those who run the shop.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Look after the jobs that are done in the background.
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// Look over the whole database for what must never be: stock, holds, orders, money and events
    /// that do not agree. Changes nothing; ends with 0 when all is well, 1 when something is wrong,
    /// and 2 when it could not look.
    Doctor(doctor::DoctorArgs),
    /// Ask the server of this machine, at LISTEN_ADDR, whether it takes requests: the health check
    /// of a container. Ends with 0 when it does, and with 1 otherwise.
    Health,
    /// Print the GraphQL schema and end.
    Schema,
    /// Print the reference of the settings, or of the error codes, as Markdown.
    #[command(subcommand)]
    Reference(reference::ReferenceCommand),
    /// Look at the settings.
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

/// Runs the program and tells its exit status.
pub fn run() -> ExitCode {
    // A missing .env is the usual case; a broken line in one is worth a word.
    if let Err(error) = dotenvy::dotenv()
        && !error.not_found()
    {
        eprintln!("stockroom: .env cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    // A variable that is there and empty (`REDIS_URL=` in a .env file) means none.
    let command = Cli::command().mut_args(|arg| match arg.get_env().map(std::env::var_os) {
        Some(Some(value)) if value.is_empty() => arg.env(None),
        _ => arg,
    });
    let matches = command.get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let done = match cli.command {
        Some(Command::Serve) | None => serve::run(cli.settings),
        Some(Command::Migrate) => migrate::run(cli.settings),
        Some(Command::Seed(args)) => seed::run(cli.settings, &args),
        Some(Command::Admin(command)) => admin::run(cli.settings, command),
        Some(Command::Jobs(command)) => jobs::run(cli.settings, &command),
        Some(Command::Doctor(args)) => return doctor::run(cli.settings, &args),
        Some(Command::Health) => health::run(&cli.settings),
        Some(Command::Schema) => schema::run(),
        Some(Command::Reference(command)) => reference::run(&command),
        Some(Command::Config(command)) => config::run(cli.settings, &command, &matches),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stockroom: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what a command does beside the server, and waits for its end.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(work)
}

/// Does something with the application on a database that is up to date, and ends it well: what it
/// has to tell other replicas is told.
fn with_app<T>(
    settings: SettingsArgs,
    work: impl AsyncFnOnce(&App) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    block_on(async {
        let app = App::build(settings.check()?).await?;
        app.migrate().await?;
        let done = work(&app).await;
        app.lifecycle.end().await;
        app.close().await;
        done
    })
}
