//! `stockTransfer`: pieces leave one warehouse and arrive in another, or nothing happens.

use crate::app::{LevelNow, MAIN, TestApp, warehouse_id};
use serde_json::json;

#[tokio::test]
async fn pieces_move_with_two_lines_that_name_each_other() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 5).await;
    let north = app.opens("NORTH", 1).await;

    let answer = staff
        .transfer(json!({ "sku": "CUP", "toWarehouseId": warehouse_id(north), "quantity": 2 }))
        .await;

    let payload = &answer.data()["stockTransfer"];
    assert_eq!((&payload["from"]["onHand"], &payload["to"]["onHand"]), (&json!(3), &json!(2)));
    assert_eq!(payload["to"]["warehouse"]["code"], "NORTH");
    let lines: Vec<_> =
        app.ledger().await.into_iter().filter(|line| line.kind != "RECEIPT").collect();
    let kinds: Vec<_> =
        lines.iter().map(|line| (line.kind.as_str(), line.on_hand_change)).collect();
    assert!(kinds.contains(&("TRANSFER_OUT", -2)) && kinds.contains(&("TRANSFER_IN", 2)));
    assert!(lines[0].reference_id.is_some());
    assert_eq!(lines[0].reference_id, lines[1].reference_id);
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 3);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn pieces_move_back_in_the_other_order_of_keys() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 0).await;
    let north = app.opens("NORTH", 1).await;
    app.receives("CUP", north, 5).await;

    let answer = staff
        .transfer(json!({ "sku": "CUP", "fromWarehouseId": warehouse_id(north),
            "toWarehouseId": warehouse_id(MAIN), "quantity": 5, "referenceId": "truck 9",
            "note": "all of it", "expectedVersion": "1" }))
        .await;

    assert_eq!(answer.user_errors("stockTransfer"), [] as [&str; 0]);
    assert_eq!(app.level(cup, MAIN).await.unwrap().on_hand, 5);
    assert_eq!(app.level(cup, north).await.unwrap().on_hand, 0);
    let lines = app.ledger().await;
    let named = lines.iter().filter(|line| line.reference_id.as_deref() == Some("truck 9"));
    assert_eq!(named.filter(|line| line.note.as_deref() == Some("all of it")).count(), 2);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_refused_transfer_moves_nothing() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 5).await;
    let north = app.opens("NORTH", 1).await;
    let full = app.opens("FULL", 2).await;
    app.receives("CUP", full, 2_147_483_647).await;
    app.reserve_of("CUP", cup, 1).await.expect("there is enough");
    let to = warehouse_id(north);

    for (input, code, field) in [
        (json!({ "toWarehouseId": to, "quantity": 5 }), "INSUFFICIENT_STOCK", "sku"),
        (
            json!({ "toWarehouseId": to, "quantity": 1, "expectedVersion": "7" }),
            "VERSION_CONFLICT",
            "expectedVersion",
        ),
        (json!({ "toWarehouseId": warehouse_id(full), "quantity": 1 }), "OUT_OF_RANGE", "quantity"),
        (json!({ "toWarehouseId": to, "quantity": 0 }), "OUT_OF_RANGE", "quantity"),
        (json!({ "toWarehouseId": to, "quantity": -1 }), "OUT_OF_RANGE", "quantity"),
        (json!({ "toWarehouseId": warehouse_id(MAIN), "quantity": 1 }), "INVALID", "toWarehouseId"),
        (
            json!({ "toWarehouseId": warehouse_id(cup), "quantity": 1 }),
            "NOT_FOUND",
            "toWarehouseId",
        ),
        (
            json!({ "fromWarehouseId": warehouse_id(cup), "toWarehouseId": to, "quantity": 1 }),
            "NOT_FOUND",
            "fromWarehouseId",
        ),
    ] {
        let mut input = input;
        input["sku"] = json!("CUP");
        let answer = staff.transfer(input.clone()).await;
        let error = &answer.data()["stockTransfer"]["userErrors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!(code), &json!([field])), "{input}");
        assert!(answer.data()["stockTransfer"]["from"].is_null());
    }

    let now = LevelNow { on_hand: 5, reserved: 1, version: 2 };
    assert_eq!(app.level(cup, MAIN).await, Some(now));
    assert_eq!(app.level(cup, north).await, None, "a refusal opens no level");
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_repeated_transfer_moves_once() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 5).await;
    let north = app.opens("NORTH", 1).await;
    let input = json!({ "sku": "CUP", "toWarehouseId": warehouse_id(north), "quantity": 2,
        "idempotencyKey": "truck 1" });

    let first = staff.transfer(input.clone()).await;
    let again = staff.transfer(input).await;

    assert_eq!(first.data(), again.data());
    assert!(first.json["extensions"]["idempotency"].is_null());
    assert_eq!(again.json["extensions"]["idempotency"]["replayed"], true);
    assert_eq!(app.level(cup, north).await.unwrap().on_hand, 2);
}
