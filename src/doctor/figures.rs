//! Figures: what is counted of orders and payments as they change, beside a count of them all.

use crate::doctor::{Check, Invariant};

pub(super) const CHECKS: &[Check] = &[ORDERS, PAYMENTS, DECISIONS];

const ORDERS: Check = Check {
    invariant: Invariant::Figures,
    wrong: "a figure is not what the orders and their history come to",
    sql: "SELECT CAST(NULL AS uuid) AS subject, b.measure || ' in ' || b.currency
            || CASE WHEN b.day = '' THEN '' ELSE ' on ' || b.day END || ': kept '
            || SUM(b.kept) || ' and ' || SUM(b.kept_amount) || ', counted '
            || SUM(b.counted) || ' and ' || SUM(b.counted_amount) AS detail
        FROM (
            SELECT day, currency, measure, count AS kept, amount AS kept_amount,
                0 AS counted, 0 AS counted_amount FROM order_stat
            UNION ALL
            SELECT day, currency, measure, count, amount, 0, 0 FROM order_stat_change
            UNION ALL
            SELECT {date:e.created_at}, o.currency, 'placed', 0, 0, 1, o.total
            FROM order_event e JOIN shop_order o ON o.id = e.order_id
            WHERE o.kind = 'SALE' AND e.from_status IS NULL
            UNION ALL
            SELECT {date:e.created_at}, o.currency, 'paid', 0, 0,
                CASE WHEN e.to_status = 'PAID' AND COALESCE(e.from_status, '') <> 'PAID'
                    THEN 1 ELSE 0 END, e.paid
            FROM order_event e JOIN shop_order o ON o.id = e.order_id
            WHERE o.kind = 'SALE'
            UNION ALL
            SELECT {date:e.created_at}, o.currency, 'cancelled', 0, 0, 1, o.total
            FROM order_event e JOIN shop_order o ON o.id = e.order_id
            WHERE o.kind = 'SALE' AND e.to_status = 'CANCELLED'
                AND COALESCE(e.from_status, '') <> 'CANCELLED'
            UNION ALL
            SELECT {date:e.created_at}, o.currency, 'refunded', 0, 0, 1, e.refunded
            FROM order_event e JOIN shop_order o ON o.id = e.order_id
            WHERE o.kind = 'SALE' AND e.refunded > 0
            UNION ALL
            SELECT '', o.currency, o.status, 0, 0, 1, 0 FROM shop_order o
        ) b
        GROUP BY b.day, b.currency, b.measure
        HAVING SUM(b.kept) <> SUM(b.counted) OR SUM(b.kept_amount) <> SUM(b.counted_amount)",
};

const PAYMENTS: Check = Check {
    invariant: Invariant::Figures,
    wrong: "a figure is not what the payments and refunds come to",
    sql: "SELECT CAST(NULL AS uuid) AS subject, b.outcome || ' on ' || b.day || ': kept '
            || SUM(b.kept) || ', counted ' || SUM(b.counted) AS detail
        FROM (
            SELECT day, outcome, count AS kept, 0 AS counted FROM payment_stat
            UNION ALL
            SELECT day, outcome, count, 0 FROM payment_stat_change
            UNION ALL
            SELECT {date:p.decided_at}, p.decided_as, 0, 1 FROM payment p
            WHERE p.decided_as IS NOT NULL
            UNION ALL
            SELECT {date:r.updated_at}, 'refunded', 0, 1 FROM refund r
            WHERE r.state = 'SUCCEEDED'
        ) b
        GROUP BY b.day, b.outcome
        HAVING SUM(b.kept) <> SUM(b.counted)",
};

const DECISIONS: Check = Check {
    invariant: Invariant::Figures,
    wrong: "a payment is counted as something else than it is",
    sql: "SELECT p.id AS subject, p.state || ' counts as '
            || COALESCE(p.decided_as, 'nothing') AS detail
        FROM payment p
        WHERE (p.state IN ('AUTHORIZED', 'CAPTURED', 'SURPLUS')
                AND COALESCE(p.decided_as, '') <> 'succeeded')
            OR (p.state IN ('DECLINED', 'UNAVAILABLE') AND p.decided_as IS NULL)
            OR (p.decided_as IS NULL) <> (p.decided_at IS NULL)",
};
