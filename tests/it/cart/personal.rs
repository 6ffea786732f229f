//! Carts are personal: they are in an export, and go with the account.

use super::shop::shop;
use serde_json::json;
use stockroom::auth::Role;

#[tokio::test]
async fn an_export_has_the_cart_and_erasing_takes_it_away() {
    let app = shop().await;
    let user = app.account(Role::Customer).await;
    let customer = app.with_token(app.token(user));
    let cart = customer.new_cart(&[("CUP", 2)]).await;
    let place = json!({ "cartId": cart["id"], "country": "DE", "postalCode": "10115" });
    customer.cart_done("cartDeliverySet", place).await;
    let guests = app.guest().new_cart(&[("POT", 1)]).await;
    customer.cart_done("cartMerge", json!({ "cartId": guests["id"] })).await;
    let kept = app.customer().await.new_cart(&[("CUP", 1)]).await;

    let answer = customer.query("{ accountExport }").await;
    let carts = &answer.data()["accountExport"]["carts"];
    assert_eq!(carts.as_array().unwrap().len(), 1);
    assert_eq!((&carts[0]["postalCode"], &carts[0]["status"]), (&json!("10115"), &json!("OPEN")));
    let lines: Vec<_> = carts[0]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| json!([line["sku"], line["quantity"]]))
        .collect();
    assert_eq!(json!(lines), json!([["CUP", 2], ["POT", 1]]));

    let erase = "mutation { accountErase(input: { password: \"four words in a row\" }) { \
        userErrors { code } } }";
    let answer = customer.query(erase).await;
    assert_eq!(answer.data()["accountErase"]["userErrors"], json!([]));
    assert_eq!(app.number("SELECT count(*) FROM cart").await, 1);
    assert_eq!(app.number("SELECT count(*) FROM cart_line").await, 1);
    assert!(kept["id"].is_string());
}
