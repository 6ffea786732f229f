//! `stockLevels` and `lowStock`.

use crate::app::{MAIN, TestApp, warehouse_id};
use serde_json::{Value, json};

/// SKU-free names of levels: pieces on hand, which the tests below keep unique.
fn on_hand(connection: &Value) -> Vec<i64> {
    let nodes = connection["nodes"].as_array().expect("a connection");
    nodes.iter().map(|node| node["onHand"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn levels_are_found_by_every_filter() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let product = app.sells(&["CUP", "POT"]).await;
    app.receives("CUP", MAIN, 5).await;
    app.receives("POT", MAIN, 6).await;
    let pan = app.has("PAN", 7).await;
    let north = app.opens("NORTH", 1).await;
    app.receives("CUP", north, 8).await;
    app.reserve_of("PAN", pan, 3).await.expect("there is enough");
    let found = async |filter: &str| {
        let filter = filter
            .replace("$north", &json!(warehouse_id(north)).to_string())
            .replace("$product", &json!(product.node_id()).to_string());
        let document =
            format!("{{ stockLevels(where: {filter}) {{ totalCount nodes {{ onHand }} }} }}");
        let answer = staff.query(document).await;
        let connection = &answer.data()["stockLevels"];
        let found = on_hand(connection);
        assert_eq!(connection["totalCount"], found.len());
        found
    };

    assert_eq!(found("{}").await, [5, 6, 7, 8]);
    assert_eq!(found("{ sku: { eq: \"CUP\" } }").await, [5, 8]);
    assert_eq!(found("{ sku: { in: [\"POT\", \"PAN\"] } }").await, [6, 7]);
    assert_eq!(found("{ sku: { eq: \"CUP\", in: [\"POT\"] } }").await, [] as [i64; 0]);
    assert_eq!(found("{ productId: $product }").await, [5, 6, 8]);
    assert_eq!(found("{ warehouseId: $north }").await, [8]);
    assert_eq!(found("{ available: { lte: 5 } }").await, [5, 7]);
    assert_eq!(found("{ available: { gte: 5, lte: 6 } }").await, [5, 6]);
    assert_eq!(found("{ available: { eq: 4 } }").await, [7]);
    assert_eq!(found("{ available: { eq: 4, gte: 5 } }").await, [] as [i64; 0]);
    assert_eq!(found("{ warehouseId: $north, sku: { eq: \"POT\" } }").await, [] as [i64; 0]);
}

#[tokio::test]
async fn arguments_that_cannot_be_used_are_refused() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("CUP", 5).await;
    let skus = vec!["X"; 101];

    for arguments in [
        "first: -1".to_owned(),
        "first: 101".to_owned(),
        "first: 1, last: 1".to_owned(),
        "after: \"nonsense\"".to_owned(),
        "where: { sku: { contains: \"C\" } }".to_owned(),
        format!("where: {{ sku: {{ in: {} }} }}", json!(skus)),
        format!("where: {{ productId: {} }}", json!(warehouse_id(MAIN))),
    ] {
        let answer = staff
            .query(format!("{{ __typename stockLevels({arguments}) {{ nodes {{ id }} }} }}"))
            .await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{arguments} {}", answer.text);
        assert!(answer.json["data"]["stockLevels"].is_null());
        assert!(answer.json["data"]["__typename"].is_string(), "the neighbour is intact");
    }
}

#[tokio::test]
async fn low_stock_comes_with_the_fewest_first_and_is_paged_both_ways() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for (sku, pieces, reorder_point) in
        [("A", 3, 3), ("B", 1, 9), ("C", 10, 9), ("D", 9, 9), ("E", 1, 1), ("F", 2, 2)]
    {
        app.has(sku, pieces).await;
        staff.set(json!({ "sku": sku, "reorderPoint": reorder_point })).await;
    }
    let gone = app.has("GONE", 0).await;
    staff.set(json!({ "sku": "GONE", "onHand": 0 })).await;
    let archive =
        format!("UPDATE product_variant SET status = 'ARCHIVED' WHERE id = {}", app.sql_key(gone));
    app.raw(&archive).await.expect("the variant is archived");
    let page = async |arguments: &str| {
        let document = format!(
            "{{ lowStock({arguments}) {{ totalCount nodes {{ onHand available reorderPoint }} \
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        staff.query(document).await.data()["lowStock"].clone()
    };

    let all = page("first: 100").await;
    let first = page("first: 2").await;
    let end = first["pageInfo"]["endCursor"].as_str().unwrap();
    let second = page(&format!("first: 2, after: \"{end}\"")).await;
    let start = second["pageInfo"]["startCursor"].as_str().unwrap();
    let back = page(&format!("last: 2, before: \"{start}\"")).await;
    let tail = page("last: 1").await;

    assert_eq!(on_hand(&all), [1, 1, 2, 3, 9]);
    assert_eq!(all["totalCount"], 5);
    assert_eq!(on_hand(&first), [1, 1]);
    assert_eq!(first["nodes"][0]["reorderPoint"], 9, "the older of two that are equal");
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(on_hand(&second), [2, 3]);
    assert_eq!(on_hand(&back), [1, 1]);
    assert_eq!(on_hand(&tail), [9]);
}
