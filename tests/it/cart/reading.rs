//! Reading carts: priced at the moment of reading, never failing because of a line, and seen by
//! those whose they are.

use super::shop::{lines_of, shop, to_lines};
use crate::app::TestApp;
use serde_json::{Value, json};

fn problems(cart: &Value) -> Vec<&str> {
    let problems = cart["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["__typename"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_wrong_with_a_line_is_told_as_data() {
    let app = shop().await;
    let jug = app.offers("JUG", 9, 500).await;
    let bowl = app.offers("BOWL", 9, 500).await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 51), ("JUG", 1), ("BOWL", 2)]).await;
    assert_eq!(problems(&cart), ["InsufficientStockProblem"]);
    app.costs(jug, "EUR", 650).await;
    app.archives(bowl).await;

    let cart = guest.cart(&cart["id"]).await;

    assert_eq!(
        problems(&cart),
        ["InsufficientStockProblem", "PriceChangedProblem", "VariantUnavailableProblem"]
    );
    assert_eq!(cart["problems"][0]["available"], 50);
    assert_eq!(cart["problems"][1]["oldPrice"]["amount"], "5.00");
    assert_eq!(cart["problems"][1]["newPrice"]["amount"], "6.50");
    let gone = &cart["problems"][2]["line"]["variant"];
    assert_eq!((&gone["sku"], &gone["product"]["name"]), (&json!("BOWL"), &json!("A thing")));
    let totals: Vec<&Value> =
        cart["lines"].as_array().unwrap().iter().map(|line| &line["lineTotal"]["amount"]).collect();
    assert_eq!(totals, ["510.00", "6.50", "0.00"]);
    assert_eq!(cart["lines"][2]["unitPrice"]["amount"], "5.00");
    assert_eq!((&cart["subtotal"]["amount"], &cart["itemCount"]), (&json!("516.50"), &json!(54)));
}

#[tokio::test]
async fn setting_a_line_again_accepts_its_new_price() {
    let app = shop().await;
    let jug = app.offers("JUG", 9, 500).await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("JUG", 1)]).await;
    app.costs(jug, "EUR", 650).await;

    let set = json!({ "cartId": cart["id"], "lines": to_lines(&[("JUG", 1)]) });
    let cart = guest.cart_done("cartLinesUpdate", set).await;

    assert!(problems(&cart).is_empty());
    assert_eq!(cart["subtotal"]["amount"], "6.50");
}

#[tokio::test]
async fn a_product_that_is_archived_as_a_whole_stays_readable_through_its_line() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("POT", 1)]).await;
    app.execute("UPDATE product SET status = 'ARCHIVED'").await;

    let document = "query ($id: ID!) { cart(id: $id) { lines { variant { sku price { amount } \
        product { name status variants { nodes { sku } } category { name } } } } } }";
    let answer = guest.query(document).with_variables(json!({ "id": cart["id"] })).await;

    let variant = &answer.data()["cart"]["lines"][0]["variant"];
    assert_eq!(
        (&variant["sku"], &variant["product"]["status"]),
        (&json!("POT"), &json!("ARCHIVED"))
    );
    // By itself it is not there.
    let answer = guest.query("{ product(by: { sku: \"POT\" }) { name } }").await;
    assert!(answer.data()["product"].is_null());
}

#[tokio::test]
async fn a_customers_cart_is_there_for_them_alone_and_a_guests_for_who_knows_it() {
    let app = shop().await;
    let owner = app.customer().await;
    let guests = app.guest().new_cart(&[("CUP", 1)]).await;
    let owned = owner.new_cart(&[("CUP", 2)]).await;
    let node = "query ($id: ID!) { node(id: $id) { ... on Cart { itemCount } } \
        nodes(ids: [$id]) { id } cart(id: $id) { itemCount } }";

    let others = [app.guest(), app.customer().await, app.staff().await, app.admin().await];
    for other in &others {
        let answer = other.query(node).with_variables(json!({ "id": owned["id"] })).await;
        assert_eq!(*answer.data(), json!({ "node": null, "nodes": [null], "cart": null }));
        assert_eq!(other.cart(&guests["id"]).await["itemCount"], 1);
    }
    let answer = owner.query(node).with_variables(json!({ "id": owned["id"] })).await;
    let expected = json!({ "node": { "itemCount": 2 }, "nodes": [{ "id": owned["id"] }],
        "cart": { "itemCount": 2 } });
    assert_eq!(*answer.data(), expected);
    let answer = others[3].query("{ users { nodes { cart { id } } } }").await;
    let carts = answer.data()["users"]["nodes"].as_array().unwrap();
    assert!(carts.len() > 3 && carts.iter().all(|user| user["cart"].is_null()));
}

#[tokio::test]
async fn an_id_of_something_else_is_told_and_one_of_no_cart_is_not_there() {
    let app = TestApp::start().await;
    let product = app.sells(&["CUP"]).await.node_id();
    let document = "query ($id: ID!) { cart(id: $id) { id } }";

    for id in [product.as_str(), "cart_01jd", "", "x"] {
        let answer = app.guest().query(document).with_variables(json!({ "id": id })).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{id}");
        assert!(answer.json["data"]["cart"].is_null());
    }
    let nobodys = stockroom::graphql::NodeKind::Cart.id(uuid::Uuid::now_v7());
    assert!(app.guest().cart(&json!(nobodys.to_string())).await.is_null());
}

#[tokio::test]
async fn a_deleted_variant_is_archived_while_a_cart_has_it() {
    let app = shop().await;
    let product = app.sells(&["ONE", "TWO"]).await;
    app.costs(product.variants["ONE"], "EUR", 100).await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("ONE", 1)]).await;

    let document = "mutation ($id: ID!) { variantDelete(input: { id: $id }) { deletedId \
        variant { status } userErrors { code } warnings { code } } }";
    let staff = app.staff().await;
    let id = |key| stockroom::graphql::NodeKind::ProductVariant.id(key).to_string();
    let kept = json!({ "id": id(product.variants["ONE"]) });
    let answer = staff.query(document).with_variables(kept).await;

    let payload = &answer.data()["variantDelete"];
    assert_eq!(payload["warnings"][0]["code"], "ARCHIVED_INSTEAD");
    let cart = guest.cart(&cart["id"]).await;
    assert_eq!((lines_of(&cart).len(), problems(&cart)), (1, vec!["VariantUnavailableProblem"]));
}

#[tokio::test]
async fn one_more_cart_costs_no_more_statements() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1), ("POT", 1)]).await;
    let document = "query ($id: ID!) { cart(id: $id) { itemCount lines { lineTotal { amount } } \
        subtotal { amount } taxTotal { amount } total { amount } problems { __typename } \
        shippingMethods { code } totalIsFinal } }";

    let answer = guest.query(document).with_variables(json!({ "id": cart["id"] })).await;

    // The cart; it again, its lines, all that they are priced by, and what of them is in stock.
    assert_eq!(answer.sql_count(), 5);
}
