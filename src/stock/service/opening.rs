//! The first stock of new variants.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::stock::service::Stock;
use crate::stock::service::ledger::{LedgerLine, record_in_txn};
use crate::stock::service::place::default_warehouse_in_txn;
use crate::stock::{Level, MovementKind, StockError};
use entity::stock_level::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, Query};
use uuid::Uuid;

/// The first stock of a new variant.
#[derive(Debug, Clone, Copy)]
pub struct OpeningStock {
    /// The variant.
    pub variant_id: Uuid,
    /// Pieces on hand, 0 or more.
    pub quantity: i64,
    /// The reorder point.
    pub reorder_point: i64,
}

impl Stock {
    /// Opens a level in the default warehouse for each new variant, with a receipt where there
    /// are pieces. Part of the transaction that makes the variants.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        opening: &[OpeningStock],
    ) -> Result<(), StockError> {
        let warehouse_id = default_warehouse_in_txn(tx).await?;
        let mut levels = Vec::with_capacity(opening.len());
        // Few enough for one statement: a level has seven parameters, SQLite takes 32,766.
        for chunk in opening.chunks(1_000) {
            let mut insert = Query::insert();
            insert.into_table(Entity).columns([
                Column::Id,
                Column::VariantId,
                Column::WarehouseId,
                Column::OnHand,
                Column::ReorderPoint,
                Column::Version,
                Column::UpdatedAt,
            ]);
            for opening in chunk {
                insert.values_panic([
                    Expr::value(Uuid::now_v7()),
                    Expr::value(opening.variant_id),
                    Expr::value(warehouse_id),
                    Expr::value(opening.quantity),
                    Expr::value(opening.reorder_point),
                    Expr::value(i64::from(opening.quantity > 0)),
                    tx.db().now_sql(),
                ]);
            }
            insert.returning_all();
            levels.extend(tx.all::<Model>(&insert).await?.into_iter().map(Level::from));
        }
        let lines: Vec<_> = levels
            .iter()
            .filter(|level| level.on_hand > 0)
            .map(|level| LedgerLine::of(level, MovementKind::Receipt, level.on_hand, 0).by(viewer))
            .collect();
        record_in_txn(tx, &lines);
        self.tell_in_txn(tx, levels.iter().map(|level| (level, level.version)));
        Ok(())
    }
}
