//! graphql-transport-ws: what the protocol asks for, and what keeps a socket from costing too much.

mod limits;
mod protocol;

use crate::app::{Caller, TestApp};
use serde_json::{Value, json};

const WATCH: &str = "subscription ($sku: String!) { \
    stockChanged(skus: [$sku]) { sku version stock { available } } }";

/// Takes in some pieces.
async fn receive(staff: &Caller, sku: &str, delta: i32) {
    let document = "mutation ($sku: String!, $delta: Int!) { \
        stockAdjust(input: { sku: $sku, delta: $delta, type: RECEIPT }) { userErrors { code } } }";
    let answer = staff.query(document).with_variables(json!({ "sku": sku, "delta": delta })).await;
    assert!(answer.user_errors("stockAdjust").is_empty());
}

/// `available` in an event.
fn available(event: &Value) -> i64 {
    let available = event["data"]["stockChanged"]["stock"]["available"].as_i64();
    available.unwrap_or_else(|| panic!("no event of stockChanged: {event}"))
}

#[tokio::test]
async fn a_subscriber_has_the_present_level_and_then_each_change() {
    let app = TestApp::start().await;
    let (staff, sku) = (app.staff().await, app.a_sku().await);
    let mut socket = app.socket().await;

    socket.subscribe_with("1", WATCH, json!({ "sku": sku })).await;
    let first = available(&socket.next_of("1").await);
    receive(&staff, &sku, 3).await;
    receive(&staff, &sku, 4).await;

    let mut last = first;
    while last != first + 7 {
        let next = available(&socket.next_of("1").await);
        assert!(next > last, "{next} after {last}");
        last = next;
    }
}

#[tokio::test]
async fn a_completed_subscription_sends_nothing_more_and_its_id_is_free() {
    let app = TestApp::start().await;
    let (staff, sku) = (app.staff().await, app.a_sku().await);
    let mut socket = app.socket().await;
    socket.subscribe_with("1", WATCH, json!({ "sku": sku })).await;
    let first = available(&socket.next_of("1").await);

    socket.send(json!({ "type": "complete", "id": "1" })).await;
    socket.subscribe("2", "{ __typename }").await;
    socket.next_of("2").await;
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "2" }));
    receive(&staff, &sku, 1).await;

    socket.subscribe_with("1", WATCH, json!({ "sku": sku })).await;
    assert_eq!(available(&socket.next_of("1").await), first + 1);
}

#[tokio::test]
async fn an_unknown_sku_refuses_the_subscription_and_not_the_socket() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;

    socket.subscribe_with("1", WATCH, json!({ "sku": "NO-SUCH-SKU" })).await;
    let refused = socket.next().await;

    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("1")), "{refused}");
    assert!(refused["payload"][0]["message"].as_str().unwrap().contains("NO-SUCH-SKU"));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "BAD_USER_INPUT");
    socket.subscribe("2", "{ __typename }").await;
    assert_eq!(socket.next_of("2").await["data"], json!({ "__typename": "Query" }));
}

#[tokio::test]
async fn a_mutation_on_a_socket_runs_to_its_end_when_the_socket_goes() {
    let app = TestApp::start().await;
    let token = app.token(app.account(stockroom::auth::Role::Staff).await);
    let mut socket = app.socket_with_token(&token).await;
    let held = app.hold_warehouses().await;

    let create = "mutation { warehouseCreate(input: { code: \"GONE\", name: \"Gone\" }) \
                  { userErrors { code } } }";
    socket.subscribe("1", create).await;
    // The socket and the mutation.
    app.until_under_way(2).await;
    drop(socket);
    app.until_under_way(1).await;
    held.release().await;
    app.until_under_way(0).await;

    assert_eq!(app.number("SELECT COUNT(*) FROM warehouse").await, 2);
}
