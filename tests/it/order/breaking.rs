//! A provider that hangs, as shoppers see it: soon nobody waits for it any more, and everything but
//! paying goes on.

use super::shop::{checkout, codes, shop, stock_up};
use crate::app::TestApp;
use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use stockroom::payment::BreakerState;
use stockroom::telemetry::{self, PAYMENT_CALLS_REFUSED};

async fn checkouts(app: &TestApp, number: usize, method: &'static str) -> Vec<Value> {
    let guest = app.guest();
    let calls = (0..number).map(|_| {
        let guest = guest.clone();
        tokio::spawn(async move { guest.buys(&[("CUP", 1)], method).await })
    });
    join_all(calls).await.into_iter().map(|payload| payload.expect("nobody panics")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_is_left_alone_while_the_shop_goes_on() {
    let app = TestApp::with(|settings| {
        settings.payment.call_limit = Duration::from_millis(400);
        // All of a crowd are answered, however slow the machine is.
        settings.transport.request = Duration::from_secs(60);
    })
    .await;
    stock_up(&app, 1_000).await;
    let hanging = checkouts(&app, 60, "card_timeout").await;
    assert_eq!(app.payments().breaker_state(), BreakerState::Open);
    // Nobody knows of those who were asked for; the others were refused without a call.
    let unknown = hanging.iter().filter(|payload| codes(payload).is_empty()).count();
    assert!((20..=60).contains(&unknown), "{unknown}");
    assert!(
        hanging.iter().all(|payload| {
            codes(payload).is_empty() || codes(payload) == ["PAYMENT_UNAVAILABLE"]
        })
    );

    // From now on the provider is not asked, however well the card is.
    let refused = telemetry::total(PAYMENT_CALLS_REFUSED);
    let answers = checkouts(&app, 10, "card_approved").await;
    for payload in &answers {
        assert_eq!(codes(payload), ["PAYMENT_UNAVAILABLE"]);
        let seconds = payload["userErrors"][0]["retryAfterSeconds"].as_i64().unwrap();
        assert!((1..=10).contains(&seconds), "{seconds}");
        assert_eq!(payload["order"]["status"], "PENDING_PAYMENT");
    }
    assert_eq!(telemetry::total(PAYMENT_CALLS_REFUSED) - refused, 10);
    assert_eq!(app.rows("sandbox_charge", "1 = 1").await, 0, "nobody was charged");
    // Browsing and carts know nothing of it.
    let guest = app.guest();
    let browse = "{ products(first: 5) { nodes { name } } }";
    assert!(!guest.query(browse).await.data()["products"]["nodes"].as_array().unwrap().is_empty());
    assert!(guest.fills(&[("CUP", 1)]).await.is_string());

    // When its time is over, a few may try; they are answered, and the way is open.
    app.waits(TimeDelta::seconds(11));
    assert_ne!(app.payments().breaker_state(), BreakerState::Closed);
    while app.payments().breaker_state() != BreakerState::Closed {
        let payload = guest.buys(&[("CUP", 1)], "card_approved").await;
        assert_eq!(codes(&payload), [""; 0], "{payload}");
    }
    let input = json!({
        "orderId": answers[0]["order"]["id"],
        "guestAccessToken": answers[0]["guestAccessToken"],
        "payment": { "provider": "sandbox", "method": "card_approved" },
        "idempotencyKey": uuid::Uuid::new_v4().to_string(),
    });
    assert_eq!(guest.order_payload("orderPay", input).await["order"]["status"], "PAID");
    app.comes_to_rest().await;
    app.is_sound().await;
}

#[tokio::test]
async fn a_try_that_fails_keeps_the_way_closed() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    for _ in 0..20 {
        guest.buys(&[("POT", 1)], "card_error").await;
    }
    assert_eq!(app.payments().breaker_state(), BreakerState::Open);
    app.waits(TimeDelta::seconds(11));

    guest.buys(&[("POT", 1)], "card_error").await;

    assert_eq!(app.payments().breaker_state(), BreakerState::Open);
    let payload = guest.order_payload("checkoutComplete", checkout(&cart, "card_approved")).await;
    assert_eq!(codes(&payload), ["PAYMENT_UNAVAILABLE"]);
    app.comes_to_rest().await;
    app.is_sound().await;
}
