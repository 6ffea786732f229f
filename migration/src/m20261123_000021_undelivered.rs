//! The index by which a courier finds earlier events of an aggregate says what it has in other words
//! than the one by which it finds what is due: so the question for the first can be put such that
//! Postgres does not answer it from the second.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "CREATE INDEX outbox_undelivered_idx ON outbox (aggregate_id, seq)
                    WHERE status <> 'SENT' AND status <> 'DEAD'",
                "DROP INDEX outbox_open_idx",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "CREATE INDEX outbox_open_idx ON outbox (aggregate_id, seq)
                    WHERE status IN ('PENDING', 'INFLIGHT')",
                "DROP INDEX outbox_undelivered_idx",
            ],
        )
        .await
    }
}
