//! Figures of all processes, added up by the minute and by the hour, and circuits that are open.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &["DROP TABLE metric_circuit", "DROP TABLE metric_bucket"]).await
    }
}

const TABLES: [&str; 2] = [
    // Read by time: all figures of some hours.
    "CREATE TABLE metric_bucket (
        resolution text NOT NULL,
        starts_at {timestamp} NOT NULL,
        metric text NOT NULL,
        value bigint NOT NULL,
        CONSTRAINT metric_bucket_pkey PRIMARY KEY (resolution, starts_at, metric),
        CONSTRAINT metric_bucket_resolution_check CHECK (resolution IN ('MINUTE', 'HOUR')),
        CONSTRAINT metric_bucket_value_check CHECK (value >= 0)
    )",
    // Each process tells its own, for as long as it is not closed.
    "CREATE TABLE metric_circuit (
        process {uuid} NOT NULL,
        provider text NOT NULL,
        state text NOT NULL,
        seen_at {timestamp} NOT NULL,
        CONSTRAINT metric_circuit_pkey PRIMARY KEY (process, provider),
        CONSTRAINT metric_circuit_state_check CHECK (state IN ('HALF_OPEN', 'OPEN'))
    )",
];
