//! Each rule broken by hand: the doctor names it, and who breaks it; mended, all is well again.

mod money;

use super::patient::Patient;
use stockroom::doctor::{Invariant, Report};

/// How to break a rule, how to mend it, and what the doctor is to say.
struct Wound {
    invariant: Invariant,
    wrong: &'static str,
    cut: String,
    mend: String,
    /// A part of what it says of the offender.
    detail: String,
}

fn wound(
    invariant: Invariant,
    wrong: &'static str,
    (cut, mend): (impl Into<String>, impl Into<String>),
    detail: impl Into<String>,
) -> Wound {
    Wound { invariant, wrong, cut: cut.into(), mend: mend.into(), detail: detail.into() }
}

/// What of `table` belongs to an order.
fn of(number: &str) -> String {
    format!("order_id = (SELECT id FROM shop_order WHERE number = '{number}')")
}

fn level(sku: &str) -> String {
    format!(
        "(SELECT l.id FROM stock_level l JOIN product_variant v ON v.id = l.variant_id \
         WHERE v.sku = '{sku}')"
    )
}

impl Patient {
    async fn whole(&self) -> Report {
        self.app.report(Invariant::ALL).await
    }

    /// Breaks and mends one thing after the other.
    async fn suffers(&self, wounds: &[Wound]) {
        self.app.is_sound().await;
        for wound in wounds {
            self.cut(&wound.cut).await;
            let report = self.whole().await;
            self.cut(&wound.mend).await;

            assert!(!report.healthy, "{}", wound.cut);
            let id = wound.invariant.id();
            let verdict = report.verdicts.iter().find(|verdict| verdict.id == id).unwrap();
            let finding = verdict.findings.iter().find(|finding| finding.wrong == wound.wrong);
            let finding = finding.unwrap_or_else(|| panic!("{}: {report:#?}", wound.cut));
            assert_eq!(finding.first.len(), usize::try_from(finding.count).unwrap());
            let said = finding.first.iter().any(|it| it.detail.contains(&wound.detail));
            assert!(said, "{}: {finding:#?}", wound.detail);
        }
        self.app.is_sound().await;
    }
}

#[tokio::test]
async fn stock_that_is_wrong_is_found() {
    let patient = Box::pin(Patient::new()).await;
    let (cup, paid, refused) = (level("CUP"), of(&patient.paid), of(&patient.refused));
    let set = |change: &str| format!("UPDATE stock_level SET {change} WHERE id = {cup}");
    let last = format!(
        "WHERE level_id = {cup} AND version = (SELECT MAX(version) FROM stock_movement \
         WHERE level_id = {cup})"
    );

    patient
        .suffers(&[
            wound(
                Invariant::Levels,
                "a level has fewer pieces than none, or fewer than are reserved",
                (set("on_hand = on_hand - 98"), set("on_hand = on_hand + 98")),
                "on hand 2, reserved 7",
            ),
            wound(
                Invariant::Holds,
                "a level reserves something else than is held there",
                (set("reserved = reserved + 1"), set("reserved = reserved - 1")),
                "reserved 8, held 7",
            ),
            wound(
                Invariant::Holds,
                "stock is held for an order that does not wait for it",
                (
                    format!("UPDATE reservation SET status = 'HELD' WHERE {paid}"),
                    format!("UPDATE reservation SET status = 'COMMITTED' WHERE {paid}"),
                ),
                format!("HELD 1 for order {}, which is PAID", patient.paid),
            ),
            wound(
                Invariant::Holds,
                "stock is held for an order that does not wait for it",
                (
                    format!(
                        "UPDATE shop_order SET number = 'odd', id = {} WHERE number = '{}'",
                        patient.app.sql_key(uuid::Uuid::nil()),
                        patient.refused
                    ),
                    format!(
                        "UPDATE shop_order SET number = '{}', id = (SELECT order_id FROM \
                        payment WHERE order_number = '{0}') WHERE number = 'odd'",
                        patient.refused
                    ),
                ),
                "HELD 1 for no order",
            ),
            wound(
                Invariant::Holds,
                "a paid order has not set aside what is still to be sent",
                (
                    format!("UPDATE order_line SET quantity = quantity + 1 WHERE {paid}"),
                    format!("UPDATE order_line SET quantity = quantity - 1 WHERE {paid}"),
                ),
                "to be sent 5, committed 3",
            ),
            wound(
                Invariant::Ledger,
                "a level is not the sum of its movements",
                (set("on_hand = on_hand + 1"), set("on_hand = on_hand - 1")),
                "on hand 101 and reserved 7, its movements come to 100 and 7",
            ),
            wound(
                Invariant::Ledger,
                "a level is not the sum of its movements",
                (set("version = version - 1"), set("version = version + 1")),
                "on hand 100",
            ),
            wound(
                Invariant::Ledger,
                "a movement does not begin where the one before it ended",
                (
                    format!("UPDATE stock_movement SET reserved_after = reserved_after + 1 {last}"),
                    format!("UPDATE stock_movement SET reserved_after = reserved_after - 1 {last}"),
                ),
                "from 100 and 4 by 0 and 3 to 100 and 8",
            ),
        ])
        .await;
    // The hold of an order that is not paid is as good as any.
    let held = patient.app.rows("reservation", &format!("{refused} AND status = 'HELD'")).await;
    assert_eq!(held, 1);
}

#[tokio::test]
async fn events_that_are_missing_or_wrong_are_found() {
    let patient = Box::pin(Patient::new()).await;
    let Patient { paid, cancelled, .. } = &patient;
    let order = |number: &str| format!("(SELECT id FROM shop_order WHERE number = '{number}')");
    let payment =
        |number: &str| format!("(SELECT id FROM payment WHERE order_number = '{number}')");
    let shift = |aggregate: &str, seq: i64, by: i64| {
        format!(
            "UPDATE outbox SET seq = seq + {by} WHERE aggregate_id = {aggregate} AND seq = {seq}"
        )
    };
    let nobody = patient.app.sql_key(uuid::Uuid::nil());
    let hide = |aggregate: &str| {
        (
            format!("UPDATE outbox SET aggregate_id = {nobody} WHERE aggregate_id = {aggregate}"),
            format!("UPDATE outbox SET aggregate_id = {aggregate} WHERE aggregate_id = {nobody}"),
        )
    };
    let history = |from: i64, to: i64| {
        let order = order(cancelled);
        format!(
            "UPDATE order_event SET version = {to} WHERE order_id = {order} AND version = {from}"
        )
    };
    let missing = "a change of an order has no event";
    let stale = "the last event of a payment does not tell how it stands";

    patient
        .suffers(&[
            wound(
                Invariant::Events,
                "an order's history has a gap",
                (history(2, 20), history(20, 2)),
                format!("order {cancelled} is at version 4, its history has 4 steps up to 20"),
            ),
            wound(
                Invariant::Events,
                missing,
                (shift(&order(cancelled), 2, 20), shift(&order(cancelled), 22, -20)),
                format!("order {cancelled} is at version 4, its events: 4 from 1 to 22"),
            ),
            wound(Invariant::Events, missing, hide(&order(paid)), "its events: 0 from 0 to 0"),
            wound(
                Invariant::Events,
                missing,
                (shift(&order(paid), 1, -1), shift(&order(paid), 0, 1)),
                "from 0 to 2",
            ),
            wound(Invariant::Events, stale, hide(&payment(paid)), "the last event: none"),
            wound(
                Invariant::Events,
                stale,
                (
                    format!(
                        "UPDATE outbox SET payload = REPLACE(CAST(payload AS text), \
                        'CAPTURED', 'TAKEN'){} WHERE aggregate_id = {}",
                        if patient.app.app.db.is_postgres() { "::jsonb" } else { "" },
                        payment(paid)
                    ),
                    format!(
                        "UPDATE outbox SET payload = REPLACE(CAST(payload AS text), \
                        'TAKEN', 'CAPTURED'){} WHERE aggregate_id = {}",
                        if patient.app.app.db.is_postgres() { "::jsonb" } else { "" },
                        payment(paid)
                    ),
                ),
                "the last event: TAKEN",
            ),
            wound(
                Invariant::Events,
                "a movement of stock has no event",
                hide(&level("POT")),
                "moved at version",
            ),
            wound(
                Invariant::Events,
                "the last event of a level does not tell how it stands",
                (
                    format!(
                        "UPDATE outbox SET seq = seq + 100 WHERE aggregate_id = {}",
                        level("POT")
                    ),
                    format!(
                        "UPDATE outbox SET seq = seq - 100 WHERE aggregate_id = {}",
                        level("POT")
                    ),
                ),
                "at version 10",
            ),
        ])
        .await;
}

#[tokio::test]
async fn what_waits_too_long_is_found() {
    let patient = Box::pin(Patient::new()).await;
    let Patient { paid, refused, undecided, cancelled, .. } = &patient;
    let long_ago = "'2026-01-01T00:00:00+00:00'";
    let later = "'2099-01-01T00:00:00+00:00'";
    let payment =
        |change: &str| format!("UPDATE payment SET {change} WHERE order_number = '{undecided}'");
    let order =
        |at: &str| format!("UPDATE shop_order SET updated_at = {at} WHERE number = '{refused}'");
    let hold = |at: &str| format!("UPDATE reservation SET expires_at = {at} WHERE {}", of(refused));
    let event = |change: &str| {
        format!(
            "UPDATE outbox SET {change} WHERE aggregate_id = \
            (SELECT id FROM shop_order WHERE number = '{paid}') AND seq = 1"
        )
    };
    let job = |change: &str| format!("UPDATE job SET {change}");
    let refund = |change: &str| {
        format!(
            "UPDATE refund SET {change} WHERE payment_id = \
            (SELECT id FROM payment WHERE order_number = '{cancelled}')"
        )
    };

    patient
        .suffers(&[
            wound(
                Invariant::Ages,
                "nobody finds out how a payment ends",
                (
                    payment(&format!("lease_until = {long_ago}")),
                    payment(&format!("lease_until = {later}")),
                ),
                format!("order {undecided}: ACTION_REQUIRED"),
            ),
            wound(
                Invariant::Ages,
                "nobody finds out how a refund ends",
                (refund(&format!("lease_until = {long_ago}")), refund("lease_until = NULL")),
                "SUCCEEDED of",
            ),
            wound(
                Invariant::Ages,
                "an unpaid order is past its time",
                (
                    format!("{}; {}", order(long_ago), hold(long_ago)),
                    format!("{}; {}", order(later), hold(later)),
                ),
                format!("order {refused}, changed last"),
            ),
            wound(
                Invariant::Ages,
                "an event is not delivered",
                (
                    event(&format!("status = 'INFLIGHT', lease_until = {long_ago}")),
                    event("status = 'PENDING', lease_until = NULL"),
                ),
                "order-events 1 is INFLIGHT since",
            ),
            wound(
                Invariant::Ages,
                "a job is held by nobody",
                (
                    job(&format!("status = 'running', run_at = {long_ago}")),
                    job(&format!("status = 'queued', run_at = {later}")),
                ),
                "order.confirmed, held until",
            ),
        ])
        .await;
}

#[tokio::test]
async fn a_flash_sale_that_gave_something_else_than_orders_have_is_found() {
    let patient = Box::pin(Patient::new()).await;
    patient.app.flashes("CUP", 800, 10, None).await;
    let placed = patient.app.guest().buys(&[("CUP", 2)], "card_approved").await;
    let bought = placed["order"]["number"].as_str().unwrap().to_owned();
    let called_off = patient.app.customer().await;
    let placed = called_off.buys(&[("CUP", 3)], "card_approved").await;
    let input = serde_json::json!({ "orderId": placed["order"]["id"] });
    called_off.order_payload("orderCancel", input).await;
    let set = |change: &str| format!("UPDATE flash_sale SET {change}");
    let lines = |change: &str| format!("UPDATE order_line SET {change} WHERE {}", of(&bought));

    let gave = "a flash sale gave something else than orders have of it, or more than its share";
    let has = "an order has something else of a flash sale than its lines say";
    patient
        .suffers(&[
            wound(
                Invariant::FlashSales,
                gave,
                (set("taken = 5"), set("taken = 2")),
                "share 10, given 5, orders have 2",
            ),
            wound(
                Invariant::FlashSales,
                gave,
                (set("allocation = 1"), set("allocation = 10")),
                "share 1, given 2, orders have 2",
            ),
            wound(
                Invariant::FlashSales,
                has,
                (lines("quantity = 3"), lines("quantity = 2")),
                format!("order {bought} is PAID and has 2, bought 3, sent 0"),
            ),
        ])
        .await;
}

#[tokio::test]
async fn a_session_that_is_idle_in_its_transaction_is_found() {
    use sea_orm::{ConnectionTrait, TransactionTrait};
    let app = crate::app::TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }
    let other = sea_orm::Database::connect(app.database_url()).await.unwrap();
    let transaction = other.begin().await.unwrap();
    transaction.execute_unprepared("SELECT 1").await.unwrap();
    let idle = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state = 'idle in transaction' \
                AND state_change < clock_timestamp() - interval '5.2 seconds'";
    while app.number(idle).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    let report = app.report(&[Invariant::Ages]).await;

    let found = &report.verdicts[0].findings;
    assert_eq!((found.len(), found[0].wrong), (1, "a session is idle in its transaction"));
    transaction.rollback().await.unwrap();
    app.is_sound().await;
}
