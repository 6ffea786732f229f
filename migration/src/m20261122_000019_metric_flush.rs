//! Which of its figures a process has written, so that none are written twice.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, TABLE).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, "DROP TABLE metric_flush").await
    }
}

// A COMMIT whose answer is lost may have been carried out: whoever repeats it finds its turn here.
const TABLE: &str = "CREATE TABLE metric_flush (
    process {uuid} NOT NULL,
    turn bigint NOT NULL,
    written_at {timestamp} NOT NULL,
    CONSTRAINT metric_flush_pkey PRIMARY KEY (process)
)";
