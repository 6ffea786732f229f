//! Many buyers at once, over HTTP: nothing is sold twice, nothing is paid twice, and nobody meets an
//! error of another kind than a clean refusal. Two server processes on one Postgres, or one process
//! on SQLite.

use super::shop::{checkout, codes, document, stock_up};
use crate::app::{ServerProcess, TestApp, repeated};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use stockroom::auth::Viewer;
use tokio::sync::Semaphore;

/// Clients: each sends its next checkout when the one before is answered. A debug build that shares
/// its cores with other tests serves a crowd slowly, and whoever has waited for 8 s is told that the
/// server is busy. In the long form all thousand come at once, and come again when they are told so.
fn at_once() -> usize {
    repeated(32, 1_000)
}

/// Whether to send a checkout again: the server is busy, or the first try under its key still runs
/// there.
fn is_to_come_again(answer: &Value) -> bool {
    let error = &answer["data"]["checkoutComplete"]["userErrors"][0];
    answer["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        || (error["code"] == "IDEMPOTENCY_CONFLICT" && error["reason"] == "IN_PROGRESS")
}

pub async fn addresses(app: &TestApp) -> (Vec<SocketAddr>, Vec<ServerProcess>) {
    if !app.app.db.is_postgres() {
        return (vec![app.listen().await], Vec::new());
    }
    let processes = vec![ServerProcess::start(app).await, ServerProcess::start(app).await];
    (processes.iter().map(ServerProcess::address).collect(), processes)
}

/// Sends checkouts at once; the payloads of answers without errors.
pub async fn check_out(addresses: &[SocketAddr], inputs: Vec<Value>) -> Vec<Value> {
    let client = reqwest::Client::new();
    let places = Arc::new(Semaphore::new(at_once()));
    let turned_away = Arc::new(AtomicUsize::new(0));
    let calls = inputs.into_iter().enumerate().map(|(turn, input)| {
        let address = addresses[turn % addresses.len()];
        let body =
            json!({ "query": document("checkoutComplete"), "variables": { "input": input } });
        let request = client.post(format!("http://{address}/graphql")).json(&body);
        let (places, turned_away) = (Arc::clone(&places), Arc::clone(&turned_away));
        tokio::spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            loop {
                let request = request.try_clone().expect("its body is there");
                let answer = request.send().await.expect("the server answers");
                let answer = answer.json::<Value>().await.expect("it is JSON");
                if at_once() < 1_000 || !is_to_come_again(&answer) {
                    return answer;
                }
                turned_away.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let answers = futures::future::try_join_all(calls).await.unwrap();
    println!("told to come back: {}", turned_away.load(Ordering::Relaxed));
    let payload = |answer: Value| {
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"]["checkoutComplete"].clone()
    };
    answers.into_iter().map(payload).collect()
}

/// How many answers have each code; "" counts those without any.
pub fn counted(payloads: &[Value]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for payload in payloads {
        *counts.entry(codes(payload).join(" ")).or_default() += 1;
    }
    counts
}

async fn carts(
    app: &TestApp,
    n: usize,
    lines: impl Fn(usize) -> Vec<(&'static str, i64)>,
) -> Vec<Value> {
    let mut inputs = Vec::with_capacity(n);
    for turn in 0..n {
        let cart = app.cart_of(&Viewer::Guest, &lines(turn)).await;
        let id = stockroom::graphql::NodeKind::Cart.id(cart).to_string();
        inputs.push(checkout(&json!(id), "card_approved"));
    }
    inputs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_buyers_of_a_hundred_pieces_make_a_hundred_orders() {
    let app = TestApp::start().await;
    stock_up(&app, 100).await;
    let inputs = carts(&app, 1_000, |_| vec![("CUP", 1)]).await;
    let (addresses, _processes) = addresses(&app).await;

    let payloads = check_out(&addresses, inputs).await;

    let expected = HashMap::from([(String::new(), 100), ("INSUFFICIENT_STOCK".to_owned(), 900)]);
    assert_eq!(counted(&payloads), expected);
    assert_eq!(app.pieces("CUP").await, (100, 100));
    assert_eq!(app.rows("shop_order", "status = 'PAID'").await, 100);
    assert_eq!(app.rows("shop_order", "1 = 1").await, 100);
    assert_eq!(app.rows("sandbox_charge", "1 = 1").await, 100);
    app.is_sound().await;
}

/// How many buyers stand in line, with everything written but the stock, and how many wait at the
/// row itself.
async fn standing_in_line(app: &TestApp) -> (i64, i64) {
    let those = |which: &str| {
        format!(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND {which}"
        )
    };
    let written = "state = 'idle in transaction' AND query LIKE '%INSERT INTO \"shop_order\"%'";
    let waits = "wait_event_type = 'Lock'";
    (app.number(&those(written)).await, app.number(&those(waits)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_want_the_same_thing_one_waits_at_its_row_and_the_others_in_line() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }
    stock_up(&app, 100).await;
    let inputs = carts(&app, 6, |_| vec![("CUP", 1)]).await;
    let other = sea_orm::Database::connect(app.database_url()).await.unwrap();
    let holder = other.begin().await.unwrap();
    holder.execute_unprepared("UPDATE stock_level SET updated_at = updated_at").await.unwrap();
    let address = app.listen().await;

    // As many as write at once in this process.
    let buying = tokio::spawn(async move { check_out(&[address], inputs).await });
    while standing_in_line(&app).await != (5, 1) {
        assert!(!buying.is_finished(), "nobody was turned away meanwhile");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    holder.commit().await.unwrap();

    assert_eq!(counted(&buying.await.unwrap()), HashMap::from([(String::new(), 6)]));
    assert_eq!(app.pieces("CUP").await, (100, 6));
    other.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_carts_of_many_skus_in_any_order_never_lock_each_other_out() {
    let app = TestApp::start().await;
    let skus = ["A", "B", "C", "D", "E"];
    stock_up(&app, 1).await;
    for sku in skus {
        app.offers(sku, 50, 300).await;
    }
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let lines = |turn: usize| {
        let mut lines: Vec<(&'static str, i64)> = skus.iter().map(|sku| (*sku, 1)).collect();
        let turn = u64::try_from(turn).unwrap();
        lines.shuffle(&mut StdRng::seed_from_u64(seed.wrapping_add(turn)));
        lines
    };
    let inputs = carts(&app, 1_000, lines).await;
    let (addresses, _processes) = addresses(&app).await;

    let payloads = check_out(&addresses, inputs).await;

    let counts = counted(&payloads);
    assert_eq!(counts.get(""), Some(&50), "{counts:?}");
    assert!(
        counts
            .keys()
            .all(|codes| codes.split(' ').all(|c| c.is_empty() || c == "INSUFFICIENT_STOCK"))
    );
    for sku in skus {
        assert_eq!(app.pieces(sku).await, (50, 50), "{sku}");
    }
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_fifty_times_at_once_is_one_order_one_charge_and_fifty_equal_answers() {
    let app = TestApp::start().await;
    stock_up(&app, 10).await;
    let input = carts(&app, 1, |_| vec![("CUP", 2)]).await.remove(0);
    let (addresses, _processes) = addresses(&app).await;

    let payloads = check_out(&addresses, vec![input; 50]).await;

    assert_eq!(counted(&payloads), HashMap::from([(String::new(), 50)]));
    assert_eq!(payloads[0]["order"]["status"], "PAID");
    assert!(payloads.iter().all(|payload| *payload == payloads[0]));
    assert_eq!(app.rows("shop_order", "1 = 1").await, 1);
    assert_eq!(app.rows("payment", "1 = 1").await, 1);
    assert_eq!(app.rows("sandbox_charge", "1 = 1").await, 1);
    assert_eq!(app.pieces("CUP").await, (10, 2));
    app.is_sound().await;
}
