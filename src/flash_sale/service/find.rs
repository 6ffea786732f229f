//! Look-ups of many sales at once. Never from a cache: a price begins and ends at its moment.

use crate::auth::{Permission, Viewer};
use crate::cache::reads;
use crate::db::keys::{MAX_KEYS, among};
use crate::db::{DbError, Tx};
use crate::flash_sale::service::FlashSales;
use crate::flash_sale::service::rows::{SaleRow, column, gather, is_running, select_sales};
use crate::flash_sale::{FlashSale, FlashSaleError};
use entity::flash_sale::{Column, Entity};
use entity::{flash_sale_take, product, product_variant, shop_order};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Had {
    flash_sale_id: Uuid,
    had: i64,
}

impl FlashSales {
    /// The sales that run now, by variant; for variants that the caller was found to be allowed to
    /// see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_running(
        &self,
        variants: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<FlashSale>>, DbError> {
        reads::note_variants(variants);
        if let [variant] = variants {
            return Ok(running(self.look_at(*variant).await?.to_vec()));
        }
        let mut rows: Vec<SaleRow> = Vec::new();
        for variants in variants.chunks(MAX_KEYS) {
            rows.append(&mut self.db.all(&self.select_unended(variants)).await?);
        }
        Ok(running(rows))
    }

    async fn look_at(&self, variant: Uuid) -> Result<Arc<Vec<SaleRow>>, DbError> {
        let sales = self.clone();
        let look = move || async move {
            let rows = sales.db.all(&sales.select_unended(&[variant])).await?;
            Ok(Arc::new(rows))
        };
        self.looks.share(variant, look).await
    }

    /// The same in an open transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_running_in_txn(
        &self,
        tx: &Tx,
        variants: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<FlashSale>>, DbError> {
        let mut rows: Vec<SaleRow> = Vec::new();
        for variants in variants.chunks(MAX_KEYS) {
            rows.append(&mut tx.all(&self.select_running(variants)).await?);
        }
        Ok(by_variant(rows))
    }

    /// A select of the sales of variants that run and that are to come, for [`running`].
    pub(crate) fn select_unended(&self, variants: &[Uuid]) -> SelectStatement {
        let of_variants: SimpleExpr = among(column(Column::VariantId), variants);
        let unended = column(Column::EndsAt).gt(self.db.now_sql());
        select_sales(&self.db, of_variants.and(unended))
    }

    fn select_running(&self, variants: &[Uuid]) -> SelectStatement {
        let of_variants: SimpleExpr = among(column(Column::VariantId), variants);
        select_sales(&self.db, of_variants.and(is_running(&self.db)))
    }

    /// Sales by key, those that the viewer may see: staff all, others what runs of what is sold.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<FlashSale>>, FlashSaleError> {
        let mut rows: Vec<SaleRow> = Vec::new();
        for ids in ids.chunks(MAX_KEYS) {
            let mut select = select_sales(&self.db, among(column(Column::Id), ids));
            if !viewer.can(Permission::CatalogReadAll) {
                select.and_where(is_running(&self.db)).and_where(is_of_what_is_sold());
            }
            rows.append(&mut self.db.all(&select).await?);
        }
        Ok(gather(rows).into_iter().map(|sale| (sale.id, Arc::new(sale))).collect())
    }

    /// How many pieces a customer's orders have of each of these sales.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_had(
        &self,
        customer_id: Uuid,
        sales: &[Uuid],
    ) -> Result<HashMap<Uuid, i64>, DbError> {
        let mut own = Query::select();
        own.column(shop_order::Column::Id)
            .from(shop_order::Entity)
            .and_where(Expr::col(shop_order::Column::CustomerId).eq(customer_id));
        let mut select = select_had(own);
        select.and_where(among(Expr::col(flash_sale_take::Column::FlashSaleId), sales));
        let had: Vec<Had> = self.db.all(&select).await?;
        Ok(had.into_iter().map(|had| (had.flash_sale_id, had.had)).collect())
    }
}

/// A select of how many pieces some orders have of each sale.
fn select_had(orders: SelectStatement) -> SelectStatement {
    use flash_sale_take::Column as T;
    let sum = Func::coalesce([Expr::col(T::Quantity).sum(), Expr::value(0_i64)]);
    let mut select = Query::select();
    select
        .column(T::FlashSaleId)
        // A sum of bigints is a numeric on Postgres.
        .expr_as(Expr::expr(sum).cast_as("bigint"), "had")
        .from(flash_sale_take::Entity)
        .and_where(Expr::col(T::OrderId).in_subquery(orders))
        .group_by_columns([T::FlashSaleId]);
    select
}

/// How many pieces of a sale the customer of an order has, by all their orders.
pub(super) async fn had_in_txn(tx: &Tx, order_id: Uuid, sale_id: Uuid) -> Result<i64, DbError> {
    let Some(orders) = of_customer_in_txn(tx, order_id).await? else { return Ok(0) };
    let mut select = select_had(orders);
    select.and_where(Expr::col(flash_sale_take::Column::FlashSaleId).eq(sale_id));
    Ok(tx.one::<Had>(&select).await?.map_or(0, |had| had.had))
}

/// All orders of the customer of an order: those of the same account, and those under the same
/// e-mail address.
pub(super) async fn of_customer_in_txn(
    tx: &Tx,
    order_id: Uuid,
) -> Result<Option<SelectStatement>, DbError> {
    use shop_order::Column as O;
    let mut buyer = Query::select();
    buyer
        .columns([O::CustomerId, O::EmailKey])
        .from(shop_order::Entity)
        .and_where(Expr::col(O::Id).eq(order_id));
    let buyer: Option<Buyer> = tx.one(&buyer).await?;
    let Some(buyer) = buyer else { return Ok(None) };
    let of_buyer = |condition: SimpleExpr| {
        let mut orders = Query::select();
        orders.column(O::Id).from(shop_order::Entity).and_where(condition);
        orders
    };
    // Each half by an index of its own.
    let mut orders = of_buyer(Expr::col(O::EmailKey).eq(buyer.email_key.as_str()));
    if buyer.email_key.is_empty() {
        orders.and_where(Expr::cust("1 = 2"));
    }
    if let Some(customer_id) = buyer.customer_id {
        let of_account = of_buyer(Expr::col(O::CustomerId).eq(customer_id));
        orders.union(sea_orm::sea_query::UnionType::Distinct, of_account);
    }
    Ok(Some(orders))
}

#[derive(FromQueryResult)]
struct Buyer {
    customer_id: Option<Uuid>,
    email_key: String,
}

/// The sales that run, by variant, of what [`FlashSales::select_unended`] finds.
pub(crate) fn running(mut rows: Vec<SaleRow>) -> HashMap<Uuid, Arc<FlashSale>> {
    for row in &rows {
        // What is paid changes when a sale begins and ends, and nobody tells.
        reads::note_until(row.turns_at());
    }
    rows.retain(SaleRow::is_running);
    by_variant(rows)
}

fn by_variant(rows: Vec<SaleRow>) -> HashMap<Uuid, Arc<FlashSale>> {
    gather(rows).into_iter().map(|sale| (sale.variant_id, Arc::new(sale))).collect()
}

fn is_of_what_is_sold() -> SimpleExpr {
    use product_variant::Column as V;
    let mut sold = Query::select();
    sold.expr(Expr::value(1))
        .from(product_variant::Entity)
        .inner_join(
            product::Entity,
            Expr::col((product::Entity, product::Column::Id))
                .equals((product_variant::Entity, V::ProductId)),
        )
        .and_where(Expr::col((product_variant::Entity, V::Id)).equals((Entity, Column::VariantId)))
        .and_where(Expr::col((product_variant::Entity, V::Status)).eq("ACTIVE"))
        .and_where(Expr::col((product::Entity, product::Column::Status)).eq("ACTIVE"));
    Expr::exists(sold)
}
