//! Orders that nobody paid in time.

use super::shop::{codes, shop};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn an_unpaid_order_ends_with_its_hold() {
    let app = shop().await;
    let placed = app.guest().buys(&[("CUP", 4)], "card_declined").await;
    let id = &placed["order"]["id"];
    let staff = app.staff().await;
    app.waits(TimeDelta::minutes(14));
    assert_eq!(app.orders().expire_due().await.unwrap(), 0);
    app.waits(TimeDelta::minutes(2));

    assert_eq!(app.orders().expire_due().await.unwrap(), 1);

    let order = staff.order(id).await;
    assert_eq!(
        (&order["status"], &order["cancelReason"]),
        (&json!("CANCELLED"), &json!("EXPIRED"))
    );
    assert_eq!(order["events"].as_array().unwrap().last().unwrap()["type"], "EXPIRED");
    assert_eq!(app.pieces("CUP").await, (100, 0));
    assert_eq!(app.orders().expire_due().await.unwrap(), 0);
}

#[tokio::test]
async fn nobody_is_refused_for_a_dead_hold_though_no_job_runs() {
    let app = shop().await;
    let staff = app.staff().await;
    let dead = app.guest().buys(&[("CUP", 100)], "card_declined").await;
    app.waits(TimeDelta::minutes(16));

    let placed = app.guest().buys(&[("CUP", 100)], "card_approved").await;

    assert_eq!((codes(&placed), &placed["order"]["status"]), (vec![], &json!("PAID")));
    let ended = staff.order(&dead["order"]["id"]).await;
    assert_eq!(ended["status"], "CANCELLED");
    assert_eq!(app.pieces("CUP").await, (100, 100));
}

#[tokio::test]
async fn who_pays_again_and_again_is_never_blocked_by_the_own_hold() {
    let app = shop().await;
    let guest = app.guest();
    let placed = guest.buys(&[("CUP", 100)], "card_declined").await;

    for _ in 0..20 {
        let input = json!({
            "orderId": placed["order"]["id"],
            "guestAccessToken": placed["guestAccessToken"],
            "payment": { "provider": "sandbox", "method": "card_declined" },
            "idempotencyKey": uuid::Uuid::new_v4().to_string(),
        });
        let paid = guest.order_payload("orderPay", input).await;
        assert_eq!(codes(&paid), ["PAYMENT_DECLINED"]);
        app.waits(TimeDelta::minutes(10));
    }

    assert_eq!(app.pieces("CUP").await, (100, 100));
}
