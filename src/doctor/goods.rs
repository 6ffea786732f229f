//! Goods: what left the warehouses, came back, and is to come.

use crate::doctor::{Check, Invariant};

pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: Invariant::Goods,
        wrong: "a level expects something else than purchases are to bring",
        sql: "SELECT l.id AS subject,
                'incoming ' || l.incoming || ', ordered ' || COALESCE(p.open, 0) AS detail
            FROM stock_level l
            LEFT JOIN (SELECT i.variant_id, o.warehouse_id,
                    SUM(i.quantity - i.quantity_received) AS open
                FROM shop_order o JOIN order_line i ON i.order_id = o.id
                WHERE o.kind = 'PURCHASE' AND o.status = 'ORDERED'
                GROUP BY i.variant_id, o.warehouse_id) p
                ON p.variant_id = l.variant_id AND p.warehouse_id = l.warehouse_id
            WHERE l.incoming <> COALESCE(p.open, 0)",
    },
    Check {
        invariant: Invariant::Goods,
        wrong: "a line says that other pieces were sent or came back than its parcels do",
        sql: "SELECT i.id AS subject, i.sku || ': sent ' || i.quantity_fulfilled || ' and back '
                || i.quantity_returned || ', its parcels say ' || COALESCE(f.sent, 0) || ' and '
                || COALESCE(f.back, 0) AS detail
            FROM order_line i
            LEFT JOIN (SELECT order_line_id, SUM(quantity) AS sent, SUM(quantity_returned) AS back
                FROM fulfillment_line GROUP BY order_line_id) f ON f.order_line_id = i.id
            WHERE i.quantity_fulfilled <> COALESCE(f.sent, 0)
                OR i.quantity_returned <> COALESCE(f.back, 0)",
    },
    Check {
        invariant: Invariant::Goods,
        wrong: "more happened to a line than it has pieces",
        sql: "SELECT i.id AS subject, i.sku || ': ' || i.quantity || ' ordered, '
                || i.quantity_fulfilled || ' sent, ' || i.quantity_returned || ' back, '
                || i.quantity_cancelled || ' not to be sent, ' || i.quantity_received
                || ' taken in' AS detail
            FROM order_line i
            WHERE i.quantity_fulfilled + i.quantity_cancelled > i.quantity
                OR i.quantity_returned > i.quantity_fulfilled
                OR i.quantity_received > i.quantity",
    },
];
