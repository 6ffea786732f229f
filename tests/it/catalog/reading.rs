//! Products, variants and categories as everybody reads them.

use crate::app::TestApp;
use serde_json::json;
use stockroom::seed::Seed;

/// An application with the demo catalogue: 40 products in 4 categories.
async fn with_demo() -> TestApp {
    let app = TestApp::start().await;
    let seed = Seed::new(app.app.db.clone(), app.app.settings.shop_currency);
    seed.run(40, |_| ()).await.expect("the demo catalogue is seeded");
    app
}

#[tokio::test]
async fn a_product_is_found_by_id_slug_and_sku_and_as_a_node() {
    let app = with_demo().await;
    let document = "query($id: ID!, $slug: String!, $sku: String!) {
        id: product(by: { id: $id }) { name }
        slug: product(by: { slug: $slug }) { name }
        sku: product(by: { sku: $sku }) { name }
        node(id: $id) { id ... on Product { name } }
        none: product(by: { slug: \"no-such-product\" }) { name }
    }";
    let first = app.guest().query(
        "{ products(first: 1) { nodes { id name slug
        variants { nodes { id sku } } } } }",
    );
    let first = first.await.data()["products"]["nodes"][0].clone();
    let variables = json!({
        "id": first["id"], "slug": first["slug"], "sku": first["variants"]["nodes"][0]["sku"],
    });
    let answer = app.guest().query(document).with_variables(variables).await;
    let found = answer.data();
    for by in ["id", "slug", "sku", "node"] {
        assert_eq!(found[by]["name"], first["name"], "{by}");
    }
    assert!(found["none"].is_null());
}

#[tokio::test]
async fn a_category_has_its_parent_children_and_all_products_below_it() {
    let app = with_demo().await;
    let answer = app
        .guest()
        .query(
            "{ categories(first: 100) { totalCount nodes { id name
        parent { id } children(first: 100) { totalCount nodes { id parent { id } } }
        products(first: 100) { totalCount nodes { id category { id } } } } } }",
        )
        .await;
    let categories = answer.data()["categories"]["nodes"].as_array().unwrap().clone();
    assert!(categories.len() >= 4);
    assert_eq!(answer.data()["categories"]["totalCount"], categories.len());
    let of = |category: &serde_json::Value, field: &str| -> Vec<serde_json::Value> {
        category[field]["nodes"].as_array().unwrap().clone()
    };
    let mut products = 0;
    for category in &categories {
        for child in of(category, "children") {
            assert_eq!(child["parent"]["id"], category["id"]);
        }
        assert_eq!(category["children"]["totalCount"], of(category, "children").len());
        assert_eq!(category["products"]["totalCount"], of(category, "products").len());
        if category["parent"].is_null() {
            products += of(category, "products").len();
        }
    }
    assert_eq!(products, 40);
}
