//! The documents of the manual run as they stand, on the demo catalogue.

use crate::app::TestApp;
use serde_json::json;
use stockroom::graphql::NodeKind;
use stockroom::seed::{DEFAULT_SCALE, Seed};

#[tokio::test]
async fn every_document_of_the_manual_runs() {
    let manual = include_str!("../../../docs/flash-sales.md");
    let app = TestApp::start().await;
    let seed = Seed::new(app.app.db.clone(), app.app.settings.shop_currency);
    seed.run(DEFAULT_SCALE, |_| ()).await.unwrap();
    let sale = NodeKind::FlashSale.id(app.flashes("BOOK-002-HC", 1_900, 5, Some(1)).await);
    let staff = app.staff().await;
    let mut operations = 0;
    for document in manual.split("```graphql\n").skip(1) {
        let document = document.split("```").next().unwrap();
        let named = document.lines().filter_map(|line| {
            let rest = line.strip_prefix("mutation ").or_else(|| line.strip_prefix("query "))?;
            Some(rest.split([' ', '(']).next().unwrap())
        });
        for name in named {
            let body = json!({ "query": document, "operationName": name,
                "variables": { "sale": sale.to_string() } });
            let answer = staff.post(body.to_string()).await;
            for (field, payload) in answer.data().as_object().unwrap() {
                let errors = payload["userErrors"].as_array().map_or(0, Vec::len);
                assert!(!payload.is_null() && errors == 0, "{name}, {field}: {}", answer.text);
            }
            operations += 1;
        }
    }
    assert_eq!(operations, 5);
}

#[tokio::test]
async fn the_demo_shop_has_two_sales_that_run() {
    let app = TestApp::start().await;
    let seed = Seed::new(app.app.db.clone(), app.app.settings.shop_currency);
    seed.run(DEFAULT_SCALE, |_| ()).await.unwrap();

    let document = "{ flashSales { nodes { status variant { sku price { amount } listPrice { amount } } } } \
        product(by: { sku: \"ELEC-002-20K\" }) { name } }";
    let answer = app.staff().await.query(document).await;

    let mut sales: Vec<String> = answer.data()["flashSales"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sale| {
            let variant = &sale["variant"];
            let texts = [
                &variant["sku"],
                &sale["status"],
                &variant["price"]["amount"],
                &variant["listPrice"]["amount"],
            ];
            texts.map(|text| text.as_str().unwrap()).join(" ")
        })
        .collect();
    sales.sort();
    assert_eq!(sales, ["ELEC-002-20K RUNNING 35.90 44.90", "HOME-002-WHT RUNNING 44.90 54.90"]);
}
