//! A run from the empty database to the report.

use crate::crowd::crowd;
use crate::database::Database;
use crate::figures::median;
use crate::goals::{Evidence, goals};
use crate::live::live;
use crate::machine::{self, Watched};
use crate::measure::{Bench, Case, rounds};
use crate::observed::observed;
use crate::operation::{Operation, Requests};
use crate::overload::overload;
use crate::probe::{loaded, starts, statements};
use crate::report::Findings;
use crate::server::Stockroom;
use crate::shop::{Content, Shop};
use crate::{ceiling, growth, load};
use anyhow::Context;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Pieces of the hot SKU in the exam of exactness, and buyers who want one.
const PIECES: u64 = 300;
const BUYERS: usize = 600;

/// What a run is told.
#[derive(clap::Args)]
pub struct RunArgs {
    /// The server's program.
    #[arg(long)]
    pub stockroom: PathBuf,
    /// The database, empty.
    #[arg(long)]
    pub database_url: String,
    /// The folder of PostgreSQL's programs.
    #[arg(long)]
    pub postgres_programs: PathBuf,
    /// The process of PostgreSQL.
    #[arg(long)]
    pub postgres_pid: u32,
    /// The Redis.
    #[arg(long)]
    pub redis_url: String,
    /// The process of Redis.
    #[arg(long)]
    redis_pid: u32,
    /// A folder for files that are gone after the run.
    #[arg(long)]
    pub work: PathBuf,
    /// The file that the report goes to.
    #[arg(long)]
    pub report: PathBuf,
    /// The log of PostgreSQL.
    #[arg(long)]
    pub postgres_log: PathBuf,
    /// Compare a small shop with one of so many orders, and do nothing else.
    #[arg(long)]
    growth: Option<u32>,
    /// Products of that shop; as many as orders when not given.
    #[arg(long)]
    growth_products: Option<u32>,
    /// Products in the shop.
    #[arg(long, default_value_t = 10_000)]
    products: u32,
    /// Fewer cases, three rounds, a second each.
    #[arg(long)]
    pub quick: bool,
    /// Sockets that watch stock, at most: 10,000 when not given, in a quick run 1,000.
    #[arg(long)]
    pub sockets: Option<usize>,
    /// What the report says beside: the versions of what is measured.
    #[arg(long = "fact", value_parser = fact)]
    pub facts: Vec<(String, String)>,
}

/// What a load by itself is told.
#[derive(clap::Args)]
pub struct LoadArgs {
    /// Where the server listens.
    #[arg(long)]
    server: SocketAddr,
    /// Its database, as a run has prepared it.
    #[arg(long)]
    database_url: String,
    /// The folder of PostgreSQL's programs.
    #[arg(long)]
    postgres_programs: PathBuf,
    /// Which operation, by its name in the tables.
    #[arg(long)]
    operation: String,
    /// Connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Sends an operation for a while, and says how that went.
///
/// # Errors
/// When the operation is unknown, or the server is not there.
pub async fn load(args: &LoadArgs) -> anyhow::Result<()> {
    let database = Database {
        url: args.database_url.clone(),
        programs: args.postgres_programs.clone(),
        pid: std::process::id(),
    };
    let operation = Operation::ALL.into_iter().find(|one| one.name() == args.operation);
    let operation = operation.context("no operation has this name")?;
    let shop = Arc::new(Shop::read(&database, args.server).await?);
    let seconds = usize::try_from(args.seconds)?;
    let (count, content) = match operation {
        Operation::Add => (seconds * 500, Content::Nothing),
        Operation::Checkout => (seconds * 1_000, Content::Any),
        Operation::HotCheckout => (seconds * 1_000, Content::Hot),
        _ => (0, Content::Nothing),
    };
    let carts = shop.make_carts(&database, count, content).await?;
    let shape = load::Shape {
        address: args.server,
        connections: args.connections,
        warm_up: Duration::from_secs(1),
        duration: Duration::from_secs(args.seconds),
    };
    let outcome = load::send(Requests::new(operation, shop, carts)?, shape, || Ok(())).await?;
    println!("{:.0} a second, {} errors", outcome.rate(), outcome.errors);
    if let Some(first) = &outcome.first_error {
        println!("the first error: {first}");
    }
    Ok(())
}

fn fact(text: &str) -> Result<(String, String), String> {
    let (name, fact) = text.split_once('=').ok_or("not name=fact")?;
    Ok((name.to_owned(), fact.to_owned()))
}

/// Settings of every server: what is measured is the work, and neither the limits on guessing nor
/// lines of a log.
#[must_use]
pub fn settings(args: &RunArgs) -> Vec<(&'static str, String)> {
    vec![
        ("LOG_LEVEL", "warn".to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
        ("GRAPHIQL_ENABLED", "false".to_owned()),
        ("SQL_EXTENSION_ENABLED", "false".to_owned()),
        ("SEED_DEMO", "false".to_owned()),
        ("RATE_LIMIT_ENABLED", "false".to_owned()),
        ("JWT_SIGNING_KEY", "a key of the benchmark, which signs nothing".to_owned()),
        ("DATABASE_URL", args.database_url.clone()),
    ]
}

/// Measures, writes the report, and tells whether all answers were right.
///
/// # Errors
/// When something cannot be run at all.
pub async fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    if let Some(rows) = args.growth {
        return growth::run(args, args.growth_products.unwrap_or(rows), rows)
            .await
            .map(|()| ExitCode::SUCCESS);
    }
    let common = settings(args);
    let stockroom = Stockroom {
        program: args.stockroom.clone(),
        work: args.work.clone(),
        settings: common.clone(),
    };
    let redis = [("REDIS_URL", args.redis_url.as_str())];
    // Background work is that of the other server.
    let cold_settings = [("CACHE_MEMORY_MIB", "0"), ("ROLE", "api")];
    let database = Database {
        url: args.database_url.clone(),
        programs: args.postgres_programs.clone(),
        pid: args.postgres_pid,
    };

    say("seeding");
    stockroom.run(&["seed", "--scale", &args.products.to_string()], &[]).await?;
    database.run(include_str!("../sql/prepare.sql")).await.context("the preparation")?;

    say("starting, several times");
    let sqlite = starts(&stockroom, "sqlite", &[("DATABASE_URL", "")]).await?;
    let postgres = starts(&stockroom, "postgres", &redis).await?;

    let warm = stockroom.serve("warm", &redis).await?;
    let cold = stockroom.serve("cold", &cold_settings).await?;
    let shop = Arc::new(Shop::read(&database, warm.address).await?);
    say("counting statements");
    let api = [redis.as_slice(), &[("ROLE", "api")]].concat();
    let crowd = crowd(args, &stockroom, &shop).await?;
    let counted = statements(&stockroom, &database, &shop, &api, &cold_settings, crowd).await?;

    let answers = args.work.join("answers.json");
    ceiling::keep_answers(&shop, warm.address, &answers).await?;
    let axum = ceiling::start(&answers, &args.work).await?;
    let mut bench = Bench {
        database: database.clone(),
        rest: vec![Watched { pid: args.redis_pid, with_children: false }],
        shop,
        warm,
        cold,
        axum,
        work: args.work.clone(),
        slot: Duration::from_secs(if args.quick { 1 } else { 2 }),
    };
    let count = if args.quick { 3 } else { 5 };
    let cases = cases(args.quick);
    let load_before = load_average();
    say("measuring");
    let samples = rounds(&bench, &cases, count).await?;
    let memory = loaded(&bench)?;
    say("sending more than can be answered");
    let overload = overload(&bench, count).await?;
    say("measuring with log and metrics, and without");
    let observed = observed(&mut bench, &stockroom, &cold_settings, count).await?;
    say("watching stock");
    let mut crowds = Vec::new();
    let watched = live(args, &stockroom, &mut bench, &mut crowds).await;
    let watched = watched
        .map(|()| "each socket was told of each change, once".to_owned())
        .map_err(|error| format!("{error:#}"));
    let all_told = watched.is_ok();
    say("looking at what was sold");
    let checks = vec![
        ("Sockets that watch stock", watched),
        ("A hot SKU with fewer pieces than buyers", exactness(&bench).await),
        ("`stockroom doctor`", doctor(&stockroom).await),
    ];

    let evidence = Evidence {
        samples: &samples,
        statements: &counted,
        overload: &overload,
        live: &crowds,
        all_told,
        observed: &observed,
        sqlite,
        postgres,
    };
    let goals = goals(&evidence);
    let others: Vec<f64> = samples.iter().map(|sample| sample.others * 100.0).collect();
    let mut facts: Vec<(&'static str, String)> = vec![
        ("Machine", machine::description()),
        (
            "Others on it meanwhile",
            format!(
                "{:.0} % of its processors at the median; load average {load_before} before, {} after",
                median(&others).unwrap_or(0.0),
                load_average()
            ),
        ),
        (
            "Rounds",
            format!("{count} of {} s each, and one that does not count", bench.slot.as_secs()),
        ),
        ("Products", args.products.to_string()),
        ("Settings of the servers", shown(&common)),
        (
            "Warm",
            "the server has Redis and caches as they are by default, and does the jobs".into(),
        ),
        ("Cold", format!("another server, without Redis: {}", shown(&cold_settings))),
    ];
    facts.extend(
        args.facts.iter().map(|(name, fact)| -> (&'static str, String) {
            ("Versions", format!("{name} {fact}"))
        }),
    );
    let findings = Findings {
        facts,
        cases,
        samples,
        statements: counted,
        starts: vec![
            ("new folder, SQLite", sqlite),
            ("PostgreSQL with its tables, Redis", postgres),
        ],
        memory,
        overload,
        live: crowds,
        observed,
        checks,
        goals,
    };
    let text = findings.markdown()?;
    std::fs::write(&args.report, &text).context("cannot write the report")?;
    println!("{text}");
    let failed = !findings.failures().is_empty();
    bench.warm.stop().await?;
    bench.cold.stop().await?;
    bench.axum.stop().await?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn say(what: &str) {
    eprintln!("== {what}");
}

fn shown(settings: &[(&str, impl AsRef<str>)]) -> String {
    let secret = ["JWT_SIGNING_KEY", "DATABASE_URL"];
    let shown = settings.iter().filter(|(name, _)| !secret.contains(name));
    let shown: Vec<String> =
        shown.map(|(name, value)| format!("`{name}={}`", value.as_ref())).collect();
    shown.join(" ")
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(1).collect()
}

/// What is measured: everything on 1, 16 and 64 connections, or what the goals are about.
fn cases(quick: bool) -> Vec<Case> {
    let every = Operation::ALL
        .into_iter()
        .flat_map(|operation| [1, 16, 64].map(|connections| Case { operation, connections }));
    let matters = |case: &Case| {
        let wanted = match case.operation {
            Operation::WarmPage | Operation::HotCheckout => 64,
            _ => 16,
        };
        !quick || case.connections == wanted
    };
    every.filter(matters).collect()
}

/// Whether the database is sound after the load, by the server's own inspection.
async fn doctor(stockroom: &Stockroom) -> Result<String, String> {
    match stockroom.run(&["doctor"], &[]).await {
        Ok(_) => Ok("nothing is wrong".to_owned()),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// Lets more buyers come than there are pieces.
async fn exactness(bench: &Bench) -> Result<String, String> {
    let sold = try_exactness(bench).await.map_err(|error| format!("{error:#}"))?;
    let said = format!("{sold} orders of {BUYERS} buyers for {PIECES} pieces");
    if sold == PIECES { Ok(said) } else { Err(said) }
}

async fn try_exactness(bench: &Bench) -> anyhow::Result<u64> {
    let left = bench.shop.leave_hot(&bench.database, PIECES).await?;
    let carts = bench.shop.make_carts(&bench.database, BUYERS, Content::Hot).await?;
    let requests =
        crate::operation::Requests::new(Operation::HotCheckout, Arc::clone(&bench.shop), carts)?;
    let shape = load::Shape {
        address: bench.warm.address,
        connections: 64,
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(60),
    };
    // Half of the answers say that there is nothing left: they are no orders, and no errors here.
    load::send(requests, shape, || Ok(())).await?;
    Ok(bench.shop.hot_reserved(&bench.database).await? - left)
}
