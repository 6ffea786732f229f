//! The bus as a sink: who missed something hears of it from the outbox, and nobody hears twice.

use crate::app::TestApp;
use crate::order::shop::shop;
use futures::StreamExt;
use serde_json::json;
use std::time::Duration;
use stockroom::auth::Viewer;
use stockroom::graphql::NodeKind;
use stockroom::order::{Access, OrderStatus};
use stockroom::stock::live::LiveStock;

const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_watcher_of_stock_hears_from_the_outbox_what_the_bus_did_not_tell() {
    let app = TestApp::start().await;
    let variant = app.has("CUP", 10).await;
    app.app.courier.deliver_due().await.unwrap();
    // Nothing is read again but for news.
    let live = LiveStock::new(app.stock().clone(), app.app.bus.clone()).reading_again_every(NEVER);
    let following = tokio::spawn(live.clone().run());
    let mut states = Box::pin(live.watch(vec![variant]).await.unwrap());
    assert_eq!(states.next().await.unwrap().stock.available, 10);

    // Another process commits this, and ends before it can tell anybody.
    let key = app.sql_key(variant);
    app.execute(&format!(
        "UPDATE stock_level SET on_hand = 7, version = version + 1 WHERE variant_id = {key}"
    ))
    .await;
    app.execute(&format!(
        "INSERT INTO outbox (event_id, topic, type, aggregate_id, seq, payload, next_attempt_at, \
         created_at) SELECT {}, topic, type, aggregate_id, seq + 1, payload, next_attempt_at, \
         created_at FROM outbox WHERE aggregate_id = \
         (SELECT id FROM stock_level WHERE variant_id = {key}) ORDER BY seq DESC LIMIT 1",
        app.sql_key(uuid::Uuid::now_v7()),
    ))
    .await;
    app.app.courier.deliver_due().await.unwrap();

    assert_eq!(states.next().await.unwrap().stock.available, 7);
    following.abort();
}

#[tokio::test]
async fn a_watcher_of_an_order_is_told_each_change_once() {
    let app = shop().await;
    let customer = app.customer().await;
    let placed = customer.buys(&[("CUP", 1)], "card_approved").await;
    let id = placed["order"]["id"].as_str().unwrap();
    let access = Access { order_id: NodeKind::Order.key(id).unwrap(), token: None };
    let mut states = Box::pin(app.orders().watch(Viewer::System, access).await.unwrap());
    let first = states.next().await.unwrap().unwrap();
    assert_eq!(first.status, OrderStatus::Paid);

    // The outbox tells again how the order came to be what the watcher has seen.
    assert!(app.app.courier.deliver_due().await.unwrap() > 0);
    customer.order_payload("orderCancel", json!({ "orderId": id })).await;
    app.app.courier.deliver_due().await.unwrap();

    let mut told = vec![first];
    while told.last().unwrap().refunded_total == 0 {
        told.push(states.next().await.unwrap().unwrap());
    }
    let cancelled = told.iter().position(|it| it.status == OrderStatus::Cancelled).unwrap();
    assert_eq!(cancelled, 1, "what was told of the past was no news");
    assert!(told.windows(2).all(|pair| pair[0].version <= pair[1].version));
}
