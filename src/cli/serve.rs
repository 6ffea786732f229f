//! `stockroom serve`: from settings to a listening server, and in good order back to nothing.

use crate::app::{App, FIRST_ADMIN_EMAIL};
use crate::config::{DatabaseTarget, Environment, ServeRole, Settings, SettingsArgs};
use crate::seed::Seed;
use crate::telemetry;
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the database may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// What a process that was told twice to end ends with: 128 and the number of SIGTERM.
const KILLED: i32 = 143;

/// Serves until the process is told to end.
///
/// # Errors
/// Before the server listens: settings, the database or the address cannot be used.
pub fn run(settings: SettingsArgs) -> anyhow::Result<()> {
    let settings = settings.check()?;
    telemetry::start_logging(&settings.log_level, settings.log_format)?;
    telemetry::log_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(serve(settings));
    // Blocking work, such as the hashing of a password, cannot be cut short: it is left behind.
    runtime.shutdown_timeout(Duration::from_millis(500));
    served
}

async fn serve(mut settings: Settings) -> anyhow::Result<()> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    // Bound first: a port that is taken is told at once, and nothing else has happened.
    let listener = TcpListener::bind(settings.listen_addr)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen_addr))?;
    let address = listener.local_addr().context("cannot tell where it listens")?;
    let metrics = listen_for_metrics(&settings).await?;
    // A crowd that comes first finds the connections open: opening one takes longer than a request.
    settings.database.keep_open();
    let app = App::build(settings).await?;
    let steps = app.migrate().await?;
    if !steps.is_empty() {
        tracing::info!(steps = steps.len(), "the database was brought up to date");
    }
    let has_api = app.settings.role != ServeRole::Worker;
    if has_api && app.settings.seed_demo {
        let seed = Seed::new(app.db.clone(), app.settings.shop_currency);
        if seed.run_if_new().await.context("cannot write the demo catalogue")? {
            tracing::info!("the database is new: it has the demo catalogue now");
        }
    }
    let password = if has_api { app.first_admin().await? } else { None };
    app.work_in_background();
    // Whoever closed the other end of the output does not want to read it.
    let figures = metrics.as_ref().and_then(|listener| listener.local_addr().ok());
    let greeting = greeting(&app.settings, (address, figures), password);
    let _ = std::io::stdout().write_all(greeting.as_bytes());
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    if let (Some(listener), Some(address)) = (metrics, figures) {
        tracing::info!(%address, "figures are told");
        app.lifecycle.background.spawn(crate::http::serve_metrics(app.clone(), listener));
    }
    let server = tokio::spawn(crate::http::serve(app.clone(), listener));
    signals.next().await;
    end(&app, server, signals).await
}

/// The listener that figures have of their own, if they have one.
async fn listen_for_metrics(settings: &Settings) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = settings.metrics.listen_addr else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    listener.map(Some).with_context(|| format!("cannot listen on METRICS_LISTEN_ADDR, {address}"))
}

/// Ends in good order: not ready, not accepting, sockets closed, requests and mutations ended. A
/// second signal ends it at once.
async fn end(
    app: &App,
    server: tokio::task::JoinHandle<()>,
    mut signals: Signals,
) -> anyhow::Result<()> {
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(KILLED)
    });
    tracing::info!("ending: not ready any more");
    app.lifecycle.draining.cancel();
    tokio::time::sleep(app.settings.transport.drain_delay).await;
    tracing::info!("ending: nothing new is accepted");
    app.lifecycle.stopping.cancel();
    server.await.context("the server ended with a fault")?;
    if tokio::time::timeout(GOODBYE, app.close()).await.is_err() {
        tracing::warn!("the database did not say goodbye in time");
    }
    tracing::info!("ended");
    Ok(())
}

/// The signals that end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What the terminal shows when the server is ready.
fn greeting(
    settings: &Settings,
    (address, metrics): (SocketAddr, Option<SocketAddr>),
    password: Option<SecretString>,
) -> String {
    let host = host_of(address);
    let database = match &settings.database {
        DatabaseTarget::Sqlite(path) => format!("embedded SQLite in {}", path.display()),
        DatabaseTarget::Postgres { .. } => "PostgreSQL".to_owned(),
    };
    let shared = if settings.redis_url.is_some() { "Redis" } else { "this process alone" };
    let mut lines =
        vec![format!("Stockroom {} is ready.", env!("CARGO_PKG_VERSION")), String::new()];
    let has_api = settings.role != ServeRole::Worker;
    if has_api && settings.graphiql_enabled {
        lines.push(format!("  GraphiQL   http://{host}/"));
    }
    if has_api {
        lines.push(format!("  Dashboard  http://{host}/dashboard"));
        lines.push(format!("  GraphQL    http://{host}/graphql"));
        lines.push(format!("  Live       ws://{host}/graphql (graphql-transport-ws)"));
    }
    lines.push(format!("  Health     http://{host}/health/ready"));
    match metrics {
        Some(metrics) => lines.push(format!("  Metrics    http://{}/metrics", host_of(metrics))),
        None if settings.environment == Environment::Development => {
            lines.push(format!("  Metrics    http://{host}/metrics"));
        }
        None => {}
    }
    lines.push(format!("  Database   {database}"));
    lines.push(format!("  Cache      {shared}"));
    lines.push(match settings.role {
        ServeRole::All => "  Jobs       in this process".to_owned(),
        ServeRole::Api => "  Jobs       in workers of their own: serve --role worker".to_owned(),
        ServeRole::Worker => "  Jobs       and nothing else in this process".to_owned(),
    });
    lines.push(match settings.mail.smtp_url {
        Some(_) => "  Mail       over SMTP".to_owned(),
        None => "  Mail       written to the log".to_owned(),
    });
    if let Some(password) = password {
        let password = password.expose_secret();
        lines.push(String::new());
        lines.push(format!("  Sign in as {FIRST_ADMIN_EMAIL} with the password {password}"));
        lines.push("  It is shown this once and kept nowhere.".to_owned());
    }
    lines.push(String::new());
    lines.push("  Ctrl-C ends it.".to_owned());
    lines.push(String::new());
    lines.iter().fold(String::new(), |mut text, line| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
        text
    })
}

/// Where a browser on this machine finds an address.
fn host_of(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("localhost:{}", v4.port()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("localhost:{}", v6.port()),
        other => other.to_string(),
    }
}
