//! Ages: whatever is not at its end is worked on, or was not long ago.

use crate::doctor::{Check, Invariant};

pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: Invariant::Ages,
        wrong: "nobody finds out how a payment ends",
        sql: "SELECT id AS subject, 'order ' || order_number || ': ' || state || ' since '
                || CAST(created_at AS text) || ', asked ' || attempts || ' times' AS detail
            FROM payment
            WHERE (lease_until < {hour} AND state NOT IN ('VOIDED', 'DECLINED', 'UNAVAILABLE'))
                OR (created_at < {day}
                AND (state IN ('AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED')
                    OR (state IN ('CAPTURE_UNKNOWN', 'VOIDING') AND attempts > 5)))",
    },
    Check {
        invariant: Invariant::Ages,
        wrong: "nobody finds out how a refund ends",
        sql: "SELECT id AS subject, state || ' of ' || amount || ' since '
                || CAST(created_at AS text) || ', asked ' || attempts || ' times' AS detail
            FROM refund WHERE lease_until < {hour}
                OR (lease_until IS NOT NULL AND created_at < {day})",
    },
    Check {
        invariant: Invariant::Ages,
        wrong: "an unpaid order is past its time",
        sql: "SELECT o.id AS subject, 'order ' || o.number || ', changed last '
                || CAST(o.updated_at AS text) AS detail
            FROM shop_order o
            WHERE o.status = 'PENDING_PAYMENT' AND o.updated_at < {minutes}
                AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.order_id = o.id
                    AND r.status = 'HELD' AND r.expires_at > {minutes})
                AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.order_id = o.id
                    AND p.state NOT IN ('VOIDED', 'DECLINED', 'UNAVAILABLE', 'SURPLUS'))",
    },
    Check {
        invariant: Invariant::Ages,
        wrong: "an event is not delivered",
        sql: "SELECT event_id AS subject, topic || ' ' || seq || ' is ' || status || ' since '
                || CAST(created_at AS text) AS detail
            FROM outbox
            WHERE (status = 'INFLIGHT' AND lease_until < {minutes})
                OR (status = 'PENDING' AND next_attempt_at < {hour})",
    },
    Check {
        invariant: Invariant::Ages,
        wrong: "a job is held by nobody",
        sql: "SELECT id AS subject, kind || ', held until ' || CAST(run_at AS text) AS detail
            FROM job WHERE status IN ('queued', 'running') AND status = 'running'
                AND run_at < {minutes}",
    },
];

/// Sessions that keep a transaction open and do nothing in it: they hold locks, and rows that
/// nobody needs any more. Postgres alone has sessions.
pub(super) const SESSIONS: Check = Check {
    invariant: Invariant::Ages,
    wrong: "a session is idle in its transaction",
    sql: "SELECT CAST(NULL AS uuid) AS subject,
            'session ' || pid || ', idle since ' || CAST(state_change AS text) AS detail
        FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'
            AND state_change < clock_timestamp() - interval '5 seconds'",
};
