//! The catalogue in the schema.

mod category;
mod filter;
mod input;
mod mutation;
mod payload;
mod product;
mod query;
mod variant;

pub use category::Category;
pub use mutation::CatalogMutation;
pub use product::Product;
pub(crate) use product::currency_or_shops;
pub use query::CatalogQuery;
pub use variant::ProductVariant;

use crate::catalog::CatalogError;
use crate::graphql::{Fault, UserError};
use crate::stock::{StockError, graphql as stock_graphql};

impl From<CatalogError> for Fault {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::BadArgument(message) => Self::bad_user_input(message),
            CatalogError::Denied(denied) => denied.into(),
            CatalogError::Stock(error) => error.into(),
            CatalogError::Db(error) => error.into(),
            error @ (CatalogError::Invalid(_)
            | CatalogError::VersionConflict { .. }
            | CatalogError::Idempotency(_)) => Self::internal(&error),
        }
    }
}

/// What a refused mutation answers; a fault stays an error of the response. Refusals that stock
/// knows as well read the same in both.
fn refusal(error: CatalogError) -> Result<Vec<UserError>, Fault> {
    match error {
        CatalogError::Invalid(problems) => Ok(problems.into_iter().map(UserError::from).collect()),
        CatalogError::Stock(error) => stock_graphql::refusal(error),
        CatalogError::VersionConflict { actual } => {
            stock_graphql::refusal(StockError::VersionConflict { actual })
        }
        CatalogError::Idempotency(error) => stock_graphql::refusal(StockError::Idempotency(error)),
        error @ (CatalogError::BadArgument(_) | CatalogError::Denied(_) | CatalogError::Db(_)) => {
            Err(error.into())
        }
    }
}
