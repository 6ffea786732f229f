//! What it costs that a server tells how it does: the same work with its log and its metrics on and
//! off.

use crate::figures::{median, real, short, short_or_dash};
use crate::load::{Shape, get};
use crate::measure::{Bench, Case, Sample, Subject};
use crate::operation::{Operation, Requests};
use crate::server::{Server, Stockroom, free_address};
use anyhow::{Context, ensure};
use hyper::StatusCode;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// What is done meanwhile.
pub const CASE: Case = Case { operation: Operation::Page, connections: 16 };
/// How often Prometheus asks here; in shops it asks every fifteen seconds.
const SCRAPE_EVERY: Duration = Duration::from_secs(1);

/// What came of it, round by round.
#[derive(Debug, Clone)]
pub struct Observed {
    /// With everything on.
    pub on: Vec<Sample>,
    /// With everything off.
    pub off: Vec<Sample>,
    /// Lines in the log, at least one for each request.
    pub lines: u64,
    /// How often the metrics were read, and bytes of the last time.
    pub scrapes: (u64, u64),
}

/// Measures two servers in turn.
///
/// # Errors
/// When one does not come up, or does not tell what it should.
pub async fn observed(
    bench: &mut Bench,
    stockroom: &Stockroom,
    cold_settings: &[(&str, &str)],
    rounds: usize,
) -> anyhow::Result<Observed> {
    let metrics = free_address()?;
    let address = metrics.to_string();
    let telling =
        [("LOG_LEVEL", "info"), ("LOG_FORMAT", "json"), ("METRICS_LISTEN_ADDR", address.as_str())];
    let on = stockroom.serve("telling-all", &[cold_settings, &telling].concat()).await?;
    let silence = [("LOG_LEVEL", "off")];
    let off = stockroom.serve("telling-nothing", &[cold_settings, &silence].concat()).await?;
    bench.rest.extend([on.watched(), off.watched()]);

    let (scrapes, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let scraping = tokio::spawn(scrape(metrics, Arc::clone(&scrapes), Arc::clone(&bytes)));
    let mut found = Observed { on: Vec::new(), off: Vec::new(), lines: 0, scrapes: (0, 0) };
    let mut asked = 0;
    for round in 0..=rounds {
        let mut servers = [(&on, true), (&off, false)];
        if round % 2 == 1 {
            servers.reverse();
        }
        for (server, tells) in servers {
            let sample = measure(bench, server, round).await?;
            eprintln!(
                "   log and metrics {}: {:.0}/s",
                if tells { "on" } else { "off" },
                sample.rate
            );
            asked += if tells { sample.done } else { 0 };
            let samples = if tells { &mut found.on } else { &mut found.off };
            // The first round is not kept, as everywhere.
            if round > 0 || sample.errors > 0 {
                samples.push(sample);
            }
        }
    }
    scraping.abort();
    // It never ends by itself but with an error.
    if let Ok(failed) = scraping.await {
        failed?;
    }
    let said = |name: &str| -> anyhow::Result<u64> {
        let log = std::fs::read_to_string(stockroom.work.join(format!("{name}.log")))?;
        // A greeting for whoever starts it stands there as well, and is no line of the log.
        let lines = log.lines().filter(|line| line.starts_with('{')).count();
        Ok(u64::try_from(lines)?)
    };
    found.lines = said("telling-all")?;
    found.scrapes = (scrapes.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed));
    ensure!(found.lines >= asked, "{} lines in the log of {asked} requests", found.lines);
    ensure!(said("telling-nothing")? == 0, "a server without a log wrote one");
    ensure!(found.scrapes.0 > 0, "the metrics were never read");
    on.stop().await?;
    off.stop().await?;
    bench.rest.truncate(bench.rest.len() - 2);
    Ok(found)
}

async fn measure(bench: &Bench, server: &Server, round: usize) -> anyhow::Result<Sample> {
    let requests = Requests::new(CASE.operation, Arc::clone(&bench.shop), Vec::new())?;
    let shape = Shape {
        address: server.address,
        connections: CASE.connections,
        warm_up: Duration::from_millis(300),
        duration: bench.slot,
    };
    bench.drive((CASE, Subject::Stockroom, round), server, requests, shape).await
}

/// Reads the metrics again and again, as Prometheus would.
async fn scrape(
    address: SocketAddr,
    scrapes: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    let mut turn = tokio::time::interval(SCRAPE_EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        let (status, body) = get(address, "/metrics").await.context("/metrics")?;
        ensure!(status == StatusCode::OK, "/metrics: {status}");
        scrapes.fetch_add(1, Ordering::Relaxed);
        bytes.store(u64::try_from(body.len())?, Ordering::Relaxed);
    }
}

impl Observed {
    /// The section of the report.
    ///
    /// # Errors
    /// Never: text can be written.
    pub fn write(&self, text: &mut String) -> std::fmt::Result {
        let (scrapes, bytes) = self.scrapes;
        writeln!(
            text,
            "\n## Log and metrics, on and off\n\n\
             Cold pages on {} connections. On: `LOG_LEVEL=info` `LOG_FORMAT=json`, a line a request \
             into a file ({} lines), and `/metrics` read once a second ({scrapes} times, {bytes} bytes). Off: \
             `LOG_LEVEL=off`, and nobody reads the metrics, which are counted all the same.\n\n\
             | | per second | p50 ms | p99 ms | CPU ms each: server | database | clients | used by others |\n\
             | --- | --: | --: | --: | --: | --: | --: | --: |",
            CASE.connections,
            short(real(self.lines)),
        )?;
        for (name, samples) in [("on", &self.on), ("off", &self.off)] {
            let middle = |figure: fn(&Sample) -> f64| {
                let figures: Vec<f64> = samples.iter().map(figure).collect();
                short_or_dash(median(&figures))
            };
            let others: Vec<f64> = samples.iter().map(|sample| sample.others * 100.0).collect();
            writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} | {} | {:.0} % |",
                middle(|sample| sample.rate),
                middle(|sample| sample.p50_ms),
                middle(|sample| sample.p99_ms),
                middle(|sample| sample.server_ms),
                middle(|sample| sample.database_ms),
                middle(|sample| sample.client_ms),
                median(&others).unwrap_or(0.0),
            )?;
        }
        Ok(())
    }
}
