//! Lists of sales, for staff.

use crate::auth::{Permission, Viewer};
use crate::db::keys::among;
use crate::db::page::{Keyset, Page, Window};
use crate::flash_sale::service::FlashSales;
use crate::flash_sale::service::rows::{SaleRow, column, gather, status, with_prices};
use crate::flash_sale::{FlashSale, FlashSaleError, FlashSaleFilter};
use entity::flash_sale::{Column, Entity};
use entity::product_variant;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement};
use std::sync::Arc;

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

impl FlashSales {
    /// A page of sales, those that begin last first. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        viewer: &Viewer,
        filter: &FlashSaleFilter,
        window: &Window,
    ) -> Result<Page<Arc<FlashSale>>, FlashSaleError> {
        viewer.may(Permission::CatalogReadAll)?;
        let mut page = Query::select();
        page.column((Entity, Asterisk)).from(Entity);
        self.restrict(&mut page, filter);
        keyset().apply(&mut page, window);
        // The page is cut before the prices are joined to it.
        let mut select = Query::select();
        select.from_subquery(page, Entity);
        let rows: Vec<SaleRow> = self.db.all(&with_prices(&self.db, select)).await?;
        let mut sales: Vec<Arc<FlashSale>> = gather(rows).into_iter().map(Arc::new).collect();
        sales.sort_by_key(|sale| sale.place());
        // As the keyset has them: descending, unless the page is counted from the end.
        if !window.backward {
            sales.reverse();
        }
        Ok(Page::cut(sales, window))
    }

    /// How many sales there are. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(
        &self,
        viewer: &Viewer,
        filter: &FlashSaleFilter,
    ) -> Result<u64, FlashSaleError> {
        viewer.may(Permission::CatalogReadAll)?;
        let mut select = Query::select();
        select.expr_as(Expr::col(Asterisk).count(), "count").from(Entity);
        self.restrict(&mut select, filter);
        let count: Option<Count> = self.db.one(&select).await?;
        Ok(count.map_or(0, |count| u64::try_from(count.count).unwrap_or_default()))
    }

    fn restrict(&self, select: &mut SelectStatement, filter: &FlashSaleFilter) {
        if let Some(skus) = &filter.skus {
            let mut variants = Query::select();
            variants
                .column(product_variant::Column::Id)
                .from(product_variant::Entity)
                .and_where(among(Expr::col(product_variant::Column::Sku), skus));
            select.and_where(column(Column::VariantId).in_subquery(variants));
        }
        if let Some(wanted) = filter.status {
            select.and_where(status(&self.db).eq(wanted.as_str()));
        }
    }
}

fn keyset() -> Keyset {
    Keyset { key: Some(column(Column::StartsAt)), id: column(Column::Id), descending: true }
}
