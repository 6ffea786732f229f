//! What became of captures that were refused, for whoever asks again what came of theirs.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, TABLE).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, "DROP TABLE capture_refusal").await
    }
}

// The payment's own row tells of the last one, and forgets it when the money is asked for anew.
const TABLE: &str = "CREATE TABLE capture_refusal (
    payment_id {uuid} NOT NULL,
    step integer NOT NULL,
    failure_code text,
    retry_after_seconds integer,
    refused_at {timestamp} NOT NULL,
    CONSTRAINT capture_refusal_pkey PRIMARY KEY (payment_id, step),
    CONSTRAINT capture_refusal_payment_fkey FOREIGN KEY (payment_id) REFERENCES payment (id),
    CONSTRAINT capture_refusal_check CHECK (
        (failure_code IS NULL) <> (retry_after_seconds IS NULL))
)";
