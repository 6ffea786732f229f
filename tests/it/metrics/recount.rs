//! Figures of orders, refunds and payments are those of a recount of the tables, whatever happened,
//! and are told without looking at these tables.

use super::metrics_of;
use crate::app::TestApp;
use crate::order::shop::{checkout, shop, stock_up};
use chrono::TimeDelta;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stockroom::payment::{Outcome, Payment, PaymentState};
use uuid::Uuid;

/// What a day has: orders, refunds, and payments that succeeded, were declined, failed.
type Days = BTreeMap<String, [i64; 5]>;

fn day(app: &TestApp, column: &str) -> String {
    if app.app.db.is_postgres() {
        format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
    } else {
        format!("substr({column}, 1, 10)")
    }
}

/// Counts the rows of the tables.
async fn recount(app: &TestApp) -> Days {
    let sources = [
        ("shop_order WHERE kind = 'SALE'", "created_at"),
        ("refund WHERE state = 'SUCCEEDED'", "updated_at"),
        ("payment WHERE authorized > 0 OR captured > 0", "decided_at"),
        ("payment WHERE state = 'DECLINED' AND authorized + captured = 0", "decided_at"),
        ("payment WHERE state = 'UNAVAILABLE' AND authorized + captured = 0", "decided_at"),
    ];
    let mut days = Days::new();
    for (place, (rows, column)) in sources.into_iter().enumerate() {
        let day = day(app, column);
        let sql = format!("SELECT {day} || ' ' || COUNT(*) FROM {rows} GROUP BY {day}");
        for line in app.texts(&sql).await {
            let (day, count) = line.split_once(' ').expect("a day and a count");
            days.entry(day.to_owned()).or_default()[place] = count.parse().expect("a number");
        }
    }
    days
}

/// The same as `metrics` tells it, without the days on which nothing happened.
async fn told(app: &TestApp, staff: &crate::app::Caller) -> Days {
    let metrics = metrics_of(staff, 30).await;
    let list = |name: &str| metrics[name].as_array().expect("a list").clone();
    let (orders, refunds) = (list("ordersPerDay"), list("refundsPerDay"));
    let payments = list("paymentsPerDay");
    assert_eq!((orders.len(), refunds.len(), payments.len()), (30, 30, 30));
    let today = app.app.db.now().date_naive().to_string();
    assert_eq!(orders.last().expect("there are days")["date"], json!(today));
    let number = |value: &Value| value.as_i64().expect("a number");
    let days = (0..30).map(|at| {
        let date = &orders[at]["date"];
        assert_eq!((date, date), (&refunds[at]["date"], &payments[at]["date"]));
        let counts = [
            number(&orders[at]["count"]),
            number(&refunds[at]["count"]),
            number(&payments[at]["succeeded"]),
            number(&payments[at]["declined"]),
            number(&payments[at]["failed"]),
        ];
        (date.as_str().expect("a day").to_owned(), counts)
    });
    days.filter(|(_, counts)| counts.iter().any(|count| *count != 0)).collect()
}

async fn agrees(app: &TestApp, staff: &crate::app::Caller) {
    assert_eq!(told(app, staff).await, recount(app).await);
}

async fn sums_up(app: &TestApp) {
    app.orders().sum_up().await.expect("the database answers");
    app.payments().sum_up().await.expect("the database answers");
}

/// Buyers at once, with cards of every kind; gives the orders.
async fn a_crowd_buys(app: &TestApp, rng: &mut StdRng) -> Vec<Value> {
    let methods = [
        "card_approved",
        "card_approved",
        "card_declined",
        "card_error",
        "card_insufficient_funds",
    ];
    let buyers = (0..12).map(|_| {
        let method = methods[rng.random_range(0..methods.len())];
        let (guest, pieces) = (app.guest(), rng.random_range(1..4));
        tokio::spawn(async move {
            let cart = guest.fills(&[("CUP", pieces)]).await;
            guest.order_payload("checkoutComplete", checkout(&cart, method)).await
        })
    });
    let bought = join_all(buyers).await.into_iter().map(|payload| payload.expect("nobody panics"));
    bought.map(|payload| payload["order"].clone()).filter(|order| !order.is_null()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_after_a_random_load_are_those_of_a_recount() {
    let app = TestApp::start().await;
    app.is_far_from_midnight();
    stock_up(&app, 500).await;
    let staff = app.staff().await;
    let mut rng = StdRng::seed_from_u64(20_261_122);
    for turn in 0..3 {
        let orders = a_crowd_buys(&app, &mut rng).await;
        if turn != 1 {
            sums_up(&app).await;
        }
        // Entered by staff: a sale counts, a purchase does not.
        staff.order_payload("orderCreate", crate::order::entering::sale(&[("CUP", 1)])).await;
        let purchase = crate::order::goods::purchase(&[("CUP", 5, 100)], true);
        staff.order_payload("orderCreate", purchase).await;
        for order in orders {
            match rng.random_range(0..4) {
                0 => {
                    let input = json!({ "orderId": order["id"] });
                    staff.order_payload("orderCancel", input).await;
                }
                1 if order["status"] == "PAID" => {
                    let input = json!({
                        "paymentId": order["payments"][0]["id"],
                        "amount": { "amount": "1.00", "currency": "EUR" },
                        "idempotencyKey": Uuid::new_v4().to_string(),
                    });
                    let document = "mutation ($input: PaymentRefundInput!) \
                        { paymentRefund(input: $input) { userErrors { code } } }";
                    let variables = json!({ "input": input });
                    staff.query(document).with_variables(variables).await;
                }
                _ => {}
            }
        }
        agrees(&app, &staff).await;
        app.waits(TimeDelta::days(rng.random_range(1..4)));
    }
    let before = recount(&app).await;
    let sum = |place: usize| before.values().map(|day| day[place]).sum::<i64>();
    for place in 0..5 {
        assert!(sum(place) > 0, "the load had none of kind {place}: {before:?}");
    }
    sums_up(&app).await;
    agrees(&app, &staff).await;
    assert_eq!(app.rows("payment_stat_change", "1 = 1").await, 0);

    // Of those that were not declined, so many succeeded.
    let rate = metrics_of(&staff, 30).await["paymentSuccessRate"].as_f64().expect("a rate");
    let (succeeded, failed) = (sum(2), sum(4));
    let expected = succeeded as f64 / (succeeded + failed) as f64 * 100.0;
    assert!((rate - expected).abs() < 1e-9, "{rate} and not {expected}");
}

/// One of what can be told of a payment.
fn some_outcome(rng: &mut StdRng, payment: &Payment) -> Outcome {
    let reference = format!("ch_{}", payment.id.simple());
    match rng.random_range(0..6) {
        0 => Outcome::Authorized { reference },
        1 => Outcome::Captured { reference, amount: payment.amount.minor },
        2 => Outcome::Declined { code: "NO".to_owned() },
        3 => Outcome::Unavailable { retry_after_seconds: 1 },
        4 => Outcome::Voided,
        _ => Outcome::Unknown,
    }
}

#[tokio::test]
async fn an_attempt_counts_once_whatever_is_told_of_it_and_money_that_comes_late_counts_after_all()
{
    let app = TestApp::start().await;
    app.is_far_from_midnight();
    let staff = app.staff().await;
    let mut rng = StdRng::seed_from_u64(7);
    let mut late = 0;
    for round in 0..40 {
        let begun = app.begins_to_pay("card_approved", true).await;
        for _ in 0..rng.random_range(1..5) {
            let payment = app.payment(begun.id).await;
            let outcome = some_outcome(&mut rng, &payment);
            let (payments, asked, outcome) = (app.payments(), &payment, &outcome);
            // As an answer to a call, or as found by asking.
            let found = rng.random_bool(0.5);
            let settled = app.app.db.tx(|tx| async move {
                if found {
                    payments.settle_found_in_txn(&tx, asked, outcome).await
                } else {
                    payments.settle_in_txn(&tx, asked.id, outcome).await
                }
            });
            let settled = settled.await.expect("the payment is there");
            let was_over =
                matches!(payment.state, PaymentState::Declined | PaymentState::Unavailable);
            late += usize::from(was_over && settled.is_some());
        }
        if round % 10 == 0 {
            app.payments().sum_up().await.expect("the database answers");
            app.waits(TimeDelta::days(1));
        }
    }
    assert!(late > 0, "no money came late");
    let expected: Days = recount(&app).await.into_iter().map(without_orders).collect();
    let expected: Days = expected.into_iter().filter(|(_, counts)| *counts != [0; 5]).collect();
    assert_eq!(told(&app, &staff).await, expected);
    app.payments().sum_up().await.expect("the database answers");
    assert_eq!(told(&app, &staff).await, expected);
}

/// These orders came into the table past their service.
fn without_orders((day, counts): (String, [i64; 5])) -> (String, [i64; 5]) {
    let [_, refunds, succeeded, declined, failed] = counts;
    (day, [0, refunds, succeeded, declined, failed])
}

#[tokio::test]
async fn figures_cost_the_same_however_many_orders_there_are() {
    let app = shop().await;
    app.is_far_from_midnight();
    let staff = app.staff().await;
    let kept = async || {
        sums_up(&app).await;
        app.rows("order_stat", "1 = 1").await
            + app.rows("order_stat_change", "1 = 1").await
            + app.rows("payment_stat", "1 = 1").await
            + app.rows("payment_stat_change", "1 = 1").await
    };
    for method in ["card_approved", "card_declined"] {
        app.guest().buys(&[("CUP", 1)], method).await;
    }
    let rows = kept().await;
    for _ in 0..12 {
        for method in ["card_approved", "card_declined"] {
            app.guest().buys(&[("CUP", 1)], method).await;
        }
    }
    assert_eq!(kept().await, rows, "what is read has as many rows for 2 orders as for 26");
    let before = metrics_of(&staff, 30).await;
    assert_eq!(before["ordersPerDay"][29]["count"], 26);
    assert_eq!(before["paymentsPerDay"][29]["succeeded"], 13);

    // And nothing else is looked at.
    for table in ["shop_order", "payment", "refund", "order_event"] {
        app.execute(&format!("ALTER TABLE {table} RENAME TO {table}_away")).await;
    }
    let after = metrics_of(&staff, 30).await;
    for name in ["ordersPerDay", "refundsPerDay", "paymentsPerDay", "paymentSuccessRate"] {
        assert_eq!(after[name], before[name], "{name}");
    }
}
