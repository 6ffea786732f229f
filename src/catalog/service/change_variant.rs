//! Adding, changing and deleting variants of products.

use crate::auth::{Permission, Viewer};
use crate::catalog::draft::{
    CheckedVariant, MAX_VARIANTS, NewPrice, NewVariant, Problems, check_options, check_prices,
    check_sku, check_variant, check_variant_name, sku_taken,
};
use crate::catalog::service::change_product::{
    Deleted, check_version, lock_in_txn, variants_in_txn,
};
use crate::catalog::service::create::Created;
use crate::catalog::service::write::{
    bind, insert_prices_in_txn, insert_variants_in_txn, options_json,
};
use crate::catalog::service::{Catalog, taken};
use crate::catalog::{CatalogError, Variant, VariantOption, VariantStatus};
use crate::db::Tx;
use crate::events::EntityChange;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::validation::{Problem, ProblemKind};
use entity::{product, product_variant, variant_price};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use std::collections::HashSet;
use uuid::Uuid;

/// What to change of a variant; None leaves a field.
#[derive(Debug, Clone, Default)]
pub struct VariantChange {
    /// The variant.
    pub id: Uuid,
    /// The unique stock keeping unit.
    pub sku: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// All its list prices.
    pub prices: Option<Vec<NewPrice>>,
    /// All its options.
    pub options: Option<Vec<VariantOption>>,
    /// Whether it is sold.
    pub status: Option<VariantStatus>,
    /// Only if the variant still has this version.
    pub expected_version: Option<i64>,
}

impl Catalog {
    /// Adds a variant to a product, with its opening stock, and tells its key. Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] with everything that is wrong.
    pub async fn create_variant(
        &self,
        viewer: &Viewer,
        product_id: Uuid,
        new: &NewVariant,
        idempotency_key: Option<&str>,
    ) -> Result<Created<Uuid>, CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        let key = bind(viewer, "variantCreate", idempotency_key, &(product_id, new))?;
        let (checked, problems) = check_variant(new);
        let (variant, problems, key) = (&checked, &problems, key.as_ref());
        self.db
            .tx(|tx| async move {
                if let Some(earlier) = earlier_in_txn(&tx, key).await? {
                    return Ok(Created { outcome: earlier, replayed: true });
                }
                let new = (variant, problems);
                let outcome = self.create_variant_in_txn(&tx, viewer, product_id, new).await;
                let outcome = outcome.map_err(CatalogError::or_again)?;
                if let Some(key) = key {
                    key.record_in_txn(&tx, &outcome).await?;
                }
                Ok(Created { outcome, replayed: false })
            })
            .await
    }

    async fn create_variant_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        product_id: Uuid,
        (variant, problems): (&CheckedVariant, &Problems),
    ) -> Result<Uuid, CatalogError> {
        let model = lock_in_txn(tx, product_id, "productId").await?;
        let present = variants_in_txn(tx, product_id).await?;
        let mut problems = Problems::default().with("variant", problems);
        if present.len() >= MAX_VARIANTS {
            let message = format!("A product has at most {MAX_VARIANTS} variants.");
            problems.0.push(Problem::new(ProblemKind::LimitReached, ["productId"], message));
        }
        if !taken::skus_in_txn(tx, HashSet::from([variant.sku.clone()])).await?.is_empty() {
            problems.0.push(sku_taken(&variant.sku).within(["variant"]));
        }
        if !problems.0.is_empty() {
            return Err(CatalogError::Invalid(problems.0));
        }
        let position = present.last().map_or(0, |last| last.position.saturating_add(1));
        let variants = vec![(product_id, position, std::slice::from_ref(variant))];
        let opening = insert_variants_in_txn(tx, variants).await?;
        self.stock.open_in_txn(tx, viewer, &opening).await?;
        self.save_in_txn(tx, model).await?;
        let made = opening.first().map(|opening| opening.variant_id);
        made.ok_or_else(|| CatalogError::fault("a variant was made and is not there"))
    }

    /// Changes a variant. Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] with everything that is wrong, [`CatalogError::VersionConflict`].
    pub async fn update_variant(
        &self,
        viewer: &Viewer,
        change: &VariantChange,
    ) -> Result<(), CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        self.db
            .tx(|tx| async move {
                let (product, variants) = lock_of_in_txn(&tx, change.id).await?;
                let updated = self.update_variant_in_txn(&tx, &variants, change).await;
                updated.map_err(CatalogError::or_again)?;
                self.save_in_txn(&tx, product).await
            })
            .await
    }

    /// Deletes a variant, or archives it when stock movements, carts or orders refer to it.
    /// Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when there is none or it is the last one that is sold,
    /// [`CatalogError::VersionConflict`].
    pub async fn delete_variant(
        &self,
        viewer: &Viewer,
        id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<Deleted, CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        self.db
            .tx(|tx| async move {
                let (product, variants) = lock_of_in_txn(&tx, id).await?;
                check_version(expected_version, one_of(&variants, id)?.version)?;
                check_others_sold(&variants, id, "id")?;
                let deleted = if !self.is_referred_to_in_txn(&tx, &[id]).await? {
                    let mut delete = Query::delete();
                    delete
                        .from_table(product_variant::Entity)
                        .and_where(Expr::col(product_variant::Column::Id).eq(id));
                    let deleted = tx.run(&delete).await.map_err(CatalogError::from);
                    deleted.map_err(CatalogError::or_again)?;
                    self.forget_after::<Variant>(&tx, id, EntityChange::DELETED);
                    Deleted::Gone
                } else {
                    let status = Some(VariantStatus::Archived);
                    let archive = VariantChange { id, status, ..VariantChange::default() };
                    self.update_variant_in_txn(&tx, &variants, &archive).await?;
                    Deleted::Archived
                };
                self.save_in_txn(&tx, product).await?;
                Ok(deleted)
            })
            .await
    }

    async fn update_variant_in_txn(
        &self,
        tx: &Tx,
        variants: &[Variant],
        change: &VariantChange,
    ) -> Result<(), CatalogError> {
        use product_variant::Column;
        let variant = one_of(variants, change.id)?;
        check_version(change.expected_version, variant.version)?;
        let mut problems = Problems::default();
        let mut update = Query::update();
        update.table(product_variant::Entity).and_where(Expr::col(Column::Id).eq(change.id));
        if let Some(sku) = &change.sku {
            let sku = problems.keep(check_sku(sku));
            let others = HashSet::from([sku.clone()]);
            if sku != variant.sku && !taken::skus_in_txn(tx, others).await?.is_empty() {
                problems.0.push(sku_taken(&sku));
            }
            update.value(Column::Sku, sku);
        }
        if let Some(name) = &change.name {
            update.value(Column::Name, problems.keep(check_variant_name(name)));
        }
        if let Some(options) = &change.options {
            update.value(Column::Options, options_json(&check_options(options, &mut problems)));
        }
        if let Some(status) = change.status {
            if status == VariantStatus::Archived {
                problems.keep(check_others_sold(variants, change.id, "status"));
            }
            update.value(Column::Status, status.as_str());
        }
        let prices = change.prices.as_ref().map(|prices| check_prices(prices, &mut problems));
        if !problems.0.is_empty() {
            return Err(CatalogError::Invalid(problems.0));
        }
        if let Some(prices) = prices {
            let mut delete = Query::delete();
            delete
                .from_table(variant_price::Entity)
                .and_where(Expr::col(variant_price::Column::VariantId).eq(change.id));
            tx.run(&delete).await?;
            let prices = prices.into_iter().map(|price| (change.id, price));
            insert_prices_in_txn(tx, prices.collect()).await?;
        }
        let version = variant.version.saturating_add(1);
        update.value(Column::Version, version).value(Column::UpdatedAt, tx.db().now_sql());
        tx.run(&update).await?;
        self.forget_after::<Variant>(tx, change.id, version);
        Ok(())
    }
}

/// Claims a key, if there is one, and tells what an earlier use of it made.
pub(crate) async fn earlier_in_txn(
    tx: &Tx,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Uuid>, CatalogError> {
    let Some(key) = key else { return Ok(None) };
    Ok(match key.claim_in_txn(tx).await? {
        Claim::New => None,
        Claim::Earlier(id) => Some(id),
    })
}

/// The product of a variant, locked, and all its variants.
async fn lock_of_in_txn(
    tx: &Tx,
    variant: Uuid,
) -> Result<(product::Model, Vec<Variant>), CatalogError> {
    let mut select = Query::select();
    select
        .column((product_variant::Entity, sea_orm::sea_query::Asterisk))
        .from(product_variant::Entity)
        .and_where(Expr::col(product_variant::Column::Id).eq(variant));
    // A variant never changes its product: reading that before the lock is safe.
    let found: Option<product_variant::Model> = tx.one(&select).await?;
    let Some(found) = found else { return Err(no_variant().into()) };
    let product = lock_in_txn(tx, found.product_id, "id").await?;
    Ok((product, variants_in_txn(tx, found.product_id).await?))
}

fn no_variant() -> Problem {
    Problem::new(ProblemKind::NotFound, ["id"], "There is no variant with this id.")
}

fn one_of(variants: &[Variant], id: Uuid) -> Result<&Variant, CatalogError> {
    variants.iter().find(|variant| variant.id == id).ok_or_else(|| no_variant().into())
}

/// At least one variant of a product is sold.
fn check_others_sold(variants: &[Variant], id: Uuid, field: &str) -> Result<(), Problem> {
    let is_active = |variant: &&Variant| variant.status == VariantStatus::Active;
    let mut active = variants.iter().filter(is_active);
    if active.clone().any(|variant| variant.id == id) && active.all(|variant| variant.id == id) {
        let message = "A product has at least one variant that is sold: archive the product \
                       instead.";
        return Err(Problem::new(ProblemKind::LimitReached, [field], message));
    }
    Ok(())
}
