//! Flash sales: that what they gave is what orders have of them.

use crate::doctor::{Check, Invariant};

pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: Invariant::FlashSales,
        wrong: "a flash sale gave something else than orders have of it, or more than its share",
        sql: "SELECT s.id AS subject, 'share ' || s.allocation || ', given ' || s.taken
                || ', orders have ' || COALESCE(t.taken, 0) AS detail
            FROM flash_sale s
            LEFT JOIN (SELECT flash_sale_id, SUM(quantity) AS taken FROM flash_sale_take
                GROUP BY flash_sale_id) t ON t.flash_sale_id = s.id
            WHERE s.taken <> COALESCE(t.taken, 0) OR s.taken > s.allocation",
    },
    Check {
        invariant: Invariant::FlashSales,
        wrong: "an order has something else of a flash sale than its lines say",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ' is ' || o.status || ' and has '
                || COALESCE(t.quantity, 0) || ', bought ' || l.bought || ', sent ' || l.sent AS detail
            FROM shop_order o
            JOIN (SELECT order_id, flash_sale_id, SUM(quantity - quantity_cancelled) AS bought,
                    SUM(quantity_fulfilled) AS sent
                FROM order_line WHERE flash_sale_id IS NOT NULL
                GROUP BY order_id, flash_sale_id) l ON l.order_id = o.id
            LEFT JOIN flash_sale_take t
                ON t.order_id = o.id AND t.flash_sale_id = l.flash_sale_id
            WHERE COALESCE(t.quantity, 0) <> CASE
                WHEN o.status IN ('CANCELLED', 'REFUNDED') THEN l.sent ELSE l.bought END",
    },
];
