//! Carts that nobody touches: gone when their time is over, whether or not the job has run.

use super::shop::{lines_of, refusals, shop, to_lines};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn a_cart_is_gone_after_its_days_of_silence_and_a_change_puts_them_off() {
    let app = shop().await;
    let (guest, customer) = (app.guest(), app.customer().await);
    let (silent, busy) = (guest.new_cart(&[("CUP", 1)]).await, guest.new_cart(&[]).await);
    let owned = customer.new_cart(&[("CUP", 1)]).await;
    let add = |cart: &serde_json::Value| json!({ "cartId": cart["id"], "lines": to_lines(&[("CUP", 1)]) });

    app.waits(TimeDelta::days(29));
    guest.cart_done("cartLinesAdd", add(&busy)).await;
    app.waits(TimeDelta::days(1));

    assert!(guest.cart(&silent["id"]).await.is_null());
    let late = guest.cart_call("cartLinesAdd", add(&silent)).await;
    assert_eq!(refusals(&late, "cartLinesAdd"), [("NOT_FOUND".to_owned(), "cartId".to_owned())]);
    assert_eq!(guest.cart(&busy["id"]).await["itemCount"], 1);
    assert_eq!(customer.cart(&owned["id"]).await["itemCount"], 1);
    app.waits(TimeDelta::days(60));
    assert!(customer.own_cart().await.is_null());
}

#[tokio::test]
async fn after_an_expired_cart_a_customer_begins_a_new_one() {
    let app = shop().await;
    let customer = app.customer().await;
    let old = customer.new_cart(&[("CUP", 5)]).await;
    app.waits(TimeDelta::days(91));

    let new = customer.new_cart(&[("POT", 1)]).await;

    assert_ne!(new["id"], old["id"]);
    assert_eq!(lines_of(&new), [("POT".to_owned(), 1)]);
}

#[tokio::test]
async fn an_expired_cart_cannot_be_merged_and_is_not_merged_into() {
    let app = shop().await;
    let customer = app.customer().await;
    customer.new_cart(&[("CUP", 5)]).await;
    let old = app.guest().new_cart(&[("CUP", 1)]).await;
    app.waits(TimeDelta::days(91));
    let fresh = app.guest().new_cart(&[("POT", 1)]).await;

    let late = customer.cart_call("cartMerge", json!({ "cartId": old["id"] })).await;
    assert_eq!(refusals(&late, "cartMerge"), [("NOT_FOUND".to_owned(), "cartId".to_owned())]);
    let merged = customer.cart_done("cartMerge", json!({ "cartId": fresh["id"] })).await;
    assert_eq!(lines_of(&merged), [("POT".to_owned(), 1)]);
}

#[tokio::test]
async fn the_job_removes_what_is_past_its_time_and_nothing_else() {
    let app = shop().await;
    let guest = app.guest();
    for _ in 0..3 {
        guest.new_cart(&[("CUP", 1), ("POT", 1)]).await;
    }
    app.waits(TimeDelta::days(31));
    let kept = guest.new_cart(&[("CUP", 1)]).await;

    assert_eq!(app.carts().purge().await.unwrap(), 3);

    assert_eq!(app.number("SELECT count(*) FROM cart").await, 1);
    assert_eq!(app.number("SELECT count(*) FROM cart_line").await, 1);
    assert_eq!(guest.cart(&kept["id"]).await["itemCount"], 1);
}

#[tokio::test]
async fn days_follow_the_settings() {
    let app = crate::app::TestApp::with(|settings| {
        settings.carts.guest = TimeDelta::days(2);
    })
    .await;
    let guest = app.guest();
    let cart = guest.new_cart(&[]).await;

    app.waits(TimeDelta::hours(47));
    assert!(guest.cart(&cart["id"]).await.is_object());
    app.waits(TimeDelta::hours(1));
    assert!(guest.cart(&cart["id"]).await.is_null());
}
