//! How staff set flash sales.

use super::wrong;
use crate::app::TestApp;
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::auth::Viewer;

/// A time so many minutes from now, as a client writes it.
fn minutes(app: &TestApp, minutes: i64) -> String {
    (app.app.db.now() + TimeDelta::minutes(minutes)).to_rfc3339()
}

/// A sale of the cup at 8.00 for an hour, ten pieces.
fn a_sale(app: &TestApp) -> Value {
    json!({
        "sku": "CUP",
        "prices": [{ "amount": "8.00", "currency": "EUR" }],
        "endsAt": minutes(app, 60),
        "allocation": 10,
    })
}

fn with(mut input: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

/// To change a sale.
fn change(app: &TestApp, id: &Value, fields: &Value) -> Value {
    let mut input = with(a_sale(app), fields);
    input["id"] = id.clone();
    input["sku"] = Value::Null;
    input
}

async fn shop() -> TestApp {
    let app = TestApp::start().await;
    let cup = app.offers("CUP", 100, 1_000).await;
    app.costs(cup, "USD", 1_100).await;
    app
}

fn at(code: &str, path: &str) -> (String, String) {
    (code.to_owned(), path.to_owned())
}

#[tokio::test]
async fn a_sale_is_made_as_it_was_asked_for() {
    let app = shop().await;
    let staff = app.staff().await;
    let prices = json!([
        { "amount": "8.00", "currency": "EUR" }, { "amount": "9.00", "currency": "USD" },
    ]);

    let sale = staff
        .sets_sale(with(a_sale(&app), &json!({ "prices": prices, "limitPerCustomer": 2 })))
        .await;

    assert_eq!(sale["prices"], prices);
    assert_eq!(
        (&sale["status"], &sale["allocation"], &sale["remaining"], &sale["limitPerCustomer"]),
        (&json!("RUNNING"), &json!(10), &json!(10), &json!(2))
    );
    assert_eq!((&sale["version"], &sale["variant"]["sku"]), (&json!("1"), &json!("CUP")));
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_and_nothing_is_made() {
    let app = shop().await;
    let staff = app.staff().await;
    let set = async |fields: Value| wrong(&staff.set_sale(with(a_sale(&app), &fields)).await);

    assert_eq!(set(json!({ "sku": "NONE" })).await, [at("NOT_FOUND", "sku")]);
    assert_eq!(set(json!({ "sku": null })).await, [at("REQUIRED", "sku")]);
    assert_eq!(
        set(json!({ "prices": [
            { "amount": "10.00", "currency": "EUR" },
            { "amount": "5.00", "currency": "GBP" },
            { "amount": "-1", "currency": "USD" },
        ], "allocation": 0, "limitPerCustomer": 0 }))
        .await,
        [
            at("OUT_OF_RANGE", "allocation"),
            at("OUT_OF_RANGE", "limitPerCustomer"),
            at("OUT_OF_RANGE", "prices.2.amount"),
            at("OUT_OF_RANGE", "prices.0.amount"),
            at("CURRENCY_MISMATCH", "prices.1.currency"),
        ]
    );
    let past = json!({ "endsAt": minutes(&app, -1) });
    assert_eq!(set(past).await, [at("OUT_OF_RANGE", "endsAt")]);
    let turned = json!({ "startsAt": minutes(&app, 61) });
    assert_eq!(set(turned).await[0], at("OUT_OF_RANGE", "endsAt"));
    assert_eq!(app.number("SELECT COUNT(*) FROM flash_sale").await, 0);
}

#[tokio::test]
async fn a_variant_has_one_sale_at_a_time() {
    let app = shop().await;
    let staff = app.staff().await;
    staff.sets_sale(a_sale(&app)).await;
    let window = |from: i64, to: i64| json!({ "startsAt": minutes(&app, from), "endsAt": minutes(&app, to) });

    let meets = staff.set_sale(with(a_sale(&app), &window(59, 90))).await;
    let around = staff.set_sale(with(a_sale(&app), &window(-10, 90))).await;
    let later = staff.sets_sale(with(a_sale(&app), &window(61, 90))).await;
    let moved = change(&app, &later["id"], &window(30, 90));

    assert_eq!(wrong(&meets), [at("ALREADY_EXISTS", "startsAt")]);
    assert_eq!(wrong(&around), [at("ALREADY_EXISTS", "startsAt")]);
    assert_eq!(later["status"], "SCHEDULED");
    assert_eq!(wrong(&staff.set_sale(moved).await), [at("ALREADY_EXISTS", "startsAt")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_sales_of_one_variant_set_at_once_there_is_one() {
    let app = shop().await;
    let staff = app.staff().await;

    let calls = (0..20).map(|_| staff.set_sale(a_sale(&app)));
    let answers = futures::future::join_all(calls).await;

    let made = answers.iter().filter(|answer| wrong(answer).is_empty()).count();
    let refused =
        answers.iter().filter(|answer| wrong(answer) == [at("ALREADY_EXISTS", "startsAt")]);
    assert_eq!((made, refused.count()), (1, 19));
    assert_eq!(app.number("SELECT COUNT(*) FROM flash_sale").await, 1);
}

#[tokio::test]
async fn a_running_sale_is_changed_as_a_whole_but_for_when_it_began() {
    let app = shop().await;
    let staff = app.staff().await;
    let sale = staff.sets_sale(with(a_sale(&app), &json!({ "limitPerCustomer": 1 }))).await;
    let prices = json!([{ "amount": "7.00", "currency": "EUR" }]);
    let fields = json!({ "prices": prices, "allocation": 20, "expectedVersion": "1" });

    let changed = staff.sets_sale(change(&app, &sale["id"], &fields)).await;

    assert_eq!((&changed["prices"], &changed["allocation"]), (&prices, &json!(20)));
    assert_eq!((&changed["version"], &changed["limitPerCustomer"]), (&json!("2"), &Value::Null));
    assert_eq!(changed["startsAt"], sale["startsAt"]);
    let stale = staff.set_sale(change(&app, &sale["id"], &fields)).await;
    assert_eq!(wrong(&stale), [at("VERSION_CONFLICT", "expectedVersion")]);
    let begun = json!({ "startsAt": minutes(&app, 5) });
    let moved = staff.set_sale(change(&app, &sale["id"], &begun)).await;
    assert_eq!(wrong(&moved), [at("INVALID", "startsAt")]);
    let both = with(change(&app, &sale["id"], &json!({})), &json!({ "sku": "CUP" }));
    assert_eq!(wrong(&staff.set_sale(both).await), [at("INVALID", "sku")]);
}

#[tokio::test]
async fn an_allocation_is_not_lowered_below_what_orders_have() {
    let app = shop().await;
    app.taxes(None, 0).await;
    app.ships("standard", None, &[("EUR", 0, 490)]).await;
    let staff = app.staff().await;
    let sale = staff.sets_sale(a_sale(&app)).await;
    app.guest().buys(&[("CUP", 4)], "card_approved").await;

    let refused = staff.set_sale(change(&app, &sale["id"], &json!({ "allocation": 3 }))).await;
    let lowered = staff.sets_sale(change(&app, &sale["id"], &json!({ "allocation": 4 }))).await;

    assert_eq!(wrong(&refused), [at("OUT_OF_RANGE", "allocation")]);
    assert_eq!((&lowered["allocation"], &lowered["remaining"]), (&json!(4), &json!(0)));
}

#[tokio::test]
async fn a_key_makes_one_sale() {
    let app = shop().await;
    let staff = app.staff().await;
    let input = with(a_sale(&app), &json!({ "idempotencyKey": "the sale of today" }));

    let first = staff.sets_sale(input.clone()).await;
    let again = staff.set_sale(input.clone()).await;
    let other = staff.set_sale(with(input, &json!({ "allocation": 11 }))).await;

    assert_eq!(again.data()["flashSaleSet"]["flashSale"], first);
    assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true);
    assert_eq!(wrong(&other), [at("IDEMPOTENCY_CONFLICT", "idempotencyKey")]);
}

#[tokio::test]
async fn a_running_sale_ends_and_one_that_has_not_begun_is_taken_back() {
    let app = shop().await;
    let staff = app.staff().await;
    let running = staff.sets_sale(a_sale(&app)).await;
    let window = json!({ "startsAt": minutes(&app, 70), "endsAt": minutes(&app, 90) });
    let scheduled = staff.sets_sale(with(a_sale(&app), &window)).await;

    let stale = staff.end_sale(json!({ "id": running["id"], "expectedVersion": "7" })).await;
    let ended = staff.end_sale(json!({ "id": running["id"], "expectedVersion": "1" })).await;
    let gone = staff.end_sale(json!({ "id": scheduled["id"] })).await;

    assert_eq!(stale["userErrors"][0]["actualVersion"], "1");
    assert_eq!(
        (&ended["flashSale"]["status"], &ended["deletedId"]),
        (&json!("OVER"), &Value::Null)
    );
    assert_eq!((&gone["deletedId"], &gone["flashSale"]), (&scheduled["id"], &Value::Null));
    assert_eq!(app.number("SELECT COUNT(*) FROM flash_sale").await, 1);
    let again = staff.end_sale(json!({ "id": running["id"] })).await;
    assert_eq!(again["userErrors"][0]["code"], "INVALID");
    let changed = staff.set_sale(change(&app, &running["id"], &json!({}))).await;
    assert_eq!(wrong(&changed), [at("INVALID", "id")]);
    let none = staff.end_sale(json!({ "id": scheduled["id"] })).await;
    assert_eq!(none["userErrors"][0]["code"], "NOT_FOUND");
    // Its time is free for another.
    staff.sets_sale(a_sale(&app)).await;
}

#[tokio::test]
async fn a_variant_that_nobody_bought_is_deleted_with_its_sales() {
    let app = shop().await;
    let pair = app.sells(&["ONE", "TWO"]).await;
    app.costs(pair.variants["ONE"], "EUR", 1_000).await;
    app.flashes("ONE", 500, 1, None).await;

    let deleted =
        app.app.services.catalog.delete_variant(&Viewer::System, pair.variants["ONE"], None);
    deleted.await.expect("nothing refers to it");

    assert_eq!(app.number("SELECT COUNT(*) FROM flash_sale").await, 0);
    assert_eq!(app.number("SELECT COUNT(*) FROM flash_sale_price").await, 0);
}
