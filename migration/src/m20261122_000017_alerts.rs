//! How the parts of the server are and were, and what those who run it are alerted to.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &TABLES).await?;
        crate::run_all(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "DROP INDEX stock_level_oversold_idx",
                "DROP TABLE alert",
                "DROP TABLE component_hour",
                "DROP TABLE component_change",
                "DROP TABLE component_state",
                "DROP TABLE component_finding",
            ],
        )
        .await
    }
}

const TABLES: [&str; 5] = [
    // What each process found last.
    "CREATE TABLE component_finding (
        component text NOT NULL,
        instance {uuid} NOT NULL,
        status text NOT NULL,
        message text,
        latency_us bigint NOT NULL,
        checked_at {timestamp} NOT NULL,
        CONSTRAINT component_finding_pkey PRIMARY KEY (component, instance),
        CONSTRAINT component_finding_status_check
            CHECK (status IN ('HEALTHY', 'DEGRADED', 'UNHEALTHY')),
        CONSTRAINT component_finding_latency_check CHECK (latency_us >= 0)
    )",
    // What came of it for the whole shop, last.
    "CREATE TABLE component_state (
        component text NOT NULL,
        status text NOT NULL,
        since {timestamp} NOT NULL,
        CONSTRAINT component_state_pkey PRIMARY KEY (component),
        CONSTRAINT component_state_status_check
            CHECK (status IN ('HEALTHY', 'DEGRADED', 'UNHEALTHY'))
    )",
    "CREATE TABLE component_change (
        id {uuid} NOT NULL PRIMARY KEY,
        component text NOT NULL,
        status text NOT NULL,
        message text,
        changed_at {timestamp} NOT NULL,
        CONSTRAINT component_change_status_check
            CHECK (status IN ('HEALTHY', 'DEGRADED', 'UNHEALTHY'))
    )",
    "CREATE TABLE component_hour (
        component text NOT NULL,
        starts_at {timestamp} NOT NULL,
        looks bigint NOT NULL,
        healthy bigint NOT NULL,
        latency_sum_us bigint NOT NULL,
        latency_max_us bigint NOT NULL,
        CONSTRAINT component_hour_pkey PRIMARY KEY (component, starts_at),
        CONSTRAINT component_hour_healthy_check CHECK (healthy BETWEEN 0 AND looks)
    )",
    // An empty subject stands for the whole shop: of nulls a unique index would let in many.
    "CREATE TABLE alert (
        id {uuid} NOT NULL PRIMARY KEY,
        rule text NOT NULL,
        subject text NOT NULL,
        severity text NOT NULL,
        status text NOT NULL,
        message text NOT NULL,
        threshold text NOT NULL,
        measured text NOT NULL,
        version bigint NOT NULL,
        quiet_since {timestamp},
        raised_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        acknowledged_at {timestamp},
        acknowledged_by {uuid},
        note text,
        resolved_at {timestamp},
        CONSTRAINT alert_acknowledged_by_fkey FOREIGN KEY (acknowledged_by)
            REFERENCES user_account (id),
        CONSTRAINT alert_rule_check CHECK (rule IN ('ERROR_RATE', 'PAYMENT_SUCCESS_RATE',
            'STOCK_CONFLICTS', 'CIRCUIT_OPEN', 'LOW_STOCK', 'COMPONENT_DOWN')),
        CONSTRAINT alert_severity_check CHECK (severity IN ('WARNING', 'CRITICAL')),
        CONSTRAINT alert_status_check CHECK (status IN ('OPEN', 'ACKNOWLEDGED', 'RESOLVED')),
        CONSTRAINT alert_resolved_check CHECK ((status = 'RESOLVED') = (resolved_at IS NOT NULL)),
        CONSTRAINT alert_acknowledged_check
            CHECK (status <> 'ACKNOWLEDGED' OR acknowledged_at IS NOT NULL)
    )",
];

const INDEXES: [&str; 7] = [
    // However many processes find something at once, and however often: one alert.
    "CREATE UNIQUE INDEX alert_unresolved_key ON alert (rule, subject)
        WHERE status <> 'RESOLVED'",
    "CREATE INDEX alert_status_idx ON alert (status, id)",
    "CREATE INDEX alert_updated_idx ON alert (updated_at)",
    "CREATE INDEX component_finding_checked_idx ON component_finding (checked_at)",
    "CREATE INDEX component_change_component_idx ON component_change (component, changed_at, id)",
    "CREATE INDEX component_change_changed_idx ON component_change (changed_at)",
    // Empty as long as the checks of the table stand: looking for what is in it costs nothing.
    "CREATE INDEX stock_level_oversold_idx ON stock_level (id)
        WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand",
];
