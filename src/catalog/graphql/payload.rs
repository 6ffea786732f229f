//! What the catalogue's mutations answer.

use crate::catalog::CreatedRow;
use crate::catalog::graphql::category::Category;
use crate::catalog::graphql::product::Product;
use crate::catalog::graphql::variant::ProductVariant;
use crate::catalog::loader::CatalogLoaders;
use crate::graphql::user_error::{RowsRejectedWarning, WarningCode};
use crate::graphql::{Fault, UserError, Warning};
use async_graphql::{Context, ID, SimpleObject};

/// The answer to categoryCreate.
#[derive(SimpleObject, Default)]
pub struct CategoryCreatePayload {
    /// The new category; null when nothing happened.
    pub(super) category: Option<Category>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to categoryUpdate.
#[derive(SimpleObject, Default)]
pub struct CategoryUpdatePayload {
    /// The category as it is now; null when nothing happened.
    pub(super) category: Option<Category>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to categoryDelete.
#[derive(SimpleObject, Default)]
pub struct CategoryDeletePayload {
    /// The id that nothing has any more; null when nothing happened.
    pub(super) deleted_id: Option<ID>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to productCreate.
#[derive(SimpleObject, Default)]
pub struct ProductCreatePayload {
    /// The new product; null when nothing happened.
    pub(super) product: Option<Product>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to productUpdate.
#[derive(SimpleObject, Default)]
pub struct ProductUpdatePayload {
    /// The product as it is now; null when nothing happened.
    pub(super) product: Option<Product>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to productDelete.
#[derive(SimpleObject, Default)]
pub struct ProductDeletePayload {
    /// The id that nothing has any more; null when it was archived or nothing happened.
    pub(super) deleted_id: Option<ID>,
    /// The product when it was archived; null otherwise.
    pub(super) product: Option<Product>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to variantCreate.
#[derive(SimpleObject, Default)]
pub struct VariantCreatePayload {
    /// The new variant; null when nothing happened.
    pub(super) variant: Option<ProductVariant>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to variantUpdate.
#[derive(SimpleObject, Default)]
pub struct VariantUpdatePayload {
    /// The variant as it is now; null when nothing happened.
    pub(super) variant: Option<ProductVariant>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to variantDelete.
#[derive(SimpleObject, Default)]
pub struct VariantDeletePayload {
    /// The id that nothing has any more; null when it was archived or nothing happened.
    pub(super) deleted_id: Option<ID>,
    /// The variant when it was archived; null otherwise.
    pub(super) variant: Option<ProductVariant>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// The answer to productBulkCreate.
#[derive(SimpleObject, Default)]
pub struct ProductBulkCreatePayload {
    /// What became of each row, in the order of the rows; empty when the rows were none or too many.
    pub(super) results: Vec<ProductBulkCreateResult>,
    /// Why nothing happened; empty when it did.
    pub(super) user_errors: Vec<UserError>,
    /// What differs from the ask.
    pub(super) warnings: Vec<Warning>,
}

/// What became of one row.
#[derive(SimpleObject)]
pub struct ProductBulkCreateResult {
    /// Which row, from 0.
    index: i32,
    /// The new product; null when none was made.
    product: Option<Product>,
    /// What is wrong with the row; empty when a product was made or another row was in the way.
    user_errors: Vec<UserError>,
}

impl ProductBulkCreatePayload {
    /// The errors of rows are the errors of the mutation when nothing was made; else they stay
    /// with the rows, and a warning says how many there are.
    pub(super) async fn of(ctx: &Context<'_>, rows: Vec<CreatedRow>) -> Result<Self, Fault> {
        let made: Vec<_> = rows.iter().filter_map(|row| row.product_id).collect();
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let mut products = loaders.product.get_many(made.clone()).await?.into_iter();
        let mut payload = Self::default();
        let mut rejected = 0;
        for (index, row) in (0..).zip(rows) {
            let user_errors = errors(index, &row);
            if made.is_empty() {
                payload.user_errors.extend(user_errors.iter().cloned());
            }
            rejected += i32::from(row.product_id.is_none());
            let product = row.product_id.and_then(|_| products.next().flatten()).map(Product);
            payload.results.push(ProductBulkCreateResult { index, product, user_errors });
        }
        if rejected > 0 && !made.is_empty() {
            payload.warnings.push(rows_rejected(rejected));
        }
        Ok(payload)
    }
}

fn errors(index: i32, row: &CreatedRow) -> Vec<UserError> {
    let place = ["rows".to_owned(), index.to_string()];
    let problems = row.problems.iter().cloned();
    problems.map(|problem| problem.within(place.clone()).into()).collect()
}

fn rows_rejected(rejected: i32) -> Warning {
    Warning::RowsRejected(RowsRejectedWarning {
        code: WarningCode::RowsRejected,
        message: format!("{rejected} rows were rejected; the others were made."),
        path: vec!["rows".to_owned()],
        rejected,
    })
}
