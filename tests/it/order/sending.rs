//! Goods that are sent: what leaves from where, in parts, and never twice.

use super::goods::{events, of_line, pieces};
use super::money::late_shop;
use super::shop::{codes, shop, stock_up};
use crate::app::{SmtpSink, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::Arc;
use stockroom::config::CaptureAt;
use stockroom::failpoint;
use tokio::sync::{Mutex, Notify};

#[tokio::test]
async fn a_paid_order_leaves_the_warehouse_in_full() {
    let app = shop().await;
    let order = app.customer().await.bought(&[("CUP", 2), ("POT", 1)]).await;

    let done = app.staff().await.sends(&order, None).await;

    assert_eq!(codes(&done), [""; 0]);
    let sent = &done["order"];
    assert_eq!(sent["status"], "FULFILLED");
    assert_eq!(sent["allowedTransitions"], json!(["COMPLETED", "REFUNDED"]));
    assert_eq!((app.pieces("CUP").await, app.pieces("POT").await), ((98, 0), (99, 0)));
    assert_eq!(events(sent), ["PLACED", "PAID", "FULFILLED"]);
    assert_eq!(sent["events"][2]["note"], "2 CUP, 1 POT");
    assert!(sent["events"][2]["correlationId"].is_string());
    let number = order["number"].as_str().unwrap();
    let sold = format!("kind = 'SALE' AND reference_id = '{number}' AND actor_id IS NOT NULL");
    assert_eq!(app.rows("stock_movement", &sold).await, 2);
    assert_eq!(app.rows("reservation", "status = 'CONSUMED'").await, 2);
    assert_eq!(app.rows("outbox", "type = 'order.fulfilled'").await, 1);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn an_order_is_sent_in_parts() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = app.customer().await.bought(&[("CUP", 5), ("POT", 1)]).await;

    let first = staff.sends(&order, Some(&[("CUP", 2)])).await["order"].clone();

    assert_eq!(
        (&first["status"], of_line(&first, "CUP", "quantityFulfilled")),
        (&json!("PAID"), 2)
    );
    assert_eq!(app.pieces("CUP").await, (98, 3));
    let cancelled = staff.order_payload("orderCancel", json!({ "orderId": order["id"] })).await;
    assert_eq!(codes(&cancelled), ["INVALID_TRANSITION"]);
    let second = staff.sends(&order, Some(&[("CUP", 3)])).await["order"].clone();
    assert_eq!(second["status"], "PAID");
    let last = staff.sends(&order, None).await["order"].clone();
    assert_eq!(
        (&last["status"], of_line(&last, "POT", "quantityFulfilled")),
        (&json!("FULFILLED"), 1)
    );
    let parcels = last["fulfillments"].as_array().unwrap();
    let quantities: Vec<&Value> = parcels.iter().map(|it| &it["lines"][0]["quantity"]).collect();
    assert_eq!(quantities, [2, 3, 1]);
    assert_eq!((app.pieces("CUP").await, app.pieces("POT").await), ((95, 0), (99, 0)));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn each_warehouse_sends_what_lies_there() {
    let app = shop().await;
    let second = app.opens("EAST", 2).await;
    app.receives("CUP", second, 20).await;
    let (staff, customer) = (app.staff().await, app.customer().await);
    let order = customer.bought(&[("CUP", 110)]).await;
    let east = crate::app::warehouse_id(second);

    let input = json!({ "orderId": order["id"], "warehouseId": east, "carrier": "Bike & Co",
                        "trackingNumber": "B-1", "note": "By the back door" });
    let first = staff.order_payload("orderFulfill", input.clone()).await;

    assert_eq!((codes(&first), &first["order"]["status"]), (vec![], &json!("PAID")));
    let parcel = &first["order"]["fulfillments"][0];
    assert_eq!(parcel["lines"][0]["warehouse"]["code"], "EAST");
    assert_eq!(parcel["lines"][0]["quantity"], 10);
    let again = staff.order_payload("orderFulfill", input).await;
    assert_eq!(codes(&again), ["INVALID"], "nothing is left there");
    let last = staff.sends(&order, None).await;
    assert_eq!(last["order"]["status"], "FULFILLED");
    assert_eq!(last["order"]["fulfillments"][1]["lines"][0]["warehouse"]["code"], "MAIN");
    assert_eq!(app.pieces("CUP").await, (10, 0));
    let seen = customer.order(&order["id"]).await;
    let parcel = &seen["fulfillments"][0];
    assert_eq!(
        (&parcel["trackingNumber"], &parcel["carrier"]),
        (&json!("B-1"), &json!("Bike & Co"))
    );
    assert_eq!((&parcel["note"], &parcel["lines"][0]["warehouse"]), (&json!(null), &json!(null)));
    assert_eq!(parcel["lines"][0]["orderLine"]["sku"], "CUP");
    app.stock_is_sound().await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_at_its_place_and_nothing_leaves() {
    let app = shop().await;
    let (staff, customer) = (app.staff().await, app.customer().await);
    let order = customer.bought(&[("CUP", 3)]).await;
    let other = customer.bought(&[("POT", 1)]).await;
    let line = |order: &Value, quantity: i64| json!({ "orderLineId": order["lines"][0]["id"], "quantity": quantity });
    let foreign = pieces(&other, &[("POT", 1)])[0].clone();
    let cases = [
        (json!([line(&order, 4)]), "OUT_OF_RANGE", json!(["lines", "0", "quantity"])),
        (json!([line(&order, 0)]), "OUT_OF_RANGE", json!(["lines", "0", "quantity"])),
        (json!([line(&order, -1)]), "OUT_OF_RANGE", json!(["lines", "0", "quantity"])),
        (json!([line(&order, 2_147_483_647)]), "OUT_OF_RANGE", json!(["lines", "0", "quantity"])),
        (
            json!([line(&order, 2), line(&order, 2)]),
            "OUT_OF_RANGE",
            json!(["lines", "1", "quantity"]),
        ),
        (json!([line(&order, 1), foreign]), "NOT_FOUND", json!(["lines", "1", "orderLineId"])),
        (json!([]), "REQUIRED", json!(["lines"])),
    ];
    for (lines, code, path) in cases {
        let input = json!({ "orderId": order["id"], "lines": lines, "idempotencyKey": "k" });

        let refused = staff.order_payload("orderFulfill", input).await;

        assert_eq!(codes(&refused), [code], "{lines}");
        assert_eq!(refused["userErrors"][0]["path"], path, "{lines}");
        assert!(refused["order"].is_null(), "{lines}");
    }
    assert_eq!(app.pieces("CUP").await, (100, 3));
    for table in ["fulfillment", "fulfillment_line"] {
        assert_eq!(app.rows(table, "1 = 1").await, 0, "{table}");
    }
    assert_eq!(customer.order(&order["id"]).await["version"], order["version"]);
    let unpaid = app.guest().buys(&[("CUP", 1)], "card_declined").await;
    assert_eq!(codes(&staff.sends(&unpaid["order"], None).await), ["INVALID_TRANSITION"]);
    let stale = json!({ "orderId": order["id"], "expectedVersion": "1" });
    let refused = staff.order_payload("orderFulfill", stale).await;
    assert_eq!(codes(&refused), ["VERSION_CONFLICT"]);
    assert_eq!(refused["userErrors"][0]["actualVersion"], order["version"]);
    let twice = json!({ "orderId": order["id"], "lines": [line(&order, 1), line(&order, 2)] });
    let done = staff.order_payload("orderFulfill", twice).await;
    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("FULFILLED")));
    assert_eq!(codes(&staff.sends(&order, None).await), ["INVALID_TRANSITION"]);
}

#[tokio::test]
async fn the_same_key_sends_nothing_twice() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = app.customer().await.bought(&[("CUP", 3)]).await;
    let lines = pieces(&order, &[("CUP", 1)]);
    let input = json!({ "orderId": order["id"], "lines": lines, "idempotencyKey": "parcel-1" });

    let first = staff.order_call("orderFulfill", input.clone()).await;
    let again = staff.order_call("orderFulfill", input.clone()).await;

    assert_eq!(first.data(), again.data());
    assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true);
    assert_eq!(app.pieces("CUP").await, (99, 2));
    let mut other = input;
    other["lines"][0]["quantity"] = json!(2);
    let refused = staff.order_payload("orderFulfill", other).await;
    assert_eq!(codes(&refused), ["IDEMPOTENCY_CONFLICT"]);
}

#[tokio::test]
async fn only_staff_send_and_close_orders() {
    let app = shop().await;
    let customer = app.customer().await;
    let order = customer.bought(&[("CUP", 1)]).await;
    let id = json!({ "orderId": order["id"] });

    for mutation in ["orderFulfill", "orderComplete"] {
        let refused = customer.order_call(mutation, id.clone()).await;
        assert_eq!(refused.error_codes(), ["FORBIDDEN"], "{mutation}");
        let refused = app.guest().order_call(mutation, id.clone()).await;
        assert_eq!(refused.error_codes(), ["UNAUTHENTICATED"], "{mutation}");
    }
    assert_eq!(app.pieces("CUP").await, (100, 1));
    let nowhere = stockroom::graphql::NodeKind::Order.id(uuid::Uuid::now_v7()).to_string();
    let refused =
        app.staff().await.order_payload("orderFulfill", json!({ "orderId": nowhere })).await;
    assert_eq!(codes(&refused), ["NOT_FOUND"]);
}

#[tokio::test]
async fn what_was_sent_in_full_is_completed_once() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = app.customer().await.bought(&[("CUP", 1)]).await;
    let id = json!({ "orderId": order["id"] });
    let early = staff.order_payload("orderComplete", id.clone()).await;
    assert_eq!(codes(&early), ["INVALID_TRANSITION"]);
    staff.sends(&order, None).await;

    let done = staff.order_payload("orderComplete", id.clone()).await;
    let again = staff.order_payload("orderComplete", id).await;

    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("COMPLETED")));
    assert_eq!(again, done);
    assert_eq!(events(&done["order"]), ["PLACED", "PAID", "FULFILLED", "COMPLETED"]);
}

#[tokio::test]
async fn the_buyer_is_told_what_is_on_its_way() {
    let smtp = SmtpSink::start().await;
    let url = smtp.url();
    let app = TestApp::with(|settings| settings.mail.smtp_url = Some(url.into())).await;
    stock_up(&app, 5).await;
    let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    app.works().await;
    let order = &placed["order"];
    let input = json!({ "orderId": order["id"], "lines": pieces(order, &[("CUP", 1)]),
                        "carrier": "Bike & Co", "trackingNumber": "B-1" });

    app.staff().await.order_payload("orderFulfill", input).await;
    app.works().await;

    let mails = smtp.mails();
    assert_eq!(mails.len(), 2);
    let text = mails[1].text();
    assert_eq!(mails[1].to, ["buyer@shop.example"]);
    assert!(text.contains("1 x A thing, CUP (CUP)"), "{text}");
    assert!(text.contains("Bike & Co brings it; tracking number: B-1"), "{text}");
    assert!(text.contains("The rest follows."), "{text}");
    assert!(text.contains(placed["guestAccessToken"].as_str().unwrap()), "{text}");
}

#[tokio::test]
async fn money_that_is_set_aside_is_taken_before_the_goods_leave() {
    let app = TestApp::with(|settings| settings.payment.capture = CaptureAt::Fulfilment).await;
    stock_up(&app, 10).await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 3)], "card_approved").await;
    let order = &placed["order"];
    assert_eq!(order["status"], "AUTHORIZED");
    let refused = staff.sends(order, Some(&[("CUP", 4)])).await;
    assert_eq!(codes(&refused), ["OUT_OF_RANGE"]);
    assert_eq!(staff.order(&order["id"]).await["status"], "AUTHORIZED", "nothing was taken");
    let input = json!({ "orderId": order["id"], "lines": pieces(order, &[("CUP", 2)]),
                        "expectedVersion": order["version"] });

    let done = staff.order_payload("orderFulfill", input).await;

    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("PAID")));
    assert_eq!(done["order"]["payments"][0]["status"], "CAPTURED");
    assert_eq!(events(&done["order"]), ["PLACED", "AUTHORIZED", "PAID", "FULFILLED"]);
    let last = staff.sends(order, None).await;
    assert_eq!((codes(&last), &last["order"]["status"]), (vec![], &json!("FULFILLED")));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_key_of_another_order_takes_no_money() {
    let app = Arc::new(late_shop().await);
    let staff = app.staff().await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        orders.push(app.guest().buys(&[("CUP", 1)], "card_approved").await["order"].clone());
    }
    let input = |order: &Value| json!({ "orderId": order["id"], "idempotencyKey": "parcel" });
    // Also while the money of the first is taken.
    let meanwhile = Arc::new(Mutex::new(None));
    let (caller, other, kept) = (staff.clone(), input(&orders[1]), Arc::clone(&meanwhile));
    failpoint::on("till.before_settle", move || {
        let (caller, other, kept) = (caller.clone(), other.clone(), Arc::clone(&kept));
        async move { *kept.lock().await = Some(caller.order_payload("orderFulfill", other).await) }
    });

    let sent = staff.order_payload("orderFulfill", input(&orders[0])).await;
    let refused = staff.order_payload("orderFulfill", input(&orders[1])).await;

    assert_eq!((codes(&sent), &sent["order"]["status"]), (vec![], &json!("FULFILLED")));
    let meanwhile = meanwhile.lock().await.take().expect("it was asked");
    for refused in [meanwhile, refused] {
        assert_eq!(codes(&refused), ["IDEMPOTENCY_CONFLICT"]);
        assert_eq!(refused["userErrors"][0]["reason"], "DIFFERENT_INPUT");
    }
    let other = staff.order(&orders[1]["id"]).await;
    assert_eq!(
        (&other["status"], &other["version"]),
        (&json!("AUTHORIZED"), &orders[1]["version"])
    );
    assert_eq!(app.rows("sandbox_charge", "state = 'CAPTURED'").await, 1);
    app.is_sound().await;
}

#[tokio::test]
async fn goods_whose_money_cannot_be_taken_stay_and_the_key_remembers() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let order = app.guest().buys(&[("CUP", 1)], "card_approved").await["order"].clone();
    let input = |key: &str| json!({ "orderId": order["id"], "idempotencyKey": key });
    // The bank lets go of a part of it.
    app.execute("UPDATE sandbox_charge SET amount = amount - 1").await;

    let refused = staff.order_payload("orderFulfill", input("one")).await;
    app.execute("UPDATE sandbox_charge SET amount = amount + 1").await;
    let again = staff.order_payload("orderFulfill", input("one")).await;

    assert_eq!(codes(&refused), ["PAYMENT_DECLINED"]);
    assert_eq!(again, refused);
    assert_eq!(staff.order(&order["id"]).await["status"], "AUTHORIZED");
    let sent = staff.order_payload("orderFulfill", input("two")).await;
    assert_eq!((codes(&sent), &sent["order"]["status"]), (vec![], &json!("FULFILLED")));
    assert_eq!(staff.order_payload("orderFulfill", input("one")).await, refused);
    assert_eq!(staff.order_payload("orderFulfill", input("two")).await, sent);
    app.is_sound().await;
}

#[tokio::test]
async fn whoever_asks_again_sends_what_was_paid_for_when_the_first_is_gone() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let order = app.guest().buys(&[("CUP", 2)], "card_approved").await["order"].clone();
    // The capture changes the version that was looked at.
    let input = json!({ "orderId": order["id"], "expectedVersion": order["version"],
                        "idempotencyKey": "parcel" });
    let told = Arc::new(Notify::new());
    let tell = Arc::clone(&told);
    failpoint::on("till.before_settle", move || {
        tell.notify_one();
        std::future::pending()
    });
    let (caller, ask) = (staff.clone(), input.clone());
    let first = tokio::spawn(async move { caller.order_payload("orderFulfill", ask).await });
    told.notified().await;
    first.abort();
    app.waits(TimeDelta::minutes(1));
    let unknown = staff.order_payload("orderFulfill", input.clone()).await;
    app.orders().recover().await.unwrap();

    let sent = staff.order_call("orderFulfill", input.clone()).await;
    let again = staff.order_call("orderFulfill", input).await;

    assert_eq!(codes(&unknown), ["PAYMENT_IN_PROGRESS"]);
    assert_eq!(sent.data()["orderFulfill"]["order"]["status"], "FULFILLED");
    assert_eq!(again.data(), sent.data());
    assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true);
    assert_eq!((app.pieces("CUP").await, app.rows("fulfillment", "1 = 1").await), ((98, 0), 1));
    app.is_sound().await;
}
