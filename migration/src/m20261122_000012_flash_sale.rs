//! Flash sales: a price for a while, for so many pieces, and what orders have of them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &TABLES).await?;
        crate::run_all(manager, &INDEXES).await?;
        crate::run(manager, ORDER_LINE).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "ALTER TABLE order_line DROP COLUMN flash_sale_id",
                "DROP TABLE flash_sale_take",
                "DROP TABLE flash_sale_price",
                "DROP TABLE flash_sale",
            ],
        )
        .await
    }
}

const TABLES: [&str; 3] = [
    "CREATE TABLE flash_sale (
        id {uuid} NOT NULL PRIMARY KEY,
        variant_id {uuid} NOT NULL,
        starts_at {timestamp} NOT NULL,
        ends_at {timestamp} NOT NULL,
        allocation bigint NOT NULL,
        taken bigint NOT NULL DEFAULT 0,
        limit_per_customer bigint,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT flash_sale_variant_fkey FOREIGN KEY (variant_id)
            REFERENCES product_variant (id) ON DELETE CASCADE,
        CONSTRAINT flash_sale_window_check CHECK (ends_at >= starts_at),
        CONSTRAINT flash_sale_allocation_check CHECK (allocation > 0),
        CONSTRAINT flash_sale_taken_check CHECK (taken BETWEEN 0 AND allocation),
        CONSTRAINT flash_sale_limit_check CHECK (limit_per_customer > 0)
    )",
    "CREATE TABLE flash_sale_price (
        flash_sale_id {uuid} NOT NULL,
        currency text NOT NULL,
        amount bigint NOT NULL,
        CONSTRAINT flash_sale_price_pkey PRIMARY KEY (flash_sale_id, currency),
        CONSTRAINT flash_sale_price_sale_fkey FOREIGN KEY (flash_sale_id)
            REFERENCES flash_sale (id) ON DELETE CASCADE,
        CONSTRAINT flash_sale_price_currency_check CHECK (length(currency) = 3),
        CONSTRAINT flash_sale_price_amount_check CHECK (amount >= 0)
    )",
    // Whose it is stands with the order: an account that joins or leaves its orders does so here too.
    "CREATE TABLE flash_sale_take (
        flash_sale_id {uuid} NOT NULL,
        order_id {uuid} NOT NULL,
        quantity bigint NOT NULL,
        created_at {timestamp} NOT NULL,
        CONSTRAINT flash_sale_take_pkey PRIMARY KEY (flash_sale_id, order_id),
        CONSTRAINT flash_sale_take_sale_fkey FOREIGN KEY (flash_sale_id)
            REFERENCES flash_sale (id),
        CONSTRAINT flash_sale_take_order_fkey FOREIGN KEY (order_id) REFERENCES shop_order (id),
        CONSTRAINT flash_sale_take_quantity_check CHECK (quantity > 0)
    )",
];

const INDEXES: [&str; 3] = [
    "CREATE INDEX flash_sale_variant_idx ON flash_sale (variant_id, ends_at)",
    "CREATE INDEX flash_sale_starts_idx ON flash_sale (starts_at, id)",
    "CREATE INDEX flash_sale_take_order_idx ON flash_sale_take (order_id)",
];

/// Whose price a line has; null: the list price.
const ORDER_LINE: &str = "ALTER TABLE order_line ADD COLUMN flash_sale_id {uuid}
    CONSTRAINT order_line_flash_sale_fkey REFERENCES flash_sale (id)";
