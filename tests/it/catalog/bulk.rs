//! Many products at once, with good rows and bad ones.

use crate::app::TestApp;
use crate::catalog::shop::{a_product, category, category_id, product};
use serde_json::{Value, json};
use uuid::Uuid;

const BULK: &str = "mutation($input: ProductBulkCreateInput!) {
    productBulkCreate(input: $input) {
        results { index product { name slug variants { nodes { sku stock { available } } } }
            userErrors { code path } }
        userErrors { code path }
        warnings { code message ... on RowsRejectedWarning { rejected } }
    }
}";

/// A hundred rows, of which 3, 50 and 99 are bad.
fn rows(category: Uuid) -> Vec<Value> {
    let mut rows: Vec<Value> = (0..100)
        .map(|index| {
            json!({
                "name": format!("Product {}", index / 2), "categoryId": category_id(category),
                "variants": [
                    {
                        "sku": format!("BULK-{index}-A"), "stock": index,
                        "prices": [{ "amount": "1.50", "currency": "EUR" }],
                    },
                    {
                        "sku": format!("BULK-{index}-B"),
                        "prices": [{ "amount": "2", "currency": "EUR" }],
                    },
                ],
            })
        })
        .collect();
    rows[3]["variants"][0]["sku"] = json!("TAKEN");
    rows[50]["name"] = json!("");
    rows[50]["variants"][1]["prices"][0]["amount"] = json!("0.001");
    // Of two rows with one SKU the first gets it.
    rows[99]["variants"][1]["sku"] = json!("BULK-7-A");
    rows
}

const EXPECTED: [(usize, &str, &str); 4] = [
    (3, "ALREADY_EXISTS", "rows.3.variants.0.sku"),
    (50, "REQUIRED", "rows.50.name"),
    (50, "INVALID", "rows.50.variants.1.prices.0.amount"),
    (99, "ALREADY_EXISTS", "rows.99.variants.1.sku"),
];

fn errors(list: &Value) -> Vec<(String, String)> {
    let list = list.as_array().expect("errors");
    list.iter()
        .map(|error| {
            let path: Vec<&str> =
                error["path"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
            (error["code"].as_str().unwrap().to_owned(), path.join("."))
        })
        .collect()
}

/// An application with a category and a product whose SKU is TAKEN.
async fn with_taken() -> (TestApp, Uuid) {
    let app = TestApp::start().await;
    let category = category(&app, "All", None).await;
    product(&app, a_product("Taken", category)).await;
    (app, category)
}

async fn bulk(app: &TestApp, input: Value) -> crate::app::Answer {
    let staff = app.staff().await;
    staff.query(BULK).with_variables(json!({ "input": input })).await
}

async fn count(app: &TestApp) -> Value {
    let answer = app.guest().query("{ products { totalCount } }").await;
    answer.data()["products"]["totalCount"].clone()
}

#[tokio::test]
async fn one_bad_row_rejects_everything_and_every_bad_row_is_told() {
    let (app, category) = with_taken().await;
    let answer = bulk(&app, json!({ "rows": rows(category) })).await;
    let payload = &answer.data()["productBulkCreate"];
    let expected: Vec<(String, String)> =
        EXPECTED.iter().map(|(_, code, path)| ((*code).to_owned(), (*path).to_owned())).collect();
    assert_eq!(errors(&payload["userErrors"]), expected);
    assert_eq!(payload["warnings"], json!([]));
    let results = payload["results"].as_array().expect("results");
    assert_eq!(results.len(), 100);
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result["index"], index);
        assert!(result["product"].is_null());
        let of_row = EXPECTED.iter().filter(|(row, _, _)| *row == index).count();
        assert_eq!(errors(&result["userErrors"]).len(), of_row);
    }
    assert_eq!(count(&app).await, 1);
}

#[tokio::test]
async fn failed_rows_are_rejected_and_the_others_made() {
    let (app, category) = with_taken().await;
    let policy = "REJECT_FAILED_ROWS";
    let answer = bulk(&app, json!({ "rows": rows(category), "errorPolicy": policy })).await;
    let payload = &answer.data()["productBulkCreate"];
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["warnings"][0]["code"], "ROWS_REJECTED");
    assert_eq!(payload["warnings"][0]["rejected"], 3);
    let results = payload["results"].as_array().expect("results");
    let mut slugs = std::collections::BTreeSet::new();
    for (index, result) in results.iter().enumerate() {
        let expected: Vec<(String, String)> = EXPECTED
            .iter()
            .filter(|(row, _, _)| *row == index)
            .map(|(_, code, path)| ((*code).to_owned(), (*path).to_owned()))
            .collect();
        assert_eq!(errors(&result["userErrors"]), expected);
        assert_eq!(result["product"].is_null(), !expected.is_empty(), "row {index}");
        if expected.is_empty() {
            let product = &result["product"];
            assert_eq!(product["name"], format!("Product {}", index / 2));
            assert!(slugs.insert(product["slug"].as_str().expect("a slug").to_owned()));
            let variant = &product["variants"]["nodes"][0];
            assert_eq!(variant["sku"], format!("BULK-{index}-A"));
            assert_eq!(variant["stock"]["available"], index);
        }
    }
    assert_eq!(slugs.len(), 97);
    assert_eq!(count(&app).await, 98);
}

#[tokio::test]
async fn when_no_row_is_good_nothing_happened_under_either_policy() {
    let (app, category) = with_taken().await;
    let bad: Vec<Value> = [3, 50].map(|index| rows(category)[index].clone()).to_vec();
    for policy in ["REJECT_EVERYTHING", "REJECT_FAILED_ROWS"] {
        let answer = bulk(&app, json!({ "rows": bad, "errorPolicy": policy })).await;
        let payload = &answer.data()["productBulkCreate"];
        assert_eq!(errors(&payload["userErrors"]).len(), 3);
        assert_eq!(payload["warnings"], json!([]));
    }
    for rows in [json!([]), json!(vec![rows(category)[0].clone(); 1_001])] {
        let answer = bulk(&app, json!({ "rows": rows })).await;
        if answer.status.is_success() {
            let payload = &answer.data()["productBulkCreate"];
            assert_eq!(errors(&payload["userErrors"])[0].1, "rows");
        } else {
            // A thousand rows of this size are more than a request's body may be.
            assert_eq!(answer.status, http::StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
    assert_eq!(count(&app).await, 1);
}

#[tokio::test]
async fn the_statements_of_a_bulk_do_not_grow_with_its_rows() {
    let app = TestApp::start().await;
    let category = category(&app, "All", None).await;
    let row = |index: usize| {
        json!({
            "name": format!("P {index}"), "categoryId": category_id(category),
            "variants": [{
                "sku": format!("P-{index}"), "stock": 1,
                "prices": [{ "amount": "1", "currency": "EUR" }],
            }],
        })
    };
    let few: Vec<Value> = (0..2).map(row).collect();
    let many: Vec<Value> = (2..102).map(row).collect();
    let few = bulk(&app, json!({ "rows": few })).await;
    let many = bulk(&app, json!({ "rows": many })).await;
    assert_eq!(few.user_errors("productBulkCreate"), Vec::<&str>::new());
    assert_eq!(many.user_errors("productBulkCreate"), Vec::<&str>::new());
    assert_eq!(few.sql_count(), many.sql_count());
}

#[tokio::test]
async fn a_repeated_bulk_makes_nothing_twice_and_tells_the_same_rows() {
    let (app, category) = with_taken().await;
    let staff = app.staff().await;
    let rows = rows(category)[..6].to_vec();
    let input = json!({
        "rows": rows, "errorPolicy": "REJECT_FAILED_ROWS", "idempotencyKey": "bulk-1",
    });
    let send = || staff.query(BULK).with_variables(json!({ "input": input }));
    let (first, second) = (send().await, send().await);
    assert_eq!(first.data(), second.data());
    assert_eq!(second.json["extensions"]["idempotency"]["replayed"], true);
    assert_eq!(count(&app).await, 6);
}
