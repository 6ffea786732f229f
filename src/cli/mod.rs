//! The command line: `serve` (also what a bare `stockroom` does), `migrate`, `schema` and more.

mod serve;

use crate::config::SettingsArgs;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// One GraphQL server for a shop: products, stock, and all that is sold.
#[derive(Parser)]
#[command(name = "stockroom", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to end; also what happens without a command.
    Serve,
    /// Print the GraphQL schema and end.
    Schema,
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
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Serve) | None => serve::run(cli.settings),
        Some(Command::Schema) => {
            println!("{}", crate::schema::sdl());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stockroom: {error:#}");
            ExitCode::FAILURE
        }
    }
}
