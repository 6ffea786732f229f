//! Products, variants and categories as everybody reads them.

use crate::app::TestApp;
use crate::catalog::shop::{a_product, catalog, category, product, product_id};
use serde_json::json;
use stockroom::auth::Viewer;
use stockroom::catalog::{CategoryChange, ProductChange, ProductStatus};
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
            "{ categories(first: 40) { totalCount nodes { id name
        parent { id } children(first: 10) { totalCount nodes { id parent { id } } }
        products(first: 40) { totalCount nodes { id category { id } } } } } }",
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

#[tokio::test]
async fn what_was_read_once_costs_no_statement_and_a_change_is_seen_at_once() {
    let app = TestApp::start().await;
    let place = category(&app, "Lamps", None).await;
    let id = product(&app, a_product("Lamp", place)).await;
    let document = "query($id: ID!) { product(by: { id: $id }) { name category { name } } }";
    let read = || {
        let variables = json!({ "id": product_id(id) });
        app.guest().query(document).with_variables(variables)
    };
    let seen = |name: &str, place: &str| json!({ "name": name, "category": { "name": place } });
    assert_eq!(read().await.data()["product"], seen("Lamp", "Lamps"));
    let again = read().await;
    assert_eq!(again.data()["product"], seen("Lamp", "Lamps"));
    assert_eq!(again.sql_count(), 0);

    let rename = ProductChange { id, name: Some("Light".to_owned()), ..ProductChange::default() };
    catalog(&app).update_product(&Viewer::System, &rename).await.expect("it is changed");
    assert_eq!(read().await.data()["product"], seen("Light", "Lamps"));
    let rename =
        CategoryChange { id: place, name: Some("Lights".to_owned()), ..CategoryChange::default() };
    catalog(&app).update_category(&Viewer::System, &rename).await.expect("it is changed");
    assert_eq!(read().await.data()["product"], seen("Light", "Lights"));
    let hide = ProductChange { id, status: Some(ProductStatus::Draft), ..ProductChange::default() };
    catalog(&app).update_product(&Viewer::System, &hide).await.expect("it is changed");
    assert!(read().await.data()["product"].is_null());
    catalog(&app).delete_product(&Viewer::System, id, None).await.expect("it is deleted");
    let staff = app.staff().await.query(document);
    let gone = staff.with_variables(json!({ "id": product_id(id) })).await;
    assert!(gone.data()["product"].is_null());
}
