//! Figures about orders that every change of an order adds to, and the indexes of lists of orders.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let (serial, day) = match backend {
            DbBackend::Postgres => (
                "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                "to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
            ),
            _ => ("integer PRIMARY KEY AUTOINCREMENT", "substr(e.created_at, 1, 10)"),
        };
        crate::run_all(
            manager,
            &TABLES.map(|sql| sql.replace("{serial}", serial)).each_ref().map(String::as_str),
        )
        .await?;
        let amounts = match backend {
            DbBackend::Postgres => POSTGRES_AMOUNTS,
            _ => SQLITE_AMOUNTS,
        };
        crate::run_all(manager, &amounts).await?;
        crate::run_all(
            manager,
            &FILL.map(|sql| sql.replace("{day}", day)).each_ref().map(String::as_str),
        )
        .await?;
        crate::run(manager, UPDATED_INDEX).await?;
        match backend {
            // Other locales than C sort otherwise than by bytes, and an index with them.
            DbBackend::Postgres => crate::run_all(manager, &POSTGRES_PREFIXES).await,
            _ => Ok(()),
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            crate::run_all(
                manager,
                &[
                    "DROP INDEX shop_order_email_prefix_idx",
                    "DROP INDEX shop_order_number_prefix_idx",
                ],
            )
            .await?;
        }
        crate::run_all(
            manager,
            &[
                "DROP INDEX shop_order_updated_idx",
                "DROP TABLE order_stat_change",
                "DROP TABLE order_stat",
                "ALTER TABLE order_event DROP COLUMN refunded",
                "ALTER TABLE order_event DROP COLUMN paid",
            ],
        )
        .await
    }
}

const TABLES: [&str; 4] = [
    // What was taken and what went back with a change, so that both can be counted anew.
    "ALTER TABLE order_event ADD COLUMN paid bigint NOT NULL DEFAULT 0",
    "ALTER TABLE order_event ADD COLUMN refunded bigint NOT NULL DEFAULT 0",
    "CREATE TABLE order_stat (
        day text NOT NULL,
        currency text NOT NULL,
        measure text NOT NULL,
        count bigint NOT NULL,
        amount bigint NOT NULL,
        PRIMARY KEY (day, currency, measure)
    )",
    // Rows here wait for nobody: two orders that change at once would wait for one another at a row
    // of the table above.
    "CREATE TABLE order_stat_change (
        id {serial},
        day text NOT NULL,
        currency text NOT NULL,
        measure text NOT NULL,
        count bigint NOT NULL,
        amount bigint NOT NULL
    )",
];

// The history tells no amounts so far: they are put down to the last change of each order.
const AMOUNTS: &str = "UPDATE order_event SET
        paid = (SELECT o.paid_total FROM shop_order o WHERE o.id = order_event.order_id),
        refunded = (SELECT o.refunded_total FROM shop_order o WHERE o.id = order_event.order_id)
    WHERE version =
        (SELECT MAX(e.version) FROM order_event e WHERE e.order_id = order_event.order_id)";

const POSTGRES_AMOUNTS: [&str; 3] = [
    "ALTER TABLE order_event DISABLE TRIGGER order_event_append_only",
    AMOUNTS,
    "ALTER TABLE order_event ENABLE TRIGGER order_event_append_only",
];

const SQLITE_AMOUNTS: [&str; 3] = [
    "DROP TRIGGER order_event_no_update",
    AMOUNTS,
    "CREATE TRIGGER order_event_no_update BEFORE UPDATE ON order_event
        BEGIN SELECT RAISE(ABORT, 'order_event is append-only'); END",
];

const FILL: [&str; 5] = [
    "INSERT INTO order_stat (day, currency, measure, count, amount)
        SELECT {day}, o.currency, 'placed', COUNT(*), SUM(o.total)
        FROM order_event e JOIN shop_order o ON o.id = e.order_id
        WHERE o.kind = 'SALE' AND e.from_status IS NULL GROUP BY 1, 2",
    "INSERT INTO order_stat (day, currency, measure, count, amount)
        SELECT {day}, o.currency, 'paid',
            SUM(CASE WHEN e.to_status = 'PAID' AND e.from_status <> 'PAID' THEN 1 ELSE 0 END),
            SUM(e.paid)
        FROM order_event e JOIN shop_order o ON o.id = e.order_id
        WHERE o.kind = 'SALE'
            AND (e.paid > 0 OR (e.to_status = 'PAID' AND e.from_status <> 'PAID')) GROUP BY 1, 2",
    "INSERT INTO order_stat (day, currency, measure, count, amount)
        SELECT {day}, o.currency, 'refunded', COUNT(*), SUM(e.refunded)
        FROM order_event e JOIN shop_order o ON o.id = e.order_id
        WHERE o.kind = 'SALE' AND e.refunded > 0 GROUP BY 1, 2",
    "INSERT INTO order_stat (day, currency, measure, count, amount)
        SELECT {day}, o.currency, 'cancelled', COUNT(*), SUM(o.total)
        FROM order_event e JOIN shop_order o ON o.id = e.order_id
        WHERE o.kind = 'SALE' AND e.to_status = 'CANCELLED' AND e.from_status <> 'CANCELLED'
        GROUP BY 1, 2",
    "INSERT INTO order_stat (day, currency, measure, count, amount)
        SELECT '', currency, status, COUNT(*), 0 FROM shop_order GROUP BY currency, status",
];

const UPDATED_INDEX: &str = "CREATE INDEX shop_order_updated_idx ON shop_order (updated_at, id)";

const POSTGRES_PREFIXES: [&str; 2] = [
    "CREATE INDEX shop_order_email_prefix_idx ON shop_order (email_key text_pattern_ops)",
    "CREATE INDEX shop_order_number_prefix_idx ON shop_order (number text_pattern_ops)",
];
