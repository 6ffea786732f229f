//! Money: payments beside the record of the sandbox, which is kept apart, and beside their refunds.

use crate::doctor::{Check, Invariant};

/// Payments whose provider keeps its record where no statement reaches it.
pub(super) const FOREIGN: &str = "SELECT provider, COUNT(*) AS payments FROM payment
    WHERE provider <> 'sandbox' GROUP BY provider ORDER BY provider";

pub(super) const CHECKS: &[Check] = &[
    // While it is being found out how a payment ends, the provider knows more than the shop.
    Check {
        invariant: Invariant::Money,
        wrong: "the provider tells of a settled payment differently",
        sql: "SELECT p.id AS subject, 'order ' || p.order_number || ': ' || p.state || ' of '
                || p.amount || ' ' || p.currency || ', captured ' || p.captured || ', refunded '
                || p.refunded || ' (' || p.refund_pending || ' on its way back); the provider: '
                || COALESCE(c.state || ' of ' || c.amount || ' ' || c.currency || ', captured '
                    || c.captured || ', refunded ' || c.refunded, 'nothing') AS detail
            FROM payment p LEFT JOIN sandbox_charge c ON c.payment_id = p.id
            WHERE p.provider = 'sandbox' AND (
                (p.state IN ('CAPTURED', 'SURPLUS') AND (c.id IS NULL OR c.state <> 'CAPTURED'
                    OR c.captured <> p.captured OR c.refunded < p.refunded
                    OR c.refunded > p.refunded + p.refund_pending))
                OR (p.state = 'AUTHORIZED' AND (c.id IS NULL OR c.state <> 'AUTHORIZED'))
                OR (p.state IN ('VOIDED', 'DECLINED', 'UNAVAILABLE')
                    AND (c.state = 'AUTHORIZED' OR c.captured > c.refunded))
                OR c.amount <> p.amount OR c.currency <> p.currency)",
    },
    Check {
        invariant: Invariant::Money,
        wrong: "the provider holds money of no payment",
        sql: "SELECT c.id AS subject, c.state || ' of ' || c.amount || ' ' || c.currency
                || ', captured ' || c.captured || ', refunded ' || c.refunded AS detail
            FROM sandbox_charge c LEFT JOIN payment p ON p.id = c.payment_id
            WHERE (p.id IS NULL OR p.provider <> 'sandbox')
                AND (c.state = 'AUTHORIZED' OR c.captured > c.refunded)",
    },
    Check {
        invariant: Invariant::Money,
        wrong: "a payment is not the sum of its refunds",
        sql: "SELECT p.id AS subject, 'order ' || p.order_number || ': refunded ' || p.refunded
                || ' and ' || p.refund_pending || ' on its way back, its refunds come to '
                || COALESCE(r.done, 0) || ' and ' || COALESCE(r.pending, 0) AS detail
            FROM payment p
            LEFT JOIN (SELECT payment_id,
                    SUM(CASE WHEN state = 'SUCCEEDED' THEN amount ELSE 0 END) AS done,
                    SUM(CASE WHEN state IN ('PENDING', 'UNKNOWN') THEN amount ELSE 0 END) AS pending
                FROM refund GROUP BY payment_id) r ON r.payment_id = p.id
            WHERE p.refunded <> COALESCE(r.done, 0) OR p.refund_pending <> COALESCE(r.pending, 0)",
    },
    Check {
        invariant: Invariant::Money,
        wrong: "the provider gave back another sum than its refunds come to",
        sql: "SELECT c.id AS subject, 'refunded ' || c.refunded || ', its refunds come to '
                || COALESCE(r.amount, 0) AS detail
            FROM sandbox_charge c
            LEFT JOIN (SELECT charge_id, SUM(amount) AS amount FROM sandbox_refund
                GROUP BY charge_id) r ON r.charge_id = c.id
            WHERE c.refunded <> COALESCE(r.amount, 0)",
    },
    Check {
        invariant: Invariant::Money,
        wrong: "a refund that went through is not in the provider's record as it is here",
        sql: "SELECT f.id AS subject, 'order ' || p.order_number || ': ' || f.amount
                || ' went back, the provider: ' || COALESCE('' || r.amount, 'nothing') AS detail
            FROM refund f JOIN payment p ON p.id = f.payment_id
            LEFT JOIN sandbox_refund r ON r.refund_id = f.id
            WHERE p.provider = 'sandbox' AND f.state = 'SUCCEEDED'
                AND COALESCE(r.amount, 0) <> f.amount",
    },
];
