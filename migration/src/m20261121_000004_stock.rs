//! Warehouses, stock levels, the movement ledger and reservations.

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
            &[
                "DROP TABLE reservation",
                "DROP TABLE stock_movement",
                "DROP TABLE stock_level",
                "DROP TABLE warehouse",
            ],
        )
        .await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => {
                crate::run(manager, "DROP FUNCTION stock_movement_append_only()").await
            }
            _ => Ok(()),
        }
    }
}

const TABLES: [&str; 4] = [
    "CREATE TABLE warehouse (
        id {uuid} NOT NULL PRIMARY KEY,
        code text NOT NULL,
        name text NOT NULL,
        priority integer NOT NULL,
        active boolean NOT NULL,
        is_default boolean NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT warehouse_code_key UNIQUE (code),
        CONSTRAINT warehouse_default_check CHECK (active OR NOT is_default)
    )",
    "CREATE TABLE stock_level (
        id {uuid} NOT NULL PRIMARY KEY,
        variant_id {uuid} NOT NULL,
        warehouse_id {uuid} NOT NULL,
        on_hand bigint NOT NULL DEFAULT 0,
        reserved bigint NOT NULL DEFAULT 0,
        incoming bigint NOT NULL DEFAULT 0,
        reorder_point bigint NOT NULL DEFAULT 0,
        version bigint NOT NULL DEFAULT 0,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT stock_level_place_key UNIQUE (variant_id, warehouse_id),
        CONSTRAINT stock_level_variant_fkey FOREIGN KEY (variant_id)
            REFERENCES product_variant (id) ON DELETE CASCADE,
        CONSTRAINT stock_level_warehouse_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse (id),
        CONSTRAINT stock_level_on_hand_check CHECK (on_hand >= 0 AND on_hand <= 2147483647),
        CONSTRAINT stock_level_reserved_check CHECK (reserved >= 0 AND reserved <= on_hand),
        CONSTRAINT stock_level_incoming_check CHECK (incoming >= 0 AND incoming <= 2147483647),
        CONSTRAINT stock_level_reorder_check CHECK (reorder_point >= 0 AND reorder_point <= 2147483647),
        CONSTRAINT stock_level_version_check CHECK (version >= 0)
    )",
    "CREATE TABLE stock_movement (
        id {uuid} NOT NULL PRIMARY KEY,
        level_id {uuid} NOT NULL,
        kind text NOT NULL,
        on_hand_change bigint NOT NULL,
        reserved_change bigint NOT NULL,
        on_hand_after bigint NOT NULL,
        reserved_after bigint NOT NULL,
        version bigint NOT NULL,
        reference_id text,
        note text,
        actor_id {uuid},
        created_at {timestamp} NOT NULL,
        CONSTRAINT stock_movement_version_key UNIQUE (level_id, version),
        CONSTRAINT stock_movement_level_fkey FOREIGN KEY (level_id) REFERENCES stock_level (id),
        CONSTRAINT stock_movement_actor_fkey FOREIGN KEY (actor_id) REFERENCES user_account (id),
        CONSTRAINT stock_movement_change_check CHECK (on_hand_change <> 0 OR reserved_change <> 0),
        CONSTRAINT stock_movement_kind_check CHECK (kind IN ('RECEIPT', 'SALE', 'RETURN',
            'ADJUSTMENT', 'RESERVATION', 'RELEASE', 'TRANSFER_IN', 'TRANSFER_OUT'))
    )",
    "CREATE TABLE reservation (
        id {uuid} NOT NULL PRIMARY KEY,
        order_id {uuid} NOT NULL,
        order_line_id {uuid} NOT NULL,
        level_id {uuid} NOT NULL,
        quantity bigint NOT NULL,
        status text NOT NULL,
        expires_at {timestamp},
        created_at {timestamp} NOT NULL,
        updated_at {timestamp} NOT NULL,
        CONSTRAINT reservation_level_fkey FOREIGN KEY (level_id) REFERENCES stock_level (id),
        CONSTRAINT reservation_quantity_check CHECK (quantity > 0),
        CONSTRAINT reservation_status_check CHECK (status IN ('HELD', 'COMMITTED', 'CONSUMED', 'RELEASED')),
        CONSTRAINT reservation_expiry_check CHECK (status <> 'HELD' OR expires_at IS NOT NULL)
    )",
];

const INDEXES: [&str; 8] = [
    // At most one default; that there is one is seen to by the step that creates it.
    "CREATE UNIQUE INDEX warehouse_default_key ON warehouse (is_default) WHERE is_default",
    "CREATE INDEX stock_level_warehouse_idx ON stock_level (warehouse_id)",
    "CREATE INDEX stock_level_low_idx ON stock_level ((on_hand - reserved), id)
        WHERE on_hand - reserved <= reorder_point",
    "CREATE INDEX stock_movement_created_idx ON stock_movement (created_at, id)",
    // A line may hold pieces at a level again after it gave them back.
    "CREATE UNIQUE INDEX reservation_line_key ON reservation (order_line_id, level_id)
        WHERE status IN ('HELD', 'COMMITTED')",
    "CREATE INDEX reservation_order_idx ON reservation (order_id)",
    "CREATE INDEX reservation_level_idx ON reservation (level_id) WHERE status IN ('HELD', 'COMMITTED')",
    "CREATE INDEX reservation_expiry_idx ON reservation (expires_at) WHERE status = 'HELD'",
];

const POSTGRES_APPEND_ONLY: [&str; 2] = [
    "CREATE FUNCTION stock_movement_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'stock_movement is append-only' USING ERRCODE = 'integrity_constraint_violation'; END
    $$",
    "CREATE TRIGGER stock_movement_append_only BEFORE UPDATE OR DELETE ON stock_movement
        FOR EACH ROW EXECUTE FUNCTION stock_movement_append_only()",
];

const SQLITE_APPEND_ONLY: [&str; 2] = [
    "CREATE TRIGGER stock_movement_no_update BEFORE UPDATE ON stock_movement
        BEGIN SELECT RAISE(ABORT, 'stock_movement is append-only'); END",
    "CREATE TRIGGER stock_movement_no_delete BEFORE DELETE ON stock_movement
        BEGIN SELECT RAISE(ABORT, 'stock_movement is append-only'); END",
];
