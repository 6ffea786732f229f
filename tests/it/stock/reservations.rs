//! Reservations: set aside, paid, fulfilled or given back, from one warehouse or several.

use crate::app::{LevelNow, MAIN, QUARTER_HOUR, TestApp, order_of, warehouse_id};
use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use serde_json::json;
use stockroom::stock::{ReserveOrder, StockError};
use stockroom::telemetry;
use uuid::Uuid;

fn level(on_hand: i64, reserved: i64, version: i64) -> Option<LevelNow> {
    Some(LevelNow { on_hand, reserved, version })
}

/// Kind, change of pieces on hand and of reserved ones, and reference of each line of the ledger.
async fn lines(app: &TestApp) -> Vec<(String, i64, i64, Option<String>)> {
    let ledger = app.ledger().await.into_iter();
    let lines = ledger.map(|l| (l.kind, l.on_hand_change, l.reserved_change, l.reference_id));
    lines.collect()
}

#[tokio::test]
async fn a_reservation_sets_pieces_aside_and_leaves_a_line() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;

    let order = app.reserve_of("CUP", cup, 2).await.expect("there is enough");

    assert_eq!(app.level(cup, MAIN).await, level(5, 2, 2));
    assert_eq!(app.reservations(order).await, [(2, "HELD".to_owned())]);
    let line = lines(&app).await.pop().unwrap();
    assert_eq!(line, ("RESERVATION".to_owned(), 0, 2, Some(order.to_string())));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_short_line_leaves_the_whole_order_unserved() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let pot = app.has("POT", 1).await;
    let order = order_of(&[("CUP", cup, 2), ("POT", pot, 1), ("POT", pot, 2)]);

    let refused = app.stock().reserve(&order, QUARTER_HOUR).await;

    let Err(StockError::Insufficient(shortages)) = refused else { panic!("{refused:?}") };
    assert_eq!(shortages.len(), 1, "the lines of a variant are one");
    assert_eq!((shortages[0].sku.as_str(), shortages[0].variant_id), ("POT", pot));
    assert_eq!((shortages[0].requested, shortages[0].available), (3, 1));
    assert_eq!(app.level(cup, MAIN).await, level(5, 0, 1));
    assert_eq!(app.reservations(order.order_id).await, []);
    app.stock_is_sound().await;
}

/// Sells ten SKUs, five pieces of each; gives an order of one piece of each, and their keys.
async fn ten_skus(app: &TestApp) -> (ReserveOrder, Vec<Uuid>) {
    let mut lines = Vec::new();
    for number in 0..10 {
        let sku = format!("SKU-{number}");
        let variant = app.has(&sku, 5).await;
        lines.push((sku, variant, 1));
    }
    let variants = lines.iter().map(|(_, variant, _)| *variant).collect();
    let lines: Vec<_> =
        lines.iter().map(|(sku, variant, n)| (sku.as_str(), *variant, *n)).collect();
    (order_of(&lines), variants)
}

#[tokio::test]
async fn an_order_of_many_levels_takes_from_each_once() {
    let app = TestApp::start().await;
    let (order, variants) = ten_skus(&app).await;

    let reserved = app.stock().reserve(&order, QUARTER_HOUR).await.expect("there is enough");

    assert_eq!(reserved.len(), 10);
    for variant in variants {
        assert_eq!(app.level(variant, MAIN).await, level(5, 1, 2));
    }
    app.stock_is_sound().await;
}

/// The ledger, the events and the reservations tell of the level as it was read: another one is planned
/// anew. On SQLite nobody writes between.
#[tokio::test]
async fn what_changes_under_a_plan_is_planned_anew() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }
    let (order, variants) = ten_skus(&app).await;
    let last = variants[9];
    let other = Database::connect(app.database_url()).await.unwrap();
    let adjusting = other.begin().await.unwrap();
    let adjust = format!(
        "WITH level AS (UPDATE stock_level SET on_hand = on_hand + 2, version = version + 1
             WHERE variant_id = '{last}' RETURNING *)
         INSERT INTO stock_movement (id, level_id, kind, on_hand_change, reserved_change,
                 on_hand_after, reserved_after, version, created_at)
             SELECT gen_random_uuid(), id, 'ADJUSTMENT', 2, 0, on_hand, reserved, version, now() FROM level"
    );
    adjusting.execute_unprepared(&adjust).await.unwrap();

    let stock = app.stock().clone();
    let reserving = tokio::spawn(async move { stock.reserve(&order, QUARTER_HOUR).await });
    app.until("it waits for the last level", async |app| {
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND \
                       datname = current_database()";
        app.number(waiting).await == 1
    })
    .await;
    adjusting.commit().await.unwrap();

    assert_eq!(reserving.await.unwrap().expect("there is enough").len(), 10);
    for variant in &variants[..9] {
        assert_eq!(app.level(*variant, MAIN).await, level(5, 1, 2));
    }
    assert_eq!(app.level(last, MAIN).await, level(7, 1, 3));
    assert_eq!(telemetry::total(telemetry::TX_RETRIES), 1);
    assert_eq!(telemetry::total(telemetry::STOCK_CONFLICTS), 0);
    app.stock_is_sound().await;
    other.close().await.unwrap();
}

/// On SQLite whoever writes has the only lock there is.
#[tokio::test]
async fn who_comes_too_late_is_refused_without_waiting_for_those_who_buy() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 2).await;
    if !app.app.db.is_postgres() {
        return;
    }
    let buying = app.locks_levels().await;
    let retries = telemetry::total(telemetry::TX_RETRIES);

    let refused = app.reserve_of("CUP", cup, 3).await;

    assert!(matches!(refused, Err(StockError::Insufficient(_))), "{refused:?}");
    assert_eq!(telemetry::total(telemetry::TX_RETRIES), retries, "it has waited for a lock");
    buying.release().await;
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_quantity_below_one_is_refused() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;

    for quantity in [0, -1, i64::MIN] {
        let order = order_of(&[("CUP", cup, 9), ("CUP", cup, quantity)]);
        let refused = app.stock().reserve(&order, QUARTER_HOUR).await;
        let Err(StockError::Invalid(problems)) = refused else { panic!("{refused:?}") };
        assert_eq!(problems[0].path, ["lines", "1", "quantity"]);
    }
    let order = order_of(&[("CUP", cup, i64::MAX), ("CUP", cup, i64::MAX)]);
    let refused = app.stock().reserve(&order, QUARTER_HOUR).await;
    assert!(matches!(refused, Err(StockError::Insufficient(_))), "{refused:?}");
    assert_eq!(app.level(cup, MAIN).await, level(5, 0, 1));
}

#[tokio::test]
async fn a_paid_order_is_fulfilled_from_what_it_reserved() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let order = app.reserve_of("CUP", cup, 2).await.expect("there is enough");

    assert_eq!(app.consumes(order).await, 0, "what is not paid does not leave");
    assert_eq!(app.commits(order).await, 1);
    assert_eq!(app.commits(order).await, 0, "it is paid already");
    assert_eq!(app.extends(order, QUARTER_HOUR).await, 0, "what is paid has no end to move");
    assert_eq!(app.level(cup, MAIN).await, level(5, 2, 2), "paying moves nothing");
    assert_eq!(app.consumes(order).await, 2);
    assert_eq!(app.consumes(order).await, 0);
    assert_eq!(app.releases(order).await, 0, "what has left is not given back");

    assert_eq!(app.level(cup, MAIN).await, level(3, 0, 3));
    assert_eq!(app.reservations(order).await, [(2, "CONSUMED".to_owned())]);
    let line = lines(&app).await.pop().unwrap();
    assert_eq!(line, ("SALE".to_owned(), -2, -2, Some(order.to_string())));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn releasing_twice_is_harmless() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let held = app.reserve_of("CUP", cup, 2).await.expect("there is enough");
    let paid = app.reserve_of("CUP", cup, 3).await.expect("there is enough");
    app.commits(paid).await;

    assert_eq!(app.releases(held).await, 2);
    assert_eq!(app.releases(held).await, 0);
    assert_eq!(app.commits(held).await, 0, "what was given back cannot be paid");
    assert_eq!(app.releases(paid).await, 3, "a paid order can be cancelled");
    assert_eq!(app.releases(Uuid::now_v7()).await, 0);

    assert_eq!(app.level(cup, MAIN).await, level(5, 0, 5));
    let line = lines(&app).await.pop().unwrap();
    assert_eq!(line, ("RELEASE".to_owned(), 0, -3, Some(paid.to_string())));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn lines_of_one_variant_are_reservations_of_their_own_in_one_change() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 5).await;
    let order = order_of(&[("CUP", cup, 2), ("CUP", cup, 1)]);

    let reservations = app.stock().reserve(&order, QUARTER_HOUR).await.expect("there is enough");

    let of_line = |line: usize| {
        let line = order.lines[line].order_line_id;
        reservations.iter().find(|reservation| reservation.order_line_id == line).unwrap().quantity
    };
    assert_eq!((of_line(0), of_line(1)), (2, 1));
    assert_eq!(app.level(cup, MAIN).await, level(5, 3, 3), "a version for each movement");
    app.commits(order.order_id).await;
    assert_eq!(app.consumes(order.order_id).await, 3);
    assert_eq!(app.level(cup, MAIN).await, level(2, 0, 5));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn the_first_warehouse_that_has_enough_serves_a_line_else_several_do() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 0).await;
    let near = app.opens("NEAR", -2).await;
    let far = app.opens("FAR", -1).await;
    for (warehouse, pieces) in [(near, 2), (far, 5), (MAIN, 4)] {
        app.receives("CUP", warehouse, pieces).await;
    }
    let reserved = async || {
        let mut reserved = Vec::new();
        for warehouse in [near, far, MAIN] {
            reserved.push(app.level(cup, warehouse).await.unwrap().reserved);
        }
        reserved
    };

    let small = app.reserve_of("CUP", cup, 2).await.expect("there is enough");
    assert_eq!(reserved().await, [2, 0, 0], "the first that has enough");
    app.reserve_of("CUP", cup, 3).await.expect("there is enough");
    assert_eq!(reserved().await, [2, 3, 0], "the next one, when the first has not");
    app.reserve_of("CUP", cup, 3).await.expect("there is enough");
    assert_eq!(reserved().await, [2, 3, 3], "whole from the last rather than split");
    let split = app.reserve_of("CUP", cup, 3).await.expect("there is enough");
    assert_eq!(reserved().await, [2, 5, 4], "split when nobody has enough");
    let none = app.reserve_of("CUP", cup, 1).await;
    assert!(matches!(none, Err(StockError::Insufficient(_))));

    assert_eq!(app.commits(split).await, 2);
    assert_eq!(app.consumes(split).await, 3);
    assert_eq!(app.releases(small).await, 2);
    assert_eq!(reserved().await, [0, 3, 3]);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_warehouse_out_of_service_never_serves() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 1).await;
    let north = app.opens("NORTH", -1).await;
    app.receives("CUP", north, 5).await;
    let held = app.reserve_of("CUP", cup, 2).await.expect("there is enough");
    staff.update_warehouse(json!({ "id": warehouse_id(north), "active": false })).await;

    let refused = app.reserve_of("CUP", cup, 2).await;
    let served = app.reserve_of("CUP", cup, 1).await;

    let Err(StockError::Insufficient(shortages)) = refused else { panic!("{refused:?}") };
    assert_eq!(shortages[0].available, 1);
    served.expect("the main warehouse has one");
    app.commits(held).await;
    assert_eq!(app.consumes(held).await, 2, "what it had promised it still sends");
    assert_eq!(app.level(cup, north).await.unwrap().on_hand, 3);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_list_of_orders_ends_as_one_after_the_other_would() {
    let (listed, singly) = (TestApp::start().await, TestApp::start().await);
    let mut ends = Vec::new();
    for (app, at_once) in [(&listed, true), (&singly, false)] {
        let cup = app.has("CUP", 6).await;
        let pot = app.has("POT", 0).await;
        let north = app.opens("NORTH", 9).await;
        app.receives("CUP", north, 3).await;
        app.receives("POT", north, 4).await;
        let orders = [
            order_of(&[("CUP", cup, 4), ("POT", pot, 1)]),
            order_of(&[("CUP", cup, 4)]),
            order_of(&[("CUP", cup, 3), ("POT", pot, 9)]),
            order_of(&[("POT", pot, 3)]),
            order_of(&[("CUP", cup, 2)]),
            order_of(&[("CUP", cup, 1)]),
        ];
        let mut outcomes = Vec::new();
        if at_once {
            let reserve = app.in_txn(|stock, tx| {
                let orders = orders.clone();
                async move { stock.reserve_in_txn(&tx, &orders, QUARTER_HOUR, None).await }
            });
            outcomes.extend(reserve.await);
        } else {
            for order in &orders {
                outcomes.push(match app.stock().reserve(order, QUARTER_HOUR).await {
                    Ok(reservations) => Ok(reservations),
                    Err(StockError::Insufficient(shortages)) => Err(shortages),
                    Err(error) => panic!("{error}"),
                });
            }
        }
        let outcomes: Vec<Result<Vec<i64>, Vec<Short>>> = outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Ok(reservations) => {
                    let mut taken: Vec<_> = reservations.iter().map(|r| r.quantity).collect();
                    taken.sort_unstable();
                    Ok(taken)
                }
                Err(short) => {
                    Err(short.into_iter().map(|s| (s.sku, s.requested, s.available)).collect())
                }
            })
            .collect();
        let mut reserved = Vec::new();
        for (variant, warehouse) in [(cup, MAIN), (cup, north), (pot, north)] {
            reserved.push(app.level(variant, warehouse).await.unwrap());
        }
        app.stock_is_sound().await;
        ends.push((outcomes, reserved));
    }
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0].0.iter().filter(|outcome| outcome.is_ok()).count(), 4);
}

/// A SKU, how many were asked for, and how many there are.
type Short = (String, i64, i64);
