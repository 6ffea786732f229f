//! The documents of the manual for front-end developers run as they stand, on the demo catalogue.

use crate::app::TestApp;
use serde_json::json;
use stockroom::seed::{DEFAULT_SCALE, Seed};

#[tokio::test]
async fn every_document_of_the_manual_runs() {
    let manual = include_str!("../../../docs/carts.md");
    let app = TestApp::start().await;
    let seed = Seed::new(app.app.db.clone(), app.app.settings.shop_currency);
    seed.run(DEFAULT_SCALE, |_| ()).await.unwrap();
    let admin = app.admin().await;
    let mut operations = 0;
    for document in manual.split("```graphql\n").skip(1) {
        let document = document.split("```").next().unwrap();
        let named = document.lines().filter_map(|line| {
            let rest = line.strip_prefix("mutation ").or_else(|| line.strip_prefix("query "))?;
            Some(rest.split([' ', '(']).next().unwrap())
        });
        for name in named {
            let cart = app.guest().new_cart(&[("ELEC-001-BLK", 3)]).await;
            let body = json!({ "query": document, "operationName": name,
                "variables": { "cart": cart["id"] } });
            let answer = admin.post(body.to_string()).await;
            for (field, payload) in answer.data().as_object().unwrap() {
                let errors = payload["userErrors"].as_array().map_or(0, Vec::len);
                assert!(!payload.is_null() && errors == 0, "{name}, {field}: {}", answer.text);
            }
            operations += 1;
        }
    }
    assert!(operations >= 10, "{operations}");
}
