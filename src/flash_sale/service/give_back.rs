//! What an order had of sales is free again when its stock is.

use crate::db::Tx;
use crate::flash_sale::FlashSaleError;
use crate::flash_sale::service::{FlashSales, count_conflict};
use entity::flash_sale::{Column, Entity};
use entity::flash_sale_take;
use entity::order_line::{self, Column as L};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Order, Query, SimpleExpr};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Kept {
    flash_sale_id: Uuid,
    kept: i64,
}

impl FlashSales {
    /// Gives back what an order that is over has of sales, but for what has left the warehouse;
    /// tells how many pieces, 0 when it was done before. The order must be locked: whoever locks it
    /// second finds nothing left to give.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<i64, FlashSaleError> {
        keep_alone_in_txn(tx, order_id, Expr::col(L::QuantityFulfilled)).await
    }

    /// Gives back what a locked order that goes on has of sales and will not send any more; tells
    /// how many pieces.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back_cancelled_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
    ) -> Result<i64, FlashSaleError> {
        let wanted = Expr::col(L::Quantity).sub(Expr::col(L::QuantityCancelled));
        keep_alone_in_txn(tx, order_id, wanted).await
    }
}

/// Gives back what an order has of sales beyond `kept`, an expression over its lines.
async fn keep_alone_in_txn(
    tx: &Tx,
    order_id: Uuid,
    kept: SimpleExpr,
) -> Result<i64, FlashSaleError> {
    use flash_sale_take::Column as T;
    let mut select = Query::select();
    select
        .column(Asterisk)
        .from(flash_sale_take::Entity)
        .and_where(Expr::col(T::OrderId).eq(order_id))
        // In the order in which all writers lock sales.
        .order_by(T::FlashSaleId, Order::Asc);
    let takes: Vec<flash_sale_take::Model> = tx.all(&select).await?;
    if takes.is_empty() {
        return Ok(0);
    }
    let of_sales = kept_in_txn(tx, order_id, kept).await?;
    let mut given = 0_i64;
    for take in takes {
        let kept = of_sales.get(&take.flash_sale_id).copied().unwrap_or_default();
        let kept = kept.clamp(0, take.quantity);
        let back = take.quantity.saturating_sub(kept);
        if back == 0 {
            continue;
        }
        keep_in_txn(tx, &take, kept).await?;
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::Taken, Expr::col(Column::Taken).sub(back))
            .and_where(Expr::col(Column::Id).eq(take.flash_sale_id));
        tx.run(&update).await.map_err(count_conflict)?;
        given = given.saturating_add(back);
    }
    Ok(given)
}

/// Leaves an order so many pieces of what it has.
async fn keep_in_txn(
    tx: &Tx,
    take: &flash_sale_take::Model,
    kept: i64,
) -> Result<(), FlashSaleError> {
    use flash_sale_take::Column as T;
    let this = || {
        let of_sale = Expr::col(T::FlashSaleId).eq(take.flash_sale_id);
        let of_order = Expr::col(T::OrderId).eq(take.order_id);
        of_sale.and(of_order).and(Expr::col(T::Quantity).eq(take.quantity))
    };
    let changed = if kept == 0 {
        let mut delete = Query::delete();
        delete.from_table(flash_sale_take::Entity).and_where(this());
        tx.run(&delete).await?
    } else {
        let mut update = Query::update();
        update.table(flash_sale_take::Entity).value(T::Quantity, kept).and_where(this());
        tx.run(&update).await.map_err(count_conflict)?
    };
    if changed == 1 {
        Ok(())
    } else {
        Err(FlashSaleError::fault("what an order had of a flash sale was changed beside its lock"))
    }
}

/// How many pieces of each sale an order keeps, by the sum of an expression over its lines.
async fn kept_in_txn(
    tx: &Tx,
    order_id: Uuid,
    kept: SimpleExpr,
) -> Result<HashMap<Uuid, i64>, FlashSaleError> {
    let sum = Func::coalesce([kept.sum(), Expr::value(0_i64)]);
    let mut select = Query::select();
    select
        .column(L::FlashSaleId)
        // A sum of bigints is a numeric on Postgres.
        .expr_as(Expr::expr(sum).cast_as("bigint"), "kept")
        .from(order_line::Entity)
        .and_where(Expr::col(L::OrderId).eq(order_id))
        .and_where(Expr::col(L::FlashSaleId).is_not_null())
        .group_by_columns([L::FlashSaleId]);
    let kept: Vec<Kept> = tx.all(&select).await?;
    Ok(kept.into_iter().map(|kept| (kept.flash_sale_id, kept.kept)).collect())
}
