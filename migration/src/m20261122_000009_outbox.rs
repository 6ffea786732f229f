//! Events that are told to others once their transaction is committed.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let serial = match manager.get_database_backend() {
            DbBackend::Postgres => "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            _ => "integer PRIMARY KEY AUTOINCREMENT",
        };
        crate::run(manager, &TABLE.replace("{serial}", serial)).await?;
        crate::run_all(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, "DROP TABLE outbox").await
    }
}

const TABLE: &str = "CREATE TABLE outbox (
    id {serial},
    event_id {uuid} NOT NULL,
    topic text NOT NULL,
    type text NOT NULL,
    aggregate_id {uuid} NOT NULL,
    seq bigint NOT NULL,
    payload {json} NOT NULL,
    correlation_id text,
    status text NOT NULL DEFAULT 'PENDING',
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at {timestamp} NOT NULL,
    lease_until {timestamp},
    last_error text,
    created_at {timestamp} NOT NULL,
    sent_at {timestamp},
    CONSTRAINT outbox_event_key UNIQUE (event_id),
    CONSTRAINT outbox_aggregate_key UNIQUE (aggregate_id, seq),
    CONSTRAINT outbox_status_check CHECK (status IN ('PENDING', 'INFLIGHT', 'SENT', 'DEAD'))
)";

const INDEXES: [&str; 3] = [
    // What the relay looks for: few rows, whatever the table holds.
    "CREATE INDEX outbox_due_idx ON outbox (id) WHERE status IN ('PENDING', 'INFLIGHT')",
    "CREATE INDEX outbox_open_idx ON outbox (aggregate_id, seq)
        WHERE status IN ('PENDING', 'INFLIGHT')",
    "CREATE INDEX outbox_sent_idx ON outbox (sent_at) WHERE status = 'SENT'",
];
