//! What whoever repeats a checkout or a payment under its key is told, whatever has become of the
//! money since.

use super::late::{charges_late, tells};
use super::money::late_shop;
use super::shop::{checkout, codes, shop};
use serde_json::json;
use std::sync::Arc;
use stockroom::failpoint;
use stockroom::payment::Outcome;
use tokio::sync::Notify;

#[tokio::test]
async fn a_decline_stays_that_decline_under_its_key_though_the_money_comes_after_all() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 2)]).await;
    let first = checkout(&cart, "card_declined");
    let placed = guest.order_payload("checkoutComplete", first.clone()).await;
    let second = json!({
        "orderId": placed["order"]["id"],
        "guestAccessToken": placed["guestAccessToken"],
        "payment": { "provider": "sandbox", "method": "card_insufficient_funds" },
        "idempotencyKey": "again",
    });
    let tried = guest.order_payload("orderPay", second.clone()).await;
    assert_eq!(
        (codes(&placed), codes(&tried)),
        (vec!["PAYMENT_DECLINED"], vec!["PAYMENT_DECLINED"])
    );

    // The second pays the order, and the first is paid too much.
    charges_late(&app, &tried["payment"], true).await;
    app.orders().recover().await.unwrap();
    charges_late(&app, &placed["payment"], true).await;
    app.orders().recover().await.unwrap();

    for (mutation, input, told) in
        [("checkoutComplete", first, placed), ("orderPay", second, tried)]
    {
        let again = guest.order_payload(mutation, input).await;
        assert_eq!(again["userErrors"], told["userErrors"], "{mutation}");
        assert_eq!((&again["order"]["status"], &again["warnings"]), (&json!("PAID"), &json!([])));
    }
    app.is_sound().await;
}

#[tokio::test]
async fn what_was_accepted_is_no_failure_under_its_key_when_its_money_was_let_go() {
    for (app, method) in [(late_shop().await, "card_approved"), (shop().await, "card_pending")] {
        let guest = app.guest();
        let cart = guest.fills(&[("CUP", 1)]).await;
        let input = checkout(&cart, method);
        let placed = guest.order_payload("checkoutComplete", input.clone()).await;
        assert_eq!(codes(&placed), [""; 0], "{method}");
        let cancel = json!({
            "orderId": placed["order"]["id"], "guestAccessToken": placed["guestAccessToken"],
        });
        let cancelled = guest.order_payload("orderCancel", cancel).await;
        assert_eq!(cancelled["order"]["payments"][0]["status"], "VOIDED", "{method}");

        let again = guest.order_call("checkoutComplete", input).await;

        assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true);
        let again = &again.data()["checkoutComplete"];
        assert_eq!((codes(again), &again["warnings"]), (vec![], &json!([])), "{method}");
        assert_eq!(again["order"]["status"], "CANCELLED");
        assert_eq!(again["guestAccessToken"], placed["guestAccessToken"]);
        app.is_sound().await;
    }
}

#[tokio::test]
async fn who_asks_again_is_told_of_a_decline_that_nobody_was_told_of_and_it_stays() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 1)]).await;
    let input = checkout(&cart, "card_declined");
    let told = Arc::new(Notify::new());
    let tell = Arc::clone(&told);
    failpoint::on("settle.before_guard", move || {
        tell.notify_one();
        std::future::pending()
    });
    let (caller, ask) = (guest.clone(), input.clone());
    let first = tokio::spawn(async move { caller.order_payload("checkoutComplete", ask).await });
    told.notified().await;
    first.abort();
    let id = app.only_payment().await;
    tells(&app, id, Outcome::Declined { code: "card_declined".to_owned() }).await;

    let declined = guest.order_payload("checkoutComplete", input.clone()).await;
    charges_late(&app, &declined["payment"], true).await;
    app.orders().recover().await.unwrap();
    let again = guest.order_payload("checkoutComplete", input).await;

    assert_eq!(codes(&declined), ["PAYMENT_DECLINED"]);
    assert_eq!(again["userErrors"], declined["userErrors"]);
    assert_eq!(again["order"]["status"], "PAID");
    app.is_sound().await;
}
