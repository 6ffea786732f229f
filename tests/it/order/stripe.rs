//! Buying with Stripe: the ways that an order takes, and the webhooks that move it.

use super::shop::{checkout, codes, stock_up};
use crate::app::{StripeFront, TestApp};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

const SECURE: &str = "4000002500003155";
const PATH: &str = "/webhooks/payments/stripe";

async fn shop() -> Option<(StripeFront, TestApp)> {
    let stripe = StripeFront::start().await?;
    let app = TestApp::with(|settings| {
        stripe.configures(settings);
        settings.payment.call_limit = Duration::from_secs(10);
    })
    .await;
    stock_up(&app, 100).await;
    Some((stripe, app))
}

/// Buys a cup with this payment method of Stripe.
async fn buys(app: &TestApp, method: &str) -> Value {
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    let mut input = checkout(&cart, method);
    input["payment"]["provider"] = json!("stripe");
    guest.order_payload("checkoutComplete", input).await
}

/// The header of a webhook that was sent at this second.
fn signature(secret: &str, second: i64, body: &str) -> String {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(format!("{second}.{body}").as_bytes());
    let code = code.finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    // Beside the scheme of test events, as Stripe sends it.
    format!("t={second},v1={hex},v0={hex}")
}

/// Sends an event about this object, as Stripe would; gives the status of the answer.
async fn tells(stripe: &StripeFront, app: &TestApp, id: &str, kind: &str, object: &Value) -> u16 {
    let event = json!({ "id": id, "object": "event", "type": kind, "data": { "object": object } });
    let body = event.to_string();
    let signature = signature(&stripe.webhook_secret, app.app.db.now().timestamp(), &body);
    let headers = [("stripe-signature", signature.as_str())];
    app.guest().post_to(PATH, &headers, body).await.status.as_u16()
}

#[tokio::test]
async fn an_order_is_paid_with_a_card() {
    let Some((stripe, app)) = shop().await else { return };

    let placed = buys(&app, "pm_card_visa").await;

    assert_eq!(codes(&placed), [""; 0]);
    assert_eq!(placed["order"]["status"], "PAID");
    assert_eq!(placed["payment"]["status"], "CAPTURED");
    assert_eq!(placed["order"]["payments"][0]["provider"], "stripe");
    let intent = stripe.only_intent().await;
    assert_eq!(
        placed["order"]["total"]["amountMinor"].as_str().unwrap(),
        intent["amount"].to_string()
    );
    assert_eq!(intent["metadata"]["order_number"], placed["order"]["number"]);
}

#[tokio::test]
async fn a_declined_card_leaves_the_order_to_be_paid_with_another() {
    let Some((stripe, app)) = shop().await else { return };

    let placed = buys(&app, "pm_card_chargeCustomerFail").await;

    assert_eq!(codes(&placed), ["PAYMENT_DECLINED"]);
    assert_eq!(placed["userErrors"][0]["declineCode"], "card_declined");
    assert_eq!(placed["order"]["status"], "PENDING_PAYMENT");
    let pay = json!({
        "orderId": placed["order"]["id"],
        "guestAccessToken": placed["guestAccessToken"],
        "payment": { "provider": "stripe", "method": "pm_card_visa" },
        "idempotencyKey": "another card",
    });
    let paid = app.guest().order_payload("orderPay", pay).await;
    assert_eq!(paid["order"]["status"], "PAID");
    assert_eq!(stripe.intents().await.len(), 2);
}

#[tokio::test]
async fn what_is_no_payment_method_is_refused_before_anything_is_written() {
    let Some((stripe, app)) = shop().await else { return };

    for method in ["4242424242424242", "card_approved", "pm_", "pm_a/b", "pm_a b", "tok_visa"] {
        let refused = buys(&app, method).await;
        assert_eq!(codes(&refused), ["INVALID"], "{method}");
        assert_eq!(refused["userErrors"][0]["path"][1], "method", "{method}: {refused}");
    }

    assert_eq!(app.rows("shop_order", "1 = 1").await, 0);
    assert_eq!(stripe.seen("", "").len(), 0);
}

#[tokio::test]
async fn a_payer_who_satisfies_the_bank_has_the_order_paid_by_stripes_own_webhook() {
    let Some((stripe, app)) = shop().await else { return };
    let address = app.listen().await;
    stripe.sends_webhooks_to(&format!("http://{address}{PATH}")).await;
    let card = stripe.card(SECURE).await;
    let staff = app.staff().await;

    let placed = buys(&app, &card).await;

    assert_eq!(placed["order"]["status"], "PENDING_PAYMENT");
    assert_eq!(placed["payment"]["status"], "PENDING");
    let intent = stripe.only_intent().await;
    let secret = intent["client_secret"].as_str().unwrap();
    stripe.authenticates(&intent, secret, true).await;
    let mut status = Value::Null;
    for _ in 0..600 {
        status = staff.order(&placed["order"]["id"]).await["status"].clone();
        if status == "PAID" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status, "PAID");
    assert_eq!(app.rows("payment_event", "kind = 'payment_intent.succeeded'").await, 1);
}

#[tokio::test]
async fn a_payer_who_fails_the_bank_can_try_another_card_at_once() {
    let Some((stripe, app)) = shop().await else { return };
    let card = stripe.card(SECURE).await;
    let placed = buys(&app, &card).await;
    let intent = stripe.only_intent().await;
    let secret = intent["client_secret"].as_str().unwrap();
    let failed = stripe.authenticates(&intent, secret, false).await;

    for _ in 0..3 {
        let kind = "payment_intent.payment_failed";
        assert_eq!(tells(&stripe, &app, "evt_failed", kind, &failed).await, 204);
    }

    let order = app.staff().await.order(&placed["order"]["id"]).await;
    assert_eq!(order["status"], "PENDING_PAYMENT");
    assert_eq!(order["payments"][0]["status"], "FAILED");
    assert_eq!(order["payments"][0]["failureCode"], "payment_intent_authentication_failure");
    assert_eq!(stripe.only_intent().await["status"], "canceled");
    assert_eq!(app.rows("payment_event", "1 = 1").await, 1);
}

#[tokio::test]
async fn events_in_any_order_and_number_pay_an_order_once() {
    let Some((stripe, app)) = shop().await else { return };
    let card = stripe.card(SECURE).await;
    let placed = buys(&app, &card).await;
    let waiting = stripe.only_intent().await;
    let secret = waiting["client_secret"].as_str().unwrap();
    let paid = stripe.authenticates(&waiting, secret, true).await;

    for (id, kind, object) in [
        ("evt_2", "payment_intent.succeeded", &paid),
        ("evt_1", "payment_intent.requires_action", &waiting),
        ("evt_2", "payment_intent.succeeded", &paid),
        ("evt_3", "payment_intent.payment_failed", &waiting),
        ("evt_4", "charge.refunded", &paid["latest_charge"]),
        ("evt_5", "customer.created", &json!({ "id": "cus_1", "metadata": {} })),
    ] {
        assert_eq!(tells(&stripe, &app, id, kind, object).await, 204, "{kind}");
    }

    let order = app.staff().await.order(&placed["order"]["id"]).await;
    assert_eq!(
        (&order["status"], &order["refundedTotal"]["amountMinor"]),
        (&json!("PAID"), &json!("0"))
    );
    assert_eq!(order["payments"][0]["status"], "CAPTURED");
    assert_eq!(app.rows("order_event", "type = 'PAID'").await, 1);
    assert_eq!(app.rows("payment_event", "1 = 1").await, 3, "of the payment, each once");
}

#[tokio::test]
async fn what_stripe_did_not_sign_just_now_changes_nothing() {
    let Some((stripe, app)) = shop().await else { return };
    let card = stripe.card(SECURE).await;
    let placed = buys(&app, &card).await;
    let mut intent = stripe.only_intent().await;
    intent["status"] = json!("succeeded");
    let event = json!({
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded",
        "data": { "object": intent },
    });
    let (body, now) = (event.to_string(), app.app.db.now().timestamp());
    let secret = stripe.webhook_secret.as_str();
    let mine = signature(secret, now, &body);

    for (signature, body) in [
        (signature("whsec_of_somebody_else", now, &body), body.clone()),
        (signature(secret, now - 301, &body), body.clone()),
        (signature(secret, now + 301, &body), body.clone()),
        (mine.replace("v1=", "v3="), body.clone()),
        (mine.clone(), format!("{body} ")),
        (String::new(), body.clone()),
    ] {
        let headers = [("stripe-signature", signature.as_str())];
        assert_eq!(app.guest().post_to(PATH, &headers, body).await.status, 401, "{signature}");
    }

    let headers = [("sandbox-signature", mine.as_str())];
    assert_eq!(app.guest().post_to(PATH, &headers, body.clone()).await.status, 401);
    let order = app.staff().await.order(&placed["order"]["id"]).await;
    assert_eq!(order["status"], "PENDING_PAYMENT");
    let headers = [("stripe-signature", mine.as_str())];
    assert_eq!(app.guest().post_to(PATH, &headers, body).await.status, 204, "and this is theirs");
}
