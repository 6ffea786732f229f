//! Warehouses: made, changed, taken out of service.

use crate::app::{LevelNow, MAIN, TestApp, warehouse_id};
use serde_json::json;
use stockroom::seed::Seed;

#[tokio::test]
async fn a_shop_has_a_default_warehouse_from_its_first_day() {
    let app = TestApp::start().await;

    let answer =
        app.staff().await.query("{ warehouses { id code active isDefault version } }").await;

    let main = json!({ "id": warehouse_id(MAIN), "code": "MAIN", "active": true,
        "isDefault": true, "version": "1" });
    assert_eq!(answer.data()["warehouses"], json!([main]));
}

#[tokio::test]
async fn warehouses_are_made_with_unique_codes_in_capitals() {
    let app = TestApp::start().await;
    let staff = app.staff().await;

    let made = staff.create_warehouse(json!({ "code": " north-1 ", "name": " The north " })).await;
    let taken = staff.create_warehouse(json!({ "code": "North-1", "name": "Another" })).await;
    let bad = staff.create_warehouse(json!({ "code": "no space", "name": "" })).await;

    let warehouse = &made.data()["warehouseCreate"]["warehouse"];
    assert_eq!((&warehouse["code"], &warehouse["name"]), (&json!("NORTH-1"), &json!("The north")));
    assert_eq!((&warehouse["priority"], &warehouse["active"]), (&json!(100), &json!(true)));
    assert_eq!(warehouse["isDefault"], false);
    let error = &taken.data()["warehouseCreate"]["userErrors"][0];
    assert_eq!((&error["code"], &error["path"]), (&json!("ALREADY_EXISTS"), &json!(["code"])));
    assert_eq!(bad.user_errors("warehouseCreate"), ["REQUIRED", "INVALID"]);
}

#[tokio::test]
async fn what_is_left_out_stays() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let north = app.opens("NORTH", 7).await;

    let renamed = staff
        .update_warehouse(json!({ "id": warehouse_id(north), "name": "Up there",
            "expectedVersion": "1" }))
        .await;
    let stale = staff
        .update_warehouse(json!({ "id": warehouse_id(north), "priority": 1,
            "expectedVersion": "1" }))
        .await;
    let unknown = staff.update_warehouse(json!({ "id": warehouse_id(uuid::Uuid::now_v7()) })).await;

    assert_eq!(
        renamed.data()["warehouseUpdate"]["warehouse"],
        json!({ "id": warehouse_id(north), "code": "NORTH", "name": "Up there", "priority": 7,
            "active": true, "isDefault": false, "version": "2" })
    );
    let error = &stale.data()["warehouseUpdate"]["userErrors"][0];
    assert_eq!(
        (&error["code"], &error["actualVersion"]),
        (&json!("VERSION_CONFLICT"), &json!("2"))
    );
    assert_eq!(unknown.user_errors("warehouseUpdate"), ["NOT_FOUND"]);
}

#[tokio::test]
async fn a_warehouse_out_of_service_takes_its_stock_off_sale() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 5).await;
    let north = app.opens("NORTH", 7).await;
    app.receives("CUP", north, 3).await;
    let availability = async || app.stock().find_availability(&[cup]).await.unwrap()[&cup];
    let before = availability().await;

    let closed =
        staff.update_warehouse(json!({ "id": warehouse_id(north), "active": false })).await;
    let without = availability().await;
    let again = staff.update_warehouse(json!({ "id": warehouse_id(north), "active": false })).await;
    let same = availability().await;
    staff.update_warehouse(json!({ "id": warehouse_id(north), "active": true })).await;
    let reopened = availability().await;

    assert_eq!(closed.data()["warehouseUpdate"]["warehouse"]["active"], false);
    assert_eq!((before.available, without.available, reopened.available), (8, 5, 8));
    assert!(before.version < without.version && without.version < reopened.version);
    assert_eq!(again.user_errors("warehouseUpdate"), [] as [&str; 0]);
    assert_eq!(same.version, without.version, "nothing changed for those who watch");
    let now = LevelNow { on_hand: 3, reserved: 0, version: 3 };
    assert_eq!(app.level(cup, north).await, Some(now));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn the_default_warehouse_stays_active_until_another_is_the_default() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let north = app.opens("NORTH", 7).await;
    let (main, north) = (warehouse_id(MAIN), warehouse_id(north));

    let refused = staff.update_warehouse(json!({ "id": main, "active": false })).await;
    let contradiction =
        staff.update_warehouse(json!({ "id": north, "active": false, "makeDefault": true })).await;
    let moved = staff.update_warehouse(json!({ "id": north, "makeDefault": true })).await;
    let closed = staff.update_warehouse(json!({ "id": main, "active": false })).await;

    assert_eq!(refused.user_errors("warehouseUpdate"), ["IN_USE"]);
    assert_eq!(contradiction.user_errors("warehouseUpdate"), ["IN_USE"]);
    assert_eq!(moved.data()["warehouseUpdate"]["warehouse"]["isDefault"], true);
    let warehouse = &closed.data()["warehouseUpdate"]["warehouse"];
    assert_eq!((&warehouse["active"], &warehouse["isDefault"]), (&json!(false), &json!(false)));
    assert_eq!(warehouse["version"], "3", "no longer being the default is a change, too");
    app.has("CUP", 0).await;
    let answer = staff.adjust(json!({ "sku": "CUP", "delta": 1, "type": "RECEIPT" })).await;
    assert_eq!(answer.data()["stockAdjust"]["stockLevel"]["warehouse"]["code"], "NORTH");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_make_a_default_at_once_one_warehouse_is_it() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(warehouse_id(app.opens(&format!("W{number}"), number).await));
    }

    let calls = ids.iter().map(|id| {
        let staff = staff.clone();
        async move { staff.update_warehouse(json!({ "id": id, "makeDefault": true })).await }
    });
    let answers = futures::future::join_all(calls).await;

    for answer in answers {
        let errors = answer.user_errors("warehouseUpdate");
        assert!(errors.is_empty() || errors == ["IN_USE"], "{}", answer.text);
    }
    let answer = staff.query("{ warehouses { isDefault } }").await;
    let warehouses = answer.data()["warehouses"].as_array().unwrap();
    assert_eq!(warehouses.iter().filter(|warehouse| warehouse["isDefault"] == true).count(), 1);
}

#[tokio::test]
async fn a_large_warehouse_is_taken_out_of_service_whole() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    Seed::new(app.app.db.clone(), app.app.settings.shop_currency).run(2_500, |_| ()).await.unwrap();
    let fullest = "SELECT {} FROM stock_level GROUP BY warehouse_id ORDER BY count(*) DESC LIMIT 1";
    let sum = |what: &str| fullest.replace("{}", what);
    let (levels, versions) = (
        app.number(&sum("count(*)")).await,
        app.number(&sum("CAST(sum(version) AS bigint)")).await,
    );
    assert!(levels > 5_000, "{levels} levels are raised by one statement");
    let north = app.opens("NORTH", 7).await;
    staff.update_warehouse(json!({ "id": warehouse_id(north), "makeDefault": true })).await;

    let answer = staff.query("{ warehouses { id code } }").await;
    let warehouses = answer.data()["warehouses"].as_array().unwrap();
    for warehouse in warehouses.iter().filter(|warehouse| warehouse["code"] != "NORTH") {
        let closing = json!({ "id": warehouse["id"], "active": false });
        let closed = staff.update_warehouse(closing).await;
        assert_eq!(closed.user_errors("warehouseUpdate"), [] as [&str; 0], "{warehouse}");
    }

    assert_eq!(app.number(&sum("CAST(sum(version) AS bigint)")).await, versions + levels);
}
