//! Pages of variants, of many products at once.

use crate::auth::Viewer;
use crate::catalog::service::nested::of_each;
use crate::catalog::service::pages::{check_cursors, pages};
use crate::catalog::service::rows::{PARENT, VariantRow, gather_variants, with_prices};
use crate::catalog::service::{Catalog, sees_all};
use crate::catalog::{CatalogError, Variant};
use crate::db::page::{CursorKey, Keyset, Page, Window};
use entity::{product, product_variant};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SimpleExpr};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

impl Catalog {
    /// For each product a page of its variants, those that the viewer may see.
    ///
    /// # Errors
    /// [`CatalogError::BadArgument`] for a cursor that cannot be of this list.
    pub async fn list_variants_of(
        &self,
        viewer: &Viewer,
        products: &[Uuid],
        window: &Window,
    ) -> Result<HashMap<Uuid, Page<Arc<Variant>>>, CatalogError> {
        check_cursors(window, |cursor| matches!(cursor.key, CursorKey::Int(_)))?;
        let limited = |product: SimpleExpr| {
            let mut select = Query::select();
            select
                .column((product_variant::Entity, Asterisk))
                .from(product_variant::Entity)
                .and_where(column(product_variant::Column::ProductId).eq(product));
            if !sees_all(viewer) {
                select.and_where(column(product_variant::Column::Status).eq("ACTIVE"));
            }
            keyset().apply(&mut select, window);
            select
        };
        let parents = (products, product::Entity);
        let mut rows: Vec<VariantRow> = Vec::new();
        for page in of_each(&self.db, parents, product_variant::Entity, limited) {
            // The pages are cut before the prices are joined to them.
            let mut select = Query::select();
            select.from_subquery(page, product_variant::Entity);
            rows.append(&mut self.db.all(&with_prices(select)).await?);
        }
        let variants = gather_variants(rows).into_iter();
        let variants = variants.map(|variant| (variant.product_id, Arc::new(variant)));
        Ok(pages(variants, window, false, |variant| variant.place()))
    }

    /// For each product the number of its variants that the viewer may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_variants_of(
        &self,
        viewer: &Viewer,
        products: &[Uuid],
    ) -> Result<HashMap<Uuid, u64>, CatalogError> {
        let product = (product_variant::Entity, product_variant::Column::ProductId);
        let mut select = Query::select();
        select
            .expr_as(Expr::col(product), PARENT)
            .expr_as(column(product_variant::Column::Id).count(), "count")
            .from(product_variant::Entity)
            .group_by_columns([product]);
        if !sees_all(viewer) {
            select.and_where(column(product_variant::Column::Status).eq("ACTIVE"));
        }
        self.counts(select, Expr::col(product), products).await
    }
}

fn column(column: product_variant::Column) -> SimpleExpr {
    Expr::col((product_variant::Entity, column))
}

/// Variants stand in the order of their places.
fn keyset() -> Keyset {
    let key = Some(column(product_variant::Column::Position));
    Keyset { key, id: column(product_variant::Column::Id), descending: false }
}
