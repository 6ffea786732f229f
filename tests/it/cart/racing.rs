//! Many at once on one cart: nothing is lost, nothing doubled, and nobody is turned away. Two server
//! processes on one Postgres, or one process on SQLite.

use super::shop::{document, lines_of, shop, to_lines};
use crate::app::{ServerProcess, TestApp};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::SocketAddr;
use stockroom::auth::Role;

/// Where the shop listens, and the processes that do so.
async fn addresses(app: &TestApp) -> (Vec<SocketAddr>, Vec<ServerProcess>) {
    if !app.app.db.is_postgres() {
        return (vec![app.listen().await], Vec::new());
    }
    let processes = vec![ServerProcess::start(app).await, ServerProcess::start(app).await];
    (processes.iter().map(ServerProcess::address).collect(), processes)
}

/// Sends a mutation over HTTP so many times at once; the payloads of answers without errors.
async fn at_once(
    addresses: &[SocketAddr],
    token: Option<&str>,
    mutation: &'static str,
    inputs: Vec<Value>,
) -> Vec<Value> {
    let client = reqwest::Client::new();
    let calls = inputs.into_iter().enumerate().map(|(turn, input)| {
        let address = addresses[turn % addresses.len()];
        let request = client.post(format!("http://{address}/graphql"));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let body = json!({ "query": document(mutation), "variables": { "input": input } });
        tokio::spawn(request.json(&body).send())
    });
    let mut payloads = Vec::new();
    for answer in futures::future::try_join_all(calls).await.unwrap() {
        let answer: Value = answer.expect("the server answers").json().await.unwrap();
        assert!(answer["errors"].is_null(), "{answer}");
        payloads.push(answer["data"][mutation].clone());
    }
    payloads
}

fn carried_out(payloads: &[Value]) {
    for payload in payloads {
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_add_one_each_at_once_end_at_fifty() {
    let app = shop().await;
    let cart = app.guest().new_cart(&[]).await;
    let (addresses, _processes) = addresses(&app).await;

    let add = json!({ "cartId": cart["id"], "lines": to_lines(&[("CUP", 1)]) });
    let payloads = at_once(&addresses, None, "cartLinesAdd", vec![add; 50]).await;

    carried_out(&payloads);
    let versions: HashSet<_> =
        payloads.iter().map(|payload| payload["cart"]["version"].as_str().unwrap()).collect();
    assert!(!versions.is_empty());
    let cart = app.guest().cart(&cart["id"]).await;
    assert_eq!(lines_of(&cart), [("CUP".to_owned(), 50)]);
    assert_eq!(cart["version"], "51");
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_add_different_things_at_once_lose_none() {
    let app = shop().await;
    let cart = app.guest().new_cart(&[]).await;
    let (addresses, _processes) = addresses(&app).await;

    let add = |sku: &str| json!({ "cartId": cart["id"], "lines": to_lines(&[(sku, 1)]) });
    let inputs = (0..50).map(|turn| add(if turn % 2 == 0 { "CUP" } else { "POT" })).collect();
    carried_out(&at_once(&addresses, None, "cartLinesAdd", inputs).await);

    let mut lines = lines_of(&app.guest().cart(&cart["id"]).await);
    lines.sort();
    assert_eq!(lines, [("CUP".to_owned(), 25), ("POT".to_owned(), 25)]);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_saw_the_same_version_one_is_carried_out() {
    let app = shop().await;
    let cart = app.guest().new_cart(&[]).await;
    let (addresses, _processes) = addresses(&app).await;

    let lines = to_lines(&[("CUP", 1)]);
    let add = json!({ "cartId": cart["id"], "lines": lines, "expectedVersion": "1" });
    let payloads = at_once(&addresses, None, "cartLinesAdd", vec![add; 50]).await;

    let refused = payloads
        .iter()
        .filter(|payload| payload["userErrors"][0]["__typename"] == "VersionConflictError");
    assert_eq!(refused.count(), 49);
    assert_eq!(lines_of(&app.guest().cart(&cart["id"]).await), [("CUP".to_owned(), 1)]);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_fifty_times_at_once_adds_once() {
    let app = shop().await;
    let cart = app.guest().new_cart(&[]).await;
    let (addresses, _processes) = addresses(&app).await;

    let lines = to_lines(&[("CUP", 2)]);
    let add = json!({ "cartId": cart["id"], "lines": lines, "idempotencyKey": "k" });
    carried_out(&at_once(&addresses, None, "cartLinesAdd", vec![add; 50]).await);

    assert_eq!(lines_of(&app.guest().cart(&cart["id"]).await), [("CUP".to_owned(), 2)]);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_sign_ins_at_once_end_in_one_cart_with_nothing_doubled() {
    let app = shop().await;
    let guests = app.guest().new_cart(&[("CUP", 3), ("POT", 1)]).await;
    let user = app.account(Role::Customer).await;
    let token = app.token(user);
    let (addresses, _processes) = addresses(&app).await;

    let merge = json!({ "cartId": guests["id"] });
    let payloads = at_once(&addresses, Some(&token), "cartMerge", vec![merge; 20]).await;

    carried_out(&payloads);
    let ids: HashSet<_> = payloads.iter().map(|payload| payload["cart"]["id"].clone()).collect();
    assert_eq!(ids.len(), 1);
    let own = app.with_token(token).own_cart().await;
    assert_eq!(lines_of(&own), [("CUP".to_owned(), 3), ("POT".to_owned(), 1)]);
    assert!(app.guest().cart(&guests["id"]).await.is_null());
    assert_eq!(app.number("SELECT count(*) FROM cart WHERE status = 'OPEN'").await, 1);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_first_carts_of_a_customer_at_once_are_one() {
    let app = shop().await;
    let user = app.account(Role::Customer).await;
    let token = app.token(user);
    let (addresses, _processes) = addresses(&app).await;

    let new = json!({ "lines": to_lines(&[("CUP", 1)]) });
    carried_out(&at_once(&addresses, Some(&token), "cartCreate", vec![new; 20]).await);

    assert_eq!(lines_of(&app.with_token(token).own_cart().await), [("CUP".to_owned(), 20)]);
    assert_eq!(app.number("SELECT count(*) FROM cart").await, 1);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_customers_who_merge_one_cart_at_once_do_not_both_get_it() {
    let app = shop().await;
    for _ in 0..5 {
        let guests = app.guest().new_cart(&[("CUP", 1)]).await;
        let (one, other) = (app.customer().await, app.customer().await);
        let merge = || json!({ "cartId": guests["id"] });

        let (first, second) = tokio::join!(
            one.cart_call("cartMerge", merge()),
            other.cart_call("cartMerge", merge())
        );

        let errors = [first.user_errors("cartMerge"), second.user_errors("cartMerge")].concat();
        assert_eq!(errors, ["NOT_FOUND"]);
    }
    app.is_sound().await;
}
