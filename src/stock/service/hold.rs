//! Dead holds: reservations past their time. A sweep ends them; until it comes, nobody is refused
//! because of one.

use crate::db::{DbErrorKind, Tx};
use crate::stock::service::Stock;
use crate::stock::service::settle::{end_in_txn, of_order};
use crate::stock::{MovementKind, StockError};
use entity::payment;
use entity::reservation::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SimpleExpr};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Orders whose dead holds are looked for at a time.
const BATCH: u64 = 200;
/// How often an operation is tried again because dead holds stood in its way.
const ROUNDS: usize = 25;

/// An order with an expired hold at a level.
#[derive(Debug, sea_orm::FromQueryResult)]
pub(super) struct DeadHold {
    pub(super) order_id: Uuid,
    pub(super) level_id: Uuid,
}

#[derive(sea_orm::FromQueryResult)]
struct OrderKey {
    order_id: Uuid,
}

impl Stock {
    /// Ends the holds of orders that are past their time, one transaction an order, the oldest
    /// first. Gives how many orders.
    ///
    /// # Errors
    /// When the database cannot be reached. An order that cannot be ended is logged and left.
    pub async fn expire_holds(&self) -> Result<u64, StockError> {
        let mut all = 0;
        loop {
            let mut select = Query::select();
            select
                .column(Column::OrderId)
                .from(Entity)
                .and_where(is_dead(self.db.now_sql()))
                .group_by_col(Column::OrderId)
                .order_by_expr(Expr::col(Column::ExpiresAt).min(), Order::Asc)
                .limit(BATCH);
            let dead: Vec<OrderKey> = self.db.all(&select).await?;
            let orders: Vec<Uuid> = dead.iter().map(|order| order.order_id).collect();
            let expired = self.expire_orders(&orders).await?;
            all += expired;
            // Without progress the next batch would be the same.
            if u64::try_from(orders.len()).is_ok_and(|found| found < BATCH) || expired == 0 {
                return Ok(all);
            }
        }
    }

    /// Ends the holds of these orders that are past their time, one transaction an order. An order
    /// whose hold was extended or ended meanwhile stays as it is. Gives how many orders.
    ///
    /// # Errors
    /// As [`Stock::expire_holds`].
    pub async fn expire_orders(&self, orders: &[Uuid]) -> Result<u64, StockError> {
        let mut expired = 0;
        for order_id in orders {
            match self.expire_order(*order_id).await {
                Ok(pieces) => expired += u64::from(pieces > 0),
                Err(StockError::Db(error)) if error.kind == DbErrorKind::Unavailable => {
                    return Err(error.into());
                }
                // The others must not wait for this one.
                Err(error) => tracing::error!(%error, %order_id, "a dead hold could not be ended"),
            }
        }
        Ok(expired)
    }

    async fn expire_order(&self, order_id: Uuid) -> Result<i64, StockError> {
        self.db.tx(|tx| async move { self.expire_in_txn(&tx, order_id).await }).await
    }

    /// Ends the holds of an order if they are past their time, and gives how many pieces became
    /// free. Nothing ends while a payment of the order is undecided, or there is money.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<i64, StockError> {
        // All holds of an order end together or not at all, although their times may be
        // microseconds apart: an order is never paid for a part of what it asked for.
        let mut latest = Query::select();
        latest
            .expr(Expr::col(Column::ExpiresAt).max())
            .from(Entity)
            .and_where(Expr::col(Column::OrderId).eq(order_id))
            .and_where(Expr::col(Column::Status).eq("HELD"));
        let latest = SimpleExpr::SubQuery(None, Box::new(latest.into()));
        let mut update = of_order(tx, order_id, &["HELD"], "RELEASED");
        update
            .and_where(latest.lt(tx.db().now_sql()))
            // Again, of the locked row: a payment may have extended it meanwhile.
            .and_where(Expr::col((Entity, Column::ExpiresAt)).lt(tx.db().now_sql()))
            .and_where(is_being_paid().not());
        let ended = end_in_txn(tx, update).await?;
        self.give_back_in_txn(tx, &ended, MovementKind::Release).await
    }

    /// Whether anything is held for an order within its time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_held_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<bool, StockError> {
        let mut select = Query::select();
        select
            .column(Column::OrderId)
            .from(Entity)
            .and_where(Expr::col(Column::OrderId).eq(order_id))
            .and_where(Expr::col(Column::Status).eq("HELD"))
            .and_where(Expr::col(Column::ExpiresAt).gte(tx.db().now_sql()))
            .limit(1);
        Ok(tx.one::<OrderKey>(&select).await?.is_some())
    }

    /// Whether anything is held for an order and not committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holds_in_txn(&self, tx: &Tx, order_id: Uuid) -> Result<bool, StockError> {
        let mut select = Query::select();
        select
            .column(Column::OrderId)
            .from(Entity)
            .and_where(Expr::col(Column::OrderId).eq(order_id))
            .and_where(Expr::col(Column::Status).eq("HELD"))
            .limit(1);
        Ok(tx.one::<OrderKey>(&select).await?.is_some())
    }

    /// Runs an operation; when it was refused and dead holds are why, ends these and runs it
    /// again.
    pub(super) async fn despite_dead_holds<T, F, Fut>(&self, operation: F) -> Result<T, StockError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, StockError>>,
    {
        for _ in 0..ROUNDS {
            let result = operation().await;
            let dead: BTreeSet<Uuid> =
                result.as_ref().err().map(StockError::dead_holds).into_iter().flatten().collect();
            if dead.is_empty() {
                return result;
            }
            self.expire_orders(&dead.into_iter().collect::<Vec<_>>()).await?;
        }
        operation().await
    }
}

/// The dead holds at these levels, the oldest first and not all when there are very many. To be
/// asked with the levels locked: what is found is then exactly what `reserved` still counts.
pub(super) async fn dead_holds_in_txn(
    tx: &Tx,
    levels: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<DeadHold>, StockError> {
    let levels: Vec<Uuid> = levels.into_iter().collect();
    if levels.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Query::select();
    select
        .columns([Column::OrderId, Column::LevelId])
        .from(Entity)
        .and_where(Expr::col(Column::LevelId).is_in(levels))
        .and_where(is_dead(tx.db().now_sql()))
        .order_by(Column::ExpiresAt, Order::Asc)
        .limit(BATCH);
    Ok(tx.all(&select).await?)
}

fn is_dead(now: SimpleExpr) -> SimpleExpr {
    Expr::col((Entity, Column::Status))
        .eq("HELD")
        .and(Expr::col((Entity, Column::ExpiresAt)).lt(now))
        .and(is_being_paid().not())
}

/// Whether a payment of the reservation's order is undecided, or there is money: then the hold does
/// not end, whatever its time.
fn is_being_paid() -> SimpleExpr {
    let mut payments = Query::select();
    payments
        .expr(Expr::value(1))
        .from(payment::Entity)
        .and_where(
            Expr::col((payment::Entity, payment::Column::OrderId))
                .equals((Entity, Column::OrderId)),
        )
        .and_where(Expr::col((payment::Entity, payment::Column::State)).is_not_in([
            "VOIDED",
            "DECLINED",
            "UNAVAILABLE",
            "SURPLUS",
        ]));
    Expr::exists(payments)
}
