//! Figures: what is counted of orders as they change, beside a count of them all.

use crate::doctor::{Check, Invariant};

pub(super) const CHECKS: &[Check] = &[Check {
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
}];
