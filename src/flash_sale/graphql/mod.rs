//! Flash sales in the schema.

mod input;
mod mutation;
mod query;
mod types;

pub use mutation::FlashSaleMutation;
pub use query::FlashSaleQuery;
pub use types::FlashSale;

use crate::flash_sale::{FlashSaleError, LimitReached};
use crate::graphql::user_error::{FlashSaleLimitError, UserErrorCode};
use crate::graphql::{Fault, UserError};
use crate::stock::graphql::{conflict, pieces};

impl From<FlashSaleError> for Fault {
    fn from(error: FlashSaleError) -> Self {
        match error {
            FlashSaleError::Db(error) => error.into(),
            FlashSaleError::Denied(denied) => denied.into(),
            error @ (FlashSaleError::Invalid(_)
            | FlashSaleError::LimitReached(_)
            | FlashSaleError::VersionConflict { .. }
            | FlashSaleError::Idempotency(_)) => Self::internal(&error),
        }
    }
}

/// What a refused mutation answers; a fault stays an error of the response.
fn refusal(error: FlashSaleError) -> Result<Vec<UserError>, Fault> {
    match error {
        FlashSaleError::Invalid(problems) => {
            Ok(problems.into_iter().map(UserError::from).collect())
        }
        FlashSaleError::VersionConflict { actual } => Ok(vec![UserError::version_conflict(actual)]),
        FlashSaleError::Idempotency(error) => Ok(vec![conflict(&error)?]),
        error @ (FlashSaleError::LimitReached(_)
        | FlashSaleError::Denied(_)
        | FlashSaleError::Db(_)) => Err(error.into()),
    }
}

/// More was asked for at a sale's price than the buyer can have.
pub(crate) fn limit_reached<P: Into<String>>(
    limit: LimitReached,
    path: impl IntoIterator<Item = P>,
) -> UserError {
    let LimitReached { sku, requested, maximum, .. } = limit;
    let message = match maximum {
        0 => format!("You have had all of {sku} that one customer gets in this flash sale."),
        _ => format!(
            "In this flash sale you can have {maximum} of {sku}; {requested} were asked for."
        ),
    };
    UserError::FlashSaleLimit(FlashSaleLimitError {
        code: UserErrorCode::FlashSaleLimit,
        message,
        path: path.into_iter().map(Into::into).collect(),
        sku,
        requested: pieces(requested),
        maximum: pieces(maximum),
    })
}
