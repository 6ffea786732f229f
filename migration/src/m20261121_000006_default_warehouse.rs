//! The warehouse that operations mean when they name none: a shop has one from its first day.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The key is fixed, so that it is the same warehouse in every database; the time is when
        // this shop began. SQLite's is written the way the server writes times.
        let (id, now) = match manager.get_database_backend() {
            DbBackend::Postgres => ("'019b76da-a800-7000-8000-000000000001'", "now()"),
            _ => (
                "X'019B76DAA80070008000000000000001'",
                "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '+00:00'",
            ),
        };
        let insert = format!(
            "INSERT INTO warehouse
                (id, code, name, priority, active, is_default, version, created_at, updated_at)
             VALUES ({id}, 'MAIN', 'Main warehouse', 0, TRUE, TRUE, 1, {now}, {now})"
        );
        crate::run(manager, &insert).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, "DELETE FROM warehouse WHERE is_default").await
    }
}
