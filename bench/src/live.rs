//! Live stock: one change of a SKU that many sockets watch. How long until they all know, and what
//! the database has to do with it.

use crate::figures::{real, short};
use crate::load::Connection;
use crate::log::{Log, catalogue_reads, telling};
use crate::machine::open_files;
use crate::measure::Bench;
use crate::run::RunArgs;
use crate::server::{Server, Stockroom};
use crate::shop::ask;
use crate::staff;
use crate::times::Times;
use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use memchr::memmem;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Sockets that watch. The largest crowd needs a longer run, and a limit on open files that allows
/// it.
const CROWDS: [usize; 4] = [1, 100, 1_000, 10_000];
/// The largest crowd of a quick run.
const QUICK: usize = 1_000;
/// Files that a process has open beside its sockets, at most.
const OTHER_FILES: u64 = 1_000;
/// Changes that do not count: the pools and caches that they need are there afterwards.
const FIRST: u32 = 3;
/// Changes that count.
const CHANGES: u32 = 20;
/// How long nothing changes before: longer than the time between two readings of all watched stock.
const QUIET_FOR: Duration = Duration::from_secs(6);
/// Sockets that are opened at the same time.
const OPENED_AT_ONCE: usize = 32;
/// How long a socket may take to open, and a change to reach everybody.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a socket reads at once: frames are small, and sockets many.
const BUFFER: usize = 4_096;

const ADJUST: &str = "mutation ($sku: String!) {
    stockAdjust(input: { sku: $sku, delta: 1, type: RECEIPT }) { userErrors { __typename } } }";

/// What those who watch want to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// How many there are.
    Stock,
    /// The price beside that, which is of the catalogue and of flash sales.
    Price,
}

impl Selection {
    /// What the tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Price => "stock, name and price",
        }
    }

    fn document(self) -> &'static str {
        match self {
            Self::Stock => include_str!("../documents/watch.graphql"),
            Self::Price => include_str!("../documents/watch_priced.graphql"),
        }
    }

    /// What is in each frame.
    fn marks(self) -> &'static [&'static str] {
        match self {
            Self::Stock => &["\"type\":\"next\"", "\"available\":"],
            Self::Price => &["\"type\":\"next\"", "\"available\":", "\"amount\":"],
        }
    }
}

/// What came of one crowd.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// What it wants to be told.
    pub selection: Selection,
    /// Sockets that watched.
    pub sockets: usize,
    /// Statements that read the catalogue, of the server that has the sockets, for each change.
    pub statements: f64,
    /// Frames that arrived, for each second between the sending of a change and its last frame.
    pub deliveries: f64,
    /// Times from the sending of a change to each of its frames.
    pub times: Times,
    /// Milliseconds of processor time of the server that has the sockets, for each frame.
    pub server_ms: f64,
    /// The share of the machine that was used by what has nothing to do with the benchmark.
    pub others: f64,
}

/// A state that a socket was told: its version, and when.
type Told = (i64, Instant);

/// Has crowds of rising size watch a SKU on a server of their own, while another one changes it:
/// what the change itself takes is not in what is counted. What was found until something failed is
/// kept.
///
/// # Errors
/// When a socket cannot be opened, or a frame is wrong or does not come.
pub async fn live(
    args: &RunArgs,
    stockroom: &Stockroom,
    bench: &mut Bench,
    found: &mut Vec<Crowd>,
) -> anyhow::Result<()> {
    staff::create(stockroom).await?;
    let mut staff = staff::signed_in(bench.warm.address).await?;
    // Not the variant that everybody buys.
    let sku = bench.shop.skus.last().context("there are no variants")?.clone();
    let database = telling(&args.database_url);
    let settings = [
        ("DATABASE_URL", database.as_str()),
        ("REDIS_URL", args.redis_url.as_str()),
        ("ROLE", "api"),
        ("SOCKETS_MAX", "12000"),
        ("SOCKETS_MAX_PER_ADDRESS", "12000"),
    ];
    let server = stockroom.serve("sockets", &settings).await?;
    bench.rest.push(server.watched());
    let most = args.sockets.unwrap_or(if args.quick { QUICK } else { usize::MAX });
    for selection in [Selection::Stock, Selection::Price] {
        for sockets in CROWDS.into_iter().filter(|sockets| *sockets <= most) {
            if u64::try_from(sockets)? + OTHER_FILES > open_files()? {
                eprintln!("   {sockets} sockets: the limit on open files is too low");
                continue;
            }
            let crowd = Crowd {
                selection,
                sockets,
                statements: 0.0,
                deliveries: 0.0,
                times: Times::default(),
                server_ms: 0.0,
                others: 0.0,
            };
            let crowd = measure(args, bench, &server, (&mut staff, &sku), crowd).await?;
            eprintln!(
                "   {sockets} sockets, {}: {:.0} deliveries a second",
                selection.name(),
                crowd.deliveries
            );
            found.push(crowd);
        }
    }
    bench.rest.pop();
    server.stop().await
}

/// Has a crowd watch, changes what it watches, and looks at what came of it.
async fn measure(
    args: &RunArgs,
    bench: &Bench,
    server: &Server,
    (staff, sku): (&mut Connection, &str),
    mut crowd: Crowd,
) -> anyhow::Result<Crowd> {
    let sockets = crowd.sockets;
    let (mut watching, mut told, mut version) =
        watch(server.address, crowd.selection, sku, sockets).await?;
    for _ in 0..FIRST {
        version += 1;
        change(staff, sku, version, sockets, &mut told, &mut watching).await?;
    }
    let quiet = Log::from_now(&args.postgres_log)?;
    tokio::time::sleep(QUIET_FOR).await;
    let quiet = quiet.text().await?;
    let processes = bench.processes(Some(server));
    let (log, before) = (Log::from_now(&args.postgres_log)?, processes.clock()?);
    let began = Instant::now();
    let mut seconds = 0.0;
    for _ in 0..CHANGES {
        version += 1;
        let (sent, arrived) =
            change(staff, sku, version, sockets, &mut told, &mut watching).await?;
        let mut last = sent;
        for at in arrived {
            crowd.times.record(u64::try_from(at.duration_since(sent).as_micros())?);
            last = last.max(at);
        }
        seconds += last.duration_since(sent).as_secs_f64();
    }
    let spent = processes.clock()?.since(before);
    let took = began.elapsed();
    let (changes, frames) = (real(u64::from(CHANGES)), real(crowd.times.len()));
    let reads = beyond(&catalogue_reads(&log.text().await?), &catalogue_reads(&quiet), took);
    crowd.statements = real(reads) / changes;
    crowd.deliveries = frames / seconds.max(1e-9);
    crowd.server_ms = spent.server * 1_000.0 / frames;
    crowd.others = spent.others();
    watching.shutdown().await;
    Ok(crowd)
}

/// How many statements there are beyond those that are also made while nothing changes: watched stock is
/// read again now and then. `quiet` are those of [`QUIET_FOR`], `reads` those of the time that was taken.
fn beyond(reads: &[String], quiet: &[String], took: Duration) -> u64 {
    let mut times: HashMap<&str, u64> = HashMap::new();
    for statement in reads {
        *times.entry(statement).or_default() += 1;
    }
    let spans = took.as_millis().div_ceil(QUIET_FOR.as_millis());
    let spans = u64::try_from(spans).unwrap_or(u64::MAX);
    let beyond = times.into_iter().map(|(statement, times)| {
        match quiet.iter().filter(|it| *it == statement).fold(0_u64, |sum, _| sum + 1) {
            0 => times,
            // One more may lie at the edge.
            while_quiet => times.saturating_sub(spans.saturating_mul(while_quiet) + 1),
        }
    });
    beyond.sum()
}

/// Opens the sockets; all of them have been told the present state afterwards, whose version this
/// gives.
async fn watch(
    server: SocketAddr,
    selection: Selection,
    sku: &str,
    sockets: usize,
) -> anyhow::Result<(JoinSet<anyhow::Result<()>>, mpsc::UnboundedReceiver<Told>, i64)> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let turns = Arc::new(Semaphore::new(OPENED_AT_ONCE));
    let mut watching = JoinSet::new();
    for _ in 0..sockets {
        let (sku, turns, tell) = (sku.to_owned(), Arc::clone(&turns), tell.clone());
        watching.spawn(socket(server, selection, sku, turns, tell));
    }
    let mut present = None;
    for _ in 0..sockets {
        let (version, _) = next(&mut told, &mut watching).await?;
        let first = *present.get_or_insert(version);
        ensure!(version == first, "a socket begins at version {version}, another at {first}");
    }
    Ok((watching, told, present.context("there are no sockets")?))
}

/// Makes a change, and gives when it was sent and when each socket was told.
async fn change(
    staff: &mut Connection,
    sku: &str,
    version: i64,
    sockets: usize,
    told: &mut mpsc::UnboundedReceiver<Told>,
    watching: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<(Instant, Vec<Instant>)> {
    let sent = Instant::now();
    let answer = ask(staff, ADJUST, &json!({ "sku": sku })).await?;
    let errors = answer.pointer("/data/stockAdjust/userErrors").and_then(Value::as_array);
    ensure!(errors.is_some_and(Vec::is_empty), "the stock cannot be changed: {answer}");
    let mut arrived = Vec::with_capacity(sockets);
    while arrived.len() < sockets {
        let (found, at) = next(told, watching).await?;
        ensure!(found == version, "a socket was told version {found}, not {version}");
        arrived.push(at);
    }
    Ok((sent, arrived))
}

/// The next state that one of the sockets was told.
async fn next(
    told: &mut mpsc::UnboundedReceiver<Told>,
    watching: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Told> {
    tokio::select! {
        state = told.recv() => state.context("all sockets are gone"),
        Some(ended) = watching.join_next() => {
            ended??;
            bail!("a socket ended")
        }
        () = tokio::time::sleep(PATIENCE) => bail!("not all sockets were told in time"),
    }
}

/// One socket, which tells each state that it is told, until it is dropped.
async fn socket(
    server: SocketAddr,
    selection: Selection,
    sku: String,
    turns: Arc<Semaphore>,
    tell: mpsc::UnboundedSender<Told>,
) -> anyhow::Result<()> {
    let turn = turns.acquire_owned().await?;
    let mut stream = tokio::time::timeout(PATIENCE, open(server, selection, &sku)).await??;
    let mut turn = Some(turn);
    loop {
        let text = receive(&mut stream).await?;
        let at = Instant::now();
        let version =
            version_in(&text, selection).with_context(|| format!("an unknown frame: {text}"))?;
        tell.send((version, at)).context("nobody listens any more")?;
        // The first state is what belongs to the opening.
        drop(turn.take());
    }
}

/// A socket that has subscribed.
async fn open(
    server: SocketAddr,
    selection: Selection,
    sku: &str,
) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let stream = TcpStream::connect(server).await.context("cannot connect")?;
    stream.set_nodelay(true).context("no TCP_NODELAY")?;
    let mut request = format!("ws://{server}/graphql").into_client_request()?;
    let protocol = HeaderValue::from_static("graphql-transport-ws");
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    let config = WebSocketConfig::default().read_buffer_size(BUFFER);
    let (mut stream, _) = client_async_with_config(request, stream, Some(config)).await?;
    let send = |message: Value| Message::text(message.to_string());
    stream.send(send(json!({ "type": "connection_init" }))).await?;
    let text = receive(&mut stream).await?;
    ensure!(text.contains("\"connection_ack\""), "no connection: {text}");
    let payload = json!({ "query": selection.document(), "variables": { "sku": sku } });
    stream.send(send(json!({ "id": "1", "type": "subscribe", "payload": payload }))).await?;
    Ok(stream)
}

/// The next text. The library answers pings meanwhile.
async fn receive(stream: &mut WebSocketStream<TcpStream>) -> anyhow::Result<Utf8Bytes> {
    loop {
        match stream.next().await.context("the server closed a socket")?? {
            Message::Text(text) => return Ok(text),
            Message::Ping(_) | Message::Pong(_) => {}
            other => bail!("an unknown frame: {other:?}"),
        }
    }
}

/// The version in a frame that has everything that was asked for.
fn version_in(frame: &str, selection: Selection) -> Option<i64> {
    let has = |mark: &str| memmem::find(frame.as_bytes(), mark.as_bytes()).is_some();
    if !selection.marks().iter().all(|mark| has(mark)) || has("\"errors\":") {
        return None;
    }
    let (_, rest) = frame.split_once("\"version\":\"")?;
    rest.split_once('"')?.0.parse().ok()
}

/// The most statements for a change that any of the crowds took.
#[must_use]
pub fn most_statements(crowds: &[Crowd]) -> Option<f64> {
    crowds.iter().map(|crowd| crowd.statements).max_by(f64::total_cmp)
}

/// The section of the report.
///
/// # Errors
/// Never: text can be written.
pub fn write(crowds: &[Crowd], text: &mut String) -> std::fmt::Result {
    writeln!(
        text,
        "\n## Live stock\n\n\
         One change of a SKU that so many sockets watch on one server, made on another one; {CHANGES} \
         changes, one after the other. Times are from the sending of the change to the frame.\n\n\
         | sockets | what they are told | SQL statements a change | deliveries a second | p50 ms | p99 ms | \
         CPU ms of the server a delivery | used by others |\n\
         | --: | --- | --: | --: | --: | --: | --: | --: |"
    )?;
    for crowd in crowds {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {:.0} % |",
            crowd.sockets,
            crowd.selection.name(),
            short(crowd.statements),
            short(crowd.deliveries),
            short(crowd.times.within_ms(500)),
            short(crowd.times.within_ms(990)),
            short(crowd.server_ms),
            crowd.others * 100.0,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_frames_have_a_version() {
        let frame = r#"{"id":"1","type":"next","payload":{"data":{"stockChanged":{"version":"42",
            "stock":{"available":3},"variant":{"price":{"amount":"1.00"}}}}}}"#;

        let version = |frame: &str| version_in(frame, Selection::Price);

        assert_eq!(version(frame), Some(42));
        assert_eq!(version(&frame.replace("available", "missing")), None);
        assert_eq!(version(&frame.replace("\"id\"", "\"errors\"")), None);
        assert_eq!(version(&frame.replace("next", "error")), None);
        let priceless = frame.replace("amount", "missing");
        assert_eq!(version(&priceless), None);
        assert_eq!(version_in(&priceless, Selection::Stock), Some(42));
    }

    #[test]
    fn what_is_also_read_while_nothing_changes_is_not_of_a_change() {
        let statements = |of: &[(&str, usize)]| -> Vec<String> {
            of.iter().flat_map(|(text, times)| vec![(*text).to_owned(); *times]).collect()
        };
        let quiet = statements(&[("stock", 1)]);
        let short = Duration::from_secs(1);

        assert_eq!(beyond(&statements(&[("price", 20), ("stock", 1)]), &quiet, short), 20);
        assert_eq!(beyond(&statements(&[("stock", 2)]), &quiet, short), 0);
        assert_eq!(beyond(&statements(&[("stock", 4)]), &quiet, Duration::from_secs(13)), 0);
        // A change that reads what is read now and then is told of all the same.
        assert_eq!(beyond(&statements(&[("stock", 20)]), &quiet, short), 18);
        assert_eq!(beyond(&statements(&[("stock", 20)]), &[], short), 20);
    }
}
