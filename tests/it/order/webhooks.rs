//! What a provider tells by itself: through the real route, any number of times.

use super::shop::shop;
use serde_json::json;
use stockroom::payment::sandbox::SignedEvent;

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
