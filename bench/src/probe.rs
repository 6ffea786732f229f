//! What is counted and not timed: SQL statements by request, memory, the time until ready.

use crate::crowd::Crowd;
use crate::database::Database;
use crate::figures::{median, real};
use crate::load::{Connection, Traffic};
use crate::machine::Resident;
use crate::measure::Bench;
use crate::operation::{Operation, Requests};
use crate::server::{Server, Stockroom};
use crate::shop::{Content, Shop};
use anyhow::Context;
use bytes::Bytes;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Requests of an operation whose statements are counted.
const PROBES: usize = 50;
/// Starts of which the middle one is told.
const STARTS: usize = 5;
/// How long a server has nothing to do before its memory is looked at.
const IDLE: Duration = Duration::from_secs(5);

/// Statements that a request takes, as the server counts them: the mean of some.
#[derive(Debug, Clone, Default)]
pub struct Statements {
    /// By operation.
    pub by_operation: Vec<(Operation, f64)>,
    /// Of requests that come at once.
    pub crowd: Crowd,
}

/// Counts statements on servers of their own, whose answers tell them.
///
/// # Errors
/// When an answer is wrong.
pub async fn statements(
    stockroom: &Stockroom,
    database: &Database,
    shop: &Arc<Shop>,
    settings: &[(&str, &str)],
    cold_settings: &[(&str, &str)],
    crowd: Crowd,
) -> anyhow::Result<Statements> {
    let telling = ("SQL_EXTENSION_ENABLED", "true");
    let warm = stockroom.serve("telling", &[settings, &[telling]].concat()).await?;
    let cold = stockroom.serve("telling-cold", &[cold_settings, &[telling]].concat()).await?;
    let mut counted = Statements { crowd, ..Statements::default() };
    for operation in Operation::ALL {
        let server = if operation.is_cold() { &cold } else { &warm };
        let content = match operation {
            Operation::Add => Content::Nothing,
            Operation::HotCheckout => Content::Hot,
            _ => Content::Any,
        };
        let carts = if operation.uses_carts() { 2 * PROBES } else { 0 };
        let carts = shop.make_carts(database, carts, content).await?;
        let requests = Requests::new(operation, Arc::clone(shop), carts)?;
        let mut connection = Connection::open(server.address).await?;
        let mut all = 0;
        // The first ones fill the caches that stay.
        for turn in 0..2 * PROBES {
            let body = requests.next(0).context("nothing to send")?;
            let count = count(&mut connection, body, &*requests).await?;
            all += if turn >= PROBES { count } else { 0 };
        }
        counted.by_operation.push((operation, real(all) / real(u64::try_from(PROBES)?)));
    }
    warm.stop().await?;
    cold.stop().await?;
    Ok(counted)
}

async fn count(
    connection: &mut Connection,
    body: Bytes,
    requests: &dyn Traffic,
) -> anyhow::Result<u64> {
    let (status, body) = connection.post(body).await?;
    anyhow::ensure!(status.is_success(), "status {status}");
    requests.check(&body).map_err(anyhow::Error::msg)?;
    let answer: Value = serde_json::from_slice(&body)?;
    answer.pointer("/extensions/sql/count").and_then(Value::as_u64).context("nothing was counted")
}

/// Seconds until ready, and MiB then.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// From the start of the process to its first "ready".
    pub seconds: f64,
    /// Memory five seconds after that, without a request.
    pub idle: Resident,
}

/// Starts a server several times, with a new folder each time.
///
/// # Errors
/// When it does not come up.
pub async fn starts(
    stockroom: &Stockroom,
    name: &str,
    settings: &[(&str, &str)],
) -> anyhow::Result<Start> {
    let mut seconds = Vec::new();
    let mut turn = 0;
    loop {
        let server = stockroom.serve(&format!("{name}-{turn}"), settings).await?;
        seconds.push(server.ready_after);
        turn += 1;
        if turn < STARTS {
            server.stop().await?;
            continue;
        }
        tokio::time::sleep(IDLE).await;
        let idle = Resident::of(server.pid)?;
        server.stop().await?;
        return Ok(Start { seconds: median(&seconds).unwrap_or(f64::NAN), idle });
    }
}

/// What the memory of the servers that were measured has become.
///
/// # Errors
/// When one is gone.
pub fn loaded(bench: &Bench) -> anyhow::Result<Vec<(&'static str, Resident)>> {
    let of = |server: &Server| Resident::of(server.pid);
    Ok(vec![
        ("Stockroom after all loads", of(&bench.warm)?),
        ("Stockroom without caches after all loads", of(&bench.cold)?),
        ("axum after all loads", of(&bench.axum)?),
    ])
}
