//! Changing and deleting products.

use crate::auth::{Permission, Viewer};
use crate::catalog::draft::{
    Problems, check_description, check_name, check_slug, lowest, slug_taken,
};
use crate::catalog::search_text::search_text;
use crate::catalog::service::rows::{gather_variants, select_products, select_variants};
use crate::catalog::service::write::replace_search_in_txn;
use crate::catalog::service::{Catalog, filter, taken};
use crate::catalog::{CatalogError, Product, ProductStatus, Variant, VariantStatus};
use crate::db::Tx;
use crate::events::EntityChange;
use crate::text::name_key;
use crate::validation::{Problem, ProblemKind};
use entity::{product, product_search, product_variant};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use std::collections::HashSet;
use uuid::Uuid;

/// What to change of a product; None leaves a field.
#[derive(Debug, Clone, Default)]
pub struct ProductChange {
    /// The product.
    pub id: Uuid,
    /// The display name.
    pub name: Option<String>,
    /// The unique name for addresses of pages; it does not follow the name by itself.
    pub slug: Option<String>,
    /// What its page says.
    pub description: Option<String>,
    /// The category that it is sorted into.
    pub category_id: Option<Uuid>,
    /// Whether it is sold.
    pub status: Option<ProductStatus>,
    /// Only if the product still has this version.
    pub expected_version: Option<i64>,
}

/// What became of something that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// Stock movements, carts or orders refer to it: it was archived.
    Archived,
}

impl Catalog {
    /// Changes a product. Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] with everything that is wrong, [`CatalogError::VersionConflict`].
    pub async fn update_product(
        &self,
        viewer: &Viewer,
        change: &ProductChange,
    ) -> Result<(), CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        self.db
            .tx(|tx| async move {
                self.update_product_in_txn(&tx, change).await.map_err(CatalogError::or_again)
            })
            .await
    }

    async fn update_product_in_txn(
        &self,
        tx: &Tx,
        change: &ProductChange,
    ) -> Result<(), CatalogError> {
        let mut model = lock_in_txn(tx, change.id, "id").await?;
        check_version(change.expected_version, model.version)?;
        let mut problems = Problems::default();
        if let Some(name) = &change.name {
            model.name = problems.keep(check_name(name));
        }
        if let Some(description) = &change.description {
            model.description = problems.keep(check_description(description));
        }
        if let Some(slug) = &change.slug {
            let slug = problems.keep(check_slug(slug));
            let others = HashSet::from([slug.clone()]);
            if slug != model.slug && !taken::slugs_in_txn(tx, others).await?.is_empty() {
                problems.0.push(slug_taken(&slug));
            }
            model.slug = slug;
        }
        if let Some(category) = change.category_id {
            let ids = HashSet::from([category]);
            if taken::keys_in_txn(tx, entity::category::Entity, ids).await?.is_empty() {
                let message = "There is no category with this id.";
                problems.0.push(Problem::new(ProblemKind::NotFound, ["categoryId"], message));
            }
            model.category_id = category;
        }
        if let Some(status) = change.status {
            model.status = status.as_str().to_owned();
        }
        if !problems.0.is_empty() {
            return Err(CatalogError::Invalid(problems.0));
        }
        self.save_in_txn(tx, model).await
    }

    /// Deletes a product, or archives it when stock movements, carts or orders refer to it.
    /// Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when there is none, [`CatalogError::VersionConflict`].
    pub async fn delete_product(
        &self,
        viewer: &Viewer,
        id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<Deleted, CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        self.db
            .tx(|tx| async move {
                let mut model = lock_in_txn(&tx, id, "id").await?;
                check_version(expected_version, model.version)?;
                let variants = variants_in_txn(&tx, id).await?;
                let variants: Vec<Uuid> = variants.iter().map(|variant| variant.id).collect();
                if !self.is_referred_to_in_txn(&tx, &variants).await? {
                    remove_in_txn(&tx, id).await.map_err(CatalogError::or_again)?;
                    for variant in variants {
                        self.forget_after::<Variant>(&tx, variant, EntityChange::DELETED);
                    }
                    self.forget_after::<Product>(&tx, id, EntityChange::DELETED);
                    return Ok(Deleted::Gone);
                }
                model.status = ProductStatus::Archived.as_str().to_owned();
                self.save_in_txn(&tx, model).await?;
                Ok(Deleted::Archived)
            })
            .await
    }

    /// Writes a locked product with what follows from it and its variants: the keys it is sorted
    /// and searched by, and the next version.
    pub(crate) async fn save_in_txn(
        &self,
        tx: &Tx,
        model: product::Model,
    ) -> Result<(), CatalogError> {
        use product::Column;
        let mut variants = variants_in_txn(tx, model.id).await?;
        variants.retain(|variant| variant.status == VariantStatus::Active);
        let prices = variants.iter().flat_map(|variant| &variant.prices);
        let lowest_price = lowest(prices, self.shop_currency);
        let texts = variants.iter().map(|v| (v.sku.as_str(), v.name.as_str()));
        let text = search_text(&model.name, &model.description, texts);
        let version = model.version.saturating_add(1);
        let mut update = Query::update();
        update
            .table(product::Entity)
            .value(Column::NameKey, name_key(&model.name))
            .value(Column::Name, model.name)
            .value(Column::Slug, model.slug)
            .value(Column::Description, model.description)
            .value(Column::CategoryId, model.category_id)
            .value(Column::Status, model.status)
            .value(Column::LowestPrice, lowest_price)
            .value(Column::Version, version)
            .value(Column::UpdatedAt, tx.db().now_sql())
            .and_where(Expr::col(Column::Id).eq(model.id));
        tx.run(&update).await?;
        self.forget_after::<Product>(tx, model.id, version);
        replace_search_in_txn(tx, model.id, text).await
    }
}

/// The product, locked until the transaction ends: changes of it and of its variants come one
/// after the other.
pub(crate) async fn lock_in_txn(
    tx: &Tx,
    id: Uuid,
    field: &str,
) -> Result<product::Model, CatalogError> {
    let mut select = select_products(filter::column(product::Column::Id).eq(id));
    select.lock_exclusive();
    tx.one(&select).await?.ok_or_else(|| {
        Problem::new(ProblemKind::NotFound, [field], "There is no product with this id.").into()
    })
}

/// All variants of a product.
pub(crate) async fn variants_in_txn(tx: &Tx, product: Uuid) -> Result<Vec<Variant>, CatalogError> {
    let of_product = Expr::col((product_variant::Entity, product_variant::Column::ProductId));
    Ok(gather_variants(tx.all(&select_variants(of_product.eq(product))).await?))
}

/// Refuses to change what the caller has not seen.
pub(crate) fn check_version(expected: Option<i64>, actual: i64) -> Result<(), CatalogError> {
    match expected {
        Some(expected) if expected != actual => Err(CatalogError::VersionConflict { actual }),
        _ => Ok(()),
    }
}

/// Deletes a product with its variants, prices and levels.
async fn remove_in_txn(tx: &Tx, id: Uuid) -> Result<(), CatalogError> {
    // Not left to the cascade: the full-text index of SQLite follows by triggers.
    let mut search = Query::delete();
    search
        .from_table(product_search::Entity)
        .and_where(Expr::col(product_search::Column::ProductId).eq(id));
    tx.run(&search).await?;
    let mut delete = Query::delete();
    delete.from_table(product::Entity).and_where(Expr::col(product::Column::Id).eq(id));
    tx.run(&delete).await?;
    Ok(())
}
