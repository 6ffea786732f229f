//! Money that goes other ways than the straight one: that comes for an attempt which was over, that
//! is taken in part, and that goes back for single pieces. Payments that somebody has to look at
//! are asked about further.

use crate::m20261122_000008_payment::PAYMENT as PAYMENT_BEFORE;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => crate::run_all(manager, POSTGRES).await?,
            // SQLite changes no constraint of a table that is there.
            _ => rebuild(manager, SQLITE, &WHAT_WAS_KNOWN).await?,
        }
        crate::run_all(manager, ORDERS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, ORDERS_BACK).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => crate::run_all(manager, POSTGRES_BACK).await,
            _ => {
                crate::run(
                    manager,
                    "UPDATE payment SET lease_until = NULL
                        WHERE state IN ('VOIDED', 'DECLINED', 'UNAVAILABLE')",
                )
                .await?;
                rebuild(manager, PAYMENT_BEFORE, &WHAT_IS_KEPT).await
            }
        }
    }
}

/// A table, its columns, and where they come from.
type Copied = (&'static str, &'static str, &'static str);

/// Makes the three tables anew, those first that others refer to.
async fn rebuild(
    manager: &SchemaManager<'_>,
    tables: &[&str],
    copied: &[Copied],
) -> Result<(), DbErr> {
    for (table, ..) in copied.iter().rev() {
        crate::run(manager, &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await?;
        crate::run(manager, &format!("DROP TABLE {table}")).await?;
    }
    crate::run_all(manager, tables).await?;
    for (table, columns, from) in copied {
        let copy = format!("INSERT INTO {table} ({columns}) SELECT {from} FROM kept_{table}");
        crate::run(manager, &copy).await?;
        crate::run(manager, &format!("DROP TABLE kept_{table}")).await?;
    }
    Ok(())
}

const PAYMENT_COLUMNS: &str = "id, order_id, order_number, provider, method, currency, amount, \
    capture_at_once, state, authorized, capturing, captured, refunded, refund_pending, step, \
    provider_reference, failure_code, retry_after_seconds, next_action, lease_until, attempts, \
    version, created_at, updated_at";
const REFUND_COLUMNS: &str = "id, payment_id, key, amount, state, reason, provider_reference, \
    failure_code, lease_until, attempts, created_at, updated_at";
const EVENT_COLUMNS: &str = "id, provider, event_id, payment_id, kind, said, received_at";

const WHAT_WAS_KNOWN: [Copied; 3] = [
    (
        "payment",
        PAYMENT_COLUMNS,
        "id, order_id, order_number, provider, method, currency, amount, capture_at_once, state, \
         authorized, capturing, captured, refunded, refund_pending, step, provider_reference, \
         failure_code, retry_after_seconds, next_action, \
         CASE state WHEN 'MANUAL_REVIEW' THEN updated_at ELSE lease_until END, attempts, version, \
         created_at, updated_at",
    ),
    ("refund", REFUND_COLUMNS, REFUND_COLUMNS),
    ("payment_event", EVENT_COLUMNS, EVENT_COLUMNS),
];

const WHAT_IS_KEPT: [Copied; 3] = [
    (
        "payment",
        PAYMENT_COLUMNS,
        "id, order_id, order_number, provider, method, currency, amount, capture_at_once, state, \
         authorized, capturing, captured, refunded, refund_pending, step, provider_reference, \
         failure_code, retry_after_seconds, next_action, \
         CASE state WHEN 'MANUAL_REVIEW' THEN NULL ELSE lease_until END, attempts, version, \
         created_at, updated_at",
    ),
    ("refund", REFUND_COLUMNS, REFUND_COLUMNS),
    ("payment_event", EVENT_COLUMNS, EVENT_COLUMNS),
];

/// What stands in the way of another attempt: all but what is over, and what came too late.
const OPEN_KEY: &str = "CREATE UNIQUE INDEX payment_open_key ON payment (order_id)
    WHERE state NOT IN ('VOIDED', 'DECLINED', 'UNAVAILABLE', 'SURPLUS')";
const OPEN_KEY_BEFORE: &str = "CREATE UNIQUE INDEX payment_open_key ON payment (order_id)
    WHERE state NOT IN ('VOIDED', 'DECLINED', 'UNAVAILABLE')";
const RETRY_IDX: &str =
    "CREATE INDEX refund_retry_idx ON refund (retry_at) WHERE retry_at IS NOT NULL";

const POSTGRES: &[&str] = &[
    "ALTER TABLE payment
        ADD COLUMN capture_asked bigint,
        ADD COLUMN void_reason text,
        DROP CONSTRAINT payment_state_check,
        DROP CONSTRAINT payment_held_check,
        DROP CONSTRAINT payment_taken_check,
        DROP CONSTRAINT payment_lease_check",
    "UPDATE payment SET lease_until = updated_at WHERE state = 'MANUAL_REVIEW'",
    "ALTER TABLE payment
        ADD CONSTRAINT payment_state_check CHECK (state IN (
            'AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED', 'AUTHORIZED', 'CAPTURING',
            'CAPTURE_UNKNOWN', 'CAPTURED', 'SURPLUS', 'VOIDING', 'VOIDED', 'DECLINED',
            'UNAVAILABLE', 'MANUAL_REVIEW')),
        ADD CONSTRAINT payment_held_check CHECK (
            state NOT IN ('AUTHORIZED', 'CAPTURING', 'CAPTURE_UNKNOWN', 'CAPTURED', 'SURPLUS')
            OR authorized > 0),
        ADD CONSTRAINT payment_taken_check
            CHECK ((captured > 0) = (state IN ('CAPTURED', 'SURPLUS'))),
        ADD CONSTRAINT payment_lease_check CHECK (
            (lease_until IS NOT NULL OR state NOT IN (
                'AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED', 'CAPTURING', 'CAPTURE_UNKNOWN',
                'VOIDING', 'MANUAL_REVIEW'))
            AND (lease_until IS NULL OR state NOT IN ('AUTHORIZED', 'CAPTURED', 'SURPLUS'))),
        ADD CONSTRAINT payment_asked_check
            CHECK (capture_asked IS NULL OR capture_asked BETWEEN 1 AND amount)",
    "DROP INDEX payment_open_key",
    OPEN_KEY,
    "ALTER TABLE refund
        ADD COLUMN restock boolean NOT NULL DEFAULT false,
        ADD COLUMN turn integer NOT NULL DEFAULT 0,
        ADD COLUMN retry_at timestamptz,
        ADD CONSTRAINT refund_turn_check CHECK (turn >= 0),
        ADD CONSTRAINT refund_retry_check CHECK (
            retry_at IS NULL OR (state = 'FAILED' AND turn > 0))",
    RETRY_IDX,
];

const POSTGRES_BACK: &[&str] = &[
    "DROP INDEX refund_retry_idx",
    "ALTER TABLE refund DROP COLUMN restock, DROP COLUMN turn, DROP COLUMN retry_at",
    "DROP INDEX payment_open_key",
    OPEN_KEY_BEFORE,
    "ALTER TABLE payment
        DROP COLUMN capture_asked,
        DROP COLUMN void_reason,
        DROP CONSTRAINT payment_state_check,
        DROP CONSTRAINT payment_held_check,
        DROP CONSTRAINT payment_taken_check,
        DROP CONSTRAINT payment_lease_check",
    "UPDATE payment SET lease_until = NULL
        WHERE state IN ('VOIDED', 'DECLINED', 'UNAVAILABLE', 'MANUAL_REVIEW')",
    "ALTER TABLE payment
        ADD CONSTRAINT payment_state_check CHECK (state IN (
            'AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED', 'AUTHORIZED', 'CAPTURING',
            'CAPTURE_UNKNOWN', 'CAPTURED', 'VOIDING', 'VOIDED', 'DECLINED', 'UNAVAILABLE',
            'MANUAL_REVIEW')),
        ADD CONSTRAINT payment_held_check CHECK (
            state NOT IN ('AUTHORIZED', 'CAPTURING', 'CAPTURE_UNKNOWN', 'CAPTURED')
            OR authorized > 0),
        ADD CONSTRAINT payment_taken_check CHECK ((captured > 0) = (state = 'CAPTURED')),
        ADD CONSTRAINT payment_lease_check CHECK ((lease_until IS NOT NULL) = (state IN (
            'AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED', 'CAPTURING', 'CAPTURE_UNKNOWN',
            'VOIDING')))",
];

const SQLITE: &[&str] = &[
    "CREATE TABLE payment (
        id {uuid} NOT NULL PRIMARY KEY,
        order_id {uuid} NOT NULL,
        order_number text NOT NULL,
        provider text NOT NULL,
        method text NOT NULL,
        currency text NOT NULL,
        amount bigint NOT NULL,
        capture_at_once boolean NOT NULL,
        state text NOT NULL,
        authorized bigint NOT NULL DEFAULT 0,
        capturing bigint NOT NULL DEFAULT 0,
        captured bigint NOT NULL DEFAULT 0,
        refunded bigint NOT NULL DEFAULT 0,
        refund_pending bigint NOT NULL DEFAULT 0,
        step integer NOT NULL DEFAULT 1,
        provider_reference text,
        failure_code text,
        retry_after_seconds integer,
        next_action {json},
        lease_until {timestamp},
        attempts integer NOT NULL DEFAULT 0,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        capture_asked bigint,
        void_reason text,
        CONSTRAINT payment_order_fkey FOREIGN KEY (order_id) REFERENCES shop_order (id),
        CONSTRAINT payment_reference_key UNIQUE (provider, provider_reference),
        CONSTRAINT payment_amount_check CHECK (amount > 0),
        CONSTRAINT payment_authorized_check CHECK (authorized BETWEEN 0 AND amount),
        CONSTRAINT payment_captured_check CHECK (captured BETWEEN 0 AND authorized),
        CONSTRAINT payment_capturing_check CHECK (
            capturing BETWEEN 0 AND authorized
            AND (capturing > 0) = (state IN ('CAPTURING', 'CAPTURE_UNKNOWN'))),
        CONSTRAINT payment_refunded_check CHECK (
            refunded >= 0 AND refund_pending >= 0 AND refunded + refund_pending <= captured),
        CONSTRAINT payment_state_check CHECK (state IN (
            'AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED', 'AUTHORIZED', 'CAPTURING',
            'CAPTURE_UNKNOWN', 'CAPTURED', 'SURPLUS', 'VOIDING', 'VOIDED', 'DECLINED',
            'UNAVAILABLE', 'MANUAL_REVIEW')),
        CONSTRAINT payment_held_check CHECK (
            state NOT IN ('AUTHORIZED', 'CAPTURING', 'CAPTURE_UNKNOWN', 'CAPTURED', 'SURPLUS')
            OR authorized > 0),
        CONSTRAINT payment_taken_check
            CHECK ((captured > 0) = (state IN ('CAPTURED', 'SURPLUS'))),
        CONSTRAINT payment_lease_check CHECK (
            (lease_until IS NOT NULL OR state NOT IN (
                'AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED', 'CAPTURING', 'CAPTURE_UNKNOWN',
                'VOIDING', 'MANUAL_REVIEW'))
            AND (lease_until IS NULL OR state NOT IN ('AUTHORIZED', 'CAPTURED', 'SURPLUS'))),
        CONSTRAINT payment_step_check CHECK (step > 0 AND attempts >= 0 AND version > 0),
        CONSTRAINT payment_asked_check
            CHECK (capture_asked IS NULL OR capture_asked BETWEEN 1 AND amount)
    )",
    OPEN_KEY,
    "CREATE INDEX payment_order_idx ON payment (order_id, id)",
    "CREATE INDEX payment_lease_idx ON payment (lease_until) WHERE lease_until IS NOT NULL",
    "CREATE TABLE refund (
        id {uuid} NOT NULL PRIMARY KEY,
        payment_id {uuid} NOT NULL,
        key text NOT NULL,
        amount bigint NOT NULL,
        state text NOT NULL,
        reason text,
        provider_reference text,
        failure_code text,
        lease_until {timestamp},
        attempts integer NOT NULL DEFAULT 0,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        restock boolean NOT NULL DEFAULT false,
        turn integer NOT NULL DEFAULT 0,
        retry_at {timestamp},
        CONSTRAINT refund_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment (id),
        CONSTRAINT refund_key_key UNIQUE (payment_id, key),
        CONSTRAINT refund_amount_check CHECK (amount > 0),
        CONSTRAINT refund_state_check
            CHECK (state IN ('PENDING', 'UNKNOWN', 'SUCCEEDED', 'FAILED')),
        CONSTRAINT refund_lease_check
            CHECK ((lease_until IS NOT NULL) = (state IN ('PENDING', 'UNKNOWN'))),
        CONSTRAINT refund_attempts_check CHECK (attempts >= 0),
        CONSTRAINT refund_turn_check CHECK (turn >= 0),
        CONSTRAINT refund_retry_check CHECK (
            retry_at IS NULL OR (state = 'FAILED' AND turn > 0))
    )",
    "CREATE INDEX refund_lease_idx ON refund (lease_until) WHERE lease_until IS NOT NULL",
    RETRY_IDX,
    "CREATE TABLE payment_event (
        id {uuid} NOT NULL PRIMARY KEY,
        provider text NOT NULL,
        event_id text NOT NULL,
        payment_id {uuid} NOT NULL,
        kind text NOT NULL,
        said {json} NOT NULL,
        received_at {timestamp} NOT NULL,
        CONSTRAINT payment_event_key UNIQUE (provider, event_id),
        CONSTRAINT payment_event_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment (id)
    )",
    "CREATE INDEX payment_event_payment_idx ON payment_event (payment_id, received_at)",
];

const ORDERS: &[&str] = &[
    // What was taken for an order: less than its total when only a part was captured.
    "ALTER TABLE shop_order ADD COLUMN paid_total bigint NOT NULL DEFAULT 0
        CONSTRAINT shop_order_paid_check CHECK (paid_total BETWEEN 0 AND total)",
    "UPDATE shop_order SET paid_total = (SELECT p.captured FROM payment p
            WHERE p.order_id = shop_order.id AND p.state = 'CAPTURED')
        WHERE EXISTS (SELECT 1 FROM payment p
            WHERE p.order_id = shop_order.id AND p.state = 'CAPTURED')",
    // Pieces whose money went back, or is on its way, and how much of it.
    "ALTER TABLE order_line ADD COLUMN quantity_refunded bigint NOT NULL DEFAULT 0
        CONSTRAINT order_line_refunded_check CHECK (quantity_refunded BETWEEN 0 AND quantity)",
    "ALTER TABLE order_line ADD COLUMN refunded_amount bigint NOT NULL DEFAULT 0
        CONSTRAINT order_line_refunded_amount_check
            CHECK (refunded_amount BETWEEN 0 AND line_total + tax)",
    // Pieces that will not be sent any more, because their money goes back.
    "ALTER TABLE order_line ADD COLUMN quantity_cancelled bigint NOT NULL DEFAULT 0
        CONSTRAINT order_line_cancelled_check CHECK (quantity_cancelled >= 0
            AND quantity_fulfilled + quantity_cancelled <= quantity)",
    // The pieces of a refund: those that are not to be sent any more, and those that came back.
    "CREATE TABLE refund_line (
        refund_id {uuid} NOT NULL,
        order_line_id {uuid} NOT NULL,
        quantity bigint NOT NULL,
        amount bigint NOT NULL,
        cancelled bigint NOT NULL,
        returned bigint NOT NULL,
        PRIMARY KEY (refund_id, order_line_id),
        CONSTRAINT refund_line_refund_fkey FOREIGN KEY (refund_id) REFERENCES refund (id),
        CONSTRAINT refund_line_line_fkey FOREIGN KEY (order_line_id) REFERENCES order_line (id),
        CONSTRAINT refund_line_quantity_check CHECK (quantity >= 0 AND amount >= 0
            AND cancelled >= 0 AND returned >= 0)
    )",
    "CREATE INDEX refund_line_line_idx ON refund_line (order_line_id)",
];

const ORDERS_BACK: &[&str] = &[
    "DROP TABLE refund_line",
    "ALTER TABLE order_line DROP COLUMN quantity_cancelled",
    "ALTER TABLE order_line DROP COLUMN refunded_amount",
    "ALTER TABLE order_line DROP COLUMN quantity_refunded",
    "ALTER TABLE shop_order DROP COLUMN paid_total",
];
