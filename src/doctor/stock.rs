//! Stock: levels, what is held, and the ledger.

use crate::doctor::{Check, Invariant};

pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: Invariant::Levels,
        wrong: "a level has fewer pieces than none, or fewer than are reserved",
        sql: "SELECT id AS subject, 'on hand ' || on_hand || ', reserved ' || reserved AS detail
            FROM stock_level WHERE reserved < 0 OR reserved > on_hand",
    },
    Check {
        invariant: Invariant::Holds,
        wrong: "a level reserves something else than is held there",
        sql: "SELECT l.id AS subject,
                'reserved ' || l.reserved || ', held ' || COALESCE(r.held, 0) AS detail
            FROM stock_level l
            LEFT JOIN (SELECT level_id, SUM(quantity) AS held FROM reservation
                WHERE status IN ('HELD', 'COMMITTED') GROUP BY level_id) r ON r.level_id = l.id
            WHERE l.reserved <> COALESCE(r.held, 0)",
    },
    Check {
        invariant: Invariant::Holds,
        wrong: "stock is held for an order that does not wait for it",
        sql: "SELECT r.id AS subject, r.status || ' ' || r.quantity || ' for '
                || COALESCE('order ' || o.number || ', which is ' || o.status, 'no order') AS detail
            FROM reservation r LEFT JOIN shop_order o ON o.id = r.order_id
            WHERE (r.status = 'HELD' AND COALESCE(o.status, '') <> 'PENDING_PAYMENT')
                OR (r.status = 'COMMITTED' AND COALESCE(o.status, '') NOT IN ('AUTHORIZED', 'PAID'))",
    },
    Check {
        invariant: Invariant::Holds,
        wrong: "a paid order has not set aside what is still to be sent",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ' is ' || o.status || ', to be sent '
                || w.wanted || ', committed ' || COALESCE(r.held, 0) AS detail
            FROM shop_order o
            JOIN (SELECT order_id, SUM(quantity - quantity_fulfilled - quantity_cancelled) AS wanted
                FROM order_line GROUP BY order_id) w ON w.order_id = o.id
            LEFT JOIN (SELECT order_id, SUM(quantity) AS held FROM reservation
                WHERE status = 'COMMITTED' GROUP BY order_id) r ON r.order_id = o.id
            WHERE o.kind = 'SALE' AND o.status IN ('AUTHORIZED', 'PAID')
                AND w.wanted <> COALESCE(r.held, 0)",
    },
    Check {
        invariant: Invariant::Ledger,
        wrong: "a level is not the sum of its movements",
        sql: "SELECT l.id AS subject, 'on hand ' || l.on_hand || ' and reserved ' || l.reserved
                || ', its movements come to ' || COALESCE(m.on_hand, 0) || ' and '
                || COALESCE(m.reserved, 0) AS detail
            FROM stock_level l
            LEFT JOIN (SELECT level_id, SUM(on_hand_change) AS on_hand,
                    SUM(reserved_change) AS reserved, MAX(version) AS newest
                FROM stock_movement GROUP BY level_id) m ON m.level_id = l.id
            WHERE l.on_hand <> COALESCE(m.on_hand, 0) OR l.reserved <> COALESCE(m.reserved, 0)
                OR l.version < COALESCE(m.newest, 0)",
    },
    // A level's version also rises without a movement (its reorder point, goods to come), so its
    // movements may skip versions; that none is missing shows in what each found before it.
    Check {
        invariant: Invariant::Ledger,
        wrong: "a movement does not begin where the one before it ended",
        sql: "SELECT m.level_id AS subject, 'movement at version ' || m.version || ': from '
                || m.on_hand_before || ' and ' || m.reserved_before || ' by ' || m.on_hand_change
                || ' and ' || m.reserved_change || ' to ' || m.on_hand_after || ' and '
                || m.reserved_after AS detail
            FROM (SELECT level_id, version, on_hand_change, reserved_change, on_hand_after,
                    reserved_after,
                    COALESCE(LAG(on_hand_after) OVER (PARTITION BY level_id ORDER BY version), 0)
                        AS on_hand_before,
                    COALESCE(LAG(reserved_after) OVER (PARTITION BY level_id ORDER BY version), 0)
                        AS reserved_before
                FROM stock_movement) m
            WHERE m.on_hand_before + m.on_hand_change <> m.on_hand_after
                OR m.reserved_before + m.reserved_change <> m.reserved_after",
    },
];
