//! Who sees an order.

use super::shop::shop;
use serde_json::{Value, json};

#[tokio::test]
async fn an_order_is_seen_by_its_owner_by_staff_and_by_who_holds_its_token() {
    let app = shop().await;
    let (owner, stranger, staff) = (app.customer().await, app.customer().await, app.staff().await);
    let own = owner.buys(&[("CUP", 1)], "card_approved").await;
    let guests = app.guest().buys(&[("CUP", 1)], "card_approved").await;

    for (order, seen) in [(&own["order"], true), (&guests["order"], false)] {
        assert_eq!(owner.order(&order["id"]).await.is_object(), seen);
        assert!(staff.order(&order["id"]).await.is_object());
        assert!(stranger.order(&order["id"]).await.is_null());
        assert!(app.guest().order(&order["id"]).await.is_null());
    }
    assert!(own["guestAccessToken"].is_null());
    let document = "query ($token: String!) { order(by: { guestAccessToken: $token }) { number } }";
    let by = |token: &Value| {
        app.guest().query(document).with_variables(json!({ "token": token.clone() }))
    };
    let found = by(&guests["guestAccessToken"]).await;
    assert_eq!(found.data()["order"]["number"], guests["order"]["number"]);
    let guessed = by(&json!("gat_00000000000000000000000000000000")).await;
    assert!(guessed.data()["order"].is_null());
}

#[tokio::test]
async fn a_number_is_found_however_it_is_written() {
    let app = shop().await;
    let owner = app.customer().await;
    let own = owner.buys(&[("CUP", 1)], "card_approved").await;
    let number = own["order"]["number"].as_str().unwrap();
    let document = "query ($number: String!) { order(by: { number: $number }) { id } }";

    for written in [number.to_owned(), number.to_lowercase(), number.replace('-', " ")] {
        let variables = json!({ "number": written });
        let found = owner.query(document).with_variables(variables.clone()).await;
        assert_eq!(found.data()["order"]["id"], own["order"]["id"], "{written}");
        let hidden = app.customer().await.query(document).with_variables(variables).await;
        assert!(hidden.data()["order"].is_null(), "{written}");
    }
}

#[tokio::test]
async fn a_line_shows_its_variant_although_it_is_not_sold_any_more() {
    let app = shop().await;
    let (owner, guest) = (app.customer().await, app.guest());
    let own = owner.buys(&[("CUP", 1)], "card_approved").await;
    let guests = guest.buys(&[("POT", 1)], "card_approved").await;
    app.execute("UPDATE product_variant SET status = 'ARCHIVED'").await;
    app.execute("UPDATE product SET status = 'ARCHIVED'").await;
    let lines = "lines { variant { sku status product { name status } } }";

    let by_id = format!("query ($by: ID!) {{ order(by: {{ id: $by }}) {{ {lines} }} }}");
    let by_token =
        format!("query ($by: String!) {{ order(by: {{ guestAccessToken: $by }}) {{ {lines} }} }}");
    for (caller, document, by, sku) in [
        (owner, by_id, &own["order"]["id"], "CUP"),
        (guest, by_token, &guests["guestAccessToken"], "POT"),
    ] {
        let answer = caller.query(document).with_variables(json!({ "by": by })).await;
        let variant = &answer.data()["order"]["lines"][0]["variant"];
        assert_eq!((&variant["sku"], &variant["status"]), (&json!(sku), &json!("ARCHIVED")));
        assert_eq!(variant["product"]["status"], "ARCHIVED", "{sku}");
    }
    // By itself it is not there.
    let answer = app.guest().query("{ product(by: { sku: \"CUP\" }) { name } }").await;
    assert!(answer.data()["product"].is_null());
}
