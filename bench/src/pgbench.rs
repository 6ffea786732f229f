//! The limits that the database sets: pgbench doing the same work in plain SQL.

use crate::database::{Database, said, write};
use crate::operation::Operation;
use crate::shop::Shop;
use crate::times::Times;
use anyhow::Context;
use std::path::Path;

/// A script for pgbench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Script {
    /// What the tables call it.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! script {
    ($name:literal, $file:literal) => {
        Script { name: $name, text: include_str!(concat!("../sql/", $file, ".pgbench")) }
    };
}

/// A page in one statement.
pub const PAGE: Script = script!("pgbench, page in 1 statement", "page");
/// Categories with products in one statement.
pub const NESTED: Script = script!("pgbench, nested in 1 statement", "nested");
/// A product in one statement.
pub const DETAIL: Script = script!("pgbench, detail in 1 statement", "detail");
/// A piece into a cart.
pub const ADD: Script = script!("pgbench, cart in 6 statements", "add");
/// An order of a random variant.
pub const ORDER: Script = script!("pgbench, order in 8 statements", "order");
/// An order of one variant, which is locked for the whole transaction.
pub const HOT_FIRST: Script = script!("pgbench, hot order, stock first", "order_hot_first");
/// An order of one variant, which is locked as short as possible.
pub const HOT_LAST: Script = script!("pgbench, hot order, stock last", "order_hot_last");

/// The scripts that an operation is compared with.
#[must_use]
pub fn scripts(operation: Operation) -> &'static [Script] {
    match operation {
        Operation::Page => &[PAGE],
        Operation::WarmPage => &[],
        Operation::Nested => &[NESTED],
        Operation::Detail => &[DETAIL],
        Operation::Add => &[ADD],
        Operation::Checkout => &[ORDER],
        Operation::HotCheckout => &[HOT_FIRST, HOT_LAST],
    }
}

/// What pgbench came to.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Transactions.
    pub done: u64,
    /// Transactions that failed.
    pub errors: u64,
    /// Transactions a second, without the time of connecting.
    pub rate: f64,
    /// Their times.
    pub times: Times,
}

/// Runs a script on so many connections for so many seconds.
///
/// # Errors
/// When pgbench fails.
pub async fn run(
    database: &Database,
    work: &Path,
    shop: &Shop,
    script: Script,
    connections: usize,
    seconds: u64,
) -> anyhow::Result<Ran> {
    let folder = work.join("pgbench");
    // The logs of the run before.
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir(&folder)?;
    let file = write(&folder, "script", script.text)?;
    let mut pgbench = database.command("pgbench");
    pgbench.current_dir(&folder).args(["--no-vacuum", "--protocol=prepared", "--log"]);
    pgbench.args(["--client", &connections.to_string(), "--jobs", &connections.min(2).to_string()]);
    pgbench.args(["--time", &seconds.to_string()]).arg("--file").arg(&file);
    for (name, value) in [
        ("pages", shop.cursors.len().saturating_sub(1)),
        ("products", shop.slugs.len()),
        ("categories", shop.category_cursors.len().saturating_sub(1)),
        ("choices", shop.skus.len()),
    ] {
        pgbench.args(["-D", &format!("{name}={value}")]);
    }
    let output = pgbench.arg(&database.url).output().await.context("cannot start pgbench")?;
    let text = said(&output, "pgbench")?;
    let mut times = Times::default();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name != "script") {
            // client, transaction, microseconds, …
            for line in std::fs::read_to_string(&path)?.lines() {
                let micros = line.split(' ').nth(2).and_then(|field| field.parse::<u64>().ok());
                times.record(micros.unwrap_or_default());
            }
        }
    }
    let failed = number(&text, "number of failed transactions: ").unwrap_or(0.0);
    // Without a single transaction in that time it tells no rate.
    let rate = number(&text, "tps = ").unwrap_or(0.0);
    let errors = if failed > 0.0 { times.len() } else { 0 };
    Ok(Ran { done: times.len(), errors, rate, times })
}

/// The number behind some words.
fn number(text: &str, words: &str) -> Option<f64> {
    let (_, rest) = text.split_once(words)?;
    rest.split([' ', '\n']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_found_in_what_pgbench_writes() {
        let text = "latency average = 0.2 ms\ntps = 4321.5 (without initial connection time)\n";
        assert_eq!(number(text, "tps = "), Some(4321.5));
        assert_eq!(number(text, "number of failed transactions: "), None);
    }
}
