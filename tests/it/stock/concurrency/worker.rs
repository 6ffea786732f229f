//! The other process of a test: this binary again, asked through its environment to do a part of
//! the work and to tell what came of it.

use crate::app::{QUARTER_HOUR, TestApp, repeated};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use std::process::Stdio;
use stockroom::cache::{EntityCache, Limits};
use stockroom::config::DatabaseTarget;
use stockroom::db::Db;
use stockroom::events::Bus;
use stockroom::stock::{ReserveLine, ReserveOrder, Stock, StockError, Transfer};
use stockroom::telemetry::{self, STOCK_CONFLICTS};
use uuid::Uuid;

const DATABASE: &str = "STOCKROOM_TEST_WORKER_DATABASE";
const JOB: &str = "STOCKROOM_TEST_WORKER_JOB";
/// Stands before a worker's answer among what the test runner prints.
const ANSWER: &str = "worker's tally: ";
/// What one process has to reserve.
#[derive(Clone, Serialize, Deserialize)]
pub struct Job {
    pub carts: Vec<Cart>,
}

/// Variants and quantities of one order.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cart(pub Vec<(Uuid, i64)>);

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub served: u32,
    pub refused: u32,
    /// Errors that are no clean refusal.
    pub faults: Vec<String>,
    pub conflicts: u64,
}

impl Cart {
    fn order(&self) -> ReserveOrder {
        let lines = self.0.iter().map(|(variant_id, quantity)| ReserveLine {
            order_line_id: Uuid::now_v7(),
            variant_id: *variant_id,
            sku: variant_id.to_string(),
            quantity: *quantity,
        });
        ReserveOrder { order_id: Uuid::now_v7(), lines: lines.collect() }
    }
}

/// One piece of CUP from one warehouse to another.
pub fn transfer(from: Uuid, to: Uuid) -> Transfer {
    Transfer {
        sku: "CUP".to_owned(),
        from_warehouse_id: Some(from),
        to_warehouse_id: to,
        quantity: 1,
        reference_id: None,
        note: None,
        expected_version: None,
        idempotency_key: None,
    }
}

async fn reserve_all(stock: &Stock, job: &Job) -> Tally {
    let orders = job.carts.iter().map(|cart| async {
        let order = cart.order();
        stock.reserve(&order, QUARTER_HOUR).await
    });
    // Who waits for a connection waits for a limited time.
    let mut orders = futures::stream::iter(orders).buffer_unordered(repeated(64, 500));
    let mut tally = Tally::default();
    while let Some(outcome) = orders.next().await {
        match outcome {
            Ok(_) => tally.served += 1,
            Err(StockError::Insufficient(_)) => tally.refused += 1,
            Err(error) => tally.faults.push(error.to_string()),
        }
    }
    tally.conflicts = telemetry::total(STOCK_CONFLICTS);
    tally
}

/// Does what another process asks for, if this is a worker; tells whether it is one.
pub async fn work_if_asked() -> bool {
    let (Ok(url), Ok(job)) = (std::env::var(DATABASE), std::env::var(JOB)) else { return false };
    let job: Job = serde_json::from_str(&job).expect("the job can be read");
    let target = DatabaseTarget::Postgres { url: url.into(), max_connections: 8, kept_open: 1 };
    let db = Db::open(&target).await.expect("the database opens");
    let bus = Bus::local();
    let (cache, _) = EntityCache::new(bus.clone(), None, Limits::default());
    let tally = reserve_all(&Stock::new(db, bus, cache), &job).await;
    println!("{ANSWER}{}", serde_json::to_string(&tally).expect("a tally is JSON"));
    true
}

/// Does the job twice at once: on Postgres in two further processes, on SQLite in this one.
pub async fn two_processes(app: &TestApp, test: &str, job: &Job) -> Tally {
    let (one, two) = if app.app.db.is_postgres() {
        tokio::join!(elsewhere(app, test, job), elsewhere(app, test, job))
    } else {
        tokio::join!(reserve_all(app.stock(), job), reserve_all(app.stock(), job))
    };
    Tally {
        served: one.served + two.served,
        refused: one.refused + two.refused,
        faults: one.faults.into_iter().chain(two.faults).collect(),
        conflicts: one.conflicts + two.conflicts,
    }
}

async fn elsewhere(app: &TestApp, test: &str, job: &Job) -> Tally {
    let this = std::env::current_exe().expect("this binary has a path");
    let output = tokio::process::Command::new(this)
        .args([test, "--exact", "--nocapture"])
        .env(DATABASE, app.database_url())
        .env(JOB, serde_json::to_string(job).expect("a job is JSON"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the worker runs");
    let output = String::from_utf8_lossy(&output.stdout);
    let answer = output.lines().find_map(|line| line.split_once(ANSWER));
    let (_, tally) = answer.unwrap_or_else(|| panic!("the worker told nothing: {output}"));
    serde_json::from_str(tally).expect("the tally can be read")
}
