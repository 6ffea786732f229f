//! The statements that write lines of carts.

use crate::cart::plan::Plan;
use crate::db::keys::among;
use crate::db::{DbError, Tx};
use entity::cart_line::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use uuid::Uuid;

/// Does what a plan says to a locked cart.
pub(super) async fn carry_out_in_txn(tx: &Tx, cart_id: Uuid, plan: &Plan) -> Result<(), DbError> {
    if !plan.removals.is_empty() {
        let mut delete = Query::delete();
        delete
            .from_table(Entity)
            .and_where(Expr::col(Column::CartId).eq(cart_id))
            .and_where(among(Expr::col(Column::VariantId), &plan.removals));
        tx.run(&delete).await?;
    }
    if plan.writes.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert.into_table(Entity).columns([
        Column::Id,
        Column::CartId,
        Column::VariantId,
        Column::Position,
        Column::Quantity,
        Column::SeenPrice,
        Column::CreatedAt,
    ]);
    for write in &plan.writes {
        insert.values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(cart_id),
            Expr::value(write.variant_id),
            Expr::value(write.position),
            Expr::value(write.quantity),
            Expr::value(write.seen_price),
            tx.db().now_sql(),
        ]);
    }
    let mut there = OnConflict::columns([Column::CartId, Column::VariantId]);
    there.update_columns([Column::Quantity, Column::SeenPrice]);
    insert.on_conflict(there);
    tx.run(&insert).await.map(drop)
}

/// Takes all lines out of a locked cart.
pub(super) async fn remove_all_in_txn(tx: &Tx, cart_id: Uuid) -> Result<(), DbError> {
    let mut delete = Query::delete();
    delete.from_table(Entity).and_where(Expr::col(Column::CartId).eq(cart_id));
    tx.run(&delete).await.map(drop)
}
