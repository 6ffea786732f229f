//! Carts and their lines, and what a sale costs besides the goods: shipping methods, their prices,
//! tax rates.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &CARTS).await?;
        crate::run_all(manager, &SETTINGS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "DROP TABLE tax_rate",
                "DROP TABLE shipping_price",
                "DROP TABLE shipping_method",
                "DROP TABLE cart_line",
                "DROP TABLE cart",
            ],
        )
        .await
    }
}

const CARTS: [&str; 5] = [
    // A method may go and an order be erased while a cart names it: neither is a foreign key.
    "CREATE TABLE cart (
        id {uuid} NOT NULL PRIMARY KEY,
        customer_id {uuid},
        currency text NOT NULL,
        status text NOT NULL,
        country text,
        region text,
        postal_code text,
        shipping_method text,
        order_id {uuid},
        merged_into {uuid},
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        expires_at {timestamp} NOT NULL,
        CONSTRAINT cart_customer_fkey FOREIGN KEY (customer_id) REFERENCES user_account (id),
        CONSTRAINT cart_status_check CHECK (status IN ('OPEN', 'COMPLETED', 'MERGED')),
        CONSTRAINT cart_order_check CHECK ((status = 'COMPLETED') = (order_id IS NOT NULL)),
        CONSTRAINT cart_merged_check CHECK ((status = 'MERGED') = (merged_into IS NOT NULL)),
        CONSTRAINT cart_currency_check CHECK (length(currency) = 3),
        CONSTRAINT cart_country_check CHECK (length(country) = 2)
    )",
    "CREATE UNIQUE INDEX cart_customer_key ON cart (customer_id) WHERE status = 'OPEN'",
    "CREATE INDEX cart_expires_idx ON cart (expires_at)",
    "CREATE TABLE cart_line (
        id {uuid} NOT NULL PRIMARY KEY,
        cart_id {uuid} NOT NULL,
        variant_id {uuid} NOT NULL,
        position integer NOT NULL,
        quantity bigint NOT NULL,
        seen_price bigint NOT NULL,
        created_at {timestamp} NOT NULL,
        CONSTRAINT cart_line_variant_key UNIQUE (cart_id, variant_id),
        CONSTRAINT cart_line_cart_fkey FOREIGN KEY (cart_id)
            REFERENCES cart (id) ON DELETE CASCADE,
        CONSTRAINT cart_line_variant_fkey FOREIGN KEY (variant_id)
            REFERENCES product_variant (id),
        CONSTRAINT cart_line_quantity_check CHECK (quantity BETWEEN 1 AND 999),
        CONSTRAINT cart_line_price_check CHECK (seen_price >= 0)
    )",
    "CREATE INDEX cart_line_variant_idx ON cart_line (variant_id)",
];

const SETTINGS: [&str; 3] = [
    "CREATE TABLE shipping_method (
        code text NOT NULL PRIMARY KEY,
        name text NOT NULL,
        description text NOT NULL,
        countries {json},
        position integer NOT NULL,
        active boolean NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL
    )",
    "CREATE TABLE shipping_price (
        method text NOT NULL,
        currency text NOT NULL,
        from_subtotal bigint NOT NULL,
        price bigint NOT NULL,
        CONSTRAINT shipping_price_pkey PRIMARY KEY (method, currency, from_subtotal),
        CONSTRAINT shipping_price_method_fkey FOREIGN KEY (method)
            REFERENCES shipping_method (code) ON DELETE CASCADE,
        CONSTRAINT shipping_price_currency_check CHECK (length(currency) = 3),
        CONSTRAINT shipping_price_from_check CHECK (from_subtotal >= 0),
        CONSTRAINT shipping_price_price_check CHECK (price >= 0)
    )",
    "CREATE TABLE tax_rate (
        id {uuid} NOT NULL PRIMARY KEY,
        country text NOT NULL,
        region text NOT NULL,
        name text NOT NULL,
        rate_ppm bigint NOT NULL,
        taxes_shipping boolean NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT tax_rate_place_key UNIQUE (country, region),
        CONSTRAINT tax_rate_country_check CHECK (country = '*' OR length(country) = 2),
        CONSTRAINT tax_rate_region_check CHECK (country <> '*' OR region = ''),
        CONSTRAINT tax_rate_rate_check CHECK (rate_ppm BETWEEN 0 AND 1000000)
    )",
];
