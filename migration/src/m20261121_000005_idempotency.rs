//! Keys of mutations that were carried out.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "CREATE TABLE idempotency (
                    scope text NOT NULL,
                    operation text NOT NULL,
                    key text NOT NULL,
                    fingerprint {bytes} NOT NULL,
                    outcome {json} NOT NULL,
                    created_at {timestamp} NOT NULL,
                    CONSTRAINT idempotency_pkey PRIMARY KEY (scope, operation, key),
                    CONSTRAINT idempotency_key_check CHECK (length(key) BETWEEN 1 AND 255)
                )",
                "CREATE INDEX idempotency_created_idx ON idempotency (created_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, "DROP TABLE idempotency").await
    }
}
