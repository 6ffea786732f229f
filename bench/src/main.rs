//! The program behind `scripts/bench`: it measures Stockroom against what limits it on the same
//! machine in the same run, and writes tables.

mod ceiling;
mod crowd;
mod database;
mod figures;
mod goals;
mod growth;
mod live;
mod load;
mod log;
mod machine;
mod measure;
mod observed;
mod operation;
mod overload;
mod pgbench;
mod plans;
mod probe;
mod report;
mod run;
mod server;
mod shop;
mod staff;
mod times;

use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, and write the report.
    Run(run::RunArgs),
    /// Send one operation to a server that runs, while somebody looks at it with a profiler.
    Load(run::LoadArgs),
    /// Be the plain server that Stockroom is compared with.
    Ceiling {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        /// The answers, in a file.
        #[arg(long)]
        answers: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => run::run(&args).await,
        Command::Load(args) => run::load(&args).await.map(|()| ExitCode::SUCCESS),
        Command::Ceiling { listen, answers } => {
            ceiling::serve(listen, &answers).await.map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("bench: {error:#}");
        ExitCode::FAILURE
    })
}
