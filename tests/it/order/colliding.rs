//! Two who change one order at the same time: each order ends in one way, and its money and its
//! stock with it. The interleavings are made at the places between two steps, and by chance.

use super::shop::{codes, shop, stock_up};
use crate::app::{Caller, TestApp, repeated};
use chrono::TimeDelta;
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;
use stockroom::payment::sandbox::SignedEvent;
use stockroom::{failpoint, graphql::NodeKind};
use tokio::sync::Mutex;
use uuid::Uuid;

/// Pairs that race by chance.
fn pairs() -> usize {
    repeated(40, 500)
}
const SIDE_BY_SIDE: usize = 16;

fn cancel(order: &Value) -> Value {
    json!({ "orderId": order["id"] })
}

fn pay(placed: &Value) -> Value {
    json!({
        "orderId": placed["order"]["id"],
        "guestAccessToken": placed["guestAccessToken"],
        "payment": { "provider": "sandbox", "method": "card_approved" },
        "idempotencyKey": Uuid::new_v4().to_string(),
    })
}

/// Runs so many races, some at a time.
async fn race<F, Fut>(pairs: usize, pair: F)
where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let pairs = (0..pairs).map(|turn| tokio::spawn(pair(turn)));
    let mut pairs = futures::stream::iter(pairs).buffer_unordered(SIDE_BY_SIDE);
    while let Some(done) = pairs.next().await {
        done.expect("a race ends well");
    }
}

/// Every order is paid and keeps its goods, or cancelled and has given all back.
async fn each_ended_in_one_way(app: &TestApp, sku: &str) {
    app.comes_to_rest().await;
    app.is_sound().await;
    assert_eq!(app.rows("shop_order", "status NOT IN ('PAID', 'CANCELLED')").await, 0);
    let kept = "status = 'CANCELLED' AND EXISTS (SELECT 1 FROM payment p WHERE \
                p.order_id = shop_order.id AND (p.state NOT IN ('CAPTURED', 'VOIDED', 'DECLINED', \
                'UNAVAILABLE') OR p.captured <> p.refunded))";
    assert_eq!(app.rows("shop_order", kept).await, 0, "a cancelled order keeps money");
    let paid = app.rows("shop_order", "status = 'PAID'").await;
    let cancelled = app.rows("shop_order", "status = 'CANCELLED'").await;
    println!("{paid} paid, {cancelled} cancelled");
    assert_eq!(app.pieces(sku).await.1, paid, "a piece an order that is paid");
}

/// Cancels the one order that stands there, as staff.
async fn cancels_it(app: &TestApp, staff: &Caller) {
    use sea_orm::EntityTrait;
    let orders = entity::shop_order::Entity::find().all(app.app.db.reader()).await.unwrap();
    for order in orders.into_iter().filter(|it| it.status != "CANCELLED") {
        let input = json!({ "orderId": NodeKind::Order.id(order.id).to_string() });
        let payload = staff.order_payload("orderCancel", input).await;
        assert_eq!(codes(&payload), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_cancelled_between_two_steps_of_its_payment_gives_its_money_back() {
    for place in [
        "checkout.after_t1",
        "pay.before_call",
        "pay.after_call",
        "settle.before_guard",
        "pay.after_t2",
    ] {
        for method in ["card_approved", "card_declined", "card_pending"] {
            let app = Arc::new(shop().await);
            let staff = app.staff().await;
            let (there, by) = (Arc::clone(&app), staff.clone());
            failpoint::on(place, move || {
                let (app, staff) = (Arc::clone(&there), by.clone());
                async move { cancels_it(&app, &staff).await }
            });

            let placed = app.guest().buys(&[("CUP", 1)], method).await;
            failpoint::on(place, || std::future::ready(()));

            let id = &placed["order"]["id"];
            assert_eq!(staff.order(id).await["status"], "CANCELLED", "{place} {method}");
            each_ended_in_one_way(&app, "CUP").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_and_who_cancels_at_once_come_to_one_end() {
    let app = Arc::new(TestApp::start().await);
    stock_up(&app, 10_000).await;
    let staff = app.staff().await;
    let turns = Arc::clone(&app);

    race(pairs(), move |_| {
        let (guest, staff) = (turns.guest(), staff.clone());
        async move {
            let placed = guest.buys(&[("CUP", 1)], "card_declined").await;
            let (paid, cancelled) = tokio::join!(
                guest.order_payload("orderPay", pay(&placed)),
                staff.order_payload("orderCancel", cancel(&placed["order"])),
            );
            assert_eq!(codes(&cancelled), [""; 0]);
            assert!(matches!(codes(&paid)[..], [] | ["INVALID_TRANSITION"]), "{paid}");
        }
    })
    .await;

    assert_eq!(app.rows("shop_order", "status = 'PAID'").await, 0, "each was cancelled");
    each_ended_in_one_way(&app, "CUP").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_and_who_cancels_at_once_come_to_one_end() {
    let app = Arc::new(TestApp::start().await);
    stock_up(&app, 10_000).await;
    let staff = app.staff().await;
    let turns = Arc::clone(&app);

    race(pairs(), move |turn| {
        let (app, staff) = (Arc::clone(&turns), staff.clone());
        async move {
            let placed = app.guest().buys(&[("CUP", 1)], "card_pending").await;
            let payment = NodeKind::Payment.key(placed["payment"]["id"].as_str().unwrap()).unwrap();
            let webhook = app.sandbox().decide(payment, !turn.is_multiple_of(5)).await.unwrap();
            let webhook = webhook.expect("it waits");
            let name = SignedEvent::HEADER;
            let headers = [(name.as_str(), webhook.signature.as_str())];
            let guest = app.guest();
            let path = "/webhooks/payments/sandbox";
            let (heard, cancelled) = tokio::join!(
                guest.post_to(path, &headers, webhook.body.clone()),
                staff.order_payload("orderCancel", cancel(&placed["order"])),
            );
            assert_eq!((heard.status.as_u16(), codes(&cancelled)), (204, vec![]));
        }
    })
    .await;

    assert_eq!(app.rows("shop_order", "status = 'PAID'").await, 0, "each was cancelled");
    each_ended_in_one_way(&app, "CUP").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_while_the_time_runs_out_is_served_or_refused() {
    let app = Arc::new(TestApp::start().await);
    stock_up(&app, 10_000).await;
    let guest = app.guest();
    let mut placed = Vec::new();
    for _ in 0..pairs() {
        placed.push(guest.buys(&[("CUP", 1)], "card_declined").await);
    }
    app.waits(TimeDelta::minutes(16));
    let (turns, placed) = (Arc::clone(&app), Arc::new(placed));

    race(pairs(), move |turn| {
        let (app, placed) = (Arc::clone(&turns), Arc::clone(&placed));
        async move {
            let guest = app.guest();
            let (paid, swept) = tokio::join!(
                guest.order_payload("orderPay", pay(&placed[turn])),
                app.orders().expire_due(),
            );
            swept.expect("the database answers");
            let refused = matches!(codes(&paid)[..], ["INVALID_TRANSITION"]);
            assert!(refused || paid["order"]["status"] == "PAID", "{paid}");
        }
    })
    .await;

    each_ended_in_one_way(&app, "CUP").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_in_the_middle_of_the_sweep_is_refused_and_charged_nothing() {
    let app = Arc::new(shop().await);
    let guest = app.guest();
    let placed = guest.buys(&[("CUP", 1)], "card_declined").await;
    app.waits(TimeDelta::minutes(16));
    let paying = Arc::new(Mutex::new(None));
    let (begun, input) = (Arc::clone(&paying), pay(&placed));
    failpoint::on("sweep.after_mark", move || {
        let (begun, guest, input) = (Arc::clone(&begun), guest.clone(), input.clone());
        async move {
            // It has to wait for the sweep, which holds the order.
            let call = async move { guest.order_payload("orderPay", input).await };
            *begun.lock().await = Some(tokio::spawn(call));
            tokio::task::yield_now().await;
        }
    });

    assert_eq!(app.orders().expire_due().await.unwrap(), 1);
    let paid = paying.lock().await.take().expect("someone paid").await.unwrap();

    assert_eq!(codes(&paid), ["INVALID_TRANSITION"]);
    assert_eq!(app.rows("sandbox_charge", "state <> 'DECLINED'").await, 0);
    each_ended_in_one_way(&app, "CUP").await;
}
