//! Who sees what, and who may change it.

use crate::app::TestApp;
use crate::catalog::shop::{
    Described, a_product, a_variant, catalog, category, category_id, product, product_id,
};
use serde_json::{Value, json};
use stockroom::auth::Viewer;
use stockroom::catalog::{ProductStatus, VariantChange, VariantStatus};
use stockroom::graphql::NodeKind;
use uuid::Uuid;

struct Shop {
    app: TestApp,
    category: Uuid,
    draft: Uuid,
}

/// A category with a product that is sold, a draft and an archived one.
async fn with_drafts() -> Shop {
    let app = TestApp::start().await;
    let category = category(&app, "Lamps", None).await;
    product(&app, a_product("Sold", category)).await;
    let draft = a_product("Draft", category).with_status(ProductStatus::Draft);
    let draft = product(&app, draft).await;
    product(&app, a_product("Archived", category).with_status(ProductStatus::Archived)).await;
    Shop { app, category, draft }
}

/// Every way to reach the draft, as one document.
const EVERY_WAY: &str = "query($id: ID!, $variant: ID!, $category: ID!) {
    byId: product(by: { id: $id }) { name }
    bySlug: product(by: { slug: \"draft\" }) { name }
    bySku: product(by: { sku: \"DRAFT\" }) { name }
    node(id: $id) { id }
    variant: node(id: $variant) { id }
    nodes(ids: [$id, $variant]) { id }
    products { totalCount nodes { name } }
    search: products(search: \"draft\") { totalCount nodes { name } }
    where: products(where: { status: [DRAFT, ARCHIVED] }) { totalCount nodes { name } }
    category(by: { id: $category }) { products { totalCount nodes { name } } }
}";

async fn every_way(shop: &Shop, caller: &crate::app::Caller) -> Value {
    let variants = catalog(&shop.app)
        .find_variants_by_sku(&Viewer::System, &["DRAFT".to_owned()])
        .await
        .expect("the variant is found");
    let variables = json!({
        "id": product_id(shop.draft),
        "variant": NodeKind::ProductVariant.id(variants["DRAFT"].id).to_string(),
        "category": category_id(shop.category),
    });
    caller.query(EVERY_WAY).with_variables(variables).await.data().clone()
}

#[tokio::test]
async fn guests_and_customers_reach_no_draft_by_any_way() {
    let shop = with_drafts().await;
    for caller in [shop.app.guest(), shop.app.customer().await] {
        let seen = every_way(&shop, &caller).await;
        for way in ["byId", "bySlug", "bySku", "node", "variant"] {
            assert!(seen[way].is_null(), "{way}: {seen}");
        }
        assert_eq!(seen["nodes"], json!([null, null]));
        let sold = json!({ "totalCount": 1, "nodes": [{ "name": "Sold" }] });
        let none = json!({ "totalCount": 0, "nodes": [] });
        assert_eq!(seen["products"], sold);
        assert_eq!(seen["category"]["products"], sold);
        assert_eq!(seen["search"], none);
        assert_eq!(seen["where"], none);
    }
}

#[tokio::test]
async fn staff_reach_drafts_by_every_way() {
    let shop = with_drafts().await;
    let seen = every_way(&shop, &shop.app.staff().await).await;
    for way in ["byId", "bySlug", "bySku"] {
        assert_eq!(seen[way]["name"], "Draft", "{way}");
    }
    assert_eq!(seen["node"]["id"], product_id(shop.draft));
    assert!(seen["variant"]["id"].is_string());
    assert_eq!(seen["products"]["totalCount"], 3);
    assert_eq!(seen["category"]["products"]["totalCount"], 3);
    assert_eq!(seen["search"]["nodes"], json!([{ "name": "Draft" }]));
    assert_eq!(seen["where"]["totalCount"], 2);
}

#[tokio::test]
async fn an_archived_variant_is_seen_by_staff_alone() {
    let app = TestApp::start().await;
    let category = category(&app, "Lamps", None).await;
    let variants = vec![a_variant("OLD", "1"), a_variant("NEW", "2")];
    product(&app, a_product("Lamp", category).with_variants(variants)).await;
    let found = catalog(&app).find_variants_by_sku(&Viewer::System, &["OLD".to_owned()]).await;
    let change = VariantChange {
        id: found.expect("found")["OLD"].id,
        status: Some(VariantStatus::Archived),
        ..VariantChange::default()
    };
    catalog(&app).update_variant(&Viewer::System, &change).await.expect("it is archived");
    let document = "{ sku: product(by: { sku: \"OLD\" }) { name }
        product(by: { slug: \"lamp\" }) {
            variants { totalCount nodes { sku } }
            priceRange { minimum { amount } maximum { amount } } } }";
    let guest = app.guest().query(document).await.data().clone();
    assert!(guest["sku"].is_null());
    let seen = json!({ "totalCount": 1, "nodes": [{ "sku": "NEW" }] });
    assert_eq!(guest["product"]["variants"], seen);
    let price = json!({ "minimum": { "amount": "2.00" }, "maximum": { "amount": "2.00" } });
    assert_eq!(guest["product"]["priceRange"], price);
    let staff = app.staff().await.query(document).await.data().clone();
    assert_eq!(staff["sku"]["name"], "Lamp");
    assert_eq!(staff["product"]["variants"]["totalCount"], 2);
    assert_eq!(staff["product"]["priceRange"], price);
}

/// Every mutation of the catalogue, well-formed.
const MUTATIONS: [(&str, &str); 10] = [
    ("categoryCreate", "categoryCreate(input: { name: \"x\" }) { userErrors { code } }"),
    ("categoryUpdate", "categoryUpdate(input: { id: \"x\" }) { userErrors { code } }"),
    ("categoryDelete", "categoryDelete(input: { id: \"x\" }) { userErrors { code } }"),
    (
        "productCreate",
        "productCreate(input: { name: \"x\", categoryId: \"x\", variants: [] }) {
            userErrors { code } }",
    ),
    ("productUpdate", "productUpdate(input: { id: \"x\" }) { userErrors { code } }"),
    ("productDelete", "productDelete(input: { id: \"x\" }) { userErrors { code } }"),
    ("productBulkCreate", "productBulkCreate(input: { rows: [] }) { userErrors { code } }"),
    (
        "variantCreate",
        "variantCreate(input: { productId: \"x\", variant: { sku: \"x\", prices: [] } }) {
            userErrors { code } }",
    ),
    ("variantUpdate", "variantUpdate(input: { id: \"x\" }) { userErrors { code } }"),
    ("variantDelete", "variantDelete(input: { id: \"x\" }) { userErrors { code } }"),
];

#[tokio::test]
async fn only_staff_change_the_catalogue() {
    let app = TestApp::start().await;
    let callers = [
        (app.guest(), Some("UNAUTHENTICATED")),
        (app.customer().await, Some("FORBIDDEN")),
        (app.staff().await, None),
        (app.admin().await, None),
    ];
    for (caller, refusal) in callers {
        for (name, mutation) in MUTATIONS {
            let answer = caller.query(format!("mutation {{ {mutation} }}")).await;
            match refusal {
                Some(code) => {
                    assert_eq!(answer.error_codes(), [code], "{name}: {}", answer.text);
                    assert_eq!(answer.json["data"], json!({ name: null }));
                }
                None if name == "categoryCreate" => {
                    let errors = answer.user_errors(name);
                    assert!(errors.is_empty(), "{}", answer.text);
                }
                None => assert!(!answer.user_errors(name).is_empty(), "{}", answer.text),
            }
        }
    }
    let document = "{ categories { totalCount } }";
    // One each of staff and administrator, and nothing of the others.
    assert_eq!(app.guest().query(document).await.data()["categories"]["totalCount"], 2);
}

#[tokio::test]
async fn a_refused_mutation_nulls_its_field_alone() {
    let app = TestApp::start().await;
    let document = "mutation {
        one: categoryCreate(input: { name: \"x\" }) { category { id } }
        tokenCreate(input: { email: \"a@b.example\", password: \"x\" }) { userErrors { code } }
    }";
    let answer = app.guest().query(document).await;
    assert!(answer.json["data"]["one"].is_null());
    let other = &answer.json["data"]["tokenCreate"]["userErrors"];
    assert_eq!(other[0]["code"], "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn nodes_keep_their_order_and_a_malformed_id_is_told() {
    let shop = with_drafts().await;
    let category = category_id(shop.category);
    let unknown = product_id(Uuid::now_v7());
    let document = format!(
        "{{ nodes(ids: [{unknown:?}, {category:?}, {unknown:?}, {category:?}]) {{ id __typename }} }}"
    );
    let nodes = shop.app.guest().query(document).await.data()["nodes"].clone();
    let found = json!({ "id": category, "__typename": "Category" });
    assert_eq!(nodes, json!([null, found, null, found]));
    for id in ["", "42", "prod_", "cat_zzzzzzzzzzzzzzzzzzzzzzzzzz", "user", "\\u0000"] {
        let answer = shop.app.guest().query(format!("{{ node(id: \"{id}\") {{ id }} }}")).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{id}");
        assert!(answer.json["data"]["node"].is_null());
    }
    let wrong = format!("{{ product(by: {{ id: {category:?} }}) {{ id }} }}");
    assert_eq!(shop.app.guest().query(wrong).await.error_codes(), ["BAD_USER_INPUT"]);
}
