//! Making, changing and deleting products and variants.

use crate::app::{Caller, TestApp};
use crate::catalog::shop::{
    Described, a_product, a_variant, catalog, category, category_id, price, product, product_id,
    together,
};
use serde_json::{Value, json};
use stockroom::auth::Viewer;
use stockroom::graphql::NodeKind;
use stockroom::money::Currency;
use uuid::Uuid;

const CREATE: &str = "mutation($input: ProductCreateInput!) {
    productCreate(input: $input) {
        product {
            id name slug description status version category { id } inStock
            priceRange { minimum { amount } maximum { amount } }
            variants { nodes {
                id sku name options { name value } price { amount currency decimals }
                yen: listPrice(currency: JPY) { amount amountMinor } stock { available status }
                stockLevels { onHand reorderPoint version movements { nodes { type } } }
            } }
        }
        userErrors { code message path }
        warnings { code }
    }
}";

const UPDATE: &str = "mutation($input: ProductUpdateInput!) {
    productUpdate(input: $input) {
        product { name slug description status version category { id } updatedAt createdAt }
        userErrors { code path ... on VersionConflictError { actualVersion } }
    }
}";

const VARIANT_CREATE: &str = "mutation($input: VariantCreateInput!) {
    variantCreate(input: $input) {
        variant { id sku stock { available } product { version } }
        userErrors { code path }
    }
}";

const VARIANT_UPDATE: &str = "mutation($input: VariantUpdateInput!) {
    variantUpdate(input: $input) {
        variant {
            sku name status version options { name value } price { amount }
            yen: price(currency: JPY) { amount }
            product { version priceRange { minimum { amount } } }
        }
        userErrors { code path ... on VersionConflictError { actualVersion } }
    }
}";

async fn run(caller: &Caller, document: &str, input: Value) -> Value {
    let answer = caller.query(document).with_variables(json!({ "input": input })).await;
    let data = answer.data().as_object().expect("data").clone();
    data.into_iter().next().expect("a field").1
}

/// `CODE path.of.the.field` of each user error.
fn errors(payload: &Value) -> Vec<String> {
    let errors = payload["userErrors"].as_array().expect("userErrors");
    errors
        .iter()
        .map(|error| {
            let path: Vec<&str> =
                error["path"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
            format!("{} {}", error["code"].as_str().unwrap(), path.join("."))
        })
        .collect()
}

/// An application with one category, and its staff.
async fn with_category() -> (TestApp, Caller, Uuid) {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let category = category(&app, "Lamps", None).await;
    (app, staff, category)
}

fn variant_id(key: Uuid) -> String {
    NodeKind::ProductVariant.id(key).to_string()
}

async fn variant_key(app: &TestApp, sku: &str) -> Uuid {
    let skus = [sku.to_owned()];
    let found = catalog(app).find_variants_by_sku(&Viewer::System, &skus).await;
    found.expect("the database answers")[sku].id
}

#[tokio::test]
async fn a_product_is_made_with_variants_prices_and_opening_stock() {
    let (_app, staff, category) = with_category().await;
    let input = json!({
        "name": "  Desk Lamp ", "description": "Bright.", "categoryId": category_id(category),
        "variants": [
            {
                "sku": "LAMP-S", "name": "Small", "stock": 7, "reorderPoint": 9,
                "prices": [
                    { "amount": "19.9", "currency": "EUR" },
                    { "amount": "2500", "currency": "JPY" },
                ],
                "options": [{ "name": "Size", "value": "S" }],
            },
            { "sku": "LAMP-L", "prices": [{ "amount": "29.90", "currency": "EUR" }] },
        ],
    });
    let payload = run(&staff, CREATE, input).await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["warnings"], json!([]));
    let product = &payload["product"];
    assert_eq!(product["name"], "Desk Lamp");
    assert_eq!(product["slug"], "desk-lamp");
    assert_eq!(product["status"], "ACTIVE");
    assert_eq!(product["version"], "1");
    assert_eq!(product["inStock"], true);
    assert_eq!(product["category"]["id"], category_id(category));
    let range = json!({ "minimum": { "amount": "19.90" }, "maximum": { "amount": "29.90" } });
    assert_eq!(product["priceRange"], range);
    let variants = &product["variants"]["nodes"];
    let small = &variants[0];
    assert_eq!(small["sku"], "LAMP-S");
    assert_eq!(small["options"], json!([{ "name": "Size", "value": "S" }]));
    let euro = json!({ "amount": "19.90", "currency": "EUR", "decimals": 2 });
    assert_eq!(small["price"], euro);
    assert_eq!(small["yen"], json!({ "amount": "2500", "amountMinor": "2500" }));
    assert_eq!(small["stock"], json!({ "available": 7, "status": "LOW_STOCK" }));
    let level = &small["stockLevels"][0];
    assert_eq!((&level["onHand"], &level["reorderPoint"]), (&json!(7), &json!(9)));
    assert_eq!(level["movements"]["nodes"], json!([{ "type": "RECEIPT" }]));
    let large = &variants[1];
    assert!(large["yen"].is_null());
    assert_eq!(large["stock"], json!({ "available": 0, "status": "OUT_OF_STOCK" }));
    assert_eq!(large["stockLevels"][0]["movements"]["nodes"], json!([]));
}

#[tokio::test]
async fn everything_wrong_with_a_product_is_told_at_once_and_nothing_is_made() {
    let (app, staff, category) = with_category().await;
    product(&app, a_product("Taken", category)).await;
    let input = json!({
        "name": " ", "slug": "taken", "categoryId": category_id(Uuid::now_v7()),
        "variants": [
            { "sku": "TAKEN", "prices": [{ "amount": "1.999", "currency": "EUR" }] },
            { "sku": "A B", "prices": [], "stock": -1 },
            {
                "sku": "NEW", "prices": [
                    { "amount": "0.5", "currency": "JPY" }, { "amount": "-1", "currency": "EUR" }
                ],
            },
        ],
    });
    let payload = run(&staff, CREATE, input).await;
    assert!(payload["product"].is_null());
    assert_eq!(
        errors(&payload),
        [
            "REQUIRED name",
            "INVALID variants.0.prices.0.amount",
            "INVALID variants.1.sku",
            "REQUIRED variants.1.prices",
            "OUT_OF_RANGE variants.1.stock",
            "INVALID variants.2.prices.0.amount",
            "OUT_OF_RANGE variants.2.prices.1.amount",
            "NOT_FOUND categoryId",
            "ALREADY_EXISTS slug",
            "ALREADY_EXISTS variants.0.sku",
        ]
    );
    let count = app.guest().query("{ products { totalCount } }").await;
    assert_eq!(count.data()["products"]["totalCount"], 1);
}

#[tokio::test]
async fn products_made_at_once_with_one_slug_become_one_and_with_one_name_get_slugs_of_their_own() {
    let (app, staff, category) = with_category().await;
    let create = |index: usize, slug: Option<&'static str>| {
        let staff = staff.clone();
        let input = json!({
            "name": "Same", "slug": slug, "categoryId": category_id(category),
            "variants": [{
                "sku": format!("{slug:?}-{index}").replace([' ', '"'], ""),
                "prices": [{ "amount": "1", "currency": "EUR" }],
            }],
        });
        async move { run(&staff, CREATE, input).await }
    };
    let payloads = together((0..6).map(|index| create(index, Some("same-slug")))).await;
    let made = payloads.iter().filter(|payload| !payload["product"].is_null()).count();
    assert_eq!(made, 1);
    for payload in payloads.iter().filter(|payload| payload["product"].is_null()) {
        assert_eq!(errors(payload), ["ALREADY_EXISTS slug"]);
    }
    let payloads = together((0..6).map(|index| create(index, None))).await;
    let mut slugs: Vec<String> = payloads
        .iter()
        .map(|payload| payload["product"]["slug"].as_str().expect("it is made").to_owned())
        .collect();
    slugs.sort();
    slugs.dedup();
    assert_eq!(slugs.len(), 6);
    assert!(slugs.iter().all(|slug| slug.starts_with("same")), "{slugs:?}");
    drop(app);
}

#[tokio::test]
async fn variants_made_at_once_with_one_sku_become_one() {
    let (app, staff, category) = with_category().await;
    let (one, two) = (
        product(&app, a_product("One", category)).await,
        product(&app, a_product("Two", category)).await,
    );
    let payloads = together((0..6).map(|index| {
        let staff = staff.clone();
        let input = json!({
            "productId": product_id(if index % 2 == 0 { one } else { two }),
            "variant": { "sku": "HOT", "prices": [{ "amount": "1", "currency": "EUR" }] },
        });
        async move { run(&staff, VARIANT_CREATE, input).await }
    }))
    .await;
    let made = payloads.iter().filter(|payload| !payload["variant"].is_null()).count();
    assert_eq!(made, 1);
    for payload in payloads.iter().filter(|payload| payload["variant"].is_null()) {
        assert_eq!(errors(payload), ["ALREADY_EXISTS variant.sku"]);
    }
}

#[tokio::test]
async fn a_product_is_changed_field_by_field() {
    let (app, staff, place) = with_category().await;
    let other = category(&app, "Other", None).await;
    let id = product(&app, a_product("Lamp", place).described("Old.")).await;
    let change = json!({ "id": product_id(id), "name": "Light", "status": "DRAFT" });
    let payload = run(&staff, UPDATE, change).await;
    let changed = &payload["product"];
    assert_eq!(changed["name"], "Light");
    assert_eq!(changed["slug"], "lamp");
    assert_eq!(changed["description"], "Old.");
    assert_eq!(changed["status"], "DRAFT");
    assert_eq!(changed["version"], "2");
    let change = json!({
        "id": product_id(id), "slug": "light", "description": "", "categoryId": category_id(other),
        "expectedVersion": "2",
    });
    let changed = run(&staff, UPDATE, change).await["product"].clone();
    assert_eq!(changed["slug"], "light");
    assert_eq!(changed["description"], "");
    assert_eq!(changed["category"]["id"], category_id(other));
    assert_eq!(changed["version"], "3");
    let same_slug = json!({ "id": product_id(id), "slug": "light" });
    assert_eq!(errors(&run(&staff, UPDATE, same_slug).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_stale_change_of_a_product_is_refused() {
    let (app, staff, category) = with_category().await;
    let id = product(&app, a_product("Lamp", category)).await;
    let change = |name: &str| json!({ "id": product_id(id), "name": name, "expectedVersion": "1" });
    let updates = together(["One", "Two", "Three", "Four"].map(|name| {
        let (staff, input) = (staff.clone(), change(name));
        async move { run(&staff, UPDATE, input).await }
    }))
    .await;
    let done = updates.iter().filter(|payload| !payload["product"].is_null()).count();
    assert_eq!(done, 1);
    for payload in updates.iter().filter(|payload| payload["product"].is_null()) {
        assert_eq!(errors(payload), ["VERSION_CONFLICT expectedVersion"]);
        assert_eq!(payload["userErrors"][0]["actualVersion"], "2");
    }
}

#[tokio::test]
async fn a_bad_change_of_a_product_is_told_at_once_and_changes_nothing() {
    let (app, staff, category) = with_category().await;
    product(&app, a_product("Taken", category)).await;
    let id = product(&app, a_product("Lamp", category)).await;
    let change = json!({
        "id": product_id(id), "name": "", "slug": "taken", "description": "\u{7}",
        "categoryId": product_id(id),
    });
    let payload = run(&staff, UPDATE, change).await;
    assert_eq!(
        errors(&payload),
        ["REQUIRED name", "INVALID description", "ALREADY_EXISTS slug", "NOT_FOUND categoryId",]
    );
    let unknown = json!({ "id": product_id(Uuid::now_v7()), "name": "x" });
    assert_eq!(errors(&run(&staff, UPDATE, unknown).await), ["NOT_FOUND id"]);
    let same = app.guest().query("{ product(by: { slug: \"lamp\" }) { name version } }").await;
    assert_eq!(same.data()["product"], json!({ "name": "Lamp", "version": "1" }));
}

#[tokio::test]
async fn a_product_without_movements_is_deleted_and_one_with_them_archived() {
    let (app, staff, category) = with_category().await;
    let fresh = product(&app, a_product("Fresh", category)).await;
    let mut stocked = a_product("Stocked", category);
    stocked.variants[0].stock = Some(3);
    let stocked = product(&app, stocked).await;
    let document = "mutation($input: ProductDeleteInput!) { productDelete(input: $input) {
        deletedId product { status } userErrors { code path }
        warnings { code ... on ArchivedInsteadWarning { id } } } }";
    let delete =
        |id: Uuid, version: &str| json!({ "id": product_id(id), "expectedVersion": version });
    let stale = run(&staff, document, delete(fresh, "7")).await;
    assert_eq!(errors(&stale), ["VERSION_CONFLICT expectedVersion"]);
    let gone = run(&staff, document, delete(fresh, "1")).await;
    let expected = json!({
        "deletedId": product_id(fresh), "product": null, "userErrors": [], "warnings": [],
    });
    assert_eq!(gone, expected);
    assert_eq!(errors(&run(&staff, document, delete(fresh, "1")).await), ["NOT_FOUND id"]);
    let archived = run(&staff, document, delete(stocked, "1")).await;
    let expected = json!({
        "deletedId": null, "product": { "status": "ARCHIVED" }, "userErrors": [],
        "warnings": [{ "code": "ARCHIVED_INSTEAD", "id": product_id(stocked) }],
    });
    assert_eq!(archived, expected);
    let left = staff.query("{ products { nodes { name } } }").await;
    assert_eq!(left.data()["products"]["nodes"], json!([{ "name": "Stocked" }]));
}

#[tokio::test]
async fn variants_are_added_changed_and_deleted_and_the_product_follows() {
    let (app, staff, category) = with_category().await;
    let id = product(&app, a_product("Lamp", category)).await;
    let input = json!({
        "productId": product_id(id),
        "variant": {
            "sku": "LAMP-2", "stock": 4, "prices": [{ "amount": "8", "currency": "EUR" }],
        },
    });
    let made = run(&staff, VARIANT_CREATE, input).await["variant"].clone();
    assert_eq!(made["sku"], "LAMP-2");
    assert_eq!(made["stock"]["available"], 4);
    assert_eq!(made["product"]["version"], "2");
    let lowest = || async {
        let found = catalog(&app).find_products(&Viewer::System, &[id]).await;
        found.expect("found")[&id].lowest_price
    };
    assert_eq!(lowest().await, 800);
    let change = json!({
        "id": made["id"], "sku": "LAMP-TWO", "name": "Two", "expectedVersion": "1",
        "options": [{ "name": "Size", "value": "M" }],
        "prices": [{ "amount": "900", "currency": "JPY" }],
    });
    let changed = run(&staff, VARIANT_UPDATE, change).await["variant"].clone();
    let expected = json!({
        "sku": "LAMP-TWO", "name": "Two", "status": "ACTIVE", "version": "2",
        "options": [{ "name": "Size", "value": "M" }],
        "price": null, "yen": { "amount": "900" },
        "product": { "version": "3", "priceRange": { "minimum": { "amount": "10.00" } } },
    });
    assert_eq!(changed, expected);
    assert_eq!(lowest().await, 1_000);
    let stale = json!({ "id": made["id"], "name": "x", "expectedVersion": "1" });
    let stale = run(&staff, VARIANT_UPDATE, stale).await;
    assert_eq!(errors(&stale), ["VERSION_CONFLICT expectedVersion"]);
    assert_eq!(stale["userErrors"][0]["actualVersion"], "2");
    let bad = json!({ "id": made["id"], "sku": "LAMP", "prices": [] });
    let bad = run(&staff, VARIANT_UPDATE, bad).await;
    assert_eq!(errors(&bad), ["ALREADY_EXISTS sku", "REQUIRED prices"]);
}

#[tokio::test]
async fn one_variant_of_a_product_is_always_sold() {
    let (app, staff, category) = with_category().await;
    let variants = vec![a_variant("A", "1"), a_variant("B", "2")];
    product(&app, a_product("Lamp", category).with_variants(variants)).await;
    let delete = "mutation($input: VariantDeleteInput!) { variantDelete(input: $input) {
        deletedId variant { status } userErrors { code path } warnings { code } } }";
    let (a, b) = (variant_key(&app, "A").await, variant_key(&app, "B").await);
    let payloads = together([a, b].map(|key| {
        let (staff, input) = (staff.clone(), json!({ "id": variant_id(key) }));
        async move { run(&staff, delete, input).await }
    }))
    .await;
    let gone = payloads.iter().filter(|payload| !payload["deletedId"].is_null()).count();
    assert_eq!(gone, 1, "{payloads:?}");
    let refused = payloads.iter().find(|payload| payload["deletedId"].is_null()).unwrap();
    assert_eq!(errors(refused), ["LIMIT_REACHED id"]);
    let left = if payloads[0]["deletedId"].is_null() { a } else { b };
    let archive = json!({ "id": variant_id(left), "status": "ARCHIVED" });
    let refused = run(&staff, VARIANT_UPDATE, archive).await;
    assert_eq!(errors(&refused), ["LIMIT_REACHED status"]);
}

#[tokio::test]
async fn a_variant_with_movements_is_archived_and_comes_back() {
    let (app, staff, category) = with_category().await;
    let mut variants = vec![a_variant("A", "1"), a_variant("B", "2")];
    variants[0].stock = Some(5);
    product(&app, a_product("Lamp", category).with_variants(variants)).await;
    let a = variant_id(variant_key(&app, "A").await);
    let delete = "mutation($input: VariantDeleteInput!) { variantDelete(input: $input) {
        deletedId variant { status product { inStock } } userErrors { code }
        warnings { code } } }";
    let payload = run(&staff, delete, json!({ "id": a })).await;
    let expected = json!({
        "deletedId": null, "userErrors": [], "warnings": [{ "code": "ARCHIVED_INSTEAD" }],
        "variant": { "status": "ARCHIVED", "product": { "inStock": false } },
    });
    assert_eq!(payload, expected);
    let back = json!({ "id": a, "status": "ACTIVE" });
    let back = run(&staff, VARIANT_UPDATE, back).await;
    assert_eq!(back["variant"]["product"]["priceRange"]["minimum"]["amount"], "1.00");
}

#[tokio::test]
async fn a_product_has_at_most_a_hundred_variants() {
    let (app, staff, category) = with_category().await;
    let variants = (0..100).map(|index| a_variant(&format!("V-{index}"), "1")).collect();
    let id = product(&app, a_product("Lamp", category).with_variants(variants)).await;
    let variant = json!({ "sku": "V-100", "prices": [{ "amount": "1", "currency": "EUR" }] });
    let input = json!({ "productId": product_id(id), "variant": variant });
    let refused = run(&staff, VARIANT_CREATE, input).await;
    assert_eq!(errors(&refused), ["LIMIT_REACHED productId"]);
    let all = "{ product(by: { slug: \"lamp\" }) { variants(first: 100) {
        totalCount nodes { sku } pageInfo { hasNextPage } } } }";
    let found = app.guest().query(all).await.data()["product"]["variants"].clone();
    assert_eq!(found["totalCount"], 100);
    let skus: Vec<String> = (0..100).map(|index| format!("V-{index}")).collect();
    assert_eq!(crate::catalog::shop::texts(&found["nodes"], "sku"), skus);
}

#[tokio::test]
async fn a_repeated_key_makes_one_product_and_answers_the_same() {
    let (app, staff, category) = with_category().await;
    let input = |name: &str| {
        json!({
            "name": name, "categoryId": category_id(category), "idempotencyKey": "once",
            "variants": [{ "sku": "LAMP", "prices": [{ "amount": "1", "currency": "EUR" }] }],
        })
    };
    let answers = together((0..4).map(|_| {
        let (staff, input) = (staff.clone(), input("Lamp"));
        async move { staff.query(CREATE).with_variables(json!({ "input": input })).await }
    }))
    .await;
    let first = answers[0].data()["productCreate"].clone();
    assert!(first["product"]["id"].is_string(), "{first}");
    let replays = answers
        .iter()
        .inspect(|answer| assert_eq!(answer.data()["productCreate"], first))
        .filter(|answer| answer.json["extensions"]["idempotency"]["replayed"] == true)
        .count();
    assert_eq!(replays, 3);
    let other = run(&staff, CREATE, input("Another")).await;
    assert_eq!(errors(&other), ["IDEMPOTENCY_CONFLICT idempotencyKey"]);
    let count = app.guest().query("{ products { totalCount } }").await;
    assert_eq!(count.data()["products"]["totalCount"], 1);
}

#[tokio::test]
async fn prices_follow_the_decimals_of_their_currency() {
    let (app, _, category) = with_category().await;
    let mut new = a_product("Lamp", category);
    new.variants[0].prices =
        vec![price("1.234", "KWD"), price("1990", "JPY"), price("19.9", "EUR")];
    product(&app, new).await;
    let document = "{ product(by: { sku: \"LAMP\" }) {
        range: priceRange(currency: KWD) { minimum { amount decimals } }
        none: priceRange(currency: USD) { minimum { amount } }
        variants { nodes {
            kwd: price(currency: KWD) { amount amountMinor decimals }
            jpy: price(currency: JPY) { amount amountMinor decimals }
            eur: price { amount amountMinor decimals }
            usd: price(currency: USD) { amount } } } } }";
    let found = app.guest().query(document).await.data()["product"].clone();
    let variant = &found["variants"]["nodes"][0];
    let money = |amount: &str, minor: &str, decimals: u32| json!({ "amount": amount, "amountMinor": minor, "decimals": decimals });
    assert_eq!(variant["kwd"], money("1.234", "1234", 3));
    assert_eq!(variant["jpy"], money("1990", "1990", 0));
    assert_eq!(variant["eur"], money("19.90", "1990", 2));
    assert!(variant["usd"].is_null());
    assert_eq!(found["range"], json!({ "minimum": { "amount": "1.234", "decimals": 3 } }));
    assert!(found["none"].is_null());
    assert_eq!(catalog(&app).shop_currency(), Currency::from_code("EUR").unwrap());
}
