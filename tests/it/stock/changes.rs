//! `stockAdjust` and `stockSet`: what they write, and what they refuse.

use crate::app::{LevelNow, MAIN, TestApp, warehouse_id};
use serde_json::json;

#[tokio::test]
async fn a_receipt_opens_a_level_and_writes_a_line_in_the_ledger() {
    let app = TestApp::start().await;
    let user = app.account(stockroom::auth::Role::Staff).await;
    app.sells(&["CUP"]).await;

    let answer = app
        .with_token(app.token(user))
        .adjust(json!({ "sku": "CUP", "delta": 5, "type": "RECEIPT",
            "referenceId": " delivery 7 ", "note": "two were wet" }))
        .await;

    let payload = &answer.data()["stockAdjust"];
    assert_eq!(
        payload["stockLevel"],
        json!({ "onHand": 5, "reserved": 0, "available": 5, "reorderPoint": 0, "version": "1",
            "warehouse": { "code": "MAIN" } })
    );
    let movement = &payload["movement"];
    assert_eq!(movement["type"], "RECEIPT");
    assert_eq!((&movement["quantityChange"], &movement["reservedChange"]), (&json!(5), &json!(0)));
    assert_eq!((&movement["onHandAfter"], &movement["reservedAfter"]), (&json!(5), &json!(0)));
    assert_eq!(movement["version"], "1");
    assert_eq!(movement["referenceId"], "delivery 7");
    assert_eq!(movement["note"], "two were wet");
    let actor = stockroom::graphql::NodeKind::User.id(user).to_string();
    assert_eq!(movement["actor"]["id"], json!(actor));
    assert_eq!(payload["userErrors"], json!([]));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn each_type_has_a_sign_that_fits_it() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 10).await;

    for (kind, good, bad) in [
        ("RECEIPT", vec![1], vec![0, -1]),
        ("RETURN", vec![1], vec![0, -1]),
        ("SALE", vec![-1], vec![0, 1]),
        ("ADJUSTMENT", vec![1, -1], vec![0]),
        ("RESERVATION", vec![], vec![1, -1]),
        ("RELEASE", vec![], vec![1, -1]),
        ("TRANSFER_IN", vec![], vec![1]),
        ("TRANSFER_OUT", vec![], vec![-1]),
    ] {
        for delta in good {
            let answer = staff.adjust(json!({ "sku": "CUP", "delta": delta, "type": kind })).await;
            assert_eq!(answer.user_errors("stockAdjust"), [] as [&str; 0], "{kind} {delta}");
            assert_eq!(answer.data()["stockAdjust"]["movement"]["quantityChange"], delta);
        }
        for delta in bad {
            let before = app.level(cup, MAIN).await;
            let answer = staff.adjust(json!({ "sku": "CUP", "delta": delta, "type": kind })).await;
            let error = &answer.data()["stockAdjust"]["userErrors"][0];
            let expected = match kind {
                "RECEIPT" | "RETURN" | "SALE" | "ADJUSTMENT" => ("OUT_OF_RANGE", "delta"),
                _ => ("INVALID", "type"),
            };
            assert_eq!(
                (&error["code"], &error["path"]),
                (&json!(expected.0), &json!([expected.1]))
            );
            assert_eq!(error["__typename"], "ValidationError");
            assert!(answer.data()["stockAdjust"]["stockLevel"].is_null());
            assert_eq!(app.level(cup, MAIN).await, before, "{kind} {delta}");
        }
    }
    app.stock_is_sound().await;
}

#[tokio::test]
async fn more_than_is_available_is_refused_with_what_there_is() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 3).await;

    let answer =
        app.staff().await.adjust(json!({ "sku": "CUP", "delta": -4, "type": "SALE" })).await;

    let payload = &answer.data()["stockAdjust"];
    assert!(payload["stockLevel"].is_null() && payload["movement"].is_null());
    let error = &payload["userErrors"][0];
    assert_eq!(error["__typename"], "InsufficientStockError");
    assert_eq!(error["code"], "INSUFFICIENT_STOCK");
    assert_eq!((&error["sku"], &error["requested"]), (&json!("CUP"), &json!(4)));
    assert_eq!(error["available"], 3);
    let now = LevelNow { on_hand: 3, reserved: 0, version: 1 };
    assert_eq!(app.level(cup, MAIN).await, Some(now));
    assert_eq!(app.ledger().await.len(), 1);
}

#[tokio::test]
async fn what_was_never_stocked_has_none_available() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 0).await;

    let answer =
        app.staff().await.adjust(json!({ "sku": "CUP", "delta": -1, "type": "SALE" })).await;

    let error = &answer.data()["stockAdjust"]["userErrors"][0];
    assert_eq!((&error["code"], &error["available"]), (&json!("INSUFFICIENT_STOCK"), &json!(0)));
    assert_eq!(app.level(cup, MAIN).await, None, "a refusal opens no level");
}

#[tokio::test]
async fn a_stale_write_is_refused() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 3).await;
    app.sells(&["POT"]).await;
    let adjust = |sku: &str, delta: i32, version: &str| {
        staff.adjust(json!({ "sku": sku, "delta": delta, "type": "ADJUSTMENT",
            "expectedVersion": version }))
    };

    let fresh = adjust("CUP", -1, "1").await;
    let stale = adjust("CUP", -1, "1").await;
    let stale_and_short = adjust("CUP", -9, "1").await;
    let set = staff.set(json!({ "sku": "CUP", "onHand": 9, "expectedVersion": "1" })).await;
    let never_stocked = adjust("POT", 1, "4").await;
    let first = adjust("POT", 1, "0").await;

    assert_eq!(fresh.data()["stockAdjust"]["stockLevel"]["version"], "2");
    for (answer, actual) in [(&stale, "2"), (&stale_and_short, "2"), (&never_stocked, "0")] {
        let error = &answer.data()["stockAdjust"]["userErrors"][0];
        assert_eq!(error["__typename"], "VersionConflictError");
        assert_eq!(
            (&error["code"], &error["actualVersion"]),
            (&json!("VERSION_CONFLICT"), &json!(actual))
        );
        assert_eq!(error["path"], json!(["expectedVersion"]));
    }
    assert_eq!(set.user_errors("stockSet"), ["VERSION_CONFLICT"]);
    assert_eq!(first.data()["stockAdjust"]["stockLevel"]["version"], "1");
    let now = LevelNow { on_hand: 2, reserved: 0, version: 2 };
    assert_eq!(app.level(cup, MAIN).await, Some(now));
}

#[tokio::test]
async fn an_unknown_sku_or_warehouse_is_named_by_its_field() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("CUP", 3).await;
    let foreign = stockroom::graphql::NodeKind::Product.id(MAIN).to_string();

    for (input, code, field) in [
        (json!({ "sku": "cup", "delta": 1, "type": "RECEIPT" }), "NOT_FOUND", "sku"),
        (json!({ "sku": "X".repeat(5_000), "delta": 1, "type": "RECEIPT" }), "NOT_FOUND", "sku"),
        (
            json!({ "sku": "CUP", "delta": 1, "type": "RECEIPT",
                "warehouseId": warehouse_id(uuid::Uuid::now_v7()) }),
            "NOT_FOUND",
            "warehouseId",
        ),
        (
            json!({ "sku": "CUP", "delta": 1, "type": "RECEIPT", "warehouseId": foreign }),
            "INVALID",
            "warehouseId",
        ),
    ] {
        let answer = staff.adjust(input).await;
        let error = &answer.data()["stockAdjust"]["userErrors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!(code), &json!([field])));
        assert!(answer.text.len() < 1_000, "the client's text comes back in full");
    }
}

#[tokio::test]
async fn numbers_and_texts_have_bounds() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 0).await;
    let receipt = |delta: i64| json!({ "sku": "CUP", "delta": delta, "type": "RECEIPT" });

    let full = staff.adjust(receipt(2_147_483_647)).await;
    let over = staff.adjust(receipt(1)).await;
    let under =
        staff.adjust(json!({ "sku": "CUP", "delta": -2_147_483_648_i64, "type": "SALE" })).await;
    let long = staff
        .adjust(json!({ "sku": "CUP", "delta": -1, "type": "SALE",
            "referenceId": "r".repeat(256), "note": "n".repeat(1_001) }))
        .await;
    let control =
        staff.adjust(json!({ "sku": "CUP", "delta": -1, "type": "SALE", "note": "a\u{7}b" })).await;
    let negative = staff.set(json!({ "sku": "CUP", "onHand": -1, "reorderPoint": -1 })).await;
    let nothing = staff.set(json!({ "sku": "CUP" })).await;

    assert_eq!(full.data()["stockAdjust"]["stockLevel"]["onHand"], 2_147_483_647);
    assert_eq!(over.user_errors("stockAdjust"), ["OUT_OF_RANGE"]);
    assert_eq!(under.user_errors("stockAdjust"), ["INSUFFICIENT_STOCK"]);
    assert_eq!(long.user_errors("stockAdjust"), ["TOO_LONG", "TOO_LONG"]);
    assert_eq!(control.user_errors("stockAdjust"), ["INVALID"]);
    assert_eq!(negative.user_errors("stockSet"), ["OUT_OF_RANGE", "OUT_OF_RANGE"]);
    assert_eq!(nothing.user_errors("stockSet"), ["REQUIRED"]);
    let now = LevelNow { on_hand: 2_147_483_647, reserved: 0, version: 1 };
    assert_eq!(app.level(cup, MAIN).await, Some(now));
}

#[tokio::test]
async fn set_writes_the_difference() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    app.has("CUP", 5).await;

    let fewer = staff.set(json!({ "sku": "CUP", "onHand": 3, "note": "counted" })).await;
    let point = staff.set(json!({ "sku": "CUP", "reorderPoint": 4 })).await;
    let same = staff.set(json!({ "sku": "CUP", "onHand": 3, "reorderPoint": 4 })).await;

    let payload = &fewer.data()["stockSet"];
    assert_eq!(
        (&payload["stockLevel"]["onHand"], &payload["movement"]["quantityChange"]),
        (&json!(3), &json!(-2))
    );
    assert_eq!(payload["movement"]["type"], "ADJUSTMENT");
    assert_eq!(payload["movement"]["note"], "counted");
    let payload = &point.data()["stockSet"];
    assert_eq!(
        (&payload["stockLevel"]["reorderPoint"], &payload["stockLevel"]["version"]),
        (&json!(4), &json!("3"))
    );
    assert!(payload["movement"].is_null(), "no piece moved");
    assert_eq!(same.data()["stockSet"]["stockLevel"]["version"], "3", "nothing changed");
    app.stock_is_sound().await;
}

#[tokio::test]
async fn set_leaves_no_fewer_pieces_than_are_reserved() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 5).await;
    app.reserve_of("CUP", cup, 2).await.expect("there is enough");

    let too_few = staff.set(json!({ "sku": "CUP", "onHand": 1 })).await;
    let enough = staff.set(json!({ "sku": "CUP", "onHand": 2 })).await;

    let error = &too_few.data()["stockSet"]["userErrors"][0];
    assert_eq!((&error["code"], &error["path"]), (&json!("OUT_OF_RANGE"), &json!(["onHand"])));
    assert_eq!(enough.data()["stockSet"]["stockLevel"]["available"], 0);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn only_staff_change_and_see_stock_and_the_neighbours_of_a_refused_field_stay() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let mutation = "mutation { __typename \
        stockAdjust(input: { sku: \"CUP\", delta: 1, type: RECEIPT }) { stockLevel { onHand } } \
        stockSet(input: { sku: \"CUP\", onHand: 9 }) { stockLevel { onHand } } \
        stockTransfer(input: { sku: \"CUP\", toWarehouseId: \"ware_01\", quantity: 1 }) \
            { from { onHand } } \
        warehouseCreate(input: { code: \"N\", name: \"N\" }) { warehouse { code } } }";
    let query = "{ __typename warehouses { code } stockLevels { nodes { onHand } } \
        lowStock { nodes { onHand } } stockMovements { nodes { version } } }";

    for (caller, code) in [(app.guest(), "UNAUTHENTICATED"), (app.customer().await, "FORBIDDEN")] {
        for (document, refused) in [(mutation, 3), (query, 4)] {
            let answer = caller.query(document).await;
            let codes = answer.error_codes();
            assert!(codes.len() >= refused, "{}", answer.text);
            assert!(codes.iter().all(|found| *found == code), "{}", answer.text);
            let data = answer.json["data"].as_object().unwrap();
            assert!(data["__typename"].is_string(), "the neighbour is intact");
            for field in [
                "stockAdjust",
                "stockSet",
                "warehouseCreate",
                "warehouses",
                "stockLevels",
                "lowStock",
                "stockMovements",
            ] {
                assert!(data.get(field).is_none_or(|value| value.is_null()), "{field}");
            }
        }
    }

    let now = LevelNow { on_hand: 5, reserved: 0, version: 1 };
    assert_eq!(app.level(cup, MAIN).await, Some(now));
    let admin = app.admin().await;
    let answer = admin.adjust(json!({ "sku": "CUP", "delta": 1, "type": "RECEIPT" })).await;
    assert_eq!(answer.data()["stockAdjust"]["stockLevel"]["onHand"], 6);
}
