//! How attempts to pay were decided, and figures about that which each decision and each refund
//! adds to.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (serial, day) = match manager.get_database_backend() {
            DbBackend::Postgres => (
                "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                "to_char({at} AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
            ),
            _ => ("integer PRIMARY KEY AUTOINCREMENT", "substr({at}, 1, 10)"),
        };
        let words = |sql: &str| {
            sql.replace("{serial}", serial)
                .replace("{day of decided_at}", &day.replace("{at}", "decided_at"))
                .replace("{day of updated_at}", &day.replace("{at}", "updated_at"))
        };
        crate::run_all(manager, &STEPS.map(words).each_ref().map(String::as_str)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "DROP TABLE payment_stat_change",
                "DROP TABLE payment_stat",
                "ALTER TABLE payment DROP COLUMN decided_at",
                "ALTER TABLE payment DROP COLUMN decided_as",
            ],
        )
        .await
    }
}

const STEPS: [&str; 7] = [
    "ALTER TABLE payment ADD COLUMN decided_as text CONSTRAINT payment_decided_as_check
        CHECK (decided_as IN ('succeeded', 'declined', 'failed'))",
    "ALTER TABLE payment ADD COLUMN decided_at {timestamp}",
    // When it was is not known of those that are there: most are decided within a second.
    "UPDATE payment SET decided_at = created_at, decided_as =
        CASE state WHEN 'DECLINED' THEN 'declined' WHEN 'UNAVAILABLE' THEN 'failed'
            ELSE 'succeeded' END
        WHERE authorized > 0 OR captured > 0 OR state IN ('DECLINED', 'UNAVAILABLE')",
    "CREATE TABLE payment_stat (
        day text NOT NULL,
        outcome text NOT NULL,
        count bigint NOT NULL,
        CONSTRAINT payment_stat_pkey PRIMARY KEY (day, outcome)
    )",
    // Rows here wait for nobody: two payments that are decided at once would wait for one another
    // at a row of the table above.
    "CREATE TABLE payment_stat_change (
        id {serial},
        day text NOT NULL,
        outcome text NOT NULL,
        count bigint NOT NULL
    )",
    "INSERT INTO payment_stat (day, outcome, count)
        SELECT {day of decided_at}, decided_as, COUNT(*) FROM payment
        WHERE decided_as IS NOT NULL GROUP BY 1, 2",
    "INSERT INTO payment_stat (day, outcome, count)
        SELECT {day of updated_at}, 'refunded', COUNT(*) FROM refund
        WHERE state = 'SUCCEEDED' GROUP BY 1",
];
