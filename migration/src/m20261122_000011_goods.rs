//! What leaves the warehouses and when, and what the shop itself orders from suppliers.

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
            &[
                "DROP TABLE fulfillment_line",
                "DROP TABLE fulfillment",
                "ALTER TABLE shop_order DROP COLUMN token_key",
                "ALTER TABLE shop_order DROP COLUMN warehouse_id",
                "ALTER TABLE shop_order DROP COLUMN supplier_name",
            ],
        )
        .await
    }
}

const STEPS: [&str; 7] = [
    // Of a purchase: from whom, and to which warehouse.
    "ALTER TABLE shop_order ADD COLUMN supplier_name text",
    "ALTER TABLE shop_order ADD COLUMN warehouse_id {uuid}
        CONSTRAINT shop_order_warehouse_fkey REFERENCES warehouse (id)",
    // What the token of a guest is made of when no cart became the order: 128 random bits.
    "ALTER TABLE shop_order ADD COLUMN token_key {uuid}",
    // One parcel or more, sent at one time.
    "CREATE TABLE fulfillment (
        id {uuid} NOT NULL PRIMARY KEY,
        order_id {uuid} NOT NULL,
        carrier text,
        tracking_number text,
        note text,
        created_at {timestamp} NOT NULL,
        CONSTRAINT fulfillment_order_fkey FOREIGN KEY (order_id) REFERENCES shop_order (id)
    )",
    "CREATE INDEX fulfillment_order_idx ON fulfillment (order_id, id)",
    "CREATE TABLE fulfillment_line (
        id {uuid} NOT NULL PRIMARY KEY,
        fulfillment_id {uuid} NOT NULL,
        order_line_id {uuid} NOT NULL,
        warehouse_id {uuid} NOT NULL,
        quantity bigint NOT NULL,
        quantity_returned bigint NOT NULL DEFAULT 0,
        CONSTRAINT fulfillment_line_key UNIQUE (fulfillment_id, order_line_id, warehouse_id),
        CONSTRAINT fulfillment_line_fulfillment_fkey FOREIGN KEY (fulfillment_id)
            REFERENCES fulfillment (id),
        CONSTRAINT fulfillment_line_order_line_fkey FOREIGN KEY (order_line_id)
            REFERENCES order_line (id),
        CONSTRAINT fulfillment_line_warehouse_fkey FOREIGN KEY (warehouse_id)
            REFERENCES warehouse (id),
        CONSTRAINT fulfillment_line_quantity_check CHECK (quantity > 0),
        CONSTRAINT fulfillment_line_returned_check
            CHECK (quantity_returned BETWEEN 0 AND quantity)
    )",
    "CREATE INDEX fulfillment_line_order_line_idx ON fulfillment_line (order_line_id, id)",
];
