//! What is wrong with money, with goods that were sent, and with the figures of both.

use crate::doctor::patient::Patient;
use crate::doctor::wounds::{level, of, wound};
use stockroom::doctor::Invariant;

#[tokio::test]
async fn money_that_is_wrong_is_found() {
    let patient = Box::pin(Patient::new()).await;
    let Patient { paid, cancelled, authorized, undecided, .. } = &patient;
    let payment = |number: &str, change: &str| {
        format!("UPDATE payment SET {change} WHERE order_number = '{number}'")
    };
    let charge = |number: &str, change: &str| {
        format!(
            "UPDATE sandbox_charge SET {change} WHERE payment_id = \
             (SELECT id FROM payment WHERE order_number = '{number}')"
        )
    };
    let told = "the provider tells of a settled payment differently";
    let refund = "UPDATE refund SET amount = amount";
    let stray = patient.app.sql_key(uuid::Uuid::nil());

    patient
        .suffers(&[
            wound(
                Invariant::Money,
                told,
                (charge(paid, "captured = captured - 1"), charge(paid, "captured = captured + 1")),
                format!("order {paid}: CAPTURED of 5997 EUR, captured 5997"),
            ),
            wound(
                Invariant::Money,
                told,
                (charge(paid, "refunded = 1"), charge(paid, "refunded = 0")),
                "refunded 1",
            ),
            wound(
                Invariant::Money,
                told,
                (charge(paid, "currency = 'USD'"), charge(paid, "currency = 'EUR'")),
                "USD",
            ),
            wound(
                Invariant::Money,
                told,
                (
                    charge(authorized, "state = 'VOIDED'"),
                    charge(authorized, "state = 'AUTHORIZED'"),
                ),
                format!("order {authorized}: AUTHORIZED"),
            ),
            wound(
                Invariant::Money,
                told,
                (
                    charge(&patient.refused, "state = 'AUTHORIZED'"),
                    charge(&patient.refused, "state = 'DECLINED'"),
                ),
                format!("order {}: DECLINED", patient.refused),
            ),
            wound(
                Invariant::Money,
                "the provider holds money of no payment",
                (
                    charge(paid, &format!("payment_id = {stray}")),
                    format!(
                        "UPDATE sandbox_charge SET payment_id = (SELECT id FROM payment \
                        WHERE order_number = '{paid}') WHERE payment_id = {stray}"
                    ),
                ),
                "CAPTURED of 5997 EUR, captured 5997, refunded 0",
            ),
            wound(
                Invariant::Money,
                "a payment is not the sum of its refunds",
                (format!("{refund} + 1"), format!("{refund} - 1")),
                format!("order {cancelled}: refunded"),
            ),
            wound(
                Invariant::Paid,
                "a paid order has no captured payment of its amount, or more than one",
                (payment(paid, "state = 'AUTHORIZED'"), payment(paid, "state = 'CAPTURED'")),
                format!("order {paid} is PAID over 5997 EUR, captured payments: 0 with 0"),
            ),
            wound(
                Invariant::Paid,
                "a paid order has no captured payment of its amount, or more than one",
                (payment(paid, "captured = 5996"), payment(paid, "captured = 5997")),
                "captured payments: 1 with 5996",
            ),
            wound(
                Invariant::Paid,
                "an authorized order has no money set aside",
                (payment(authorized, "authorized = 1"), payment(authorized, "authorized = amount")),
                format!("order {authorized} is AUTHORIZED over"),
            ),
            wound(
                Invariant::Paid,
                "two attempts to pay an order hold money",
                (
                    format!(
                        "UPDATE payment SET order_id = (SELECT id FROM shop_order \
                        WHERE number = '{paid}') WHERE order_number = '{undecided}'"
                    ),
                    format!(
                        "UPDATE payment SET order_id = (SELECT id FROM shop_order \
                        WHERE number = '{undecided}') WHERE order_number = '{undecided}'"
                    ),
                ),
                "attempts that hold money: 2",
            ),
            wound(
                Invariant::Paid,
                "an order that is dead, or not paid, keeps money",
                (
                    payment(cancelled, "refunded = refunded - 1"),
                    payment(cancelled, "refunded = refunded + 1"),
                ),
                format!("order {cancelled} is CANCELLED, its payment is CAPTURED"),
            ),
            wound(
                Invariant::Paid,
                "an order says that another sum went back than its payments do",
                (
                    format!("UPDATE shop_order SET refunded_total = 7 WHERE number = '{paid}'"),
                    format!("UPDATE shop_order SET refunded_total = 0 WHERE number = '{paid}'"),
                ),
                format!("order {paid} says 7, its payments say 0"),
            ),
            wound(
                Invariant::Totals,
                "the total is not its parts",
                (
                    format!("UPDATE shop_order SET total = total + 1 WHERE number = '{paid}'"),
                    format!("UPDATE shop_order SET total = total - 1 WHERE number = '{paid}'"),
                ),
                "= 5998",
            ),
            wound(
                Invariant::Totals,
                "the lines do not come to the subtotal, or their tax not to the tax",
                (
                    format!("UPDATE order_line SET tax = tax + 1 WHERE {}", of(paid)),
                    format!("UPDATE order_line SET tax = tax - 1 WHERE {}", of(paid)),
                ),
                format!("order {paid}: subtotal 4550"),
            ),
        ])
        .await;
}

#[tokio::test]
async fn goods_and_figures_that_are_wrong_are_found() {
    let patient = Box::pin(Patient::new()).await;
    let staff = patient.app.staff().await;
    let customer = patient.app.customer().await;
    let order = customer.bought(&[("CUP", 3), ("POT", 1)]).await;
    staff.sends(&order, Some(&[("CUP", 2)])).await;
    let input = serde_json::json!({ "orderId": order["id"],
        "lines": crate::order::goods::pieces(&order, &[("CUP", 1)]), "restock": true });
    staff.order_payload("orderReturn", input).await;
    let purchase = staff.orders_in(&[("CUP", 6, 100)]).await;
    staff.takes_in(&purchase, Some(&[("CUP", 2)])).await;
    let given_back = customer.bought(&[("POT", 1)]).await;
    let input = serde_json::json!({ "orderId": given_back["id"] });
    customer.order_payload("orderCancel", input).await;
    let line = format!("{} AND sku = 'CUP'", of(order["number"].as_str().unwrap()));
    let set = |change: &str| format!("UPDATE order_line SET {change} WHERE {line}");
    let cup = level("CUP");
    let incoming = |change: &str| format!("UPDATE stock_level SET {change} WHERE id = {cup}");
    let refunds = "state = 'SUCCEEDED'";

    let parcels = "a line says that other pieces were sent or came back than its parcels do";
    let figure = "a figure is not what the orders and their history come to";
    let of_payments = "a figure is not what the payments and refunds come to";
    patient.app.orders().sum_up().await.unwrap();
    patient.app.payments().sum_up().await.unwrap();
    patient
        .suffers(&[
            wound(
                Invariant::Goods,
                "a level expects something else than purchases are to bring",
                (incoming("incoming = 5"), incoming("incoming = 4")),
                "incoming 5, ordered 4",
            ),
            wound(
                Invariant::Goods,
                parcels,
                (set("quantity_fulfilled = 3"), set("quantity_fulfilled = 2")),
                "CUP: sent 3 and back 1, its parcels say 2 and 1",
            ),
            wound(
                Invariant::Goods,
                parcels,
                (set("quantity_returned = 0"), set("quantity_returned = 1")),
                "CUP: sent 2 and back 0, its parcels say 2 and 1",
            ),
            wound(
                Invariant::Goods,
                "more happened to a line than it has pieces",
                (set("quantity_cancelled = 2"), set("quantity_cancelled = 0")),
                "CUP: 3 ordered, 2 sent, 1 back, 2 not to be sent",
            ),
            wound(
                Invariant::Figures,
                figure,
                (
                    "UPDATE order_stat SET count = count + 1 WHERE measure = 'placed'",
                    "UPDATE order_stat SET count = count - 1 WHERE measure = 'placed'",
                ),
                "placed in EUR on ",
            ),
            wound(
                Invariant::Figures,
                figure,
                (
                    "UPDATE order_stat SET amount = amount + 7 WHERE measure = 'refunded'",
                    "UPDATE order_stat SET amount = amount - 7 WHERE measure = 'refunded'",
                ),
                "refunded in EUR on ",
            ),
            wound(
                Invariant::Figures,
                figure,
                (
                    "UPDATE order_stat SET count = count - 1 WHERE measure = 'CANCELLED'",
                    "UPDATE order_stat SET count = count + 1 WHERE measure = 'CANCELLED'",
                ),
                "CANCELLED in EUR: kept ",
            ),
            wound(
                Invariant::Figures,
                of_payments,
                (
                    "UPDATE payment_stat SET count = count + 1 WHERE outcome = 'succeeded'",
                    "UPDATE payment_stat SET count = count - 1 WHERE outcome = 'succeeded'",
                ),
                "succeeded on ",
            ),
            wound(
                Invariant::Figures,
                of_payments,
                (
                    "INSERT INTO payment_stat_change (day, outcome, count) \
                     VALUES ('2026-01-01', 'failed', 2)",
                    "DELETE FROM payment_stat_change",
                ),
                "failed on 2026-01-01: kept 2, counted 0",
            ),
            wound(
                Invariant::Figures,
                of_payments,
                (
                    "UPDATE payment_stat SET count = count - 1 WHERE outcome = 'refunded'",
                    "UPDATE payment_stat SET count = count + 1 WHERE outcome = 'refunded'",
                ),
                "refunded on ",
            ),
            wound(
                Invariant::Figures,
                "a payment is counted as something else than it is",
                (
                    "UPDATE payment SET decided_as = NULL WHERE state = 'DECLINED'",
                    "UPDATE payment SET decided_as = 'declined' WHERE state = 'DECLINED'",
                ),
                "DECLINED counts as nothing",
            ),
            wound(
                Invariant::Money,
                "the provider gave back another sum than its refunds come to",
                (
                    "UPDATE sandbox_charge SET refunded = refunded + 1 WHERE refunded > 0",
                    "UPDATE sandbox_charge SET refunded = refunded - 1 WHERE refunded > 0",
                ),
                ", its refunds come to ",
            ),
            wound(
                Invariant::Money,
                "a refund that went through is not in the provider's record as it is here",
                (
                    format!("UPDATE refund SET amount = amount + 1 WHERE {refunds}"),
                    format!("UPDATE refund SET amount = amount - 1 WHERE {refunds}"),
                ),
                " went back, the provider: ",
            ),
        ])
        .await;
}
