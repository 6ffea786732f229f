//! What a provider tells by itself: through the real route, any number of times.

use super::money::{deal, late_shop, refund};
use super::shop::shop;
use crate::app::{Caller, TestApp};
use chrono::TimeDelta;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use std::sync::Arc;
use stockroom::failpoint;
use stockroom::graphql::NodeKind;
use stockroom::payment::sandbox::SignedEvent;
use tokio::sync::Notify;
use uuid::Uuid;

#[tokio::test]
async fn what_the_payer_confirms_at_the_provider_pays_the_order_once() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_pending").await;
    let staff = app.staff().await;
    let id = &placed["order"]["id"];
    assert_eq!(staff.order(id).await["status"], "PENDING_PAYMENT");
    let payment = app.only_payment().await;
    let webhook = app.sandbox().decide(payment, true).await.unwrap().expect("it waits");

    for _ in 0..5 {
        let name = SignedEvent::HEADER;
        let headers = [(name.as_str(), webhook.signature.as_str())];
        let answer =
            app.guest().post_to("/webhooks/payments/sandbox", &headers, webhook.body.clone()).await;
        assert_eq!(answer.status, 204);
    }

    let order = staff.order(id).await;
    assert_eq!(
        (&order["status"], &order["payments"][0]["status"]),
        (&json!("PAID"), &json!("CAPTURED"))
    );
    assert_eq!(app.rows("payment_event", "1 = 1").await, 1);
    assert_eq!(app.rows("order_event", "type = 'PAID'").await, 1);
    app.is_sound().await;
}

#[tokio::test]
async fn what_is_not_signed_by_the_provider_changes_nothing() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 1)], "card_pending").await;
    let payment = app.only_payment().await;
    let webhook = app.sandbox().decide(payment, true).await.unwrap().expect("it waits");
    let guest = app.guest();

    let mut tampered = webhook.body.clone();
    tampered.push(' ');
    let name = SignedEvent::HEADER;
    let headers = [(name.as_str(), webhook.signature.as_str())];
    for (path, headers, body, status) in [
        ("/webhooks/payments/sandbox", &headers[..], tampered, 401),
        ("/webhooks/payments/sandbox", &[][..], webhook.body.clone(), 401),
        ("/webhooks/payments/gold", &headers[..], webhook.body.clone(), 404),
    ] {
        assert_eq!(guest.post_to(path, headers, body).await.status, status, "{path}");
    }

    let order = app.staff().await.order(&placed["order"]["id"]).await;
    assert_eq!(order["status"], "PENDING_PAYMENT");
    app.is_sound().await;
}

/// Asks the provider for something, which does it; whoever asked never hears of it.
async fn is_gone_after(told: &Notify, staff: &Caller, mutation: &'static str, input: Value) {
    let staff = staff.clone();
    let asking = tokio::spawn(async move { deal(&staff, mutation, input).await });
    told.notified().await;
    asking.abort();
    assert!(asking.await.is_err_and(|error| error.is_cancelled()));
}

/// The provider tells everything that it has to say of a payment twice, in any order.
async fn tells_all(app: &TestApp, payment: Uuid, events: usize, random: &mut StdRng) {
    let mut all = app.sandbox().events_of(payment).await.unwrap();
    assert_eq!(all.len(), events);
    all.extend(all.clone());
    all.shuffle(random);
    for event in all {
        let name = SignedEvent::HEADER;
        let headers = [(name.as_str(), event.signature.as_str())];
        let answer =
            app.guest().post_to("/webhooks/payments/sandbox", &headers, event.body.clone()).await;
        assert_eq!(answer.status, 204);
    }
}

#[tokio::test]
async fn in_any_order_and_repeated_order_money_and_stock_come_to_the_same_end() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let app = late_shop().await;
    let told = Arc::new(Notify::new());
    for place in ["till.before_settle", "refund.after_call"] {
        let tell = Arc::clone(&told);
        failpoint::on(place, move || {
            tell.notify_one();
            std::future::pending()
        });
    }
    // Before the clock is moved on, by which a token would come from the future.
    let staff = app.staff().await;
    for _ in 0..5 {
        let placed = app.guest().buys(&[("CUP", 3)], "card_pending").await;
        let (order, payment) = (&placed["order"]["id"], &placed["payment"]);
        let key = NodeKind::Payment.key(payment["id"].as_str().unwrap()).unwrap();
        app.sandbox().decide(key, true).await.unwrap().expect("it waits");
        app.waits(TimeDelta::seconds(16));
        app.orders().recover().await.unwrap();
        let capture = json!({ "paymentId": payment["id"] });

        is_gone_after(&told, &staff, "paymentCapture", capture).await;
        assert_eq!(staff.order(order).await["status"], "AUTHORIZED");
        tells_all(&app, key, 2, &mut random).await;

        let paid = staff.order(order).await;
        assert_eq!(
            (&paid["status"], &paid["payments"][0]["status"]),
            (&json!("PAID"), &json!("CAPTURED"))
        );
        assert_eq!(app.pieces("CUP").await, (100, 3));

        let back = refund(payment, &json!({ "restock": true }));
        is_gone_after(&told, &staff, "paymentRefund", back).await;
        assert_eq!(staff.order(order).await["status"], "PAID");
        tells_all(&app, key, 3, &mut random).await;

        let over = staff.order(order).await;
        assert_eq!(
            (&over["status"], &over["refundedTotal"]),
            (
                &json!("REFUNDED"),
                &json!({
                    "amountMinor": over["total"]["amountMinor"],
                })
            )
        );
        assert_eq!(app.pieces("CUP").await, (100, 0));
    }
    app.is_sound().await;
}
