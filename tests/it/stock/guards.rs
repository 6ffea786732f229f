//! The database's own constraints, the last line: they hold for whoever writes past the guards,
//! and it is counted when they have to.

use crate::app::{MAIN, TestApp};
use stockroom::db::DbErrorKind;
use stockroom::telemetry::{self, STOCK_CONFLICTS, STOCK_REJECTIONS};

#[tokio::test]
async fn the_database_refuses_levels_that_cannot_be() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    app.reserve_of("CUP", cup, 2).await.expect("there is enough");
    let before = app.level(cup, MAIN).await;

    for (change, constraint) in [
        ("on_hand = 1", "stock_level_reserved_check"),
        ("on_hand = -1, reserved = -1", "stock_level_on_hand_check"),
        ("reserved = 6", "stock_level_reserved_check"),
        ("reserved = -1", "stock_level_reserved_check"),
        ("on_hand = 2147483648", "stock_level_on_hand_check"),
        ("reorder_point = -1", "stock_level_reorder_check"),
        ("incoming = -1", "stock_level_incoming_check"),
        ("version = -1", "stock_level_version_check"),
    ] {
        let error = app.raw(&format!("UPDATE stock_level SET {change}")).await;
        let error = error.expect_err(change);
        assert_eq!(error.kind, DbErrorKind::Check, "{change}: {error}");
        assert_eq!(error.constraint.as_deref(), Some(constraint), "{change}");
    }

    assert_eq!(app.level(cup, MAIN).await, before);
}

#[tokio::test]
async fn the_database_refuses_a_second_line_for_a_version() {
    let app = TestApp::start().await;
    app.has("CUP", 5).await;
    let line = &app.ledger().await[0];
    let (id, level) = (app.sql_key(uuid::Uuid::now_v7()), app.sql_key(line.level_id));
    let insert = |version: i64, on_hand: i64| {
        format!(
            "INSERT INTO stock_movement (id, level_id, kind, on_hand_change, reserved_change, \
             on_hand_after, reserved_after, version, created_at) SELECT {id}, {level}, \
             'RECEIPT', {on_hand}, 0, 6, 0, {version}, created_at FROM stock_movement"
        )
    };

    let twice = app.raw(&insert(1, 1)).await.expect_err("the version is taken");
    let nothing = app.raw(&insert(2, 0)).await.expect_err("a line changes something");

    assert!(
        twice.violates(
            "stock_movement_version_key",
            "stock_movement.level_id, stock_movement.version"
        ),
        "{twice}"
    );
    assert_eq!(nothing.constraint.as_deref(), Some("stock_movement_change_check"));
}

#[tokio::test]
async fn a_second_level_at_a_place_and_a_second_default_warehouse_are_refused() {
    let app = TestApp::start().await;
    app.has("CUP", 5).await;
    let id = app.sql_key(uuid::Uuid::now_v7());

    let level = app
        .raw(&format!(
            "INSERT INTO stock_level (id, variant_id, warehouse_id, updated_at) \
             SELECT {id}, variant_id, warehouse_id, updated_at FROM stock_level"
        ))
        .await;
    let warehouse = app
        .raw(&format!(
            "INSERT INTO warehouse (id, code, name, priority, active, is_default, created_at, \
             updated_at) SELECT {id}, 'OTHER', name, priority, active, is_default, created_at, \
             updated_at FROM warehouse"
        ))
        .await;
    let inactive = app.raw("UPDATE warehouse SET active = FALSE").await;

    assert_eq!(level.expect_err("one level a place").kind, DbErrorKind::Unique);
    assert_eq!(warehouse.expect_err("one default").kind, DbErrorKind::Unique);
    assert_eq!(inactive.expect_err("the default is active").kind, DbErrorKind::Check);
}

// Counters belong to the process: these two look at differences, and nothing else in this binary
// that counts runs in the same process under nextest; under `cargo test` they take turns.
static COUNTERS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn it_is_counted_when_a_constraint_has_to_save_the_stock() {
    let _turn = COUNTERS.lock().await;
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let order = app.reserve_of("CUP", cup, 2).await.expect("there is enough");
    // Someone tampered with the reservation: giving it back would leave less than nothing.
    app.raw("UPDATE reservation SET quantity = 3").await.expect("nothing guards this");
    let before = telemetry::total(STOCK_CONFLICTS);

    let stock = app.stock();
    let released = app.app.db.tx(|tx| async move { stock.release_in_txn(&tx, order).await }).await;

    assert!(released.is_err());
    assert_eq!(telemetry::total(STOCK_CONFLICTS) - before, 1);
}

#[tokio::test]
async fn a_clean_refusal_is_counted_apart() {
    let _turn = COUNTERS.lock().await;
    let app = TestApp::start().await;
    let cup = app.has("CUP", 1).await;
    let before = (telemetry::total(STOCK_CONFLICTS), telemetry::total(STOCK_REJECTIONS));

    let refused = app.reserve_of("CUP", cup, 2).await;

    assert!(refused.is_err());
    assert_eq!(telemetry::total(STOCK_CONFLICTS), before.0);
    assert_eq!(telemetry::total(STOCK_REJECTIONS), before.1 + 1);
}
