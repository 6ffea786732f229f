//! Payments of orders and their refunds, what providers told of them, and the record of the sandbox,
//! which is no part of the shop: none of its rows refers to one of ours.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, PAYMENT).await?;
        crate::run_all(manager, SANDBOX).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "DROP TABLE sandbox_event",
                "DROP TABLE sandbox_refund",
                "DROP TABLE sandbox_charge",
                "DROP TABLE sandbox_idempotency",
                "DROP TABLE payment_event",
                "DROP TABLE refund",
                "DROP TABLE payment",
            ],
        )
        .await
    }
}

pub(crate) const PAYMENT: &[&str] = &[
    // One attempt to pay for an order. Amounts are minor units of `currency`. `capturing` is what a
    // capture under way asks for; `step` tells the tries of captures and voids apart in the keys
    // that the provider gets.
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
            'CAPTURE_UNKNOWN', 'CAPTURED', 'VOIDING', 'VOIDED', 'DECLINED', 'UNAVAILABLE',
            'MANUAL_REVIEW')),
        CONSTRAINT payment_held_check CHECK (
            state NOT IN ('AUTHORIZED', 'CAPTURING', 'CAPTURE_UNKNOWN', 'CAPTURED')
            OR authorized > 0),
        CONSTRAINT payment_taken_check CHECK ((captured > 0) = (state = 'CAPTURED')),
        CONSTRAINT payment_lease_check CHECK ((lease_until IS NOT NULL) = (state IN (
            'AUTHORIZING', 'AUTH_UNKNOWN', 'ACTION_REQUIRED', 'CAPTURING', 'CAPTURE_UNKNOWN',
            'VOIDING'))),
        CONSTRAINT payment_step_check CHECK (step > 0 AND attempts >= 0 AND version > 0)
    )",
    // Nobody pays twice: while one attempt is undecided or holds money there is no other.
    "CREATE UNIQUE INDEX payment_open_key ON payment (order_id)
        WHERE state NOT IN ('VOIDED', 'DECLINED', 'UNAVAILABLE')",
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
        CONSTRAINT refund_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment (id),
        CONSTRAINT refund_key_key UNIQUE (payment_id, key),
        CONSTRAINT refund_amount_check CHECK (amount > 0),
        CONSTRAINT refund_state_check
            CHECK (state IN ('PENDING', 'UNKNOWN', 'SUCCEEDED', 'FAILED')),
        CONSTRAINT refund_lease_check
            CHECK ((lease_until IS NOT NULL) = (state IN ('PENDING', 'UNKNOWN'))),
        CONSTRAINT refund_attempts_check CHECK (attempts >= 0)
    )",
    "CREATE INDEX refund_lease_idx ON refund (lease_until) WHERE lease_until IS NOT NULL",
    // What providers told, once each, however often they tell it.
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

const SANDBOX: &[&str] = &[
    "CREATE TABLE sandbox_idempotency (
        key text NOT NULL PRIMARY KEY,
        fingerprint {bytes} NOT NULL,
        answer {json} NOT NULL,
        created_at {timestamp} NOT NULL
    )",
    "CREATE TABLE sandbox_charge (
        id {uuid} NOT NULL PRIMARY KEY,
        payment_id {uuid} NOT NULL,
        method text NOT NULL,
        currency text NOT NULL,
        amount bigint NOT NULL,
        capture_at_once boolean NOT NULL,
        state text NOT NULL,
        captured bigint NOT NULL DEFAULT 0,
        refunded bigint NOT NULL DEFAULT 0,
        decline_code text,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT sandbox_charge_payment_key UNIQUE (payment_id),
        CONSTRAINT sandbox_charge_amount_check CHECK (amount > 0),
        CONSTRAINT sandbox_charge_captured_check CHECK (captured BETWEEN 0 AND amount),
        CONSTRAINT sandbox_charge_refunded_check CHECK (refunded BETWEEN 0 AND captured),
        CONSTRAINT sandbox_charge_state_check
            CHECK (state IN ('PENDING', 'AUTHORIZED', 'CAPTURED', 'DECLINED', 'VOIDED'))
    )",
    "CREATE TABLE sandbox_refund (
        id {uuid} NOT NULL PRIMARY KEY,
        refund_id {uuid} NOT NULL,
        charge_id {uuid} NOT NULL,
        amount bigint NOT NULL,
        created_at {timestamp} NOT NULL,
        CONSTRAINT sandbox_refund_refund_key UNIQUE (refund_id),
        CONSTRAINT sandbox_refund_charge_fkey FOREIGN KEY (charge_id)
            REFERENCES sandbox_charge (id),
        CONSTRAINT sandbox_refund_amount_check CHECK (amount > 0)
    )",
    "CREATE INDEX sandbox_refund_charge_idx ON sandbox_refund (charge_id)",
    "CREATE TABLE sandbox_event (
        id {uuid} NOT NULL PRIMARY KEY,
        payment_id {uuid} NOT NULL,
        body text NOT NULL,
        created_at {timestamp} NOT NULL
    )",
    "CREATE INDEX sandbox_event_payment_idx ON sandbox_event (payment_id, id)",
];
