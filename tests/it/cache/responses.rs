//! Whole answers for guests: given again as long as they are true, and not a moment longer.

use super::shelf::eventually;
use crate::app::{Caller, MAIN, RedisServer, TestApp};
use crate::order::shop::stock_up;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stockroom::auth::Viewer;
use stockroom::config::Settings;
use stockroom::events::{BusEvent, BusMessage};
use stockroom::failpoint;
use stockroom::flash_sale::EndFlashSale;
use stockroom::stock::{Adjust, MovementKind};
use stockroom::telemetry::{RESPONSES_REUSED, total};
use tokio::sync::Notify;

const PAGE: &str = "query Page($first: Int) { products(first: $first) { totalCount nodes {
    id name slug version inStock category { name } priceRange { minimum { amount } }
    variants(first: 5) { nodes { sku name price { amount currency } listPrice { amount }
                                 stock { available status version } } } } } }";
const SOLD: &str = "{ products(where: { inStock: true }) { totalCount nodes { name } } }";
const DETAIL: &str = "{ product(by: { sku: \"CUP\" }) { name variants(first: 5) { nodes {
    sku price { amount } stock { available } } } category { name products(first: 3) {
    nodes { name inStock } } } } }";

const CATEGORIES: &str =
    "{ categories { totalCount nodes { name children(first: 5) { nodes { name } }
    products(first: 5) { totalCount nodes { name } } } } }";
const NAMES: &str = "{ products { totalCount nodes { name slug } } }";
const NEW: &str =
    "{ product(by: { slug: \"new\" }) { name } category(by: { slug: \"more\" }) { name } }";
const DOCUMENTS: [&str; 6] = [PAGE, SOLD, DETAIL, CATEGORIES, NAMES, NEW];

fn keeping(settings: &mut Settings) {
    settings.response_cache_enabled = true;
    settings.sql_extension_enabled = false;
}

/// A server that keeps answers: on Postgres with a Redis, without which it does not know who else
/// writes.
async fn shop() -> Option<(TestApp, Option<RedisServer>)> {
    let redis = RedisServer::start().await;
    let app = TestApp::with(|settings| {
        keeping(settings);
        settings.redis_url = redis.as_ref().map(|redis| redis.url().into());
    })
    .await;
    if app.app.db.is_postgres() && redis.is_none() {
        return None;
    }
    stock_up(&app, 100).await;
    Some((app, redis))
}

async fn asks(caller: &Caller, document: &str) -> Value {
    caller.query(document).with_variables(json!({ "first": 10 })).await.data().clone()
}

/// How many answers were given again meanwhile.
async fn reused(work: impl Future<Output = ()>) -> u64 {
    let before = total(RESPONSES_REUSED);
    work.await;
    total(RESPONSES_REUSED) - before
}

#[tokio::test]
async fn what_a_guest_asked_before_is_answered_again_and_to_guests_alone() {
    let Some((app, _redis)) = shop().await else { return };
    let (guest, customer, staff) = (app.guest(), app.customer().await, app.staff().await);
    let first = asks(&guest, PAGE).await;

    let again = reused(async {
        assert_eq!(asks(&app.guest(), PAGE).await, first);
        let fewer = guest.query(PAGE).with_variables(json!({ "first": 1 })).await;
        assert_eq!(fewer.data()["products"]["nodes"].as_array().unwrap().len(), 1);
    });
    assert_eq!(again.await, 1, "other variables are another question");
    let others = reused(async {
        assert_eq!(asks(&customer, PAGE).await, first);
        asks(&staff, PAGE).await;
        asks(&staff, PAGE).await;
    });
    assert_eq!(others.await, 0);
}

#[tokio::test]
async fn what_is_not_of_the_catalogue_alone_is_never_answered_again() {
    let Some((app, _redis)) = shop().await else { return };
    let guest = app.guest();
    let again = reused(async {
        for document in [
            "{ me { email } products(first: 1) { nodes { name } } }",
            "{ products(first: 1) { nodes { variants(first: 1) { nodes { flashSale { id } } } } } }",
            "{ products(first: 1) { nodes { name } } node(id: \"x\") { id } }",
            "mutation { cartCreate { cart { id } } }",
        ] {
            guest.query(document).await;
            guest.query(document).await;
        }
    });
    assert_eq!(again.await, 0);
}

/// Who is signed in is never answered from what is kept: a witness of what is true.
async fn agree(guest: &Caller, witness: &Caller, after: &str) {
    for document in DOCUMENTS {
        assert_eq!(asks(guest, document).await, asks(witness, document).await, "{after}");
    }
}

#[tokio::test]
async fn whatever_changes_the_next_answer_tells_of_it() {
    let Some((app, _redis)) = shop().await else { return };
    let (guest, witness, staff) = (app.guest(), app.customer().await, app.staff().await);
    let created = staff.create_warehouse(json!({ "code": "B", "name": "B" })).await;
    let second = &created.data()["warehouseCreate"]["warehouse"]["id"];
    let stock = "mutation($id: ID!) { stockSet(input: { sku: \"CUP\", warehouseId: $id, \
                 onHand: 7 }) { userErrors { message } } }";
    let done = staff.query(stock).with_variables(json!({ "id": second })).await;
    assert_eq!(done.data()["stockSet"]["userErrors"], json!([]));
    let ids = asks(
        &staff,
        "{ products(first: 1) { nodes { id category { id }
        variants(first: 1) { nodes { id } } } } }",
    )
    .await;
    let product = &ids["products"]["nodes"][0];
    let variables = json!({
        "product": product["id"], "category": product["category"]["id"],
        "variant": product["variants"]["nodes"][0]["id"], "warehouse": second,
    });
    let errors = "{ userErrors { code message } }";
    let changes = [
        format!(
            "mutation($product: ID!) {{ productUpdate(input: {{ id: $product, name: \"N\" }}) {errors} }}"
        ),
        format!(
            "mutation($variant: ID!) {{ variantUpdate(input: {{ id: $variant, name: \"N\" }}) {errors} }}"
        ),
        format!(
            "mutation($category: ID!) {{ categoryUpdate(input: {{ id: $category, name: \"N\" }}) {errors} }}"
        ),
        format!("mutation {{ categoryCreate(input: {{ name: \"More\" }}) {errors} }}"),
        format!(
            "mutation($category: ID!) {{ productCreate(input: {{ name: \"New\", slug: \"new\", \
             categoryId: $category, status: ACTIVE, variants: [{{ sku: \"NEW\", \
             prices: [{{ amount: \"3.00\", currency: EUR }}] }}] }}) {errors} }}"
        ),
        format!(
            "mutation($category: ID!) {{ productBulkCreate(input: {{ rows: [{{ name: \"Newer\", \
             categoryId: $category, status: ACTIVE, variants: [{{ sku: \"NEWER\", \
             prices: [{{ amount: \"3.00\", currency: EUR }}] }}] }}] }}) {errors} }}"
        ),
        format!(
            "mutation($product: ID!) {{ variantCreate(input: {{ productId: $product, variant: {{ \
             sku: \"MORE\", prices: [{{ amount: \"4.00\", currency: EUR }}] }} }}) {errors} }}"
        ),
        format!(
            "mutation($variant: ID!) {{ variantUpdate(input: {{ id: $variant, \
             prices: [{{ amount: \"5.00\", currency: EUR }}] }}) {errors} }}"
        ),
        format!(
            "mutation {{ stockAdjust(input: {{ sku: \"CUP\", delta: -1, type: SALE }}) {errors} }}"
        ),
        format!("mutation {{ stockSet(input: {{ sku: \"POT\", onHand: 0 }}) {errors} }}"),
        format!("mutation {{ stockSet(input: {{ sku: \"POT\", onHand: 9 }}) {errors} }}"),
        format!(
            "mutation($warehouse: ID!) {{ warehouseUpdate(input: {{ id: $warehouse, active: false }}) {errors} }}"
        ),
        format!(
            "mutation($warehouse: ID!) {{ warehouseUpdate(input: {{ id: $warehouse, active: true }}) {errors} }}"
        ),
        format!(
            "mutation($product: ID!) {{ productUpdate(input: {{ id: $product, status: ARCHIVED }}) {errors} }}"
        ),
        format!(
            "mutation($product: ID!) {{ productUpdate(input: {{ id: $product, status: ACTIVE }}) {errors} }}"
        ),
        format!("mutation($product: ID!) {{ productDelete(input: {{ id: $product }}) {errors} }}"),
    ];
    for change in &changes {
        agree(&guest, &witness, "before").await;
        let before = everything(&witness).await;
        let done = staff.query(change).with_variables(used(&variables, change)).await;
        let payload = done.data().as_object().unwrap().values().next().unwrap().clone();
        assert_eq!(payload["userErrors"], json!([]), "{change}");
        agree(&guest, &witness, change).await;
        assert_ne!(
            before,
            everything(&witness).await,
            "nothing that is asked has changed: {change}"
        );
    }
}

async fn everything(caller: &Caller) -> Vec<Value> {
    let mut all = Vec::new();
    for document in DOCUMENTS {
        all.push(asks(caller, document).await);
    }
    all
}

/// The variables that a document declares.
fn used(all: &Value, document: &str) -> Value {
    let all = all.as_object().unwrap().iter();
    let used = all.filter(|(name, _)| document.contains(&format!("${name}:")));
    Value::Object(used.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[tokio::test]
async fn orders_their_ends_and_dead_holds_are_seen_at_once() {
    let Some((app, _redis)) = shop().await else { return };
    let (guest, witness) = (app.guest(), app.customer().await);
    let staff = app.staff().await;
    agree(&guest, &witness, "at first").await;

    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    agree(&guest, &witness, "an order was placed").await;
    staff.order_payload("orderCancel", json!({ "orderId": placed["order"]["id"] })).await;
    agree(&guest, &witness, "it was cancelled").await;
    app.guest().buys(&[("CUP", 3)], "card_declined").await;
    agree(&guest, &witness, "an order waits").await;
    app.waits(TimeDelta::minutes(16));
    app.orders().expire_due().await.unwrap();
    agree(&guest, &witness, "it waits no more").await;
    app.is_sound().await;
}

#[tokio::test]
async fn a_flash_sale_changes_the_price_when_it_is_set_begins_and_ends() {
    let Some((app, _redis)) = shop().await else { return };
    let (guest, witness, staff) = (app.guest(), app.customer().await, app.staff().await);
    agree(&guest, &witness, "before").await;
    let at = |minutes| app.app.db.now() + TimeDelta::minutes(minutes);
    let input = json!({ "sku": "CUP", "prices": [{ "amount": "1.00", "currency": "EUR" }],
        "startsAt": at(10), "endsAt": at(20), "allocation": 3 });
    let set = "mutation($input: FlashSaleSetInput!) { flashSaleSet(input: $input) {
        flashSale { id } userErrors { message } } }";
    let done = staff.query(set).with_variables(json!({ "input": input })).await;
    assert_eq!(done.data()["flashSaleSet"]["userErrors"], json!([]));
    let price = async || {
        let answer = asks(&guest, DETAIL).await;
        answer["product"]["variants"]["nodes"][0]["price"]["amount"].clone()
    };
    let list = price().await;
    assert_ne!(list, "1.00");
    let again = reused(async { assert_eq!(price().await, list) }).await;
    assert_eq!(again, 1, "until it begins, the answer is kept");

    app.waits(TimeDelta::minutes(11));
    assert_eq!(price().await, "1.00", "it has begun, and nobody told");
    let again = reused(async { assert_eq!(price().await, "1.00") }).await;
    assert_eq!(again, 1, "while it runs, the answer is kept");
    app.waits(TimeDelta::minutes(10));
    assert_eq!(price().await, list, "it has ended");

    // Of a sale that is set and ended, somebody tells.
    let id = app.flashes("CUP", 200, 3, None).await;
    assert_eq!(price().await, "2.00");
    app.guest().buys(&[("CUP", 2)], "card_approved").await;
    agree(&guest, &witness, "most of it is sold").await;
    app.guest().buys(&[("CUP", 1)], "card_approved").await;
    agree(&guest, &witness, "all of it is sold").await;
    let ask = EndFlashSale { id, expected_version: None };
    app.flash_sales().end(&Viewer::System, &ask).await.unwrap();
    assert_eq!(price().await, list);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_ask_at_once_is_found_once() {
    let Some((app, _redis)) = shop().await else { return };
    let first = asks(&app.customer().await, PAGE).await;

    let again = reused(async {
        let asking = (0..64).map(|_| {
            let guest = app.guest();
            tokio::spawn(async move { asks(&guest, PAGE).await })
        });
        for answer in futures::future::try_join_all(asking).await.unwrap() {
            assert_eq!(answer, first);
        }
    });

    assert_eq!(again.await, 63);
}

/// Asks until the server has the time to answer.
async fn insists(caller: &Caller, document: &str) -> Value {
    loop {
        let answer = caller.query(document).await;
        if answer.error_codes() != ["SERVICE_UNAVAILABLE"] {
            return answer.data().clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_crowd_of_readers_every_writer_reads_what_it_wrote() {
    let Some((app, _redis)) = shop().await else { return };
    let staff = app.staff().await;
    let over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (guest, over) = (app.guest(), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    insists(&guest, DETAIL).await;
                }
            })
        })
        .collect();

    for left in (50..100).rev() {
        let sell = "mutation { stockAdjust(input: { sku: \"CUP\", delta: -1, type: SALE }) {
            stockLevel { onHand } userErrors { message } } }";
        let done = insists(&staff, sell).await;
        assert_eq!(done["stockAdjust"]["stockLevel"]["onHand"], left);
        let seen = insists(&app.guest(), DETAIL).await;
        assert_eq!(seen["product"]["variants"]["nodes"][0]["stock"]["available"], left);
    }
    over.store(true, Ordering::SeqCst);
    futures::future::try_join_all(readers).await.unwrap();
    assert!(total(RESPONSES_REUSED) > 0);
}

#[tokio::test]
async fn what_fails_is_asked_again() {
    let Some((app, _redis)) = shop().await else { return };
    let again = reused(async {
        for _ in 0..2 {
            let wrong = "{ products(first: 1, after: \"nonsense\") { nodes { name } } }";
            let answer = app.guest().query(wrong).await;
            assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"]);
        }
    });
    assert_eq!(again.await, 0);
}

#[tokio::test]
async fn a_change_at_one_replica_is_seen_at_the_other() {
    let Some(redis) = RedisServer::start().await else { return };
    let one = TestApp::with(|settings| {
        keeping(settings);
        settings.redis_url = Some(redis.url().into());
    })
    .await;
    if !one.app.db.is_postgres() {
        return;
    }
    stock_up(&one, 100).await;
    let two = one.replica().await;
    let (staff, guest) = (one.staff().await, two.guest());
    eventually("the other replica gives an answer again", async || {
        reused(async { drop(asks(&guest, DETAIL).await) }).await == 1
    })
    .await;

    let sell = "mutation { stockAdjust(input: { sku: \"CUP\", delta: -40, type: SALE }) {
        stockLevel { onHand } userErrors { message } } }";
    assert_eq!(staff.query(sell).await.data()["stockAdjust"]["stockLevel"]["onHand"], 60);

    // Long before anything that is kept grows too old.
    eventually("the other replica tells of it", async || {
        let seen = asks(&guest, DETAIL).await;
        seen["product"]["variants"]["nodes"][0]["stock"]["available"] == 60
    })
    .await;
}

#[tokio::test]
async fn on_postgres_nothing_is_kept_while_nobody_tells_of_others() {
    let app = TestApp::with(|settings| {
        keeping(settings);
        settings.redis_url = None;
    })
    .await;
    stock_up(&app, 100).await;

    let again = reused(async {
        asks(&app.guest(), PAGE).await;
        asks(&app.guest(), PAGE).await;
    });

    assert_eq!(again.await, u64::from(!app.app.db.is_postgres()));
}

const AVAILABLE: &str = "/product/variants/nodes/0/stock/available";

#[tokio::test(flavor = "multi_thread")]
async fn what_others_changed_while_the_bus_was_cut_is_seen_as_soon_as_it_is_back() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let one = TestApp::with(|settings| {
        keeping(settings);
        settings.redis_url = Some(redis.url().into());
    })
    .await;
    if !one.app.db.is_postgres() {
        return;
    }
    stock_up(&one, 100).await;
    eventually("the bus is there", async || one.app.bus.is_shared()).await;
    let guest = one.guest();
    eventually("the answer is kept", async || {
        reused(async { drop(asks(&guest, DETAIL).await) }).await == 1
    })
    .await;
    redis.kill().await;
    eventually("it is cut", async || !one.app.bus.is_shared()).await;
    // Another replica changes it, and nobody can say so.
    one.execute("UPDATE stock_level SET on_hand = 60, version = version + 1 WHERE on_hand = 100")
        .await;
    // And nobody is told that it is back before this test is over.
    failpoint::on("bus.before_resumed", std::future::pending::<()>);
    redis.restart().await;
    eventually("the bus is back", async || one.app.bus.is_shared()).await;

    assert_eq!(asks(&guest, DETAIL).await.pointer(AVAILABLE), Some(&json!(60)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_repeats_what_was_done_this_moment_reads_what_was_done() {
    let Some((app, _redis)) = shop().await else { return };
    if !app.app.db.is_postgres() {
        // Who writes has the turn until everybody is told: nobody repeats anything between.
        return;
    }
    let (staff, guest) = (app.staff().await, app.guest());
    let before = asks(&guest, DETAIL).await;
    assert_eq!(before.pointer(AVAILABLE), Some(&json!(100)));
    // The first commit from now on is made, and tells nobody yet.
    let (made, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait, is_first) = (Arc::clone(&made), Arc::clone(&go), AtomicBool::new(true));
    failpoint::on("tx.before_telling", move || {
        let held = is_first.swap(false, Ordering::SeqCst);
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            if held {
                tell.notify_one();
                wait.notified().await;
            }
        }
    });
    let waits = Arc::new(Notify::new());
    let tell = Arc::clone(&waits);
    failpoint::on("tx.waits_for_news", move || {
        tell.notify_one();
        std::future::ready(())
    });
    let sell = || {
        let staff = staff.clone();
        let sell = "mutation { stockAdjust(input: { sku: \"CUP\", delta: -40, type: SALE, \
                    idempotencyKey: \"once\" }) { userErrors { message } } }";
        tokio::spawn(async move { staff.query(sell).await.data()["stockAdjust"].clone() })
    };
    let first = sell();
    made.notified().await;

    let mut again = sell();
    let told = tokio::select! {
        // Whoever is answered must be able to believe it.
        done = &mut again => done.unwrap(),
        () = waits.notified() => {
            go.notify_one();
            again.await.unwrap()
        }
    };

    assert_eq!(told["userErrors"], json!([]));
    assert_eq!(asks(&guest, DETAIL).await.pointer(AVAILABLE), Some(&json!(60)));
    go.notify_one();
    assert_eq!(first.await.unwrap()["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_during_a_commit_leaves_nobody_untold() {
    let app = TestApp::start().await;
    app.has("CUP", 5).await;
    let (made, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&made), Arc::clone(&go));
    failpoint::on("tx.before_telling", move || {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            tell.notify_one();
            wait.notified().await;
        }
    });
    let mut news = app.app.bus.subscribe();
    let stock = app.stock().clone();
    let writing = tokio::spawn(async move {
        let ask = Adjust {
            sku: "CUP".to_owned(),
            warehouse_id: Some(MAIN),
            delta: -1,
            kind: MovementKind::Adjustment,
            reference_id: None,
            note: None,
            expected_version: None,
            idempotency_key: None,
        };
        stock.adjust(&Viewer::System, ask).await
    });
    made.notified().await;
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    go.notify_one();

    let told = async {
        loop {
            if let Some(BusEvent::Message(message)) = news.next().await
                && matches!(*message, BusMessage::StockLevelsChanged(_))
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("it is told");
}
