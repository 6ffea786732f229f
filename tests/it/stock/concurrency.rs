//! Many at once: two server processes and two processes of this binary on one Postgres, or one
//! process on SQLite, which has one writer.

mod worker;

use crate::app::{MAIN, ServerProcess, Socket, TestApp, repeated};
use chrono::TimeDelta;
use futures::StreamExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use stockroom::auth::Role;
use stockroom::doctor::Invariant;
use stockroom::telemetry::{self, STOCK_CONFLICTS};
use tokio::sync::Semaphore;
use uuid::Uuid;
use worker::{Cart, Job, Tally};

const SELL_ONE: &str = "mutation { stockAdjust(input: { sku: \"CUP\", delta: -1, type: SALE }) { \
    stockLevel { onHand } userErrors { __typename } } }";
const WATCH: &str = "subscription { stockChanged(skus: [\"CUP\"]) { \
    version stock { available } } }";

/// What became of a sale.
async fn sell_one(client: reqwest::Client, address: SocketAddr, token: String) -> String {
    let answer = client
        .post(format!("http://{address}/graphql"))
        .bearer_auth(&token)
        .json(&json!({ "query": SELL_ONE }))
        .send()
        .await
        .expect("the server answers");
    let answer: Value = answer.json().await.expect("the answer is JSON");
    let payload = &answer["data"]["stockAdjust"];
    match payload["userErrors"][0]["__typename"].as_str() {
        Some(error) => error.to_owned(),
        None if payload["stockLevel"].is_object() => "sold".to_owned(),
        None => answer.to_string(),
    }
}

/// Reads until nothing is left; the versions rise.
async fn watch_to_the_end(mut socket: Socket) {
    let mut newest = -1;
    loop {
        let event = socket.next_of("1").await;
        let change = &event["data"]["stockChanged"];
        let version: i64 = change["version"].as_str().unwrap().parse().unwrap();
        assert!(version > newest, "version {version} after {newest}");
        newest = version;
        if change["stock"]["available"] == 0 {
            assert_eq!(version, 51);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_buyers_of_fifty_pieces_fifty_are_served() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 50).await;
    let token = app.token(app.account(Role::Staff).await);
    let mut processes = Vec::new();
    let addresses = if app.app.db.is_postgres() {
        for _ in 0..2 {
            processes.push(ServerProcess::start(&app).await);
        }
        processes.iter().map(ServerProcess::address).collect()
    } else {
        vec![app.listen().await]
    };
    let mut watches = Vec::new();
    for address in &addresses {
        let mut socket = Socket::ready(*address, None).await;
        socket.subscribe("1", WATCH).await;
        watches.push(tokio::spawn(watch_to_the_end(socket)));
    }

    let client = reqwest::Client::new();
    // Each place serves its next buyer when the one before is served.
    let places = Arc::new(Semaphore::new(repeated(64, 200)));
    let buyers = (0..200).map(|buyer| {
        let address = addresses[buyer % addresses.len()];
        let sale = sell_one(client.clone(), address, token.clone());
        let places = Arc::clone(&places);
        tokio::spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            sale.await
        })
    });
    let answers = futures::future::try_join_all(buyers).await.unwrap();

    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    for answer in answers {
        *counted.entry(answer).or_default() += 1;
    }
    let expected = [("InsufficientStockError".to_owned(), 150), ("sold".to_owned(), 50)];
    assert_eq!(counted, BTreeMap::from(expected));
    for watch in watches {
        watch.await.expect("every subscriber ends at nothing left");
    }
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 0);
    assert_eq!(app.ledger().await.len(), 51);
    assert_eq!(telemetry::total(STOCK_CONFLICTS), 0);
    app.stock_is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_reservations_of_a_hundred_pieces_a_hundred_are_made() {
    const THIS: &str = "stock::concurrency::\
        of_a_thousand_reservations_of_a_hundred_pieces_a_hundred_are_made";
    if worker::work_if_asked().await {
        return;
    }
    let app = TestApp::start().await;
    let cup = app.has("CUP", 100).await;
    let carts = vec![Cart(vec![(cup, 1)]); 500];

    let tally = worker::two_processes(&app, THIS, &Job { carts }).await;

    assert_eq!(tally, Tally { served: 100, refused: 900, faults: Vec::new(), conflicts: 0 });
    assert_eq!(app.level(cup, MAIN).await.unwrap().reserved, 100);
    app.stock_is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_in_any_order_of_their_lines_meet_no_deadlock() {
    const THIS: &str = "stock::concurrency::carts_in_any_order_of_their_lines_meet_no_deadlock";
    if worker::work_if_asked().await {
        return;
    }
    let app = TestApp::start().await;
    let skus = ["A", "B", "C", "D", "E"];
    let product = app.sells(&skus).await;
    let north = app.opens("NORTH", 1).await;
    for sku in skus {
        app.receives(sku, MAIN, 60).await;
        app.receives(sku, north, 60).await;
    }
    let variants: Vec<Uuid> = product.variants.values().copied().collect();
    let carts = (0..100).map(|cart| {
        let line = |place: usize| {
            let (turn, backward) = (cart % variants.len(), cart % 2 == 1);
            let place = if backward { variants.len() - 1 - place } else { place };
            (variants[(place + turn) % variants.len()], 1)
        };
        Cart((0..variants.len()).map(line).collect())
    });

    let tally = worker::two_processes(&app, THIS, &Job { carts: carts.collect() }).await;

    assert_eq!(tally, Tally { served: 120, refused: 80, faults: Vec::new(), conflicts: 0 });
    app.stock_is_sound().await;
}

/// Two steps of an order at once, 200 times; gives how often the first and the second had an
/// effect.
async fn race<A, B>(
    app: &TestApp,
    paid: bool,
    first: impl AsyncFn(Uuid) -> A,
    second: impl AsyncFn(Uuid) -> B,
) -> (u32, u32)
where
    i128: From<A> + From<B>,
{
    let sku = format!("CUP-{}", Uuid::new_v4());
    let cup = app.has(&sku, 1_000).await;
    let (mut first_won, mut second_won) = (0, 0);
    for turn in 0..200 {
        let order = app.reserve_of(&sku, cup, 2).await.expect("there is enough");
        if paid {
            app.commits(order).await;
        }
        let (one, other) = if turn % 2 == 0 {
            tokio::join!(first(order), second(order))
        } else {
            let (other, one) = tokio::join!(second(order), first(order));
            (one, other)
        };
        let won = (i128::from(one) > 0, i128::from(other) > 0);
        first_won += u32::from(won.0);
        second_won += u32::from(won.1);
    }
    app.stock_is_sound().await;
    (first_won, second_won)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_ends_of_a_reservation_exactly_one_happens() {
    let app = TestApp::start().await;

    // A hold that is past its time is either paid or swept.
    let (paid, swept) = race(
        &app,
        false,
        async |order| {
            app.waits(TimeDelta::minutes(16));
            app.commits(order).await
        },
        async |order| {
            app.waits(TimeDelta::minutes(16));
            app.stock().expire_orders(&[order]).await.unwrap()
        },
    )
    .await;
    assert_eq!(paid + swept, 200);

    // What is paid is either fulfilled or cancelled.
    let consume = async |order| app.consumes(order).await;
    let (consumed, released) =
        race(&app, true, consume, async |order| app.releases(order).await).await;
    assert_eq!(consumed + released, 200);

    // Given back by two at once, it comes back once.
    let release = async |order| app.releases(order).await;
    let (one, other) = race(&app, false, release, release).await;
    assert_eq!(one + other, 200);
    assert_eq!(telemetry::total(STOCK_CONFLICTS), 0);
    app.is_sound_as_to(&[Invariant::Levels, Invariant::Ledger]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_in_both_directions_meet_no_deadlock() {
    let app = TestApp::start().await;
    app.has("CUP", 50).await;
    let north = app.opens("NORTH", 1).await;
    app.receives("CUP", north, 50).await;
    let stock = app.stock();

    let moves = futures::stream::iter(0..200).map(|turn| {
        let (from, to) = if turn % 2 == 0 { (MAIN, north) } else { (north, MAIN) };
        stock.transfer(&stockroom::auth::Viewer::System, worker::transfer(from, to))
    });
    let moved: Vec<_> = moves.buffer_unordered(16).collect().await;

    assert!(moved.iter().all(Result::is_ok), "{moved:?}");
    app.stock_is_sound().await;
}
