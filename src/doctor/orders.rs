//! Orders: that each is paid once and in full, and that its figures add up.

use crate::doctor::{Check, Invariant};

pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: Invariant::Paid,
        wrong: "a paid order has no captured payment of its amount, or more than one",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ' is ' || o.status || ' over '
                || o.total || ' ' || o.currency || ', captured payments: ' || COALESCE(p.number, 0)
                || ' with ' || COALESCE(p.captured, 0) || ' of ' || COALESCE(p.asked, 0)
                || ' that were asked for' AS detail
            FROM shop_order o
            LEFT JOIN (SELECT order_id, currency, COUNT(*) AS number, SUM(captured) AS captured,
                    SUM(amount) AS amount, SUM(COALESCE(capture_asked, amount)) AS asked
                FROM payment WHERE state = 'CAPTURED' GROUP BY order_id, currency) p
                ON p.order_id = o.id AND p.currency = o.currency
            WHERE o.kind = 'SALE' AND o.status IN ('PAID', 'FULFILLED', 'COMPLETED') AND o.total > 0
                AND (COALESCE(p.number, 0) <> 1 OR p.amount <> o.total OR p.captured <> p.asked
                    OR p.captured <> o.paid_total)",
    },
    Check {
        invariant: Invariant::Paid,
        wrong: "an authorized order has no money set aside",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ' is AUTHORIZED over ' || o.total
                || ' ' || o.currency AS detail
            FROM shop_order o
            WHERE o.status = 'AUTHORIZED' AND NOT EXISTS (SELECT 1 FROM payment p
                WHERE p.order_id = o.id AND p.currency = o.currency AND p.authorized = o.total
                    AND p.state IN ('AUTHORIZED', 'CAPTURING', 'CAPTURE_UNKNOWN', 'VOIDING',
                        'MANUAL_REVIEW'))",
    },
    Check {
        invariant: Invariant::Paid,
        wrong: "two attempts to pay an order hold money",
        sql: "SELECT p.order_id AS subject, 'attempts that hold money: ' || COUNT(*) AS detail
            FROM payment p
            WHERE p.state NOT IN ('VOIDED', 'DECLINED', 'UNAVAILABLE', 'SURPLUS')
            GROUP BY p.order_id HAVING COUNT(*) > 1",
    },
    Check {
        invariant: Invariant::Paid,
        wrong: "an order that is dead, or not paid, keeps money",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ' is ' || o.status
                || ', its payment is ' || p.state || ' with ' || p.captured || ' captured, '
                || p.refunded || ' refunded and ' || p.refund_pending || ' on its way back' AS detail
            FROM payment p JOIN shop_order o ON o.id = p.order_id
            WHERE ((o.status IN ('PENDING_PAYMENT', 'CANCELLED', 'REFUNDED') OR p.state = 'SURPLUS')
                    AND p.captured > p.refunded + p.refund_pending)
                OR (o.status IN ('PENDING_PAYMENT', 'CANCELLED') AND p.state = 'AUTHORIZED')",
    },
    Check {
        invariant: Invariant::Paid,
        wrong: "an order says that another sum went back than its payments do",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ' says ' || o.refunded_total
                || ', its payments say ' || COALESCE(p.refunded, 0) AS detail
            FROM shop_order o
            LEFT JOIN (SELECT order_id, SUM(refunded) AS refunded FROM payment
                WHERE state <> 'SURPLUS' GROUP BY order_id) p
                ON p.order_id = o.id
            WHERE o.refunded_total <> COALESCE(p.refunded, 0)",
    },
    Check {
        invariant: Invariant::Totals,
        wrong: "the total is not its parts",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ': ' || o.subtotal || ' + '
                || o.shipping_total || ' + ' || o.tax_total || ' = ' || o.total AS detail
            FROM shop_order o WHERE o.total <> o.subtotal + o.shipping_total + o.tax_total",
    },
    Check {
        invariant: Invariant::Totals,
        wrong: "the lines do not come to the subtotal, or their tax not to the tax",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ': subtotal ' || o.subtotal
                || ', lines ' || COALESCE(l.total, 0) || '; tax ' || o.tax_total || ', lines '
                || COALESCE(l.tax, 0) || ' and shipping ' || o.shipping_tax AS detail
            FROM shop_order o
            LEFT JOIN (SELECT order_id, SUM(line_total) AS total, SUM(tax) AS tax,
                    SUM(CASE WHEN line_total <> unit_price * quantity THEN 1 ELSE 0 END) AS odd
                FROM order_line GROUP BY order_id) l ON l.order_id = o.id
            WHERE o.subtotal <> COALESCE(l.total, 0) OR COALESCE(l.odd, 0) > 0
                OR (o.kind = 'SALE' AND o.tax_total <> COALESCE(l.tax, 0) + o.shipping_tax)",
    },
];
