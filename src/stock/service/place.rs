//! Where pieces lie: the variant of a SKU, the warehouse that is meant, and their level.

use crate::db::Tx;
use crate::stock::service::select_levels;
use crate::stock::{Level, StockError};
use crate::validation::{Problem, ProblemKind};
use entity::stock_level::{Column, Entity, Model};
use entity::{product_variant, warehouse};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use uuid::Uuid;

/// Characters of a SKU that a message repeats at most: nobody chooses how long an answer is.
const QUOTED_CHARS: usize = 64;

/// A variant in a warehouse: names a level, whether it exists yet or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) variant_id: Uuid,
    pub(super) warehouse_id: Uuid,
}

#[derive(sea_orm::FromQueryResult)]
struct Key {
    id: Uuid,
}

/// The place of a SKU in a warehouse, the default one when none is named.
pub(super) async fn place_in_txn(
    tx: &Tx,
    sku: &str,
    warehouse_id: Option<Uuid>,
    field: &str,
) -> Result<Place, StockError> {
    let mut select = Query::select();
    select
        .column(product_variant::Column::Id)
        .from(product_variant::Entity)
        .and_where(Expr::col(product_variant::Column::Sku).eq(sku));
    let row: Option<Key> = tx.one(&select).await?;
    let Some(Key { id: variant_id }) = row else {
        let sku: String = sku.chars().take(QUOTED_CHARS).collect();
        let message = format!("There is no variant with the SKU {sku:?}.");
        return Err(Problem::new(ProblemKind::NotFound, ["sku"], message).into());
    };
    let Some(warehouse_id) = warehouse_id else {
        return Ok(Place { variant_id, warehouse_id: default_warehouse_in_txn(tx).await? });
    };
    let mut select = Query::select();
    select
        .column(warehouse::Column::Id)
        .from(warehouse::Entity)
        .and_where(Expr::col(warehouse::Column::Id).eq(warehouse_id));
    if tx.one::<Key>(&select).await?.is_none() {
        let message = "There is no warehouse with this id.";
        return Err(Problem::new(ProblemKind::NotFound, [field], message).into());
    }
    Ok(Place { variant_id, warehouse_id })
}

/// The warehouse that operations mean which name none.
pub(super) async fn default_warehouse_in_txn(tx: &Tx) -> Result<Uuid, StockError> {
    let mut select = Query::select();
    select
        .column(warehouse::Column::Id)
        .from(warehouse::Entity)
        .and_where(Expr::col(warehouse::Column::IsDefault).eq(true));
    let row: Option<Key> = tx.one(&select).await?;
    row.map(|row| row.id).ok_or_else(|| StockError::fault("there is no default warehouse"))
}

/// The level at a place behind its row lock (SQLite locks all rows for the writer anyway).
pub(super) async fn lock_level_in_txn(tx: &Tx, place: Place) -> Result<Option<Level>, StockError> {
    let mut select = select_levels();
    select
        .and_where(Expr::col((Entity, Column::VariantId)).eq(place.variant_id))
        .and_where(Expr::col((Entity, Column::WarehouseId)).eq(place.warehouse_id))
        .lock_exclusive();
    Ok(tx.one::<Model>(&select).await?.map(Level::from))
}

/// Makes an empty level, unless it exists.
pub(super) async fn open_level_in_txn(tx: &Tx, place: Place) -> Result<(), StockError> {
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([Column::Id, Column::VariantId, Column::WarehouseId, Column::UpdatedAt])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(place.variant_id),
            Expr::value(place.warehouse_id),
            tx.db().now_sql(),
        ])
        .on_conflict(
            OnConflict::columns([Column::VariantId, Column::WarehouseId]).do_nothing().to_owned(),
        );
    tx.run(&insert).await?;
    Ok(())
}
