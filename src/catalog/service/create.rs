//! Making products: one, or many by a few statements.

use crate::auth::{Permission, Viewer};
use crate::catalog::draft::{
    CheckedProduct, Problems, Slug, check_product, lowest, sku_taken, slug_taken,
};
use crate::catalog::search_text::{SearchText, search_text};
use crate::catalog::service::write::{
    Refused, bind, insert_in_txn, insert_search_in_txn, insert_variants_in_txn,
};
use crate::catalog::service::{Catalog, taken};
use crate::catalog::{CatalogError, NewProduct};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::text::name_key;
use crate::validation::{Problem, ProblemKind};
use entity::product;
use sea_orm::sea_query::Expr;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Rows of one bulk creation at most.
pub const MAX_ROWS: usize = 1_000;

/// What to do with the good rows when others are bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ErrorPolicy {
    /// Make nothing.
    RejectEverything,
    /// Make the good ones.
    RejectFailedRows,
}

/// What became of one row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CreatedRow {
    /// The product's key; None when the row was rejected.
    pub product_id: Option<Uuid>,
    /// What is wrong with the row, from its fields on.
    pub problems: Vec<Problem>,
}

/// What became of a creation.
#[derive(Debug, Clone)]
pub struct Created<T> {
    /// It.
    pub outcome: T,
    /// Whether this repeats an earlier answer.
    pub replayed: bool,
}

/// A product that can be made.
struct Accepted<'a> {
    id: Uuid,
    slug: String,
    product: &'a CheckedProduct,
}

impl Accepted<'_> {
    fn search_text(&self) -> (Uuid, SearchText) {
        let variants = self.product.variants.iter().map(|v| (v.sku.as_str(), v.name.as_str()));
        (self.id, search_text(&self.product.name, &self.product.description, variants))
    }
}

impl Catalog {
    /// Makes a product with its variants and their opening stock, and tells its key. Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] with everything that is wrong.
    pub async fn create_product(
        &self,
        viewer: &Viewer,
        new: NewProduct,
        idempotency_key: Option<&str>,
    ) -> Result<Created<Option<Uuid>>, CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        let key = bind(viewer, "productCreate", idempotency_key, &new)?;
        let rows = [check_product(&new)];
        let created = self.create_rows(viewer, key, &rows, ErrorPolicy::RejectEverything).await;
        match created {
            Ok(created) => Ok(Created {
                outcome: created.outcome.first().and_then(|row| row.product_id),
                replayed: created.replayed,
            }),
            Err(Refused::Rows(rows)) => {
                Err(CatalogError::Invalid(rows.into_iter().flat_map(|row| row.problems).collect()))
            }
            Err(Refused::Because(error)) => Err(error),
        }
    }

    /// Makes many products and tells what became of each row. A row with a problem leaves the
    /// others as `policy` says. Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when the rows are none or too many.
    pub async fn create_products(
        &self,
        viewer: &Viewer,
        rows: &[NewProduct],
        policy: ErrorPolicy,
        idempotency_key: Option<&str>,
    ) -> Result<Created<Vec<CreatedRow>>, CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        if rows.is_empty() || rows.len() > MAX_ROWS {
            let kind = if rows.is_empty() { ProblemKind::Required } else { ProblemKind::TooLong };
            let message = format!("Give 1 to {MAX_ROWS} rows.");
            return Err(Problem::new(kind, ["rows"], message).into());
        }
        let key = bind(viewer, "productBulkCreate", idempotency_key, &(rows, policy))?;
        let checked: Vec<_> = rows.iter().map(check_product).collect();
        match self.create_rows(viewer, key, &checked, policy).await {
            Ok(created) => Ok(created),
            Err(Refused::Rows(outcome)) => Ok(Created { outcome, replayed: false }),
            Err(Refused::Because(error)) => Err(error),
        }
    }

    async fn create_rows(
        &self,
        viewer: &Viewer,
        key: Option<IdempotencyKey>,
        rows: &[(CheckedProduct, Problems)],
        policy: ErrorPolicy,
    ) -> Result<Created<Vec<CreatedRow>>, Refused> {
        let key = key.as_ref();
        self.db
            .tx(|tx| async move {
                if let Some(key) = key
                    && let Claim::Earlier(outcome) = key.claim_in_txn(&tx).await?
                {
                    return Ok(Created { outcome, replayed: true });
                }
                let outcome = self.create_in_txn(&tx, viewer, rows, policy).await;
                let outcome = outcome.map_err(Refused::or_again)?;
                if let Some(key) = key {
                    key.record_in_txn(&tx, &outcome).await?;
                }
                Ok(Created { outcome, replayed: false })
            })
            .await
    }

    async fn create_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        rows: &[(CheckedProduct, Problems)],
        policy: ErrorPolicy,
    ) -> Result<Vec<CreatedRow>, Refused> {
        let taken = taken::look_up_in_txn(tx, rows).await?;
        let (accepted, outcome) = judge(rows, taken);
        let rejected = accepted.len() < rows.len();
        if rejected && (policy == ErrorPolicy::RejectEverything || accepted.is_empty()) {
            let problems = outcome.into_iter().map(|row| CreatedRow { product_id: None, ..row });
            return Err(Refused::Rows(problems.collect()));
        }
        self.insert_products_in_txn(tx, &accepted).await?;
        let variants = accepted.iter().map(|made| (made.id, 0, made.product.variants.as_slice()));
        let opening = insert_variants_in_txn(tx, variants.collect()).await?;
        let texts = accepted.iter().map(Accepted::search_text).collect();
        insert_search_in_txn(tx, texts).await?;
        self.stock.open_in_txn(tx, viewer, &opening).await.map_err(CatalogError::from)?;
        self.appear_after::<crate::catalog::Product>(tx, accepted.iter().map(|made| made.id));
        Ok(outcome)
    }

    async fn insert_products_in_txn(
        &self,
        tx: &Tx,
        accepted: &[Accepted<'_>],
    ) -> Result<(), CatalogError> {
        use product::Column;
        let columns = [
            Column::Id,
            Column::CategoryId,
            Column::Name,
            Column::NameKey,
            Column::Slug,
            Column::Description,
            Column::Status,
            Column::LowestPrice,
            Column::CreatedAt,
            Column::UpdatedAt,
        ];
        let now = tx.db().now_sql();
        let rows = accepted.iter().map(|Accepted { id, slug, product }| {
            let prices = product.variants.iter().flat_map(|variant| &variant.prices);
            [
                Expr::value(*id),
                Expr::value(product.category_id),
                Expr::value(product.name.as_str()),
                Expr::value(name_key(&product.name)),
                Expr::value(slug.as_str()),
                Expr::value(product.description.as_str()),
                Expr::value(product.status.as_str()),
                Expr::value(lowest(prices, self.shop_currency)),
                now.clone(),
                now.clone(),
            ]
        });
        insert_in_txn(tx, product::Entity, columns, rows.collect()).await
    }
}

/// Tells the good rows from the bad ones. Of rows that want the same SKU or slug the first good
/// one gets it.
fn judge(
    rows: &[(CheckedProduct, Problems)],
    mut taken: taken::Taken,
) -> (Vec<Accepted<'_>>, Vec<CreatedRow>) {
    let mut accepted = Vec::with_capacity(rows.len());
    let mut outcome = Vec::with_capacity(rows.len());
    for (product, problems) in rows {
        let mut problems = problems.0.clone();
        if !taken.categories.contains(&product.category_id) {
            let message = "There is no category with this id.";
            problems.push(Problem::new(ProblemKind::NotFound, ["categoryId"], message));
        }
        let slug = match &product.slug {
            Slug::Given(slug) => {
                if taken.slugs.contains(slug) {
                    problems.push(slug_taken(slug));
                }
                slug.clone()
            }
            Slug::Like(base) => taken::free_slug(base, &taken.slugs),
        };
        for (index, variant) in product.variants.iter().enumerate() {
            if taken.skus.contains(&variant.sku) {
                let place = ["variants".to_owned(), index.to_string()];
                problems.push(sku_taken(&variant.sku).within(place));
            }
        }
        let mut row = CreatedRow { product_id: None, problems };
        if row.problems.is_empty() {
            let id = Uuid::now_v7();
            row.product_id = Some(id);
            taken.slugs.insert(slug.clone());
            taken.skus.extend(product.variants.iter().map(|variant| variant.sku.clone()));
            accepted.push(Accepted { id, slug, product });
        }
        outcome.push(row);
    }
    (accepted, outcome)
}
