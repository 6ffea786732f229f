//! An order takes its pieces of a sale: what nobody else gets at its price.

use crate::db::{DbError, Tx};
use crate::flash_sale::service::dead::dead_in_txn;
use crate::flash_sale::service::find::{had_in_txn, of_customer_in_txn};
use crate::flash_sale::service::rows::{SaleRow, column, gather, is_running, select_sales};
use crate::flash_sale::service::{FlashSales, count_conflict};
use crate::flash_sale::{FlashSaleError, LimitReached, Take};
use entity::flash_sale::{Column, Entity};
use entity::flash_sale_take;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Taken {
    limit_per_customer: Option<i64>,
}

impl FlashSales {
    /// Takes what an order was priced by, all or nothing; after its stock was reserved and before
    /// anything else. The order must be written by then: its account and its e-mail address say who
    /// the customer is. When a sale has ended, was changed or has run out since the order was
    /// priced, the transaction is repeated, with the prices of then.
    ///
    /// # Errors
    /// [`FlashSaleError::LimitReached`] when it is more than the customer can have: then the
    /// transaction must not be committed. It names the orders that may be why although they are
    /// dead.
    pub async fn take_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
        takes: &[Take],
    ) -> Result<(), FlashSaleError> {
        // Each sale once, and in the order of their keys, as all writers lock them.
        let mut by_sale: BTreeMap<Uuid, Take> = BTreeMap::new();
        for take in takes {
            let of_sale = by_sale.entry(take.sale_id);
            of_sale
                .and_modify(|own| own.quantity = own.quantity.saturating_add(take.quantity))
                .or_insert_with(|| take.clone());
        }
        let mut refused = Vec::new();
        for take in by_sale.values() {
            refused.extend(take_one_in_txn(tx, order_id, take).await?);
        }
        if refused.is_empty() { Ok(()) } else { Err(FlashSaleError::LimitReached(refused)) }
    }
}

/// Takes from one sale; tells the limit that is in the way, if one is.
async fn take_one_in_txn(
    tx: &Tx,
    order_id: Uuid,
    take: &Take,
) -> Result<Option<LimitReached>, FlashSaleError> {
    let raised = column(Column::Taken).add(take.quantity);
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Taken, Expr::col(Column::Taken).add(take.quantity))
        .and_where(column(Column::Id).eq(take.sale_id))
        // The price that the order was given is still its price.
        .and_where(column(Column::Version).eq(take.version))
        .and_where(raised.lte(column(Column::Allocation)))
        .and_where(is_running(tx.db()))
        .returning(Query::returning().column(Column::LimitPerCustomer));
    let Some(taken) = tx.one::<Taken>(&update).await.map_err(count_conflict)? else {
        return why_not_in_txn(tx, order_id, take).await.map(Some);
    };
    if let Some(limit) = taken.limit_per_customer {
        // The row of the sale is locked: nobody takes from it meanwhile.
        let had = had_in_txn(tx, order_id, take.sale_id).await?;
        if had.saturating_add(take.quantity) > limit {
            let dead_holds = own_dead_in_txn(tx, order_id, take.sale_id).await?;
            return Ok(Some(refusal(take, limit.saturating_sub(had), dead_holds)));
        }
    }
    insert_in_txn(tx, order_id, take).await?;
    Ok(None)
}

async fn insert_in_txn(tx: &Tx, order_id: Uuid, take: &Take) -> Result<(), FlashSaleError> {
    use flash_sale_take::Column as T;
    let mut insert = Query::insert();
    insert
        .into_table(flash_sale_take::Entity)
        .columns([T::FlashSaleId, T::OrderId, T::Quantity, T::CreatedAt])
        .values_panic([
            Expr::value(take.sale_id),
            Expr::value(order_id),
            Expr::value(take.quantity),
            tx.db().now_sql(),
        ]);
    tx.run(&insert).await.map_err(count_conflict)?;
    Ok(())
}

/// Fewer are left than asked for; or else the price is another one by now.
async fn why_not_in_txn(
    tx: &Tx,
    order_id: Uuid,
    take: &Take,
) -> Result<LimitReached, FlashSaleError> {
    let unchanged =
        column(Column::Id).eq(take.sale_id).and(column(Column::Version).eq(take.version));
    let select = select_sales(tx.db(), unchanged.and(is_running(tx.db())));
    let rows: Vec<SaleRow> = tx.all(&select).await?;
    let sale = gather(rows).into_iter().next().filter(|sale| sale.remaining() > 0);
    let sale = sale.ok_or_else(FlashSaleError::again)?;
    let had = had_in_txn(tx, order_id, take.sale_id).await?;
    let most = sale.most(had);
    if most >= take.quantity {
        // Between the two statements pieces came back.
        return Err(FlashSaleError::again());
    }
    let dead_holds = if sale.remaining() < take.quantity {
        dead_in_txn(tx, &[take.sale_id], None).await?
    } else {
        own_dead_in_txn(tx, order_id, take.sale_id).await?
    };
    Ok(refusal(take, most, dead_holds))
}

/// The dead orders of the customer of an order that have something of a sale.
async fn own_dead_in_txn(tx: &Tx, order_id: Uuid, sale_id: Uuid) -> Result<Vec<Uuid>, DbError> {
    let own = of_customer_in_txn(tx, order_id).await?;
    dead_in_txn(tx, &[sale_id], own).await
}

fn refusal(take: &Take, maximum: i64, dead_holds: Vec<Uuid>) -> LimitReached {
    let (sku, requested) = (take.sku.clone(), take.quantity);
    LimitReached { sku, requested, maximum: Ord::max(maximum, 0), dead_holds }
}
