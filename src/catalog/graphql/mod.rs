//! The catalogue in the schema.

mod category;
mod filter;
mod product;
mod query;
mod variant;

pub use category::Category;
pub use product::{Product, ProductStatus};
pub use query::CatalogQuery;
pub use variant::ProductVariant;

use crate::catalog::CatalogError;
use crate::graphql::Fault;

impl From<CatalogError> for Fault {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::BadArgument(message) => Self::bad_user_input(message),
            CatalogError::Denied(denied) => denied.into(),
            CatalogError::Stock(error) => error.into(),
            CatalogError::Db(error) => error.into(),
            error @ (CatalogError::Invalid(_) | CatalogError::VersionConflict { .. }) => {
                Self::internal(&error)
            }
        }
    }
}
