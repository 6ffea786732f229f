//! Orders, their lines and their history.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &TABLES).await?;
        crate::run_all(manager, &INDEXES).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => crate::run_all(manager, &POSTGRES_APPEND_ONLY).await,
            _ => crate::run_all(manager, &SQLITE_APPEND_ONLY).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &["DROP TABLE order_event", "DROP TABLE order_line", "DROP TABLE shop_order"],
        )
        .await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => {
                crate::run(manager, "DROP FUNCTION order_event_append_only()").await
            }
            _ => Ok(()),
        }
    }
}

const TABLES: [&str; 3] = [
    // "order" is a word of SQL.
    "CREATE TABLE shop_order (
        id {uuid} NOT NULL PRIMARY KEY,
        number text NOT NULL,
        kind text NOT NULL,
        status text NOT NULL,
        customer_id {uuid},
        email text NOT NULL,
        email_key text NOT NULL,
        guest_token_hash {bytes},
        cart_id {uuid},
        currency text NOT NULL,
        subtotal bigint NOT NULL,
        shipping_total bigint NOT NULL,
        tax_total bigint NOT NULL,
        total bigint NOT NULL,
        refunded_total bigint NOT NULL DEFAULT 0,
        shipping_address {json},
        billing_address {json},
        shipping_method text,
        shipping_method_name text,
        shipping_tax bigint NOT NULL DEFAULT 0,
        cancel_reason text,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT shop_order_number_key UNIQUE (number),
        CONSTRAINT shop_order_cart_key UNIQUE (cart_id),
        CONSTRAINT shop_order_guest_token_key UNIQUE (guest_token_hash),
        CONSTRAINT shop_order_customer_fkey FOREIGN KEY (customer_id) REFERENCES user_account (id),
        CONSTRAINT shop_order_kind_check CHECK (kind IN ('SALE', 'PURCHASE')),
        CONSTRAINT shop_order_status_check CHECK (
            (kind = 'SALE' AND status IN ('PENDING_PAYMENT', 'AUTHORIZED', 'PAID', 'FULFILLED',
                'COMPLETED', 'CANCELLED', 'REFUNDED'))
            OR (kind = 'PURCHASE' AND status IN ('DRAFT', 'ORDERED', 'RECEIVED', 'CANCELLED'))),
        CONSTRAINT shop_order_total_check CHECK (subtotal >= 0 AND shipping_total >= 0
            AND tax_total >= 0 AND total = subtotal + shipping_total + tax_total),
        CONSTRAINT shop_order_refunded_check CHECK (refunded_total >= 0 AND refunded_total <= total),
        CONSTRAINT shop_order_version_check CHECK (version >= 1)
    )",
    "CREATE TABLE order_line (
        id {uuid} NOT NULL PRIMARY KEY,
        order_id {uuid} NOT NULL,
        position integer NOT NULL,
        variant_id {uuid} NOT NULL,
        sku text NOT NULL,
        product_name text NOT NULL,
        variant_name text NOT NULL,
        options {json} NOT NULL,
        quantity bigint NOT NULL,
        unit_price bigint NOT NULL,
        line_total bigint NOT NULL,
        tax_rate_ppm bigint NOT NULL,
        tax bigint NOT NULL,
        quantity_fulfilled bigint NOT NULL DEFAULT 0,
        quantity_returned bigint NOT NULL DEFAULT 0,
        quantity_received bigint NOT NULL DEFAULT 0,
        CONSTRAINT order_line_position_key UNIQUE (order_id, position),
        CONSTRAINT order_line_order_fkey FOREIGN KEY (order_id) REFERENCES shop_order (id),
        CONSTRAINT order_line_variant_fkey FOREIGN KEY (variant_id) REFERENCES product_variant (id),
        CONSTRAINT order_line_quantity_check CHECK (quantity > 0),
        CONSTRAINT order_line_total_check CHECK (unit_price >= 0 AND tax >= 0
            AND line_total = unit_price * quantity),
        CONSTRAINT order_line_tax_rate_check CHECK (tax_rate_ppm >= 0),
        CONSTRAINT order_line_fulfilled_check CHECK (quantity_fulfilled BETWEEN 0 AND quantity),
        CONSTRAINT order_line_returned_check
            CHECK (quantity_returned BETWEEN 0 AND quantity_fulfilled),
        CONSTRAINT order_line_received_check CHECK (quantity_received BETWEEN 0 AND quantity)
    )",
    "CREATE TABLE order_event (
        id {uuid} NOT NULL PRIMARY KEY,
        order_id {uuid} NOT NULL,
        version bigint NOT NULL,
        type text NOT NULL,
        from_status text,
        to_status text NOT NULL,
        actor_id {uuid},
        api_token_id {uuid},
        data {json} NOT NULL,
        correlation_id text,
        created_at {timestamp} NOT NULL,
        CONSTRAINT order_event_version_key UNIQUE (order_id, version),
        CONSTRAINT order_event_order_fkey FOREIGN KEY (order_id) REFERENCES shop_order (id),
        CONSTRAINT order_event_actor_fkey FOREIGN KEY (actor_id) REFERENCES user_account (id),
        CONSTRAINT order_event_token_fkey FOREIGN KEY (api_token_id) REFERENCES api_token (id)
    )",
];

const INDEXES: [&str; 5] = [
    "CREATE INDEX shop_order_created_idx ON shop_order (created_at, id)",
    "CREATE INDEX shop_order_customer_idx ON shop_order (customer_id, created_at, id)
        WHERE customer_id IS NOT NULL",
    "CREATE INDEX shop_order_status_idx ON shop_order (status, created_at, id)",
    "CREATE INDEX shop_order_email_idx ON shop_order (email_key, created_at, id)",
    "CREATE INDEX order_line_variant_idx ON order_line (variant_id)",
];

const POSTGRES_APPEND_ONLY: [&str; 2] = [
    "CREATE FUNCTION order_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'order_event is append-only' USING ERRCODE = 'integrity_constraint_violation'; END
    $$",
    "CREATE TRIGGER order_event_append_only BEFORE UPDATE OR DELETE ON order_event
        FOR EACH ROW EXECUTE FUNCTION order_event_append_only()",
];

const SQLITE_APPEND_ONLY: [&str; 2] = [
    "CREATE TRIGGER order_event_no_update BEFORE UPDATE ON order_event
        BEGIN SELECT RAISE(ABORT, 'order_event is append-only'); END",
    "CREATE TRIGGER order_event_no_delete BEFORE DELETE ON order_event
        BEGIN SELECT RAISE(ABORT, 'order_event is append-only'); END",
];
