//! Live stock: the present state first, then every change in order, whatever is lost on the way.

use crate::app::{MAIN, TestApp, warehouse_id};
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use std::pin::Pin;
use std::time::Duration;
use stockroom::auth::Viewer;
use stockroom::events::{Bus, BusMessage};
use stockroom::stock::live::{LiveStock, StockState};
use stockroom::stock::{Adjust, MovementKind, Stock, WarehouseChange};
use uuid::Uuid;

/// Longer than anything a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);
const NEVER: Duration = Duration::from_secs(3_600);
const WATCH: &str = "subscription ($skus: [String!], $products: [ID!]) { \
    stockChanged(skus: $skus, productIds: $products) { sku version occurredAt \
    stock { available status version } variant { sku stock { available } } } }";

type States = Pin<Box<dyn Stream<Item = StockState> + Send>>;

fn adjust(sku: &str, delta: i64) -> Adjust {
    Adjust {
        sku: sku.to_owned(),
        warehouse_id: Some(MAIN),
        delta,
        kind: MovementKind::Adjustment,
        reference_id: None,
        note: None,
        expected_version: None,
        idempotency_key: None,
    }
}

async fn next(states: &mut States) -> StockState {
    let state = tokio::time::timeout(PATIENCE, states.next()).await;
    state.expect("a state comes in time").expect("a watch does not end")
}

/// Reads until this version has come; each state is newer than the one before it.
async fn read_to(states: &mut States, version: i64) -> Vec<StockState> {
    let mut read: Vec<StockState> = Vec::new();
    while read.last().is_none_or(|state| state.stock.version < version) {
        let state = next(states).await;
        let newest = read.last().map_or(-1, |last| last.stock.version);
        assert!(state.stock.version > newest, "{state:?} after version {newest}");
        read.push(state);
    }
    assert_eq!(read.last().unwrap().stock.version, version);
    read
}

/// A watch beside the application's own, on a bus that hears nobody unless it is told.
struct Deaf {
    live: LiveStock,
    bus: Bus,
    stock: Stock,
}

impl Deaf {
    fn beside(app: &TestApp, reads_every: Duration) -> Self {
        let bus = Bus::local();
        let stock = Stock::new(app.app.db.clone(), bus.clone(), app.app.cache.clone());
        let live = LiveStock::new(stock.clone(), bus.clone()).reading_again_every(reads_every);
        let running = live.clone().run();
        tokio::spawn(app.app.lifecycle.ended.clone().run_until_cancelled_owned(running));
        Self { live, bus, stock }
    }

    async fn watch(&self, variant: Uuid) -> States {
        Box::pin(self.live.watch(vec![variant]).await.expect("the snapshot is read"))
    }
}

async fn watch(app: &TestApp, variant: Uuid) -> States {
    let watched = app.app.services.live_stock.watch(vec![variant]).await;
    Box::pin(watched.expect("the snapshot is read"))
}

#[tokio::test]
async fn the_present_stock_comes_first_and_then_each_change() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("CUP", 5).await;
    app.has("POT", 0).await;
    let mut socket = app.socket().await;

    socket.subscribe_with("1", WATCH, json!({ "skus": ["CUP", "POT"] })).await;
    let mut first = [socket.next_of("1").await, socket.next_of("1").await];
    first.sort_by_key(|event| event["data"]["stockChanged"]["sku"].to_string());
    let (cup, pot) = (&first[0]["data"]["stockChanged"], &first[1]["data"]["stockChanged"]);
    assert_eq!(cup["stock"], json!({ "available": 5, "status": "IN_STOCK", "version": "1" }));
    assert_eq!(cup["variant"], json!({ "sku": "CUP", "stock": { "available": 5 } }));
    assert_eq!(pot["stock"], json!({ "available": 0, "status": "OUT_OF_STOCK", "version": "0" }));
    assert!(pot["occurredAt"].as_str().unwrap().ends_with('Z'));

    for (delta, available, status) in
        [(-2, 3, "IN_STOCK"), (-3, 0, "OUT_OF_STOCK"), (1, 1, "IN_STOCK")]
    {
        let input = json!({ "sku": "CUP", "delta": delta, "type": "ADJUSTMENT" });
        assert_eq!(staff.adjust(input).await.user_errors("stockAdjust"), [] as [&str; 0]);
        let event = socket.next_of("1").await;
        let change = &event["data"]["stockChanged"];
        assert_eq!(
            (&change["stock"]["available"], &change["stock"]["status"]),
            (&json!(available), &json!(status))
        );
        assert_eq!(change["version"], change["stock"]["version"]);
        assert_eq!(change["variant"]["stock"]["available"], available);
    }
    staff.set(json!({ "sku": "CUP", "reorderPoint": 1 })).await;
    let event = socket.next_of("1").await;
    assert_eq!(event["data"]["stockChanged"]["stock"]["status"], "LOW_STOCK");
}

const WATCH_PRICE: &str = "subscription { stockChanged(skus: [\"CUP\"]) { \
    version variant { price { amount } listPrice { amount } flashSale { remaining } } } }";

#[tokio::test]
async fn those_who_are_told_of_one_change_share_one_look_at_what_is_offered() {
    const WATCHERS: usize = 60;
    let app = TestApp::start().await;
    app.offers("CUP", 5, 1_000).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = app.socket().await;
        for id in 0..WATCHERS / 3 {
            socket.subscribe(&id.to_string(), WATCH_PRICE).await;
            socket.next().await;
        }
        sockets.push(socket);
    }

    for price in ["10.00", "8.00"] {
        app.receives("CUP", MAIN, 1).await;
        let mut statements = 0;
        for socket in &mut sockets {
            for _ in 0..WATCHERS / 3 {
                let event = socket.next().await;
                let change = &event["payload"]["data"]["stockChanged"];
                assert_eq!(change["variant"]["price"]["amount"], price, "{event}");
                assert_eq!(change["variant"]["listPrice"]["amount"], "10.00");
                statements += event["payload"]["extensions"]["sql"]["count"].as_u64().unwrap();
            }
        }
        assert_eq!(statements, 1, "for {WATCHERS} who watch");
        if price == "10.00" {
            // What was just looked up knows nothing of it; who is told of the next change does.
            app.flashes("CUP", 800, 3, None).await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused_by_name() {
    let app = TestApp::start().await;
    app.has("CUP", 5).await;
    let draft = app.drafts(&["SECRET"]).await;
    let many: Vec<String> = (0..101).map(|number| format!("S{number}")).collect();
    let unknown = stockroom::graphql::NodeKind::Product.id(Uuid::now_v7()).to_string();
    let refusal = async |variables: Value| {
        let mut socket = app.socket().await;
        socket.subscribe_with("1", WATCH, variables).await;
        let message = socket.next().await;
        // An error of the resolver comes as `next` with errors or as `error`.
        let errors = match message["type"].as_str() {
            Some("error") => message["payload"].clone(),
            _ => message["payload"]["errors"].clone(),
        };
        assert_eq!(errors[0]["extensions"]["code"], "BAD_USER_INPUT", "{message}");
        errors[0]["message"].as_str().unwrap().to_owned()
    };

    assert!(refusal(json!({})).await.contains("skus"));
    assert!(refusal(json!({ "skus": [], "products": [] })).await.contains("skus"));
    assert!(refusal(json!({ "skus": ["CUP", "NOPE"] })).await.contains("\"NOPE\""));
    assert!(refusal(json!({ "skus": many })).await.contains("100"));
    assert!(refusal(json!({ "skus": ["SECRET"] })).await.contains("\"SECRET\""));
    assert!(refusal(json!({ "products": [unknown] })).await.contains(&unknown));
    assert!(refusal(json!({ "products": [draft.node_id()] })).await.contains("product"));

    let user = app.account(stockroom::auth::Role::Staff).await;
    let mut socket = app.socket_with_token(&app.token(user)).await;
    socket.subscribe_with("1", WATCH, json!({ "skus": ["SECRET"] })).await;
    assert_eq!(socket.next_of("1").await["data"]["stockChanged"]["sku"], "SECRET");
}

#[tokio::test]
async fn a_product_brings_all_its_variants() {
    let app = TestApp::start().await;
    let product = app.sells(&["RED", "BLUE"]).await;
    app.has("CUP", 1).await;
    let mut socket = app.socket().await;

    let variables = json!({ "skus": ["CUP", "RED"], "products": [product.node_id()] });
    socket.subscribe_with("1", WATCH, variables).await;

    let mut skus = Vec::new();
    for _ in 0..3 {
        skus.push(socket.next_of("1").await["data"]["stockChanged"]["sku"].clone());
    }
    skus.sort_by_key(Value::to_string);
    assert_eq!(skus, [json!("BLUE"), json!("CUP"), json!("RED")]);
}

#[tokio::test]
async fn a_level_in_a_new_warehouse_counts_and_one_out_of_service_does_not() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let north = app.opens("NORTH", 1).await;
    let mut states = watch(&app, cup).await;
    assert_eq!(next(&mut states).await.stock.available, 5);

    app.receives("CUP", north, 2).await;
    let both = next(&mut states).await.stock;
    let staff = app.staff().await;
    staff.update_warehouse(json!({ "id": warehouse_id(north), "active": false })).await;
    let closed = next(&mut states).await.stock;
    app.receives("CUP", north, 4).await;
    let unseen = next(&mut states).await.stock;
    staff.update_warehouse(json!({ "id": warehouse_id(north), "active": true })).await;
    let reopened = next(&mut states).await.stock;

    let seen = [both, closed, unseen, reopened].map(|stock| (stock.available, stock.version));
    assert_eq!(seen, [(7, 2), (5, 3), (5, 4), (11, 5)]);
}

#[tokio::test]
async fn nobody_sees_pieces_leave_and_not_arrive() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 30).await;
    let north = app.opens("NORTH", 1).await;
    app.receives("CUP", north, 1).await;
    let mut states = watch(&app, cup).await;

    for _ in 0..30 {
        let input = json!({ "sku": "CUP", "toWarehouseId": warehouse_id(north), "quantity": 1 });
        staff.transfer(input).await;
    }

    for state in read_to(&mut states, 2 + 60).await {
        assert_eq!(state.stock.available, 31, "{state:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_gap_between_the_present_and_the_changes() {
    const CHANGES: i64 = 600;
    let app = TestApp::start().await;
    let cup = app.has("CUP", 1_000).await;
    let stock = app.stock().clone();
    let writer = tokio::spawn(async move {
        for change in 0..CHANGES {
            let delta = if change % 3 == 0 { 2 } else { -1 };
            stock.adjust(&Viewer::System, adjust("CUP", delta)).await.expect("there is enough");
        }
    });

    let mut watches = Vec::new();
    for _ in 0..200 {
        let mut states = watch(&app, cup).await;
        watches.push(tokio::spawn(async move { read_to(&mut states, CHANGES + 1).await }));
        tokio::task::yield_now().await;
    }

    writer.await.unwrap();
    let on_hand = app.level(cup, MAIN).await.unwrap().on_hand;
    for watch in watches {
        let read = watch.await.expect("every watch ends at the truth");
        assert_eq!(read.last().unwrap().stock.available, on_hand);
    }
    assert_eq!(app.app.services.live_stock.watched(), 0, "those who left are forgotten");
}

#[tokio::test]
async fn a_slow_reader_gets_the_newest_state_and_no_queue() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 1_000).await;
    let (mut slow, mut eager) = (watch(&app, cup).await, watch(&app, cup).await);
    next(&mut slow).await;

    for _ in 0..200 {
        app.stock().adjust(&Viewer::System, adjust("CUP", -1)).await.expect("there is enough");
    }
    read_to(&mut eager, 201).await;

    let read = read_to(&mut slow, 201).await;
    assert!(read.len() <= 2, "{} states were kept", read.len());
    assert_eq!(read.last().unwrap().stock.available, 800);
}

#[tokio::test]
async fn what_nobody_told_is_read_again_after_a_pause() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let deaf = Deaf::beside(&app, Duration::from_millis(50));
    let mut states = deaf.watch(cup).await;
    assert_eq!(next(&mut states).await.stock.available, 5);

    // Another replica died between its commit and its message.
    app.raw("UPDATE stock_level SET on_hand = 4, version = version + 1").await.unwrap();
    assert_eq!(next(&mut states).await.stock.available, 4);
    // And another one cannot reach us.
    app.receives("CUP", MAIN, 3).await;
    assert_eq!(next(&mut states).await.stock.available, 7);
}

#[tokio::test]
async fn who_was_too_slow_for_the_bus_reads_again() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let deaf = Deaf::beside(&app, NEVER);
    let mut states = deaf.watch(cup).await;
    assert_eq!(next(&mut states).await.stock.available, 5);
    app.receives("CUP", MAIN, 3).await;

    // More than the bus keeps, and all at once: what it heard of in between is lost.
    for _ in 0..5_000 {
        deaf.bus.publish(BusMessage::StockLevelsChanged(vec![stockroom::events::LevelState {
            variant_id: Uuid::nil(),
            warehouse_id: MAIN,
            on_hand: 0,
            reserved: 0,
            reorder_point: 0,
            version: 1,
            previous_version: 0,
            occurred_at: app.app.db.now(),
        }]));
    }

    assert_eq!(next(&mut states).await.stock.available, 8);
}

#[tokio::test]
async fn a_message_that_does_not_follow_on_what_is_known_makes_the_level_be_read() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let north = app.opens("NORTH", 1).await;
    app.receives("CUP", north, 2).await;
    let deaf = Deaf::beside(&app, NEVER);
    let mut states = deaf.watch(cup).await;
    assert_eq!(next(&mut states).await.stock.available, 7);
    // Nobody tells that the warehouse closed.
    let closed = WarehouseChange { active: Some(false), ..WarehouseChange::default() };
    app.stock().update_warehouse(&Viewer::System, north, closed).await.unwrap();

    let in_north = Adjust { warehouse_id: Some(north), ..adjust("CUP", 10) };
    deaf.stock.adjust(&Viewer::System, in_north).await.unwrap();

    let told = next(&mut states).await.stock;
    assert_eq!((told.available, told.version), (5, 4));
}
