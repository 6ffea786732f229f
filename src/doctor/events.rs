//! Events: that each change of an order, a payment or a level has been told, or will be. What was
//! delivered is forgotten after a week, the oldest of an aggregate first; the rest has no gap.

use crate::doctor::{Check, Invariant};

pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: Invariant::Events,
        wrong: "an order's history has a gap",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ' is at version ' || o.version
                || ', its history has ' || COALESCE(h.steps, 0) || ' steps up to '
                || COALESCE(h.newest, 0) AS detail
            FROM shop_order o
            LEFT JOIN (SELECT order_id, COUNT(*) AS steps, MAX(version) AS newest
                FROM order_event GROUP BY order_id) h ON h.order_id = o.id
            WHERE COALESCE(h.steps, 0) <> o.version OR COALESCE(h.newest, 0) <> o.version",
    },
    Check {
        invariant: Invariant::Events,
        wrong: "a change of an order has no event",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ' is at version ' || o.version
                || ', its events: ' || COALESCE(e.events, 0) || ' from ' || COALESCE(e.oldest, 0)
                || ' to ' || COALESCE(e.newest, 0) AS detail
            FROM shop_order o
            LEFT JOIN (SELECT aggregate_id, COUNT(*) AS events, MIN(seq) AS oldest,
                    MAX(seq) AS newest
                FROM outbox WHERE topic = 'order-events' GROUP BY aggregate_id) e
                ON e.aggregate_id = o.id
            WHERE (o.updated_at > {kept} AND COALESCE(e.newest, 0) <> o.version)
                OR (o.created_at > {kept} AND COALESCE(e.oldest, 0) <> 1)
                OR e.newest > o.version OR e.events <> e.newest - e.oldest + 1",
    },
    // Of payments and levels one event may tell of several changes: the last tells how they stand.
    Check {
        invariant: Invariant::Events,
        wrong: "the last event of a payment does not tell how it stands",
        sql:
            "SELECT p.id AS subject, 'order ' || p.order_number || ': ' || p.state || ', captured '
                || p.captured || ', refunded ' || p.refunded || '; the last event: '
                || COALESCE(e.status || ', captured ' || e.captured || ', refunded '
                    || e.refunded, 'none') AS detail
            FROM payment p
            LEFT JOIN (SELECT o.aggregate_id, o.seq, {text:status} AS status,
                    {number:captured} AS captured, {number:refunded} AS refunded
                FROM outbox o JOIN (SELECT aggregate_id, MAX(seq) AS seq FROM outbox
                    WHERE topic = 'payment-events' GROUP BY aggregate_id) newest
                    ON newest.aggregate_id = o.aggregate_id AND newest.seq = o.seq) e
                ON e.aggregate_id = p.id
            WHERE (e.seq IS NULL AND p.created_at > {kept})
                OR e.seq > p.version OR e.captured <> p.captured OR e.refunded <> p.refunded
                OR e.status <> CASE
                    WHEN p.state IN ('AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED')
                        OR (p.state IN ('VOIDING', 'MANUAL_REVIEW') AND p.authorized = 0)
                        THEN 'PENDING'
                    WHEN p.state IN ('AUTHORIZED', 'CAPTURING', 'CAPTURE_UNKNOWN', 'VOIDING',
                        'MANUAL_REVIEW') THEN 'AUTHORIZED'
                    WHEN p.state IN ('CAPTURED', 'SURPLUS') AND p.refunded = 0 THEN 'CAPTURED'
                    WHEN p.state IN ('CAPTURED', 'SURPLUS') AND p.refunded < p.captured
                        THEN 'PARTIALLY_REFUNDED'
                    WHEN p.state IN ('CAPTURED', 'SURPLUS') THEN 'REFUNDED'
                    WHEN p.state = 'VOIDED' THEN 'VOIDED'
                    ELSE 'FAILED' END",
    },
    Check {
        invariant: Invariant::Events,
        wrong: "the last event of a level does not tell how it stands",
        sql: "SELECT l.id AS subject, 'on hand ' || l.on_hand || ', reserved ' || l.reserved
                || ' at version ' || l.version || '; the last event: on hand ' || e.on_hand
                || ', reserved ' || e.reserved || ' at version ' || e.seq AS detail
            FROM stock_level l
            JOIN (SELECT o.aggregate_id, o.seq, {number:onHand} AS on_hand,
                    {number:reserved} AS reserved
                FROM outbox o JOIN (SELECT aggregate_id, MAX(seq) AS seq FROM outbox
                    WHERE topic = 'stock-events' GROUP BY aggregate_id) newest
                    ON newest.aggregate_id = o.aggregate_id AND newest.seq = o.seq) e
                ON e.aggregate_id = l.id
            WHERE e.seq > l.version OR e.on_hand <> l.on_hand OR e.reserved <> l.reserved",
    },
    // The demo catalogue is written in bulk, and nobody is told.
    Check {
        invariant: Invariant::Events,
        wrong: "a movement of stock has no event",
        sql: "SELECT m.level_id AS subject, 'moved at version ' || m.version AS detail
            FROM (SELECT level_id, MAX(version) AS version FROM stock_movement
                WHERE created_at > {kept} AND COALESCE(note, '') <> 'Demo data'
                GROUP BY level_id) m
            WHERE NOT EXISTS (SELECT 1 FROM outbox e
                WHERE e.aggregate_id = m.level_id AND e.seq >= m.version)",
    },
];
