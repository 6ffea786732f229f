//! Holds that are past their time: a sweep ends them, and nobody is refused for one before.

use crate::app::{LevelNow, MAIN, QUARTER_HOUR, TestApp, order_of, warehouse_id};
use chrono::TimeDelta;
use serde_json::json;
use std::time::Duration;
use stockroom::stock::StockError;

#[tokio::test]
async fn nobody_is_refused_for_a_dead_hold() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 4).await;
    let north = app.opens("NORTH", 1).await;
    let dead = app.reserve_of("CUP", cup, 4).await.expect("there is enough");
    let alive = app.reserve_of("CUP", cup, 1).await;
    assert!(matches!(alive, Err(StockError::Insufficient(_))), "the hold is alive");
    app.waits(QUARTER_HOUR + TimeDelta::seconds(1));

    let order = app.reserve_of("CUP", cup, 1).await.expect("the dead hold does not count");

    assert_eq!(app.reservations(dead).await, [(4, "RELEASED".to_owned())]);
    assert_eq!(app.releases(order).await, 1);
    for change in ["sale", "transfer", "set"] {
        let dead = app.reserve_of("CUP", cup, 3).await.expect("there is enough");
        app.waits(QUARTER_HOUR + TimeDelta::seconds(1));
        let refused = match change {
            "sale" => staff
                .adjust(json!({ "sku": "CUP", "delta": -2, "type": "SALE" }))
                .await
                .user_errors("stockAdjust")
                .len(),
            "transfer" => staff
                .transfer(json!({ "sku": "CUP", "quantity": 2,
                    "toWarehouseId": warehouse_id(north) }))
                .await
                .user_errors("stockTransfer")
                .len(),
            _ => {
                let answer = staff.set(json!({ "sku": "CUP", "onHand": 0 })).await;
                answer.user_errors("stockSet").len()
            }
        };
        assert_eq!(refused, 0, "{change}");
        assert_eq!(app.reservations(dead).await, [(3, "RELEASED".to_owned())], "{change}");
        staff.set(json!({ "sku": "CUP", "onHand": 4 })).await;
    }
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_refusal_that_dead_holds_do_not_explain_is_told_after_they_ended() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 4).await;
    app.reserve_of("CUP", cup, 1).await.expect("there is enough");
    app.waits(QUARTER_HOUR + TimeDelta::seconds(1));
    app.reserve_of("CUP", cup, 1).await.expect("there is enough");

    let refused = app.reserve_of("CUP", cup, 4).await;

    let Err(StockError::Insufficient(shortages)) = refused else { panic!("{refused:?}") };
    assert_eq!((shortages[0].available, &shortages[0].dead_holds), (3, &Vec::new()));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn more_dead_holds_than_one_batch_do_not_refuse_an_order() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 450).await;
    let orders: Vec<_> = (0..450).map(|_| order_of(&[("CUP", cup, 1)])).collect();
    app.in_txn(|stock, tx| {
        let orders = orders.clone();
        async move { stock.reserve_in_txn(&tx, &orders, QUARTER_HOUR, None).await }
    })
    .await;
    app.waits(QUARTER_HOUR + TimeDelta::seconds(1));

    app.reserve_of("CUP", cup, 450).await.expect("every hold is dead");

    app.stock_is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_find_the_same_dead_hold_at_once_are_all_served() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 8).await;
    for _ in 0..10 {
        let dead = app.reserve_of("CUP", cup, 8).await.expect("there is enough");
        app.waits(QUARTER_HOUR + TimeDelta::seconds(1));

        let served = futures::future::join_all((0..8).map(|_| app.reserve_of("CUP", cup, 1))).await;

        for order in served {
            app.releases(order.expect("the dead hold does not count")).await;
        }
        assert_eq!(app.reservations(dead).await, [(8, "RELEASED".to_owned())]);
    }
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_sweep_ends_what_is_past_its_time_and_nothing_else() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 10).await;
    let pot = app.has("POT", 10).await;
    let reserve = async |quantity| {
        let order = order_of(&[("CUP", cup, quantity), ("POT", pot, quantity)]);
        app.stock().reserve(&order, QUARTER_HOUR).await.expect("there is enough");
        order.order_id
    };
    let (dead, extended, paid) = (reserve(1).await, reserve(2).await, reserve(3).await);
    app.waits(TimeDelta::minutes(10));
    assert_eq!(app.extends(extended, QUARTER_HOUR).await, 2);
    assert_eq!(app.commits(paid).await, 2);
    let young = reserve(4).await;
    assert_eq!(app.stock().expire_holds().await.unwrap(), 0, "nothing is past its time");
    app.waits(TimeDelta::minutes(6));

    assert_eq!(app.stock().expire_holds().await.unwrap(), 1);
    assert_eq!(app.stock().expire_holds().await.unwrap(), 0);

    let status = async |order| app.reservations(order).await[0].1.clone();
    assert_eq!(status(dead).await, "RELEASED");
    assert_eq!(status(extended).await, "HELD");
    assert_eq!(status(paid).await, "COMMITTED");
    assert_eq!(status(young).await, "HELD");
    assert_eq!(app.commits(dead).await, 0, "an order whose hold ended must not be paid");
    assert_eq!(app.extends(dead, QUARTER_HOUR).await, 0);
    for variant in [cup, pot] {
        assert_eq!(app.level(variant, MAIN).await.unwrap().reserved, 9);
    }
    app.stock_is_sound().await;
}

#[tokio::test]
async fn the_holds_of_an_order_end_together_or_not_at_all() {
    let app = TestApp::start().await;
    let cup = app.has("CUP", 10).await;
    let pot = app.has("POT", 10).await;
    let order = order_of(&[("CUP", cup, 1), ("POT", pot, 1)]);
    app.stock().reserve(&order, QUARTER_HOUR).await.expect("there is enough");
    app.waits(QUARTER_HOUR + TimeDelta::seconds(1));
    // One of the two ends a moment later than the other: clocks are read row by row.
    let later = app.extends(order.order_id, TimeDelta::minutes(1)).await;
    assert_eq!(later, 2);
    let level = app.ledger().await.iter().find(|line| line.reserved_change > 0).unwrap().level_id;
    let past = format!(
        "UPDATE reservation SET expires_at = created_at WHERE level_id = {}",
        app.sql_key(level)
    );
    app.raw(&past).await.expect("the time is moved");

    assert_eq!(app.stock().expire_holds().await.unwrap(), 0);

    assert_eq!(app.commits(order.order_id).await, 2, "all or nothing is paid");
    app.stock_is_sound().await;
}

#[tokio::test]
async fn the_application_sweeps_and_purges_in_the_background() {
    let app = TestApp::start().await;
    let staff = app.staff().await;
    let cup = app.has("CUP", 4).await;
    let dead = app.reserve_of("CUP", cup, 4).await.expect("there is enough");
    let keyed = json!({ "sku": "CUP", "delta": 1, "type": "RECEIPT", "idempotencyKey": "k" });
    staff.adjust(keyed.clone()).await;
    app.waits(TimeDelta::hours(73));

    app.app.work_in_background();

    while app.reservations(dead).await != [(4, "RELEASED".to_owned())] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while staff.adjust(keyed.clone()).await.json["extensions"]["idempotency"]["replayed"] == true {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.level(cup, MAIN).await.map(|level: LevelNow| level.on_hand), Some(6));
    app.stock_is_sound().await;
}
