//! Random walks over the state machine of orders: whatever is done in whatever order, after each
//! step stock, holds, ledger, lines, parcels and money agree, and no order went where the table does
//! not lead.

use super::goods::purchase;
use super::money::{deal, late_shop};
use super::shop::{checkout, codes, shop};
use crate::app::{Caller, TestApp};
use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use stockroom::config::CaptureAt;
use stockroom::doctor::Invariant;
use stockroom::order::OrderStatus;

/// What a clean refusal may say. Anything else is a fault.
const REFUSALS: [&str; 8] = [
    "INSUFFICIENT_STOCK",
    "INVALID_TRANSITION",
    "OUT_OF_RANGE",
    "INVALID",
    "PAYMENT_DECLINED",
    "PAYMENT_IN_PROGRESS",
    "PAYMENT_UNAVAILABLE",
    "REFUND_AMOUNT",
];

struct Walk {
    app: TestApp,
    capture: CaptureAt,
    staff: Caller,
    guest: Caller,
    rng: StdRng,
    /// Orders, each with the token of its guest if it has one.
    sales: Vec<(Value, Value)>,
    purchases: Vec<Value>,
}

impl Walk {
    async fn begin(seed: u64, capture: CaptureAt) -> Self {
        let app = match capture {
            CaptureAt::Checkout => shop().await,
            CaptureAt::Fulfilment => late_shop().await,
        };
        let east = app.opens("EAST", 2).await;
        app.receives("CUP", east, 10).await;
        let (staff, guest) = (app.staff().await, app.guest());
        let rng = StdRng::seed_from_u64(seed);
        Self { app, capture, staff, guest, rng, sales: Vec::new(), purchases: Vec::new() }
    }

    fn up_to(&mut self, most: i64) -> i64 {
        self.rng.random_range(1..=most)
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        if list.is_empty() { None } else { list.get(self.rng.random_range(0..list.len())) }
    }

    fn lines(&mut self) -> Vec<(&'static str, i64)> {
        let cups = ("CUP", self.up_to(40));
        if self.rng.random_bool(0.5) { vec![cups, ("POT", self.up_to(30))] } else { vec![cups] }
    }

    /// Some pieces of some lines of an order, as likely too many as not.
    fn some_of(&mut self, order: &Value) -> Value {
        let lines = order["lines"].as_array().expect("an order has lines").clone();
        let mut some: Vec<Value> = Vec::new();
        for line in &lines {
            if some.is_empty() || self.rng.random_bool(0.5) {
                let quantity = self.up_to(line["quantity"].as_i64().expect("a number"));
                some.push(json!({ "orderLineId": line["id"], "quantity": quantity }));
            }
        }
        json!(some)
    }

    fn method(&mut self) -> &'static str {
        let methods =
            ["card_approved", "card_approved", "card_approved", "card_declined", "card_pending"];
        self.one_of(&methods).copied().expect("there are some")
    }

    /// One thing that somebody does; gives its name and what was answered.
    async fn step(&mut self) -> (&'static str, Value) {
        let sales = self.sales.clone();
        let purchases = self.purchases.clone();
        let sale = self.one_of(&sales).cloned();
        let bought = self.one_of(&purchases).cloned();
        // The last two do something where the money is only set aside.
        let kinds = if self.capture == CaptureAt::Fulfilment { 17 } else { 15 };
        match (self.rng.random_range(0..kinds), sale, bought) {
            (0 | 1, ..) => self.checks_out().await,
            (2, ..) => self.enters().await,
            (3, Some((order, token)), _) => self.pays(&order, &token).await,
            (4, Some((order, token)), _) => {
                let input = json!({ "orderId": order["id"], "guestAccessToken": token });
                ("orderCancel", self.guest.order_payload("orderCancel", input).await)
            }
            (5 | 6, Some((order, _)), _) => {
                let lines =
                    if self.rng.random_bool(0.3) { json!(null) } else { self.some_of(&order) };
                let input = json!({ "orderId": order["id"], "lines": lines });
                ("orderFulfill", self.staff.order_payload("orderFulfill", input).await)
            }
            (7, Some((order, _)), _) => {
                let restock = self.rng.random_bool(0.7);
                let refund = self.rng.random_bool(0.5);
                let input = json!({ "orderId": order["id"], "lines": self.some_of(&order),
                                    "restock": restock, "refund": refund });
                ("orderReturn", self.staff.order_payload("orderReturn", input).await)
            }
            (8, Some((order, _)), _) => {
                let input = json!({ "orderId": order["id"] });
                ("orderComplete", self.staff.order_payload("orderComplete", input).await)
            }
            (9, ..) => {
                let input = purchase(&[("CUP", self.up_to(20), 100)], self.rng.random_bool(0.5));
                let done = self.staff.order_payload("orderCreate", input).await;
                self.purchases.push(done["order"].clone());
                ("orderCreate", done)
            }
            (10, _, Some(order)) => {
                let lines =
                    if self.rng.random_bool(0.3) { json!(null) } else { self.some_of(&order) };
                let input = json!({ "orderId": order["id"], "lines": lines });
                let mutation = "purchaseOrderReceive";
                (mutation, self.staff.order_payload(mutation, input).await)
            }
            (11, _, Some(order)) => {
                let mutation =
                    if self.rng.random_bool(0.7) { "purchaseOrderPlace" } else { "orderCancel" };
                let input = json!({ "orderId": order["id"] });
                (mutation, self.staff.order_payload(mutation, input).await)
            }
            (12 | 13, Some((order, _)), _) => self.gives_back(&order).await,
            (15, Some((order, _)), _) => self.takes(&order).await,
            (16, Some((order, _)), _) => self.deals(&order, "paymentVoid", json!({})).await,
            _ => self.time_passes().await,
        }
    }

    /// Takes what is set aside, or a part of it.
    async fn takes(&mut self, order: &Value) -> (&'static str, Value) {
        let mut more = json!({});
        if self.rng.random_bool(0.3) {
            let cents = self.up_to(5_000);
            let amount = format!("{}.{:02}", cents / 100, cents % 100);
            more["amount"] = json!({ "amount": amount, "currency": "EUR" });
        }
        self.deals(order, "paymentCapture", more).await
    }

    /// Does something about the last payment of an order.
    async fn deals(
        &self,
        order: &Value,
        mutation: &'static str,
        mut input: Value,
    ) -> (&'static str, Value) {
        let now = self.staff.order(&order["id"]).await;
        let payments = now["payments"].as_array().expect("staff see payments");
        let Some(payment) = payments.last() else {
            return ("nothing was paid", json!({ "userErrors": [] }));
        };
        input["paymentId"] = payment["id"].clone();
        (mutation, deal(&self.staff, mutation, input).await)
    }

    /// Pays back some pieces, or all that is left.
    async fn gives_back(&mut self, order: &Value) -> (&'static str, Value) {
        let now = self.staff.order(&order["id"]).await;
        let payments = now["payments"].as_array().expect("staff see payments").clone();
        let Some(payment) = payments.last() else {
            return ("nothing to pay back", json!({ "userErrors": [] }));
        };
        let lines = if self.rng.random_bool(0.2) { json!(null) } else { self.some_of(order) };
        let input = json!({ "paymentId": payment["id"], "lines": lines,
                            "restock": self.rng.random_bool(0.5),
                            "idempotencyKey": uuid::Uuid::new_v4().to_string() });
        let document = "mutation ($input: PaymentRefundInput!) { paymentRefund(input: $input) \
                        { userErrors { code } } }";
        let answer = self.staff.query(document).with_variables(json!({ "input": input })).await;
        ("paymentRefund", answer.data()["paymentRefund"].clone())
    }

    async fn checks_out(&mut self) -> (&'static str, Value) {
        let (lines, method) = (self.lines(), self.method());
        let cart = self.guest.fills(&lines).await;
        let done = self.guest.order_payload("checkoutComplete", checkout(&cart, method)).await;
        self.keep(&done);
        ("checkoutComplete", done)
    }

    async fn enters(&mut self) -> (&'static str, Value) {
        let lines = self.lines();
        let mut input = super::entering::sale(&lines);
        if self.rng.random_bool(0.5) {
            input["payment"] = json!({ "provider": "sandbox", "method": self.method() });
        }
        let done = self.staff.order_payload("orderCreate", input).await;
        self.keep(&done);
        ("orderCreate", done)
    }

    fn keep(&mut self, done: &Value) {
        if !done["order"].is_null() {
            self.sales.push((done["order"].clone(), done["guestAccessToken"].clone()));
        }
    }

    async fn pays(&mut self, order: &Value, token: &Value) -> (&'static str, Value) {
        let input = json!({
            "orderId": order["id"], "guestAccessToken": token,
            "payment": { "provider": "sandbox", "method": self.method() },
            "idempotencyKey": uuid::Uuid::new_v4().to_string(),
        });
        ("orderPay", self.guest.order_payload("orderPay", input).await)
    }

    async fn time_passes(&mut self) -> (&'static str, Value) {
        let minutes = self.up_to(12);
        self.app.waits(TimeDelta::minutes(minutes));
        self.app.orders().expire_due().await.expect("orders end");
        self.app.orders().recover().await.expect("payments are asked about");
        ("time", json!({ "userErrors": [] }))
    }

    /// What holds whatever was done.
    async fn agrees(&self, after: &str) {
        let app = &self.app;
        app.stock_is_sound().await;
        // All but what waits: no worker runs here.
        let invariants = Invariant::ALL.iter().copied().filter(|it| *it != Invariant::Ages);
        app.is_sound_as_to(&invariants.collect::<Vec<_>>()).await;
        let never = [
            // Held for nobody.
            (
                "reservation r",
                "r.status IN ('HELD', 'COMMITTED') AND NOT EXISTS (SELECT 1 FROM \
              shop_order o WHERE o.id = r.order_id AND o.status IN ('PENDING_PAYMENT', \
              'AUTHORIZED', 'PAID'))",
            ),
            // Paid, and nothing is kept for it.
            (
                "order_line l",
                "EXISTS (SELECT 1 FROM shop_order o WHERE o.id = l.order_id AND \
              o.status = 'PAID') AND l.quantity - l.quantity_fulfilled - l.quantity_cancelled <> (SELECT \
              COALESCE(SUM(r.quantity), 0) FROM reservation r WHERE r.order_line_id = l.id AND \
              r.status = 'COMMITTED')",
            ),
            // Sent in full, and not.
            (
                "order_line l",
                "EXISTS (SELECT 1 FROM shop_order o WHERE o.id = l.order_id AND \
              o.status IN ('FULFILLED', 'COMPLETED')) AND l.quantity_fulfilled + l.quantity_cancelled <> l.quantity",
            ),
            // What lines, parcels and reservations say of what was sent, and what came back.
            (
                "order_line l",
                "l.quantity_fulfilled <> (SELECT COALESCE(SUM(f.quantity), 0) FROM \
              fulfillment_line f WHERE f.order_line_id = l.id) OR l.quantity_returned <> (SELECT \
              COALESCE(SUM(f.quantity_returned), 0) FROM fulfillment_line f WHERE \
              f.order_line_id = l.id) OR l.quantity_fulfilled <> (SELECT \
              COALESCE(SUM(r.quantity), 0) FROM reservation r WHERE r.order_line_id = l.id AND \
              r.status = 'CONSUMED')",
            ),
            // On their way, and nobody ordered them; or the other way round.
            (
                "stock_level s",
                "s.incoming <> (SELECT COALESCE(SUM(l.quantity - \
              l.quantity_received), 0) FROM order_line l JOIN shop_order o ON o.id = l.order_id \
              WHERE o.status = 'ORDERED' AND o.warehouse_id = s.warehouse_id AND l.variant_id = \
              s.variant_id)",
            ),
            // Paid, and there is no money; or money for what is not paid.
            (
                "shop_order o",
                "o.status IN ('PAID', 'FULFILLED', 'COMPLETED') AND NOT EXISTS \
              (SELECT 1 FROM payment p WHERE p.order_id = o.id AND p.state = 'CAPTURED' AND \
              p.captured = o.paid_total AND (p.captured = o.total OR p.captured = \
              p.capture_asked))",
            ),
            (
                "shop_order o",
                "o.refunded_total <> (SELECT COALESCE(SUM(p.refunded), 0) FROM \
              payment p WHERE p.order_id = o.id)",
            ),
            (
                "shop_order o",
                "o.status IN ('PENDING_PAYMENT', 'CANCELLED') AND EXISTS (SELECT 1 \
              FROM payment p WHERE p.order_id = o.id AND p.state = 'CAPTURED' AND p.captured > \
              p.refunded + p.refund_pending)",
            ),
            // A change without an event.
            (
                "shop_order o",
                "o.version <> (SELECT MAX(e.version) FROM order_event e WHERE \
              e.order_id = o.id) OR o.version <> (SELECT COUNT(*) FROM order_event e WHERE \
              e.order_id = o.id)",
            ),
        ];
        for (table, condition) in never {
            assert_eq!(app.rows(table, condition).await, 0, "after {after}: {table}: {condition}");
        }
        self.went_along_the_table().await;
    }

    async fn went_along_the_table(&self) {
        use sea_orm::{EntityTrait, QueryOrder};
        let events = entity::order_event::Entity::find()
            .order_by_asc(entity::order_event::Column::OrderId)
            .order_by_asc(entity::order_event::Column::Version);
        let events = events.all(self.app.app.db.reader()).await.expect("the database answers");
        let status = |word: &str| OrderStatus::from_word(word).expect("it is a status");
        for pair in events.windows(2) {
            let [before, event] = pair else { continue };
            if before.order_id != event.order_id {
                continue;
            }
            let from = event.from_status.as_deref().expect("only the first has none");
            assert_eq!(from, before.to_status, "{event:?}");
            let (from, to) = (status(from), status(&event.to_status));
            assert!(from == to || from.may_become(to), "{event:?}");
        }
    }
}

async fn walk(seed: u64, capture: CaptureAt, steps: usize) {
    let mut walk = Box::pin(Walk::begin(seed, capture)).await;
    let mut done: Vec<String> = Vec::new();
    for _ in 0..steps {
        let (name, answer) = Box::pin(walk.step()).await;
        let refused = codes(&answer);
        for code in &refused {
            assert!(REFUSALS.contains(code), "seed {seed}: {name}: {answer}");
        }
        done.push(format!("{name} {}", refused.join(" ")));
        walk.agrees(&format!("{done:?}")).await;
    }
    // A walk that did nothing proves nothing.
    let mut names = vec!["orderFulfill ", "orderCancel ", "paymentRefund "];
    names.extend(match capture {
        CaptureAt::Checkout => vec!["orderReturn "],
        CaptureAt::Fulfilment => vec!["paymentCapture ", "paymentVoid "],
    });
    for name in names {
        assert!(done.iter().any(|it| it == name), "seed {seed} never got through {name}: {done:?}");
    }
}

#[tokio::test]
async fn whatever_is_done_to_orders_everything_agrees() {
    Box::pin(walk(1, CaptureAt::Checkout, 150)).await;
}

#[tokio::test]
async fn another_way_through_everything_agrees_as_well() {
    Box::pin(walk(2, CaptureAt::Checkout, 150)).await;
}

#[tokio::test]
async fn where_the_money_is_taken_late_everything_agrees_as_well() {
    Box::pin(walk(3, CaptureAt::Fulfilment, 200)).await;
}
