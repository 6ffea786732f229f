//! The ledger as the schema shows it: written once, in the order of a level's versions.

use crate::app::{MAIN, TestApp};
use serde_json::{Value, json};
use stockroom::graphql::NodeKind;

/// `version` of each movement of a page.
fn versions(connection: &Value) -> Vec<&str> {
    let nodes = connection["nodes"].as_array().expect("a connection");
    nodes.iter().map(|node| node["version"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_line_is_written_once_and_stays() {
    let app = TestApp::start().await;
    app.has("CUP", 5).await;

    for sql in [
        "UPDATE stock_movement SET note = 'changed'",
        "UPDATE stock_movement SET on_hand_change = 6",
        "DELETE FROM stock_movement",
    ] {
        let error = app.raw(sql).await.expect_err(sql);
        assert!(error.message.contains("append-only"), "{error}");
    }

    assert_eq!(app.ledger().await[0].note, None);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn movements_are_listed_the_latest_first_and_paged_both_ways() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("CUP", 0).await;
    for _ in 0..5 {
        app.receives("CUP", MAIN, 1).await;
    }
    let page = async |arguments: &str| {
        let document = format!(
            "{{ stockMovements({arguments}) {{ totalCount nodes {{ version }} \
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        staff.query(document).await.data()["stockMovements"].clone()
    };

    let first = page("first: 2").await;
    let end = first["pageInfo"]["endCursor"].as_str().unwrap();
    let second = page(&format!("first: 2, after: \"{end}\"")).await;
    let start = second["pageInfo"]["startCursor"].as_str().unwrap();
    let back = page(&format!("last: 1, before: \"{start}\"")).await;
    let tail = page("last: 2").await;
    let none = page("first: 0").await;

    assert_eq!(versions(&first), ["5", "4"]);
    assert_eq!(first["totalCount"], 5);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(first["pageInfo"]["hasPreviousPage"], false);
    assert_eq!(versions(&second), ["3", "2"]);
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);
    assert_eq!(versions(&back), ["4"]);
    assert_eq!(back["pageInfo"]["hasPreviousPage"], true);
    assert_eq!(versions(&tail), ["2", "1"]);
    assert_eq!(versions(&none), [] as [&str; 0]);
    assert_eq!(none["totalCount"], 5);
}

#[tokio::test]
async fn movements_are_found_by_every_filter() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 5).await;
    app.has("POT", 7).await;
    let north = app.opens("NORTH", 1).await;
    app.receives("CUP", north, 2).await;
    staff
        .adjust(json!({ "sku": "CUP", "delta": -1, "type": "SALE", "referenceId": "till 1" }))
        .await;
    let level = staff
        .query(
            "{ stockLevels(where: { sku: { eq: \"CUP\" } }) { nodes { id warehouse { code } } } }",
        )
        .await;
    let levels = level.data()["stockLevels"]["nodes"].as_array().unwrap().clone();
    let main = levels.iter().find(|level| level["warehouse"]["code"] == "MAIN").unwrap();
    let ids = json!({ "north": NodeKind::Warehouse.id(north).to_string(), "level": main["id"] });
    let found = async |filter: &str| -> Vec<i64> {
        let filter = filter
            .replace("$north", &ids["north"].to_string())
            .replace("$level", &ids["level"].to_string());
        let document = format!(
            "{{ stockMovements(where: {filter}) {{ totalCount nodes {{ quantityChange }} }} }}"
        );
        let answer = staff.query(document).await;
        let connection = &answer.data()["stockMovements"];
        let nodes = connection["nodes"].as_array().unwrap();
        assert_eq!(connection["totalCount"], nodes.len());
        nodes.iter().map(|node| node["quantityChange"].as_i64().unwrap()).collect()
    };

    assert_eq!(found("{}").await, [-1, 2, 7, 5]);
    assert_eq!(found("{ sku: { eq: \"CUP\" } }").await, [-1, 2, 5]);
    assert_eq!(found("{ sku: { in: [\"POT\", \"NO\"] } }").await, [7]);
    assert_eq!(found("{ sku: { in: [] } }").await, [] as [i64; 0]);
    assert_eq!(found("{ warehouseId: $north }").await, [2]);
    assert_eq!(found("{ stockLevelId: $level }").await, [-1, 5]);
    assert_eq!(found("{ type: [SALE] }").await, [-1]);
    assert_eq!(found("{ type: [SALE, RECEIPT], sku: { eq: \"POT\" } }").await, [7]);
    assert_eq!(found("{ referenceId: \"till 1\" }").await, [-1]);
    assert_eq!(found("{ referenceId: \"till\" }").await, [] as [i64; 0]);
    assert_eq!(found("{ createdAt: { lte: \"2000-01-01T00:00:00Z\" } }").await, [] as [i64; 0]);
    assert_eq!(found("{ createdAt: { gte: \"2000-01-01T00:00:00Z\" } }").await.len(), 4);
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 4);
}

#[tokio::test]
async fn the_ledgers_of_many_levels_are_read_in_one_statement() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    for sku in ["A", "B", "C"] {
        app.has(sku, 0).await;
        for _ in 0..4 {
            app.receives(sku, MAIN, 1).await;
        }
    }
    let document = |first: usize, movements: &str| {
        format!(
            "{{ stockLevels(first: {first}) {{ nodes {{ movements({movements}) {{ totalCount \
             nodes {{ version onHandAfter }} pageInfo {{ endCursor hasNextPage }} }} }} }} }}"
        )
    };

    let one = staff.query(document(1, "first: 2")).await;
    let three = staff.query(document(3, "first: 2")).await;
    let page = &three.data()["stockLevels"]["nodes"][1]["movements"];
    let end = page["pageInfo"]["endCursor"].as_str().unwrap();
    let rest = staff.query(document(3, &format!("first: 3, after: \"{end}\""))).await;
    let last = staff.query(document(3, "last: 1")).await;

    assert_eq!(one.sql_count(), three.sql_count());
    for level in three.data()["stockLevels"]["nodes"].as_array().unwrap() {
        assert_eq!(versions(&level["movements"]), ["4", "3"]);
        assert_eq!(level["movements"]["totalCount"], 4);
        assert_eq!(level["movements"]["pageInfo"]["hasNextPage"], true);
    }
    assert_eq!(versions(&rest.data()["stockLevels"]["nodes"][1]["movements"]), ["2", "1"]);
    assert_eq!(versions(&last.data()["stockLevels"]["nodes"][2]["movements"]), ["1"]);
}
