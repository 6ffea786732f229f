//! Many identical requests at once for what is in no cache: what the database sees of them.

use crate::load::{Connection, Traffic};
use crate::log::{Log, catalogue_reads, telling};
use crate::operation::{Operation, Requests};
use crate::run::RunArgs;
use crate::server::Stockroom;
use crate::shop::Shop;
use anyhow::Context;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// Identical requests that come at once.
pub const CROWD: usize = 64;
/// Crowds that are counted.
const CROWDS: usize = 5;

/// Statements that the database got for requests for a page that nobody asked for before.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crowd {
    /// For one request that comes alone.
    pub alone: usize,
    /// For [`CROWD`] of them together; the most of some tries.
    pub together: usize,
}

/// Counts on a server with the caches that it has by default, all of them its own and empty, and no
/// jobs to do.
///
/// # Errors
/// When an answer is wrong.
pub async fn crowd(
    args: &RunArgs,
    stockroom: &Stockroom,
    shop: &Arc<Shop>,
) -> anyhow::Result<Crowd> {
    let database = telling(&args.database_url);
    let settings = [
        ("DATABASE_URL", database.as_str()),
        ("REDIS_URL", args.redis_url.as_str()),
        ("REDIS_KEY_PREFIX", "crowd"),
        ("ROLE", "api"),
    ];
    let server = stockroom.serve("crowd", &settings).await?;
    let mut counted = Crowd::default();
    for turn in 0..CROWDS + 2 {
        let place = shop.cursors.len() / (CROWDS + 3) * (turn + 1);
        let page = shop.cursors.get(place).context("there are no pages")?;
        let log = Log::from_now(&args.postgres_log)?;
        // The server opens its connections to the database for the first crowd.
        ask_together(page, if turn == 1 { 1 } else { CROWD }, server.address).await?;
        let reads = catalogue_reads(&log.text().await?).len();
        anyhow::ensure!(turn != 1 || reads > 0, "the database's log tells of no statement");
        match turn {
            0 => {}
            1 => counted.alone = reads,
            _ => counted.together = counted.together.max(reads),
        }
    }
    server.stop().await?;
    Ok(counted)
}

async fn ask_together(page: &str, count: usize, server: SocketAddr) -> anyhow::Result<()> {
    let only = Shop { cursors: vec![page.to_owned()], ..Shop::default() };
    let requests = Requests::new(Operation::Page, Arc::new(only), Vec::new())?;
    let mut connections = Vec::new();
    for _ in 0..count {
        connections.push(Connection::open(server).await?);
    }
    let begin = Arc::new(Barrier::new(count));
    let mut asking = JoinSet::new();
    for mut connection in connections {
        let (requests, begin) = (Arc::clone(&requests), Arc::clone(&begin));
        asking.spawn(async move {
            let body = requests.next(0).context("nothing to send")?;
            begin.wait().await;
            let (status, body) = connection.post(body).await?;
            anyhow::ensure!(status.is_success(), "status {status}");
            requests.check(&body).map_err(anyhow::Error::msg)
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked??;
    }
    Ok(())
}
