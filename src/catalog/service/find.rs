//! Look-ups of many objects at once: what loaders call. Those by key go through the entity cache,
//! which knows nothing of viewers; what the viewer may see is decided on what comes back.

use crate::auth::Viewer;
use crate::catalog::service::read::{
    read_categories, read_price_ranges, read_products, read_variants,
};
use crate::catalog::service::{Catalog, sees_all};
use crate::catalog::{
    CatalogError, Category, PriceRange, Product, ProductStatus, Variant, VariantStatus,
};
use entity::{category, product, product_variant};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Order, Query};
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
        let db = self.db.clone();
        let read =
            |ids: Vec<Uuid>| async move { read_products(&db, product::Column::Id, &ids).await };
        let mut products = self.cache.get_many::<Product, _, _>(ids, read).await?;
        products.retain(|_, product| is_visible(viewer, product));
        Ok(products)
    }

    /// The product, if it is at hand without waiting and the viewer may see it.
    #[must_use]
    pub fn peek_product(&self, viewer: &Viewer, id: Uuid) -> Option<Arc<Product>> {
        self.cache.peek::<Product>(id).filter(|product| is_visible(viewer, product))
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
        let found = read_products(&self.db, product::Column::Slug, &storable(slugs)).await?;
        let visible = found.into_iter().filter(|product| is_visible(viewer, product));
        Ok(visible.map(|product| (product.slug.clone(), Arc::new(product))).collect())
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
        let db = self.db.clone();
        let read = |ids: Vec<Uuid>| async move {
            read_variants(&db, product_variant::Column::Id, &ids).await
        };
        let found = self.cache.get_many::<Variant, _, _>(ids, read).await?;
        self.visible_variants(viewer, found).await
    }

    /// Variants by key that a cart or an order refers to, whoever looks and whether or not they are
    /// still sold: for their lines alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_variants_in_use(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Variant>>, CatalogError> {
        self.find_variants(&Viewer::System, ids).await
    }

    /// The products of such variants, by key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_products_in_use(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Product>>, CatalogError> {
        self.find_products(&Viewer::System, ids).await
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
        let column = product_variant::Column::Sku;
        let found = read_variants(&self.db, column, &storable(skus)).await?;
        let found = found.into_iter().map(|variant| (variant.sku.clone(), Arc::new(variant)));
        self.visible_variants(viewer, found.collect()).await
    }

    /// A variant is sold when it and its product are.
    async fn visible_variants<K: Eq + std::hash::Hash>(
        &self,
        viewer: &Viewer,
        mut variants: HashMap<K, Arc<Variant>>,
    ) -> Result<HashMap<K, Arc<Variant>>, CatalogError> {
        if !sees_all(viewer) {
            variants.retain(|_, variant| variant.status == VariantStatus::Active);
            let products: Vec<Uuid> = variants.values().map(|variant| variant.product_id).collect();
            let products = self.find_products(viewer, &products).await?;
            variants.retain(|_, variant| products.contains_key(&variant.product_id));
        }
        Ok(variants)
    }

    /// Categories by key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_categories(
        &self,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Category>>, CatalogError> {
        let db = self.db.clone();
        let read =
            |ids: Vec<Uuid>| async move { read_categories(&db, category::Column::Id, &ids).await };
        Ok(self.cache.get_many::<Category, _, _>(ids, read).await?)
    }

    /// Has the categories at hand before anybody asks, the first so many by slug: nearly every page
    /// names some of them. Tells how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_categories_ahead(&self, most: u64) -> Result<usize, CatalogError> {
        #[derive(FromQueryResult)]
        struct Row {
            id: Uuid,
        }
        let mut select = Query::select();
        select
            .column(category::Column::Id)
            .from(category::Entity)
            .order_by(category::Column::Slug, Order::Asc)
            .limit(most);
        let rows: Vec<Row> = self.db.all(&select).await?;
        let ids: Vec<Uuid> = rows.into_iter().map(|row| row.id).collect();
        Ok(self.find_categories(&ids).await?.len())
    }

    /// The category, if it is at hand without waiting.
    #[must_use]
    pub fn peek_category(&self, id: Uuid) -> Option<Arc<Category>> {
        self.cache.peek(id)
    }

    /// Categories by slug.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_categories_by_slug(
        &self,
        slugs: &[String],
    ) -> Result<HashMap<String, Arc<Category>>, CatalogError> {
        let found = read_categories(&self.db, category::Column::Slug, &storable(slugs)).await?;
        let found = found.into_iter().map(|category| (category.slug.clone(), Arc::new(category)));
        Ok(found.collect())
    }

    /// The price ranges of products, one a currency that an active variant has a price in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_price_ranges(
        &self,
        product_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<PriceRange>>, CatalogError> {
        Ok(read_price_ranges(&self.db, product_ids).await?)
    }
}

fn is_visible(viewer: &Viewer, product: &Product) -> bool {
    product.status == ProductStatus::Active || sees_all(viewer)
}

/// Without texts that no column can hold: Postgres knows no NUL and would refuse the statement.
fn storable(texts: &[String]) -> Vec<String> {
    texts.iter().filter(|text| !text.contains('\0')).cloned().collect()
}
