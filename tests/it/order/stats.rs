//! Figures about orders: kept with each change, and the same as a recount.

use super::shop::shop;
use crate::app::{Caller, TestApp};
use chrono::{NaiveTime, TimeDelta};
use serde_json::{Value, json};

const STATS: &str = "query ($days: Int) { orderStats(days: $days) { \
    total { ordersPlaced ordersPaid ordersCancelled refunds \
    placedTotals { amountMinor currency } paidTotals { amountMinor } \
    cancelledTotals { amountMinor } refundedTotals { amountMinor } } \
    byDay { date figures { ordersPlaced ordersPaid ordersCancelled refunds } } \
    byStatus { status count } } }";

impl Caller {
    async fn stats(&self, days: i32) -> Value {
        let answer = self.query(STATS).with_variables(json!({ "days": days })).await;
        answer.data()["orderStats"].clone()
    }
}

/// How many stand where, those that there are.
fn standing(stats: &Value) -> Vec<(String, i64)> {
    let counts = stats["byStatus"].as_array().expect("a list").iter();
    let counts = counts.map(|it| (it["status"].as_str().unwrap().to_owned(), it["count"].as_i64()));
    counts.map(|(status, count)| (status, count.unwrap())).filter(|(_, n)| *n != 0).collect()
}

/// Moves the clock to noon of the next day: what is done until the evening is of one day. Whoever
/// signs in does so before: tokens go by the clock on the wall.
fn noon_comes(app: &TestApp) {
    let now = app.app.db.now();
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    app.waits(midnight + TimeDelta::hours(36) - now);
}

async fn agrees(app: &TestApp) {
    assert_eq!(app.orders().recount().await.expect("the database answers"), []);
}

#[tokio::test]
async fn what_happens_counts_on_its_day() {
    let app = shop().await;
    let staff = app.staff().await;
    noon_comes(&app);
    let paid = app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let unpaid = app.guest().buys(&[("CUP", 2)], "card_declined").await;
    app.guest().buys(&[("CUP", 1)], "card_approved").await;
    app.waits(TimeDelta::days(1));
    for order in [&paid, &unpaid] {
        let input = json!({ "orderId": order["order"]["id"] });
        staff.order_payload("orderCancel", input).await;
    }
    let total = |order: &Value| -> i64 {
        order["order"]["total"]["amountMinor"].as_str().unwrap().parse().unwrap()
    };
    let (one, two) = (total(&paid), total(&unpaid));

    let before = staff.stats(2).await;
    assert!(app.orders().sum_up().await.unwrap() > 0);
    let after = staff.stats(2).await;

    assert_eq!(before, after);
    let figures = |day: usize| {
        let figures = &after["byDay"][day]["figures"];
        ["ordersPlaced", "ordersPaid", "ordersCancelled", "refunds"]
            .map(|name| figures[name].as_i64().unwrap())
    };
    assert_eq!((figures(0), figures(1)), ([3, 2, 0, 0], [0, 0, 2, 1]));
    let sums = &after["total"];
    let minor = |amount: i64| json!([{ "amountMinor": amount.to_string() }]);
    assert_eq!(
        sums["placedTotals"],
        json!([{ "amountMinor": (one + one + two).to_string(), "currency": "EUR" }])
    );
    assert_eq!(sums["paidTotals"], minor(one + one));
    assert_eq!(sums["cancelledTotals"], minor(one + two));
    assert_eq!(sums["refundedTotals"], minor(one));
    assert_eq!(standing(&after), [("PAID".to_owned(), 1), ("CANCELLED".to_owned(), 2)]);
    let today = staff.stats(1).await;
    assert_eq!(
        (&today["total"]["ordersPlaced"], &today["total"]["refunds"]),
        (&json!(0), &json!(1))
    );
    agrees(&app).await;
    assert_eq!(app.rows("order_stat_change", "1 = 1").await, 0);
}

#[tokio::test]
async fn figures_that_were_summed_up_while_orders_came_in_are_those_of_a_recount() {
    let app = shop().await;
    let staff = app.staff().await;
    noon_comes(&app);
    let buyers = (0..24).map(|buyer| {
        let guest = app.guest();
        let method = if buyer % 3 == 0 { "card_declined" } else { "card_approved" };
        async move { guest.buys(&[("CUP", 1)], method).await }
    });
    let summing = async {
        for _ in 0..20 {
            app.orders().sum_up().await.expect("the database answers");
        }
    };

    futures::join!(futures::future::join_all(buyers), summing, summing_again(&app));

    agrees(&app).await;
    let stats = staff.stats(1).await;
    assert_eq!(stats["total"]["ordersPlaced"], 24);
    assert_eq!(standing(&stats), [("PENDING_PAYMENT".to_owned(), 8), ("PAID".to_owned(), 16)]);
    app.orders().sum_up().await.expect("the database answers");
    agrees(&app).await;
}

async fn summing_again(app: &TestApp) {
    for _ in 0..20 {
        app.orders().sum_up().await.expect("the database answers");
    }
}

#[tokio::test]
async fn a_recount_finds_a_figure_that_is_wrong() {
    let app = shop().await;
    app.guest().buys(&[("CUP", 1)], "card_approved").await;
    app.orders().sum_up().await.unwrap();
    app.execute("UPDATE order_stat SET amount = amount + 1 WHERE measure = 'paid'").await;

    let found = app.orders().recount().await.unwrap();

    let [difference] = <[_; 1]>::try_from(found).expect("one figure is wrong");
    assert_eq!(difference.measure, "paid");
    assert_eq!(difference.kept.amount, difference.counted.amount + 1);
}

#[tokio::test]
async fn figures_are_for_staff_and_for_a_year_at_most() {
    let app = shop().await;
    let staff = app.staff().await;
    for days in [0, -1, 367] {
        let answer = staff.query(STATS).with_variables(json!({ "days": days })).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{days}");
    }
    assert_eq!(staff.stats(366).await["byDay"].as_array().unwrap().len(), 366);
    let refused = app.customer().await.query("{ orderStats { total { refunds } } }").await;
    assert_eq!(refused.error_codes(), ["FORBIDDEN"]);
}
