//! Look-ups of many objects at once: what loaders call.

use crate::auth::Viewer;
use crate::catalog::service::rows::{gather_variants, select_products, select_variants, shared};
use crate::catalog::service::{Catalog, sees_all};
use crate::catalog::{CatalogError, Category, PriceRange, Product, ProductStatus, Variant};
use crate::db::keys::{MAX_KEYS, among};
use crate::money::{Currency, Money};
use entity::{category, product, product_variant, variant_price};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SimpleExpr, Value};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

impl Catalog {
    /// Products by key, those that the viewer may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_products(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Product>>, CatalogError> {
        let column = Expr::col((product::Entity, product::Column::Id));
        let products = self.products_where(column, ids).await?;
        Ok(visible_products(viewer, products).map(|product| (product.id, product)).collect())
    }

    /// Products by slug, those that the viewer may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_products_by_slug(
        &self,
        viewer: &Viewer,
        slugs: &[String],
    ) -> Result<HashMap<String, Arc<Product>>, CatalogError> {
        let column = Expr::col((product::Entity, product::Column::Slug));
        let products = self.products_where(column, &storable(slugs)).await?;
        let visible = visible_products(viewer, products);
        Ok(visible.map(|product| (product.slug.clone(), product)).collect())
    }

    /// Variants by key, those that the viewer may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_variants(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Variant>>, CatalogError> {
        let column = Expr::col((product_variant::Entity, product_variant::Column::Id));
        let variants = self.variants_where(column, ids).await?;
        Ok(visible_variants(viewer, variants).map(|variant| (variant.id, variant)).collect())
    }

    /// Variants by SKU, those that the viewer may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_variants_by_sku(
        &self,
        viewer: &Viewer,
        skus: &[String],
    ) -> Result<HashMap<String, Arc<Variant>>, CatalogError> {
        let column = Expr::col((product_variant::Entity, product_variant::Column::Sku));
        let variants = self.variants_where(column, &storable(skus)).await?;
        let visible = visible_variants(viewer, variants);
        Ok(visible.map(|variant| (variant.sku.clone(), variant)).collect())
    }

    /// Categories by key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_categories(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Category>>, CatalogError> {
        let column = Expr::col((category::Entity, category::Column::Id));
        let categories = self.categories_where(column, ids).await?;
        Ok(categories.map(|category| (category.id, category)).collect())
    }

    /// Categories by slug.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_categories_by_slug(
        &self,
        slugs: &[String],
    ) -> Result<HashMap<String, Arc<Category>>, CatalogError> {
        let column = Expr::col((category::Entity, category::Column::Slug));
        let categories = self.categories_where(column, &storable(slugs)).await?;
        Ok(categories.map(|category| (category.slug.clone(), category)).collect())
    }

    /// The price ranges of products, one a currency that an active variant has a price in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_price_ranges(
        &self,
        product_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<PriceRange>>, CatalogError> {
        let mut ranges: HashMap<Uuid, Vec<PriceRange>> = HashMap::new();
        for ids in product_ids.chunks(MAX_KEYS) {
            for row in self.db.all::<PriceRangeRow>(&select_price_ranges(ids)).await? {
                let Some(currency) = Currency::from_code(&row.currency) else { continue };
                let minimum = Money { minor: row.minimum, currency };
                let maximum = Money { minor: row.maximum, currency };
                ranges.entry(row.product_id).or_default().push(PriceRange { minimum, maximum });
            }
        }
        Ok(ranges)
    }

    async fn products_where<T: Clone + Into<Value>>(
        &self,
        column: SimpleExpr,
        keys: &[T],
    ) -> Result<Vec<Arc<Product>>, CatalogError> {
        let mut products = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_KEYS) {
            let select = select_products(among(column.clone(), keys));
            products.extend(self.db.all(&select).await?.into_iter().map(shared));
        }
        Ok(products)
    }

    async fn variants_where<T: Clone + Into<Value>>(
        &self,
        column: SimpleExpr,
        keys: &[T],
    ) -> Result<Vec<Variant>, CatalogError> {
        let mut variants = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_KEYS) {
            let select = select_variants(among(column.clone(), keys));
            variants.append(&mut gather_variants(self.db.all(&select).await?));
        }
        Ok(variants)
    }

    async fn categories_where<T: Clone + Into<Value>>(
        &self,
        column: SimpleExpr,
        keys: &[T],
    ) -> Result<impl Iterator<Item = Arc<Category>> + use<T>, CatalogError> {
        let mut categories = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_KEYS) {
            let mut select = Query::select();
            select
                .column((category::Entity, Asterisk))
                .from(category::Entity)
                .and_where(among(column.clone(), keys));
            categories.append(&mut self.db.all::<category::Model>(&select).await?);
        }
        Ok(categories.into_iter().map(|model| Arc::new(model.into())))
    }
}

#[derive(FromQueryResult)]
struct PriceRangeRow {
    product_id: Uuid,
    currency: String,
    minimum: i64,
    maximum: i64,
}

fn select_price_ranges(product_ids: &[Uuid]) -> sea_orm::sea_query::SelectStatement {
    let product_id = (product_variant::Entity, product_variant::Column::ProductId);
    let currency = (variant_price::Entity, variant_price::Column::Currency);
    let amount = Expr::col((variant_price::Entity, variant_price::Column::Amount));
    let mut select = Query::select();
    select
        .column(product_id)
        .column(currency)
        .expr_as(amount.clone().min(), "minimum")
        .expr_as(amount.max(), "maximum")
        .from(product_variant::Entity)
        .inner_join(
            variant_price::Entity,
            Expr::col((variant_price::Entity, variant_price::Column::VariantId))
                .equals((product_variant::Entity, product_variant::Column::Id)),
        )
        .and_where(among(Expr::col(product_id), product_ids))
        .and_where(
            Expr::col((product_variant::Entity, product_variant::Column::Status)).eq("ACTIVE"),
        )
        .group_by_columns([product_id])
        .group_by_columns([currency]);
    select
}

/// Without texts that no column can hold: Postgres knows no NUL and would refuse the statement.
fn storable(texts: &[String]) -> Vec<String> {
    texts.iter().filter(|text| !text.contains('\0')).cloned().collect()
}

fn visible_products(
    viewer: &Viewer,
    products: Vec<Arc<Product>>,
) -> impl Iterator<Item = Arc<Product>> {
    let all = sees_all(viewer);
    products.into_iter().filter(move |product| all || product.status == ProductStatus::Active)
}

fn visible_variants(viewer: &Viewer, variants: Vec<Variant>) -> impl Iterator<Item = Arc<Variant>> {
    let all = sees_all(viewer);
    variants.into_iter().filter(move |variant| all || variant.is_sold()).map(Arc::new)
}
