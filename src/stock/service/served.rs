//! What is free at the levels that serve orders.

use crate::db::Tx;
use crate::db::keys::among;
use crate::stock::service::select_levels;
use crate::stock::{Level, StockError};
use entity::stock_level::{Column, Entity, Model};
use entity::warehouse;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Order, SelectStatement};
use std::collections::HashMap;
use uuid::Uuid;

/// A level of a warehouse that serves, and in which turn.
#[derive(Debug, FromQueryResult)]
pub(crate) struct ServedRow {
    #[sea_orm(nested)]
    level: Model,
    priority: i32,
}

/// The levels of some variants as somebody has just read them, for whoever plans without a lock and
/// then takes behind guards.
#[derive(Debug)]
pub struct Served {
    /// Of which all levels are there.
    pub(crate) variants: Vec<Uuid>,
    pub(crate) rows: Vec<ServedRow>,
}

impl Served {
    /// What is free there; None: it does not tell of all of these variants.
    pub(super) fn free(self, variants: &[Uuid]) -> Option<Free> {
        let tells = variants.iter().all(|variant| self.variants.contains(variant));
        tells.then(|| Free::of(self.rows))
    }
}

/// What is free at the levels of the variants asked for.
pub(super) struct Free {
    /// By variant, in the order that warehouses serve: level key and pieces free.
    pub(super) levels: HashMap<Uuid, Vec<(Uuid, i64)>>,
    /// The levels as they were read.
    pub(super) read: HashMap<Uuid, Level>,
}

impl Free {
    fn of(rows: Vec<ServedRow>) -> Self {
        let mut served: Vec<(i32, Level)> =
            rows.into_iter().map(|row| (row.priority, Level::from(row.level))).collect();
        served.sort_by_key(|(priority, level)| (*priority, level.warehouse_id));
        let mut free = Self { levels: HashMap::new(), read: HashMap::new() };
        for (_, level) in served {
            free.levels.entry(level.variant_id).or_default().push((level.id, level.available()));
            free.read.insert(level.id, level);
        }
        free
    }
}

/// The levels of these variants in active warehouses.
pub(crate) fn select_served(variants: &[Uuid]) -> SelectStatement {
    let serves = Expr::col((warehouse::Entity, warehouse::Column::Id))
        .equals((Entity, Column::WarehouseId))
        .and(Expr::col((warehouse::Entity, warehouse::Column::Active)).eq(true));
    let mut select = select_levels();
    select
        .column((warehouse::Entity, warehouse::Column::Priority))
        .inner_join(warehouse::Entity, serves)
        .and_where(among(Expr::col((Entity, Column::VariantId)), variants));
    select
}

/// What is free in active warehouses. Locked reads take the rows in key order, as all writers do.
pub(super) async fn free_in_txn(
    tx: &Tx,
    variants: &[Uuid],
    locked: bool,
) -> Result<Free, StockError> {
    let mut select = select_served(variants);
    select
        .order_by((Entity, Column::VariantId), Order::Asc)
        .order_by((Entity, Column::WarehouseId), Order::Asc);
    if locked {
        select.lock_with_tables(LockType::Update, [Entity]);
    }
    Ok(Free::of(tx.all_aside(&select).await?))
}
