//! Staff at once, over HTTP: no piece is sent, taken in or taken back twice.

use super::goods::pieces;
use super::money::late_shop;
use super::shop::{codes, document, shop};
use crate::app::{Caller, ServerProcess, TestApp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use stockroom::config::CaptureAt;

/// Two processes on one Postgres, or one on SQLite, which take the money when the app does.
async fn addresses(app: &TestApp) -> (Vec<SocketAddr>, Vec<ServerProcess>) {
    if !app.app.db.is_postgres() {
        return (vec![app.listen().await], Vec::new());
    }
    let capture = match app.app.settings.payment.capture {
        CaptureAt::Checkout => "checkout",
        CaptureAt::Fulfilment => "fulfilment",
    };
    let settings = [("PAYMENT_CAPTURE", capture)];
    let processes = vec![
        ServerProcess::start_with(app, &settings).await,
        ServerProcess::start_with(app, &settings).await,
    ];
    (processes.iter().map(ServerProcess::address).collect(), processes)
}

/// Sends the same input so many times at once; how many answers have each code, "" for none.
async fn at_once(
    app: &TestApp,
    staff: &Caller,
    (mutation, input): (&str, &Value),
    times: usize,
) -> BTreeMap<String, usize> {
    let (addresses, _processes) = addresses(app).await;
    let client = reqwest::Client::new();
    let body = json!({ "query": document(mutation), "variables": { "input": input } });
    let calls = (0..times).map(|turn| {
        let address = addresses[turn % addresses.len()];
        let request = client.post(format!("http://{address}/graphql")).json(&body);
        let request = request.bearer_auth(staff.token().expect("staff are signed in"));
        tokio::spawn(async move {
            let answer = request.send().await.expect("the server answers");
            answer.json::<Value>().await.expect("it is JSON")
        })
    });
    let mut counts = BTreeMap::new();
    for answer in futures::future::try_join_all(calls).await.unwrap() {
        assert!(answer["errors"].is_null(), "{answer}");
        *counts.entry(codes(&answer["data"][mutation]).join(" ")).or_default() += 1;
    }
    counts
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_send_the_same_pieces_send_each_once() {
    let app = shop().await;
    let (staff, customer) = (app.staff().await, app.customer().await);
    let order = customer.bought(&[("CUP", 6), ("POT", 1)]).await;
    let input = json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 2)]) });

    let answers = at_once(&app, &staff, ("orderFulfill", &input), 10).await;

    assert_eq!(answers, counts(&[("", 3), ("OUT_OF_RANGE", 7)]));
    assert_eq!(app.pieces("CUP").await, (94, 0));
    assert_eq!(app.rows("fulfillment", "1 = 1").await, 3);
    let rest = json!({ "orderId": order["id"] });
    let answers = at_once(&app, &staff, ("orderFulfill", &rest), 10).await;
    assert_eq!(answers, counts(&[("", 1), ("INVALID_TRANSITION", 9)]));
    assert_eq!(app.pieces("POT").await, (99, 0));
    assert_eq!(customer.order(&order["id"]).await["status"], "FULFILLED");
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_ten_times_at_once_is_one_parcel() {
    let app = shop().await;
    let (staff, customer) = (app.staff().await, app.customer().await);
    let order = customer.bought(&[("CUP", 6)]).await;
    let input = json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 1)]),
                        "idempotencyKey": "parcel" });

    let answers = at_once(&app, &staff, ("orderFulfill", &input), 10).await;

    assert_eq!(answers, counts(&[("", 10)]));
    assert_eq!(app.pieces("CUP").await, (99, 5));
    assert_eq!(app.rows("fulfillment", "1 = 1").await, 1);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_ten_times_at_once_takes_the_money_once_and_is_one_parcel() {
    let app = late_shop().await;
    let staff = app.staff().await;
    let order = app.guest().buys(&[("CUP", 6)], "card_approved").await["order"].clone();
    assert_eq!(order["status"], "AUTHORIZED");
    let input = json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 1)]),
                        "expectedVersion": order["version"], "idempotencyKey": "parcel" });

    let answers = at_once(&app, &staff, ("orderFulfill", &input), 10).await;

    assert_eq!(answers, counts(&[("", 10)]));
    assert_eq!(app.pieces("CUP").await, (99, 5));
    assert_eq!(app.rows("fulfillment", "1 = 1").await, 1);
    assert_eq!(app.rows("sandbox_charge", "state = 'CAPTURED'").await, 1);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_take_in_the_same_pieces_take_in_each_once() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = staff.orders_in(&[("CUP", 6, 100)]).await;
    let input = json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 2)]) });

    let answers = at_once(&app, &staff, ("purchaseOrderReceive", &input), 10).await;

    let refused: usize = answers.iter().filter(|(code, _)| !code.is_empty()).map(|(_, n)| n).sum();
    assert_eq!((answers.get(""), refused), (Some(&3), 7), "{answers:?}");
    assert_eq!((app.incoming("CUP").await, app.pieces("CUP").await), (0, (106, 0)));
    assert_eq!(staff.order(&order["id"]).await["status"], "RECEIVED");
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_take_back_the_same_pieces_take_back_each_once() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = app.customer().await.bought(&[("CUP", 5)]).await;
    staff.sends(&order, Some(&[("CUP", 4)])).await;
    let input = json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 2)]) });

    let answers = at_once(&app, &staff, ("orderReturn", &input), 8).await;

    assert_eq!(answers, counts(&[("", 2), ("OUT_OF_RANGE", 6)]));
    assert_eq!(app.pieces("CUP").await, (100, 1));
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ordered_at_once_is_incoming_once() {
    let app = shop().await;
    let staff = app.staff().await;
    let draft = super::goods::purchase(&[("CUP", 7, 100)], false);
    let draft = staff.order_payload("orderCreate", draft).await;
    let id = json!({ "orderId": draft["order"]["id"] });

    assert_eq!(at_once(&app, &staff, ("purchaseOrderPlace", &id), 8).await, counts(&[("", 8)]));
    assert_eq!(app.incoming("CUP").await, 7);
    assert_eq!(at_once(&app, &staff, ("orderCancel", &id), 8).await, counts(&[("", 8)]));
    assert_eq!(app.incoming("CUP").await, 0);
    app.is_sound().await;
}
