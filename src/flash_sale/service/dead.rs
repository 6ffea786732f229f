//! Dead takes: what unpaid orders past their time have of sales. A sweep gives it back; until it
//! comes, nobody is refused or charged more because of one.

use crate::db::keys::among;
use crate::db::{DbError, Tx};
use crate::flash_sale::service::FlashSales;
use entity::{flash_sale_take, payment, reservation, shop_order};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use uuid::Uuid;

/// Orders that are named at a time.
const BATCH: u64 = 200;

#[derive(FromQueryResult)]
struct OrderKey {
    id: Uuid,
}

impl FlashSales {
    /// The orders that have pieces of these sales and are dead: nobody paid them, nothing is held
    /// for them within its time, and no payment of them is undecided or holds money. The oldest
    /// first, and not all when there are very many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_takes_in_txn(&self, tx: &Tx, sales: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
        if sales.is_empty() {
            return Ok(Vec::new());
        }
        dead_in_txn(tx, sales, None).await
    }
}

/// The same, of these orders alone when they are given.
pub(super) async fn dead_in_txn(
    tx: &Tx,
    sales: &[Uuid],
    of: Option<SelectStatement>,
) -> Result<Vec<Uuid>, DbError> {
    use flash_sale_take::Column as T;
    use shop_order::Column as O;
    let order = || Expr::col((shop_order::Entity, O::Id));
    let mut taken = Query::select();
    taken
        .expr(Expr::value(1))
        .from(flash_sale_take::Entity)
        .and_where(order().equals((flash_sale_take::Entity, T::OrderId)))
        .and_where(among(Expr::col((flash_sale_take::Entity, T::FlashSaleId)), sales));
    let mut select = Query::select();
    select
        .column((shop_order::Entity, O::Id))
        .from(shop_order::Entity)
        .and_where(Expr::col((shop_order::Entity, O::Status)).eq("PENDING_PAYMENT"))
        .and_where(Expr::exists(taken))
        .and_where(Expr::exists(held(tx)).not())
        .and_where(Expr::exists(being_paid()).not())
        .order_by((shop_order::Entity, O::CreatedAt), Order::Asc)
        .limit(BATCH);
    if let Some(of) = of {
        select.and_where(order().in_subquery(of));
    }
    let dead: Vec<OrderKey> = tx.all(&select).await?;
    Ok(dead.into_iter().map(|order| order.id).collect())
}

/// What is held for the order within its time.
fn held(tx: &Tx) -> SelectStatement {
    use reservation::Column as R;
    let mut held = Query::select();
    held.expr(Expr::value(1))
        .from(reservation::Entity)
        .and_where(
            Expr::col((reservation::Entity, R::OrderId))
                .equals((shop_order::Entity, shop_order::Column::Id)),
        )
        .and_where(Expr::col((reservation::Entity, R::Status)).eq("HELD"))
        .and_where(Expr::col((reservation::Entity, R::ExpiresAt)).gte(tx.db().now_sql()));
    held
}

/// Its payments that are undecided, or hold money: with one the order does not end, whatever its
/// time.
fn being_paid() -> SelectStatement {
    use payment::Column as P;
    let over = ["VOIDED", "DECLINED", "UNAVAILABLE", "SURPLUS"];
    let mut payments = Query::select();
    payments
        .expr(Expr::value(1))
        .from(payment::Entity)
        .and_where(
            Expr::col((payment::Entity, P::OrderId))
                .equals((shop_order::Entity, shop_order::Column::Id)),
        )
        .and_where(Expr::col((payment::Entity, P::State)).is_not_in(over));
    payments
}
