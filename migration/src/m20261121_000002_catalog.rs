//! Categories as a tree, products, variants and their prices.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &TABLES).await?;
        crate::run_all(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "DROP TABLE variant_price",
                "DROP TABLE product_variant",
                "DROP TABLE product",
                "DROP TABLE category_closure",
                "DROP TABLE category",
            ],
        )
        .await
    }
}

const TABLES: [&str; 5] = [
    "CREATE TABLE category (
        id {uuid} NOT NULL PRIMARY KEY,
        parent_id {uuid},
        name text NOT NULL,
        slug text NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT category_slug_key UNIQUE (slug),
        CONSTRAINT category_parent_fkey FOREIGN KEY (parent_id) REFERENCES category (id),
        CONSTRAINT category_parent_check CHECK (parent_id <> id)
    )",
    "CREATE TABLE category_closure (
        ancestor_id {uuid} NOT NULL,
        descendant_id {uuid} NOT NULL,
        depth integer NOT NULL,
        CONSTRAINT category_closure_pkey PRIMARY KEY (ancestor_id, descendant_id),
        CONSTRAINT category_closure_ancestor_fkey FOREIGN KEY (ancestor_id)
            REFERENCES category (id) ON DELETE CASCADE,
        CONSTRAINT category_closure_descendant_fkey FOREIGN KEY (descendant_id)
            REFERENCES category (id) ON DELETE CASCADE,
        CONSTRAINT category_closure_depth_check CHECK (depth >= 0)
    )",
    "CREATE TABLE product (
        id {uuid} NOT NULL PRIMARY KEY,
        category_id {uuid} NOT NULL,
        name text NOT NULL,
        name_key {bytewise} NOT NULL,
        slug text NOT NULL,
        description text NOT NULL,
        status text NOT NULL,
        lowest_price bigint NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT product_slug_key UNIQUE (slug),
        CONSTRAINT product_category_fkey FOREIGN KEY (category_id) REFERENCES category (id),
        CONSTRAINT product_status_check CHECK (status IN ('DRAFT', 'ACTIVE', 'ARCHIVED'))
    )",
    "CREATE TABLE product_variant (
        id {uuid} NOT NULL PRIMARY KEY,
        product_id {uuid} NOT NULL,
        sku text NOT NULL,
        name text NOT NULL,
        position integer NOT NULL,
        options {json} NOT NULL,
        status text NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT product_variant_sku_key UNIQUE (sku),
        CONSTRAINT product_variant_product_fkey FOREIGN KEY (product_id)
            REFERENCES product (id) ON DELETE CASCADE,
        CONSTRAINT product_variant_status_check CHECK (status IN ('ACTIVE', 'ARCHIVED'))
    )",
    "CREATE TABLE variant_price (
        variant_id {uuid} NOT NULL,
        currency text NOT NULL,
        amount bigint NOT NULL,
        CONSTRAINT variant_price_pkey PRIMARY KEY (variant_id, currency),
        CONSTRAINT variant_price_variant_fkey FOREIGN KEY (variant_id)
            REFERENCES product_variant (id) ON DELETE CASCADE,
        CONSTRAINT variant_price_amount_check CHECK (amount >= 0),
        CONSTRAINT variant_price_currency_check CHECK (length(currency) = 3)
    )",
];

const INDEXES: [&str; 8] = [
    "CREATE INDEX category_parent_idx ON category (parent_id, id)",
    "CREATE INDEX category_closure_descendant_idx ON category_closure (descendant_id)",
    "CREATE INDEX product_category_idx ON product (category_id, id)",
    "CREATE INDEX product_name_idx ON product (name_key, id)",
    "CREATE INDEX product_price_idx ON product (lowest_price, id)",
    "CREATE INDEX product_created_idx ON product (created_at, id)",
    "CREATE INDEX product_updated_idx ON product (updated_at, id)",
    "CREATE INDEX product_variant_product_idx ON product_variant (product_id, position, id)",
];
