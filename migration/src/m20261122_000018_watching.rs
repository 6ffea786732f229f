//! What keeps watching the shop right and cheap: how often in a row a component was found not to be
//! well, and the days of figures that are not summed up yet.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "ALTER TABLE component_finding ADD COLUMN bad_looks bigint NOT NULL DEFAULT 0",
                "CREATE INDEX order_stat_change_day_idx ON order_stat_change (day)",
                "CREATE INDEX payment_stat_change_day_idx ON payment_stat_change (day)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "DROP INDEX payment_stat_change_day_idx",
                "DROP INDEX order_stat_change_day_idx",
                "ALTER TABLE component_finding DROP COLUMN bad_looks",
            ],
        )
        .await
    }
}
