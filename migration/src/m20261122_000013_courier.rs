//! Who holds an event on its way, and a way to find the dead ones.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &STEPS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &["DROP INDEX outbox_dead_idx", "ALTER TABLE outbox DROP COLUMN claim"],
        )
        .await
    }
}

const STEPS: [&str; 2] = [
    // Of all claims of an event the last one counts.
    "ALTER TABLE outbox ADD COLUMN claim {uuid}",
    "CREATE INDEX outbox_dead_idx ON outbox (event_id) WHERE status = 'DEAD'",
];
